//! Qwen 2 and 2.5: Llama's names with large biases on queries, keys and values.

use super::prelude::*;

pub(super) static QWEN2: Family = Family {
    id: "qwen2",
    title: "Qwen 2",
    model_types: &["qwen2"],
    fit: |names| {
        let biased = names.any_layer("layers.{l}.self_attn.q_proj.bias");
        let rms = names.any_layer("layers.{l}.input_layernorm.weight")
            && !names.any_layer("layers.{l}.input_layernorm.bias");
        if biased && rms && names.any_layer("layers.{l}.self_attn.o_proj.weight") { 5 } else { 0 }
    },
    recipe,
};

pub(super) fn recipe(s: &Survey<'_>) -> Result<Recipe, ModelError> {
    let window =
        s.config.size(&["sliding_window"]).filter(|_| s.config.flag("use_sliding_window", false));
    let first = s.config.size(&["max_window_layers"]).unwrap_or(28);
    Ok(Recipe {
        eps: s.config.eps(1e-6),
        activation: s.config.activation(&["hidden_act"], Activation::Silu),
        window: s.windows(window, |l| l >= first),
        rope: s.rope(1.0),
        ..Recipe::default()
    })
}

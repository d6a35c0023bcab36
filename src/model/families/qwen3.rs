//! Qwen 3: Llama's names, and each query and key normed by itself before it turns.

use super::prelude::*;

pub(super) static QWEN3: Family = Family {
    id: "qwen3",
    title: "Qwen 3",
    model_types: &["qwen3"],
    fit: |names| {
        let normed = names.any_layer("layers.{l}.self_attn.q_norm.weight");
        if normed && names.any_layer("layers.{l}.input_layernorm.weight") { 8 } else { 0 }
    },
    recipe,
};

pub(super) fn recipe(s: &Survey<'_>) -> Result<Recipe, ModelError> {
    let window =
        s.config.size(&["sliding_window"]).filter(|_| s.config.flag("use_sliding_window", false));
    let first = s.config.size(&["max_window_layers"]).unwrap_or(28);
    Ok(Recipe {
        qk_norm: PerLayer::All(Some((
            QkNormPaths::Shared("self_attn.q_norm", "self_attn.k_norm"),
            NormKind::Rms,
        ))),
        eps: s.config.eps(1e-6),
        activation: s.config.activation(&["hidden_act"], Activation::Silu),
        window: s.windows(window, |l| l >= first),
        rope: s.rope(1.0),
        prepend_bos: false,
        ..Recipe::default()
    })
}

//! Llama and what is built like it: RMS norm in front, rotary pairs half a head apart, gated MLP.

use super::prelude::*;

pub(super) static LLAMA: Family = Family {
    id: "llama",
    title: "Llama",
    model_types: &["llama", "code_llama"],
    fit: |names| {
        let like = names.any_layer("layers.{l}.self_attn.o_proj.weight")
            && names.any_layer("layers.{l}.input_layernorm.weight")
            && names.any_layer("layers.{l}.self_attn.q_proj.weight");
        if like { 1 } else { 0 }
    },
    recipe,
};

fn recipe(s: &Survey<'_>) -> Result<Recipe, ModelError> {
    Ok(Recipe {
        eps: s.config.eps(1e-6),
        activation: s.config.activation(&["hidden_act"], Activation::Silu),
        rope: s.rope(1.0),
        ..Recipe::default()
    })
}

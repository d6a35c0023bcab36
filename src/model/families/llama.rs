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

/// Families whose tensors have the same names.
pub(super) const LIKE_IT: [&str; 7] =
    ["llama", "gemma", "mistral", "granite", "helium", "ernie4_5", "smollm3"];

fn recipe(s: &Survey<'_>) -> Result<Recipe, ModelError> {
    Ok(Recipe {
        eps: s.config.eps(1e-6),
        activation: s.config.activation(&["hidden_act"], Activation::Silu),
        rope: s.rope(1.0),
        doubt: Some(
            "Mistral, Granite, Helium, ERNIE 4.5 and SmolLM 3 have the same names: Granite has factors on scores and stream, Helium and \
             ERNIE other pairs in the rotary embedding, SmolLM 3 layers without one. If it is one of those, add its config.json or \
             name the family before you believe a prompt; spectra are the same.",
        ),
        ..Recipe::default()
    })
}

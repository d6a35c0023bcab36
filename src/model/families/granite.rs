//! Granite: Llama's names with four multipliers: on scores, embeddings, what is added to the stream, and logits.

use super::prelude::*;

pub(super) static GRANITE: Family = Family {
    id: "granite",
    title: "Granite",
    model_types: &["granite"],
    // Without a config its names cannot be told from Llama's.
    fit: |_| 0,
    recipe,
};

pub(super) fn recipe(s: &Survey<'_>) -> Result<Recipe, ModelError> {
    let multiplier = |key: &str| s.config.number(&[key]).unwrap_or(1.0);
    Ok(Recipe {
        eps: s.config.eps(1e-6),
        activation: s.config.activation(&["hidden_act"], Activation::Silu),
        score_scale: Scale::Is(multiplier("attention_multiplier")),
        attention_factor: multiplier("residual_multiplier"),
        mlp_factor: multiplier("residual_multiplier"),
        rope: s.rope(1.0),
        embed_factor: multiplier("embedding_multiplier"),
        logits_factor: 1.0 / multiplier("logits_scaling"),
        ..Recipe::default()
    })
}

//! Mistral: Llama's names, with a sliding window where the config sets one.

use super::prelude::*;

pub(super) static MISTRAL: Family = Family {
    id: "mistral",
    title: "Mistral",
    model_types: &["mistral", "ministral"],
    // Without a config its names cannot be told from Llama's.
    fit: |_| 0,
    recipe,
};

pub(super) fn recipe(s: &Survey<'_>) -> Result<Recipe, ModelError> {
    Ok(Recipe {
        eps: s.config.eps(1e-6),
        activation: s.config.activation(&["hidden_act"], Activation::Silu),
        window: s.windows(s.config.size(&["sliding_window"]), |_| true),
        rope: s.rope(1.0),
        ..Recipe::default()
    })
}

//! Mistral: Llama's names, with a sliding window where the config sets one. Mixtral's heads are the same; its experts are not run.

use super::prelude::*;

pub(super) static MISTRAL: Family = Family {
    id: "mistral",
    title: "Mistral",
    model_types: &["mistral", "mixtral", "ministral"],
    // Without a config its names cannot be told from Llama's.
    fit: |names| if names.any_layer("layers.{l}.block_sparse_moe.gate.weight") { 10 } else { 0 },
    recipe,
};

fn recipe(s: &Survey<'_>) -> Result<Recipe, ModelError> {
    Ok(Recipe {
        eps: s.config.eps(1e-6),
        activation: s.config.activation(&["hidden_act"], Activation::Silu),
        window: s.windows(s.config.size(&["sliding_window"]), |_| true),
        rope: s.rope(1.0),
        ..Recipe::default()
    })
}

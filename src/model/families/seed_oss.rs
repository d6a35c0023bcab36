//! Seed-OSS: Llama's names, with biases on queries, keys and values, and heads of a width of their own.

use super::prelude::*;

pub(super) static SEED_OSS: Family = Family {
    id: "seed_oss",
    title: "Seed-OSS",
    model_types: &["seed_oss"],
    // Without a config its names cannot be told from Qwen 2's.
    fit: |_| 0,
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

//! Helium: Llama's names; neighbouring dimensions turn.

use super::prelude::*;

pub(super) static HELIUM: Family = Family {
    id: "helium",
    title: "Helium",
    model_types: &["helium"],
    // Without a config its names cannot be told from Llama's.
    fit: |_| 0,
    recipe,
};

fn recipe(s: &Survey<'_>) -> Result<Recipe, ModelError> {
    Ok(Recipe {
        eps: s.config.eps(1e-8),
        activation: s.config.activation(&["hidden_act"], Activation::Silu),
        rope: s.adjacent_rope(100_000.0, 1.0),
        ..Recipe::default()
    })
}

//! ERNIE 4.5: Llama's names; neighbouring dimensions turn.

use super::prelude::*;

pub(super) static ERNIE4_5: Family = Family {
    id: "ernie4_5",
    title: "ERNIE 4.5",
    model_types: &["ernie4_5"],
    // Without a config its names cannot be told from Llama's.
    fit: |_| 0,
    recipe,
};

pub(super) fn recipe(s: &Survey<'_>) -> Result<Recipe, ModelError> {
    Ok(Recipe {
        eps: s.config.eps(1e-5),
        activation: s.config.activation(&["hidden_act"], Activation::Silu),
        rope: s.adjacent_rope(500_000.0, 1.0),
        ..Recipe::default()
    })
}

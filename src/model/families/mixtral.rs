//! Mixtral: Mistral's attention, and a mixture of experts instead of every MLP.

use super::mistral;
use super::prelude::*;

pub(super) static MIXTRAL: Family = Family {
    id: "mixtral",
    title: "Mixtral",
    model_types: &["mixtral"],
    fit: |names| if names.any_layer("layers.{l}.block_sparse_moe.gate.weight") { 10 } else { 0 },
    recipe,
};

fn recipe(s: &Survey<'_>) -> Result<Recipe, ModelError> {
    Ok(Recipe {
        eps: s.config.eps(1e-5),
        rope: s.rope_of(1_000_000.0, 1.0),
        mixture: Some(MixturePaths {
            homes: &["block_sparse_moe", "mlp"],
            routing: softmax_routing(s.experts_per_token("num_experts_per_tok", 2), true),
            experts: ["w1", "w3", "w2"],
            ..MixturePaths::default()
        }),
        ..mistral::recipe(s)?
    })
}

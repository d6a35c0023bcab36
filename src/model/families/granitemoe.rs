//! Granite MoE: Granite's multipliers, and a mixture whose experts lie in one tensor.

use super::granite;
use super::prelude::*;

pub(super) static GRANITEMOE: Family = Family {
    id: "granitemoe",
    title: "Granite MoE",
    model_types: &["granitemoe"],
    fit: |names| {
        if names.any_layer("layers.{l}.block_sparse_moe.router.layer.weight") { 10 } else { 0 }
    },
    recipe,
};

fn recipe(s: &Survey<'_>) -> Result<Recipe, ModelError> {
    Ok(Recipe {
        mixture: Some(MixturePaths {
            homes: &["block_sparse_moe"],
            router: "router.layer",
            routing: softmax_routing(s.experts_per_token("num_experts_per_tok", 8), true),
            stacked: ["input_linear", "output_linear"],
            ..MixturePaths::default()
        }),
        ..granite::recipe(s)?
    })
}

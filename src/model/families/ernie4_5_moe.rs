//! ERNIE 4.5 MoE: ERNIE's attention; a mixture that chooses by corrected scores and weighs by the scores themselves.

use super::ernie4_5;
use super::prelude::*;

pub(super) static ERNIE4_5_MOE: Family = Family {
    id: "ernie4_5_moe",
    title: "ERNIE 4.5 MoE",
    model_types: &["ernie4_5_moe"],
    fit: |names| {
        let corrected = "layers.{l}.mlp.moe_statics.e_score_correction_bias";
        if names.any_layer(corrected) { 10 } else { 0 }
    },
    recipe,
};

fn recipe(s: &Survey<'_>) -> Result<Recipe, ModelError> {
    let least = s.config.number(&["moe_norm_min"]).unwrap_or(1e-12);
    let routing = softmax_routing(s.experts_per_token("moe_k", 6), true);
    Ok(Recipe {
        mixture: Some(MixturePaths {
            correction: Some("moe_statics.e_score_correction_bias"),
            routing: routing.map(|routing| Routing { normalised: Some(least), ..routing }),
            shared: Some(SharedPaths { path: "shared_experts", gate: None }),
            ..MixturePaths::default()
        }),
        ..ernie4_5::recipe(s)?
    })
}

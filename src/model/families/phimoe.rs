//! Phi-3.5-MoE: Mixtral's names, LayerNorm with biases, and a router that weighs each expert among its equals.

use super::prelude::*;

pub(super) static PHIMOE: Family = Family {
    id: "phimoe",
    title: "Phi-3.5 MoE",
    model_types: &["phimoe"],
    fit: |names| {
        let routed = names.any_layer("layers.{l}.block_sparse_moe.gate.weight");
        if routed && names.any_layer("layers.{l}.input_layernorm.bias") { 12 } else { 0 }
    },
    recipe,
};

fn recipe(s: &Survey<'_>) -> Result<Recipe, ModelError> {
    let tolerance = 2.0 * s.config.number(&["router_jitter_noise"]).unwrap_or(0.01);
    let routing = softmax_routing(s.experts_per_token("num_experts_per_tok", 2), false);
    Ok(Recipe {
        norm: NormKind::Layer,
        eps: s.config.eps(1e-5),
        mixture: Some(MixturePaths {
            homes: &["block_sparse_moe", "mlp"],
            routing: routing.map(|routing| Routing {
                scores: RouterScores::SparseMixer { tolerance },
                ..routing
            }),
            experts: ["w1", "w3", "w2"],
            ..MixturePaths::default()
        }),
        activation: s.config.activation(&["hidden_act"], Activation::Silu),
        window: s.windows(s.config.size(&["sliding_window"]), |_| true),
        rope: s.rope_of(1_000_000.0, 1.0),
        ..Recipe::default()
    })
}

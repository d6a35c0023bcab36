//! GLM 4.5 and 4.6: pairs half a head apart (GLM 4 has neighbours), and DeepSeek's routing.

use super::prelude::*;

pub(super) static GLM4_MOE: Family = Family {
    id: "glm4_moe",
    title: "GLM 4 MoE",
    model_types: &["glm4_moe"],
    fit: |names| {
        let corrected = names.any_layer("layers.{l}.mlp.gate.e_score_correction_bias");
        if corrected && names.any_layer("layers.{l}.self_attn.q_proj.bias") { 12 } else { 0 }
    },
    recipe,
};

fn recipe(s: &Survey<'_>) -> Result<Recipe, ModelError> {
    let norm = QkNormPaths::Shared("self_attn.q_norm", "self_attn.k_norm");
    let normed =
        s.config.flag("use_qk_norm", s.names.any_layer("layers.{l}.self_attn.q_norm.weight"));
    Ok(Recipe {
        qk_norm: PerLayer::All(normed.then_some((norm, NormKind::Rms))),
        eps: s.config.eps(1e-5),
        mixture: Some(MixturePaths {
            correction: Some("gate.e_score_correction_bias"),
            routing: s.grouped_routing(8, [1, 1], 1.0),
            shared: Some(SharedPaths { path: "shared_experts", gate: None }),
            ..MixturePaths::default()
        }),
        activation: s.config.activation(&["hidden_act"], Activation::Silu),
        rope: s.rope(0.5),
        tied: false,
        ..Recipe::default()
    })
}

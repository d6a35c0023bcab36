//! OLMoE: queries and keys normed over all heads together, and a mixture of experts.

use super::prelude::*;

pub(super) static OLMOE: Family = Family {
    id: "olmoe",
    title: "OLMoE",
    model_types: &["olmoe"],
    // Gains as wide as all heads together tell it from Qwen 3 MoE.
    fit: |names| {
        let shape = |path: &str| {
            let template = format!("layers.{{l}}.{path}.weight");
            let prefix = names.layers(&template).into_keys().next()?;
            names.layer_shape(&prefix, &template).map(<[usize]>::to_vec)
        };
        let (gains, queries) = (shape("self_attn.q_norm"), shape("self_attn.q_proj"));
        let together =
            gains.is_some() && gains.as_deref() == queries.as_deref().and_then(|s| s.get(..1));
        if together && names.any_layer("layers.{l}.mlp.gate.weight") { 11 } else { 0 }
    },
    recipe,
};

fn recipe(s: &Survey<'_>) -> Result<Recipe, ModelError> {
    let normalised = s.config.flag("norm_topk_prob", false);
    Ok(Recipe {
        qk_norm: PerLayer::All(Some((
            QkNormPaths::Together("self_attn.q_norm", "self_attn.k_norm"),
            NormKind::Rms,
        ))),
        clip: s.config.number(&["clip_qkv"]),
        eps: s.config.eps(1e-5),
        mixture: Some(MixturePaths {
            routing: softmax_routing(s.experts_per_token("num_experts_per_tok", 8), normalised),
            ..MixturePaths::default()
        }),
        activation: s.config.activation(&["hidden_act"], Activation::Silu),
        rope: s.rope(1.0),
        prepend_bos: false,
        ..Recipe::default()
    })
}

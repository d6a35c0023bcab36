//! OLMo 2: no norm in front; queries and keys are normed over all heads together, sub-layers' outputs before they are added.

use super::prelude::*;

pub(super) static OLMO2: Family = Family {
    id: "olmo2",
    title: "OLMo 2",
    model_types: &["olmo2"],
    fit: |names| {
        let outputs = names.any_layer("layers.{l}.post_feedforward_layernorm.weight");
        let normed = names.any_layer("layers.{l}.self_attn.q_norm.weight");
        if outputs && normed && !names.any_layer("layers.{l}.input_layernorm.weight") {
            12
        } else {
            0
        }
    },
    recipe,
};

fn recipe(s: &Survey<'_>) -> Result<Recipe, ModelError> {
    Ok(Recipe {
        qk_norm: PerLayer::All(Some((
            QkNormPaths::Together("self_attn.q_norm", "self_attn.k_norm"),
            NormKind::Rms,
        ))),
        eps: s.config.eps(1e-6),
        before_attention: None,
        on_attention: Some("post_attention_layernorm"),
        before_mlp: None,
        on_mlp: Some("post_feedforward_layernorm"),
        activation: s.config.activation(&["hidden_act"], Activation::Silu),
        rope: s.rope(1.0),
        ..Recipe::default()
    })
}

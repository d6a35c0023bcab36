//! Hunyuan: Llama's names; queries and keys are normed after they have turned.

use super::prelude::*;

pub(super) static HUNYUAN: Family = Family {
    id: "hunyuan_v1_dense",
    title: "Hunyuan (dense)",
    model_types: &["hunyuan_v1_dense"],
    fit: |names| {
        if names.any_layer("layers.{l}.self_attn.query_layernorm.weight") { 10 } else { 0 }
    },
    recipe,
};

fn recipe(s: &Survey<'_>) -> Result<Recipe, ModelError> {
    Ok(Recipe {
        qk_norm: PerLayer::All(Some((
            QkNormPaths::Shared("self_attn.query_layernorm", "self_attn.key_layernorm"),
            NormKind::Rms,
        ))),
        turns_before_norm: true,
        eps: s.config.eps(1e-5),
        activation: s.config.activation(&["hidden_act"], Activation::Silu),
        rope: s.rope(1.0),
        ..Recipe::default()
    })
}

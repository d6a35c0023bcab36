//! ViT: image patches and a class token; both directions are seen. Two generations of names.

use super::prelude::*;

pub(super) static VIT: Family = Family {
    id: "vit",
    title: "ViT",
    model_types: &["vit"],
    fit: |names| {
        let old = names.any_layer("encoder.layer.{l}.attention.attention.query.weight");
        let new = names.any_layer("layers.{l}.attention.q_proj.weight")
            && names.any_layer("layers.{l}.layernorm_before.weight");
        if old || new { 10 } else { 0 }
    },
    recipe,
};

fn recipe(s: &Survey<'_>) -> Result<Recipe, ModelError> {
    let common = Recipe {
        norm: NormKind::Layer,
        eps: s.config.eps(1e-12),
        before_attention: Some("layernorm_before"),
        before_mlp: Some("layernorm_after"),
        activation: s.config.activation(&["hidden_act"], Activation::Gelu),
        causal: false,
        positions: Some(PositionPaths::from_zero("embeddings.position_embeddings")),
        front: Some(FrontPaths::Patches {
            projection: "embeddings.patch_embeddings.projection",
            before: &["embeddings.cls_token"],
        }),
        final_norm: Some("layernorm"),
        last_hidden_is_normed: false,
        unembed: &[],
        tied: false,
        ..Recipe::default()
    };
    if s.names.any_layer("encoder.layer.{l}.attention.attention.query.weight") {
        Ok(Recipe {
            layer: "encoder.layer.{l}.",
            qkv: QkvPaths::Separate(
                "attention.attention.query",
                "attention.attention.key",
                "attention.attention.value",
            ),
            output: "attention.output.dense",
            mlp: MlpPaths::Plain("intermediate.dense", "output.dense"),
            ..common
        })
    } else {
        Ok(Recipe {
            layer: "layers.{l}.",
            qkv: QkvPaths::Separate("attention.q_proj", "attention.k_proj", "attention.v_proj"),
            output: "attention.o_proj",
            mlp: MlpPaths::Plain("mlp.fc1", "mlp.fc2"),
            ..common
        })
    }
}

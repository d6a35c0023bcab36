//! DINOv2: ViT whose sub-layers' outputs pass a gain per dimension before they are added.

use super::prelude::*;

pub(super) static DINOV2: Family = Family {
    id: "dinov2",
    title: "DINOv2",
    model_types: &["dinov2"],
    fit: |names| if names.any_layer("encoder.layer.{l}.layer_scale1.lambda1") { 12 } else { 0 },
    recipe,
};

fn recipe(s: &Survey<'_>) -> Result<Recipe, ModelError> {
    let swiglu = s.names.any_layer("encoder.layer.{l}.mlp.weights_in.weight");
    Ok(Recipe {
        layer: "encoder.layer.{l}.",
        qkv: QkvPaths::Separate(
            "attention.attention.query",
            "attention.attention.key",
            "attention.attention.value",
        ),
        output: "attention.output.dense",
        norm: NormKind::Layer,
        eps: s.config.eps(1e-6),
        before_attention: Some("norm1"),
        before_mlp: Some("norm2"),
        layer_scale: Some(("layer_scale1.lambda1", "layer_scale2.lambda1")),
        mlp: if swiglu {
            MlpPaths::GatedFused("mlp.weights_in", "mlp.weights_out")
        } else {
            MlpPaths::Plain("mlp.fc1", "mlp.fc2")
        },
        activation: if swiglu {
            Activation::Silu
        } else {
            s.config.activation(&["hidden_act"], Activation::Gelu)
        },
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
    })
}

//! DINOv3's ViT: patches turn by row and column, class token and registers do not; a gain per dimension on what is added.

use super::prelude::*;

pub(super) static DINOV3_VIT: Family = Family {
    id: "dinov3_vit",
    title: "DINOv3 (ViT)",
    model_types: &["dinov3_vit"],
    fit: |names| {
        let like = names.any_layer("layer.{l}.layer_scale1.lambda1")
            && names.any_layer("layer.{l}.attention.q_proj.weight");
        if like { 13 } else { 0 }
    },
    recipe,
};

fn recipe(s: &Survey<'_>) -> Result<Recipe, ModelError> {
    let gated = s.names.any_layer("layer.{l}.mlp.gate_proj.weight");
    let activation = if gated { Activation::Silu } else { Activation::Gelu };
    Ok(Recipe {
        layer: "layer.{l}.",
        qkv: QkvPaths::Separate("attention.q_proj", "attention.k_proj", "attention.v_proj"),
        output: "attention.o_proj",
        norm: NormKind::Layer,
        eps: s.config.eps(1e-5),
        before_attention: Some("norm1"),
        before_mlp: Some("norm2"),
        layer_scale: Some(("layer_scale1.lambda1", "layer_scale2.lambda1")),
        mlp: if gated {
            MlpPaths::Gated("mlp.gate_proj", "mlp.up_proj", "mlp.down_proj")
        } else {
            MlpPaths::Plain("mlp.up_proj", "mlp.down_proj")
        },
        activation: s.config.activation(&["hidden_act"], activation),
        causal: false,
        grid_rope: Some(s.config.rope("full_attention", 100.0, 1.0).theta),
        front: Some(FrontPaths::Patches {
            projection: "embeddings.patch_embeddings",
            before: &["embeddings.cls_token", "embeddings.register_tokens"],
        }),
        final_norm: Some("norm"),
        last_hidden_is_normed: false,
        unembed: &[],
        tied: false,
        ..Recipe::default()
    })
}

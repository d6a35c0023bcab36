//! MPNet (all-mpnet-base-v2): BERT's layers, and one table of relative positions for all of them.

use super::prelude::*;

pub(super) static MPNET: Family = Family {
    id: "mpnet",
    title: "MPNet",
    model_types: &["mpnet"],
    fit: |names| {
        if names.any_layer("encoder.layer.{l}.attention.attn.q.weight") { 12 } else { 0 }
    },
    recipe,
};

fn recipe(s: &Survey<'_>) -> Result<Recipe, ModelError> {
    Ok(Recipe {
        layer: "encoder.layer.{l}.",
        qkv: QkvPaths::Separate("attention.attn.q", "attention.attn.k", "attention.attn.v"),
        output: "attention.attn.o",
        norm: NormKind::Layer,
        eps: s.config.eps(1e-12),
        before_attention: None,
        after_attention: Some("attention.LayerNorm"),
        before_mlp: None,
        after_mlp: Some("output.LayerNorm"),
        mlp: MlpPaths::Plain("intermediate.dense", "output.dense"),
        activation: s.config.activation(&["hidden_act"], Activation::Gelu),
        causal: false,
        relative: Some(RelativePaths::Buckets {
            table: "encoder.relative_attention_bias.weight",
            // The library's own, whatever the config says.
            buckets: Buckets { bidirectional: true, max_distance: 128 },
        }),
        embed: "embeddings.word_embeddings.weight",
        positions: Some(PositionPaths {
            table: "embeddings.position_embeddings.weight",
            offset: 2,
            skipped_token: Some(1),
        }),
        embed_norm: Some("embeddings.LayerNorm"),
        final_norm: None,
        unembed: &["lm_head.decoder"],
        tied: s.names.any("lm_head.dense.weight"),
        unembed_transform: Some(("lm_head.dense", "lm_head.layer_norm")),
        unembed_bias: Some("lm_head.bias"),
        ..Recipe::default()
    })
}

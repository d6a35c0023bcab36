//! DistilBERT: BERT without token types, under names of its own.

use super::prelude::*;

pub(super) static DISTILBERT: Family = Family {
    id: "distilbert",
    title: "DistilBERT",
    model_types: &["distilbert"],
    fit: |names| {
        if names.any_layer("transformer.layer.{l}.attention.q_lin.weight") { 10 } else { 0 }
    },
    recipe,
};

fn recipe(s: &Survey<'_>) -> Result<Recipe, ModelError> {
    Ok(Recipe {
        layer: "transformer.layer.{l}.",
        qkv: QkvPaths::Separate("attention.q_lin", "attention.k_lin", "attention.v_lin"),
        output: "attention.out_lin",
        norm: NormKind::Layer,
        eps: 1e-12,
        before_attention: None,
        after_attention: Some("sa_layer_norm"),
        before_mlp: None,
        after_mlp: Some("output_layer_norm"),
        mlp: MlpPaths::Plain("ffn.lin1", "ffn.lin2"),
        activation: s.config.activation(&["activation"], Activation::Gelu),
        causal: false,
        embed: "embeddings.word_embeddings.weight",
        positions: Some(PositionPaths::from_zero("embeddings.position_embeddings.weight")),
        embed_norm: Some("embeddings.LayerNorm"),
        final_norm: None,
        unembed: &["vocab_projector"],
        tied: s.names.any("vocab_transform.weight"),
        unembed_transform: Some(("vocab_transform", "vocab_layer_norm")),
        unembed_bias: Some("vocab_projector.bias"),
        ..Recipe::default()
    })
}

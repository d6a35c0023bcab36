//! BLOOM: ALiBi instead of positions, per head query, key, value in one matrix, a norm right after the embedding.

use super::prelude::*;

pub(super) static BLOOM: Family = Family {
    id: "bloom",
    title: "BLOOM",
    model_types: &["bloom"],
    fit: |names| {
        let fused = names.any_layer("h.{l}.self_attention.query_key_value.weight");
        if fused && names.any("word_embeddings_layernorm.weight") { 12 } else { 0 }
    },
    recipe,
};

fn recipe(s: &Survey<'_>) -> Result<Recipe, ModelError> {
    Ok(Recipe {
        layer: "h.{l}.",
        qkv: QkvPaths::Fused("self_attention.query_key_value", FusedOrder::Groups),
        output: "self_attention.dense",
        norm: NormKind::Layer,
        eps: s.config.eps(1e-5),
        mlp: MlpPaths::Plain("mlp.dense_h_to_4h", "mlp.dense_4h_to_h"),
        activation: Activation::GeluTanh,
        alibi: Some(AlibiKind::Plain),
        embed: "word_embeddings.weight",
        embed_norm: Some("word_embeddings_layernorm"),
        final_norm: Some("ln_f"),
        prepend_bos: false,
        ..Recipe::default()
    })
}

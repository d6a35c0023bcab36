//! BERT and sentence-transformers built on it: both directions are seen, norms stand after each sub-layer.

use super::prelude::*;

pub(super) static BERT: Family = Family {
    id: "bert",
    title: "BERT",
    model_types: &["bert"],
    fit: |names| {
        if names.any_layer("encoder.layer.{l}.attention.self.query.weight") { 10 } else { 0 }
    },
    recipe,
};

fn recipe(s: &Survey<'_>) -> Result<Recipe, ModelError> {
    let positions = s.config.text("position_embedding_type").filter(|&kind| kind != "absolute");
    Ok(Recipe {
        layer: "encoder.layer.{l}.",
        qkv: QkvPaths::Separate(
            "attention.self.query",
            "attention.self.key",
            "attention.self.value",
        ),
        output: "attention.output.dense",
        norm: NormKind::Layer,
        eps: s.config.eps(1e-12),
        before_attention: None,
        after_attention: Some("attention.output.LayerNorm"),
        before_mlp: None,
        after_mlp: Some("output.LayerNorm"),
        mlp: MlpPaths::Plain("intermediate.dense", "output.dense"),
        activation: s.config.activation(&["hidden_act"], Activation::Gelu),
        causal: s.config.flag("is_decoder", false),
        embed: "embeddings.word_embeddings.weight",
        positions: Some(PositionPaths::from_zero("embeddings.position_embeddings.weight")),
        token_types: Some("embeddings.token_type_embeddings.weight"),
        embed_norm: Some("embeddings.LayerNorm"),
        final_norm: None,
        unembed: &["cls.predictions.decoder"],
        tied: s.names.any("cls.predictions.transform.dense.weight"),
        unembed_transform: Some((
            "cls.predictions.transform.dense",
            "cls.predictions.transform.LayerNorm",
        )),
        unembed_bias: Some("cls.predictions.bias"),
        // What they add to the scores is in neither QK nor OV.
        cannot_run: positions
            .map(|kind| format!("its positions are {kind:?}, which are not run here")),
        ..Recipe::default()
    })
}

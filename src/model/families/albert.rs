//! ALBERT: BERT's layer with one set of tensors for all layers of a group, and narrower embeddings.

use super::prelude::*;

pub(super) static ALBERT: Family = Family {
    id: "albert",
    title: "ALBERT",
    model_types: &["albert"],
    fit: |names| {
        let like = names
            .any_layer("encoder.albert_layer_groups.{l}.albert_layers.0.attention.query.weight");
        if like { 12 } else { 0 }
    },
    recipe,
};

fn recipe(s: &Survey<'_>) -> Result<Recipe, ModelError> {
    Ok(Recipe {
        layer: "encoder.albert_layer_groups.{l}.albert_layers.0.",
        layer_paths: layer_paths(s),
        qkv: QkvPaths::Separate("attention.query", "attention.key", "attention.value"),
        output: "attention.dense",
        norm: NormKind::Layer,
        unsaid: s.config.n_layers().is_none().then_some(
            "How often the shared layers are used is in config.json alone (num_hidden_layers): once each is taken.",
        ),
        eps: s.config.eps(1e-12),
        before_attention: None,
        after_attention: Some("attention.LayerNorm"),
        before_mlp: None,
        after_mlp: Some("full_layer_layer_norm"),
        mlp: MlpPaths::Plain("ffn", "ffn_output"),
        activation: s.config.activation(&["hidden_act"], Activation::GeluTanh),
        causal: false,
        embed: "embeddings.word_embeddings.weight",
        embed_project: Some("encoder.embedding_hidden_mapping_in"),
        projects_last: true,
        positions: Some(PositionPaths::from_zero("embeddings.position_embeddings.weight")),
        token_types: Some("embeddings.token_type_embeddings.weight"),
        embed_norm: Some("embeddings.LayerNorm"),
        final_norm: None,
        unembed: &[],
        tied: false,
        ..Recipe::default()
    })
}

/// The path of each layer's tensors: the groups share the layers out evenly, and a group may have several of its own.
fn layer_paths(s: &Survey<'_>) -> Option<Vec<String>> {
    let path = |group: usize, inner: usize| {
        format!("encoder.albert_layer_groups.{group}.albert_layers.{inner}.")
    };
    let there = |group: usize, inner: usize| {
        s.names.any(&format!("{}attention.query.weight", path(group, inner)))
    };
    let groups = (0..).take_while(|&group| there(group, 0)).count();
    let inner = (0..).take_while(|&inner| there(0, inner)).count();
    let steps = s.config.n_layers().unwrap_or(groups).min(MOST_LAYERS / inner.max(1));
    let of_step = |step: usize| (0..inner).map(move |inner| path(step * groups / steps, inner));
    (groups > 0).then(|| (0..steps).flat_map(of_step).collect())
}

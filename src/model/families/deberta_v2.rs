//! DeBERTa 2 and 3: queries and keys also meet vectors of distances; Ω is the part where words meet words.

use super::prelude::*;

pub(super) static DEBERTA_V2: Family = Family {
    id: "deberta_v2",
    title: "DeBERTa v2/v3",
    model_types: &["deberta-v2"],
    fit: |names| {
        if names.any_layer("encoder.layer.{l}.attention.self.query_proj.weight") { 12 } else { 0 }
    },
    recipe,
};

fn recipe(s: &Survey<'_>) -> Result<Recipe, ModelError> {
    let relative =
        s.config.flag("relative_attention", s.names.any("encoder.rel_embeddings.weight"));
    let kinds = s.config.get("pos_att_type");
    let has = |kind: &str| match kinds {
        Some(Value::Array(list)) => list.iter().any(|k| k.as_str() == Some(kind)),
        Some(Value::String(text)) => text.split('|').any(|k| k == kind),
        // All released models have both.
        _ => s.config.is_empty(),
    };
    let (keys, queries) = (relative && has("c2p"), relative && has("p2c"));
    let shared = s.config.flag(
        "share_att_key",
        !s.names.any_layer("encoder.layer.{l}.attention.self.pos_key_proj.weight"),
    );
    let path = |used: bool, own: &'static str, shared_one: &'static str| {
        used.then_some(if shared { shared_one } else { own })
    };
    let terms = 1 + usize::from(keys) + usize::from(queries);
    let longest = s.config.number(&["max_relative_positions"]).filter(|&n| n >= 1.0);
    let longest = longest.or(s.config.number(&["max_position_embeddings"])).unwrap_or(512.0);
    let buckets = s.config.number(&["position_buckets"]).unwrap_or(256.0);
    let normed = s.config.text("norm_rel_ebd").unwrap_or("layer_norm").contains("layer_norm");
    let biased = s.config.flag("position_biased_input", false);
    Ok(Recipe {
        layer: "encoder.layer.{l}.",
        qkv: QkvPaths::Separate(
            "attention.self.query_proj",
            "attention.self.key_proj",
            "attention.self.value_proj",
        ),
        output: "attention.output.dense",
        norm: NormKind::Layer,
        eps: s.config.eps(1e-7),
        before_attention: None,
        after_attention: Some("attention.output.LayerNorm"),
        before_mlp: None,
        after_mlp: Some("output.LayerNorm"),
        mlp: MlpPaths::Plain("intermediate.dense", "output.dense"),
        activation: s.config.activation(&["hidden_act"], Activation::Gelu),
        causal: false,
        score_scale: Scale::HeadWidthTimes(terms as f64),
        relative: relative.then_some(RelativePaths::Disentangled {
            table: "encoder.rel_embeddings.weight",
            norm: normed.then_some("encoder.LayerNorm"),
            keys: path(keys, "attention.self.pos_key_proj", "attention.self.key_proj"),
            queries: path(queries, "attention.self.pos_query_proj", "attention.self.query_proj"),
            log_buckets: (buckets >= 1.0).then_some((buckets as usize, longest as usize)),
        }),
        embed: "embeddings.word_embeddings.weight",
        embed_project: s
            .names
            .any("embeddings.embed_proj.weight")
            .then_some("embeddings.embed_proj"),
        positions: biased
            .then_some(PositionPaths::from_zero("embeddings.position_embeddings.weight")),
        token_types: Some("embeddings.token_type_embeddings.weight"),
        embed_norm: Some("embeddings.LayerNorm"),
        final_norm: None,
        unembed: &[],
        tied: false,
        cannot_run: s
            .names
            .any("encoder.conv.conv.weight")
            .then(|| "a convolution after its first layer is not known here".to_owned()),
        ..Recipe::default()
    })
}

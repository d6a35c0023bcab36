//! wav2vec 2.0 and HuBERT: convolutions over samples, one of them for positions; norms in front, or after each sub-layer.

use super::prelude::*;

pub(super) static WAV2VEC2: Family = Family {
    id: "wav2vec2",
    title: "wav2vec 2.0",
    model_types: &["wav2vec2"],
    fit: |names| {
        if names.any_layer("feature_extractor.conv_layers.{l}.conv.weight") { 11 } else { 0 }
    },
    recipe,
};

pub(super) static HUBERT: Family = Family {
    id: "hubert",
    title: "HuBERT",
    model_types: &["hubert"],
    fit: |names| {
        let like = names.any_layer("hubert.encoder.layers.{l}.attention.q_proj.weight");
        if like && names.any_layer("feature_extractor.conv_layers.{l}.conv.weight") {
            12
        } else {
            0
        }
    },
    recipe,
};

/// The released models' steps, from one window to the next.
const STRIDES: [usize; 7] = [5, 2, 2, 2, 2, 2, 2];

fn recipe(s: &Survey<'_>) -> Result<Recipe, ModelError> {
    let all_normed = s.names.any("feature_extractor.conv_layers.1.layer_norm.weight");
    // The models with a norm in every convolution are the ones with norms in front.
    let first = s.config.flag("do_stable_layer_norm", all_normed);
    let over_time = s.config.text("feat_extract_norm").map_or(!all_normed, |kind| kind == "group");
    let given = s.config.get("conv_stride").and_then(Value::as_array);
    let strides = given.map_or(STRIDES.to_vec(), |list| {
        list.iter().map(|n| n.as_u64().unwrap_or(1) as usize).collect()
    });
    let norms = |here: bool, path: &'static str| here.then_some(path);
    Ok(Recipe {
        layer: "encoder.layers.{l}.",
        qkv: QkvPaths::Separate("attention.q_proj", "attention.k_proj", "attention.v_proj"),
        output: "attention.out_proj",
        norm: NormKind::Layer,
        eps: s.config.eps(1e-5),
        before_attention: norms(first, "layer_norm"),
        after_attention: norms(!first, "layer_norm"),
        before_mlp: norms(first, "final_layer_norm"),
        after_mlp: norms(!first, "final_layer_norm"),
        mlp: MlpPaths::Plain("feed_forward.intermediate_dense", "feed_forward.output_dense"),
        activation: s.config.activation(&["hidden_act"], Activation::Gelu),
        causal: false,
        front: Some(FrontPaths::Wave {
            layer: "feature_extractor.conv_layers.{l}.",
            strides,
            over_time,
            activation: s.config.activation(&["feat_extract_activation"], Activation::Gelu),
            norm: "feature_projection.layer_norm",
            project: "feature_projection.projection",
            positions: "encoder.pos_conv_embed.conv",
        }),
        embed_norm: norms(!first, "encoder.layer_norm"),
        final_norm: norms(first, "encoder.layer_norm"),
        last_hidden_is_normed: false,
        unembed: &["lm_head"],
        tied: false,
        ..Recipe::default()
    })
}

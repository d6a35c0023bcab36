//! T5 (Flan, mT5): an encoder and a decoder; scores are not scaled, positions are a table over distances in the first layer.

use super::prelude::*;

pub(super) static T5: Family = Family {
    id: "t5",
    title: "T5",
    model_types: &["t5", "mt5", "umt5"],
    fit: |names| {
        if names.any_layer("encoder.block.{l}.layer.0.SelfAttention.q.weight") { 12 } else { 0 }
    },
    recipe,
};

fn recipe(s: &Survey<'_>) -> Result<Recipe, ModelError> {
    let encoder = encoder(s);
    if !s.names.any_layer("decoder.block.{l}.layer.0.SelfAttention.q.weight") {
        return Ok(encoder);
    }
    let own_head = s.names.any("lm_head.weight") && !s.config.flag("tie_word_embeddings", false);
    let embed = embed(s, "decoder.embed_tokens.weight");
    let columns = s.names.find("", embed).and_then(|name| s.names.shape(&name)?.get(1).copied());
    let width = columns.map(|d| d as f64);
    Ok(Recipe {
        stream: StackKind::Decoder,
        others: vec![encoder],
        layer: "decoder.block.{l}.",
        n_layers: s.config.size(&["num_decoder_layers"]),
        cross: Some(CrossPaths {
            qkv: QkvPaths::Separate(
                "layer.1.EncDecAttention.q",
                "layer.1.EncDecAttention.k",
                "layer.1.EncDecAttention.v",
            ),
            output: "layer.1.EncDecAttention.o",
            before: Some("layer.1.layer_norm"),
            after: None,
        }),
        before_mlp: Some("layer.2.layer_norm"),
        mlp: mlp(s, "decoder.block.{l}.", DECODER_MLP),
        causal: true,
        relative: relative(s, false),
        embed,
        final_norm: Some("decoder.final_layer_norm"),
        unembed: &["lm_head"],
        tied: true,
        // What shares its embedding with the output divides by √d_model in front of it.
        logits_factor: if own_head { 1.0 } else { width.map_or(1.0, |d| d.sqrt().recip()) },
        ..encoder_like(s)
    })
}

fn encoder(s: &Survey<'_>) -> Recipe {
    Recipe {
        stream: StackKind::Encoder,
        layer: "encoder.block.{l}.",
        before_mlp: Some("layer.1.layer_norm"),
        mlp: mlp(s, "encoder.block.{l}.", ENCODER_MLP),
        causal: false,
        relative: relative(s, true),
        embed: embed(s, "encoder.embed_tokens.weight"),
        final_norm: Some("encoder.final_layer_norm"),
        unembed: &[],
        tied: false,
        ..encoder_like(s)
    }
}

/// What both sides share.
fn encoder_like(s: &Survey<'_>) -> Recipe {
    // Every released T5 has heads of 64.
    let d_head = s.config.size(&["d_kv"]).or(s.config.is_empty().then_some(64));
    let kind = s.config.text("feed_forward_proj").unwrap_or("relu");
    let named = match kind.strip_prefix("gated-").unwrap_or(kind) {
        "gelu" if kind.starts_with("gated-") => Activation::GeluTanh,
        other => Activation::named(other),
    };
    Recipe {
        qkv: QkvPaths::Separate(
            "layer.0.SelfAttention.q",
            "layer.0.SelfAttention.k",
            "layer.0.SelfAttention.v",
        ),
        output: "layer.0.SelfAttention.o",
        d_head,
        eps: s.config.eps(1e-6),
        before_attention: Some("layer.0.layer_norm"),
        activation: s.config.activation(&["dense_act_fn"], named),
        score_scale: Scale::Is(1.0),
        ..Recipe::default()
    }
}

const ENCODER_MLP: [&str; 4] = [
    "layer.1.DenseReluDense.wi_0",
    "layer.1.DenseReluDense.wi_1",
    "layer.1.DenseReluDense.wi",
    "layer.1.DenseReluDense.wo",
];
const DECODER_MLP: [&str; 4] = [
    "layer.2.DenseReluDense.wi_0",
    "layer.2.DenseReluDense.wi_1",
    "layer.2.DenseReluDense.wi",
    "layer.2.DenseReluDense.wo",
];

fn mlp(s: &Survey<'_>, layer: &str, [gate, up, plain, down]: [&'static str; 4]) -> MlpPaths {
    let gated = s.names.any_layer(&format!("{layer}{gate}.weight"));
    if gated { MlpPaths::Gated(gate, up, down) } else { MlpPaths::Plain(plain, down) }
}

fn relative(s: &Survey<'_>, bidirectional: bool) -> Option<RelativePaths> {
    let max_distance = s.config.size(&["relative_attention_max_distance"]).unwrap_or(128);
    Some(RelativePaths::Buckets {
        table: "layer.0.SelfAttention.relative_attention_bias.weight",
        buckets: Buckets { bidirectional, max_distance },
    })
}

/// The table that both sides share, or the side's own.
fn embed(s: &Survey<'_>, own: &'static str) -> &'static str {
    if s.names.any("shared.weight") { "shared.weight" } else { own }
}

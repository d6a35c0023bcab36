//! Whisper: an encoder over a spectrogram and a decoder over tokens, norms in front, keys without a bias.

use super::prelude::*;

pub(super) static WHISPER: Family = Family {
    id: "whisper",
    title: "Whisper",
    model_types: &["whisper"],
    fit: |names| {
        if names.any("encoder.conv1.weight") && names.any("encoder.conv2.weight") { 13 } else { 0 }
    },
    recipe,
};

fn recipe(s: &Survey<'_>) -> Result<Recipe, ModelError> {
    let encoder = Recipe {
        stream: StackKind::Encoder,
        layer: "encoder.layers.{l}.",
        n_heads: s.config.size(&["encoder_attention_heads"]),
        n_layers: s.config.size(&["encoder_layers"]),
        causal: false,
        front: Some(FrontPaths::Mel { first: "encoder.conv1", second: "encoder.conv2" }),
        positions: Some(PositionPaths::from_zero("encoder.embed_positions.weight")),
        final_norm: Some("encoder.layer_norm"),
        unembed: &[],
        tied: false,
        ..side(s)
    };
    if !s.names.any_layer("decoder.layers.{l}.self_attn.q_proj.weight") {
        return Ok(encoder);
    }
    Ok(Recipe {
        stream: StackKind::Decoder,
        others: vec![encoder],
        layer: "decoder.layers.{l}.",
        n_heads: s.config.size(&["decoder_attention_heads"]),
        n_layers: s.config.size(&["decoder_layers"]),
        cross: Some(CrossPaths {
            qkv: QkvPaths::Separate(
                "encoder_attn.q_proj",
                "encoder_attn.k_proj",
                "encoder_attn.v_proj",
            ),
            output: "encoder_attn.out_proj",
            before: Some("encoder_attn_layer_norm"),
            after: None,
        }),
        embed: "decoder.embed_tokens.weight",
        embed_times_root_width: s.config.flag("scale_embedding", false),
        positions: Some(PositionPaths::from_zero("decoder.embed_positions.weight")),
        final_norm: Some("decoder.layer_norm"),
        unembed: &["proj_out"],
        ..side(s)
    })
}

/// What both sides share.
fn side(s: &Survey<'_>) -> Recipe {
    Recipe {
        output: "self_attn.out_proj",
        norm: NormKind::Layer,
        eps: 1e-5,
        // Every released Whisper has heads of 64.
        d_head: s.config.is_empty().then_some(64),
        before_attention: Some("self_attn_layer_norm"),
        before_mlp: Some("final_layer_norm"),
        mlp: MlpPaths::Plain("fc1", "fc2"),
        activation: s.config.activation(&["activation_function"], Activation::Gelu),
        ..Recipe::default()
    }
}

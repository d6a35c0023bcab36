//! BART and Marian: an encoder and a decoder with norms after each sub-layer; Marian's positions are sinusoids.

use super::prelude::*;

pub(super) static BART: Family = Family {
    id: "bart",
    title: "BART",
    model_types: &["bart"],
    fit: |names| {
        let tables = names.any("encoder.embed_positions.weight");
        if like(names) && tables { 12 } else { 0 }
    },
    recipe: bart,
};

pub(super) static MARIAN: Family = Family {
    id: "marian",
    title: "Marian",
    model_types: &["marian"],
    fit: |names| if like(names) { 11 } else { 0 },
    recipe: marian,
};

fn like(names: &Names) -> bool {
    names.any_layer("decoder.layers.{l}.encoder_attn.k_proj.bias")
        && names.any_layer("encoder.layers.{l}.self_attn_layer_norm.weight")
        && !names.any("encoder.layer_norm.weight")
}

fn bart(s: &Survey<'_>) -> Result<Recipe, ModelError> {
    let table = |table| Some(PositionPaths { table, offset: 2, skipped_token: None });
    let side = |recipe: Recipe, table_path, norm| Recipe {
        positions: table(table_path),
        embed_norm: Some(norm),
        ..recipe
    };
    let encoder = side(
        encoder(s, Activation::Gelu),
        "encoder.embed_positions.weight",
        "encoder.layernorm_embedding",
    );
    Ok(if has_decoder(s) {
        let decoder = decoder(s, Activation::Gelu, encoder);
        side(decoder, "decoder.embed_positions.weight", "decoder.layernorm_embedding")
    } else {
        encoder
    })
}

fn marian(s: &Survey<'_>) -> Result<Recipe, ModelError> {
    let side = |recipe: Recipe| Recipe {
        sinusoids: Some(Sinusoids { ends_at_slowest: false, offset: 0 }),
        ..recipe
    };
    let encoder = side(encoder(s, Activation::Silu));
    Ok(if has_decoder(s) { side(decoder(s, Activation::Silu, encoder)) } else { encoder })
}

fn has_decoder(s: &Survey<'_>) -> bool {
    s.names.any_layer("decoder.layers.{l}.self_attn.q_proj.weight")
}

fn encoder(s: &Survey<'_>, activation: Activation) -> Recipe {
    Recipe {
        stream: StackKind::Encoder,
        layer: "encoder.layers.{l}.",
        n_heads: s.config.size(&["encoder_attention_heads"]),
        n_layers: s.config.size(&["encoder_layers"]),
        causal: false,
        embed: embed(s, "encoder.embed_tokens.weight"),
        unembed: &[],
        tied: false,
        ..side(s, activation)
    }
}

fn decoder(s: &Survey<'_>, activation: Activation, encoder: Recipe) -> Recipe {
    Recipe {
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
            before: None,
            after: Some("encoder_attn_layer_norm"),
        }),
        embed: embed(s, "decoder.embed_tokens.weight"),
        unembed_bias: Some("final_logits_bias"),
        ..side(s, activation)
    }
}

/// What both sides share.
fn side(s: &Survey<'_>, activation: Activation) -> Recipe {
    Recipe {
        output: "self_attn.out_proj",
        norm: NormKind::Layer,
        eps: 1e-5,
        // Every released model but the smallest has heads of 64.
        d_head: s.config.is_empty().then_some(64),
        before_attention: None,
        after_attention: Some("self_attn_layer_norm"),
        before_mlp: None,
        after_mlp: Some("final_layer_norm"),
        mlp: MlpPaths::Plain("fc1", "fc2"),
        activation: s.config.activation(&["activation_function"], activation),
        embed_times_root_width: s.config.flag("scale_embedding", false),
        final_norm: None,
        ..Recipe::default()
    }
}

/// The table that both sides share, or the side's own.
fn embed(s: &Survey<'_>, own: &'static str) -> &'static str {
    if s.names.any("shared.weight") { "shared.weight" } else { own }
}

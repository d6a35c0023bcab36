//! CLIP: a text and a vision transformer in one file, read as two families; the text side is taken unless the other is asked for.

use super::prelude::*;

pub(super) static CLIP_TEXT: Family = Family {
    id: "clip_text",
    title: "CLIP (text)",
    model_types: &["clip_text_model", "clip"],
    fit: |names| if clip(names) && names.any("embeddings.token_embedding.weight") { 11 } else { 0 },
    recipe: text,
};

pub(super) static CLIP_VISION: Family = Family {
    id: "clip_vision",
    title: "CLIP (vision)",
    model_types: &["clip_vision_model"],
    fit: |names| if clip(names) && names.any("embeddings.class_embedding") { 10 } else { 0 },
    recipe: vision,
};

fn clip(names: &Names) -> bool {
    names.any_layer("encoder.layers.{l}.layer_norm1.weight")
        && names.any_layer("encoder.layers.{l}.self_attn.out_proj.weight")
}

fn common(s: &Survey<'_>) -> Recipe {
    Recipe {
        output: "self_attn.out_proj",
        norm: NormKind::Layer,
        eps: s.config.eps(1e-5),
        // Every released CLIP but the two largest vision sides has heads of 64.
        d_head: s.config.is_empty().then_some(64),
        before_attention: Some("layer_norm1"),
        before_mlp: Some("layer_norm2"),
        mlp: MlpPaths::Plain("mlp.fc1", "mlp.fc2"),
        activation: s.config.activation(&["hidden_act"], Activation::QuickGelu),
        positions: Some(PositionPaths {
            table: "embeddings.position_embedding.weight",
            offset: 0,
            skipped_token: None,
        }),
        last_hidden_is_normed: false,
        unembed: &[],
        tied: false,
        ..Recipe::default()
    }
}

fn text(s: &Survey<'_>) -> Result<Recipe, ModelError> {
    let inside = s.names.any_layer("text_model.encoder.layers.{l}.layer_norm1.weight");
    Ok(Recipe {
        layer: if inside { "text_model.encoder.layers.{l}." } else { "encoder.layers.{l}." },
        embed: if inside {
            "text_model.embeddings.token_embedding.weight"
        } else {
            "embeddings.token_embedding.weight"
        },
        positions: Some(PositionPaths {
            table: if inside {
                "text_model.embeddings.position_embedding.weight"
            } else {
                "embeddings.position_embedding.weight"
            },
            offset: 0,
            skipped_token: None,
        }),
        final_norm: Some(if inside { "text_model.final_layer_norm" } else { "final_layer_norm" }),
        ..common(s)
    })
}

fn vision(s: &Survey<'_>) -> Result<Recipe, ModelError> {
    let inside = s.names.any_layer("vision_model.encoder.layers.{l}.layer_norm1.weight");
    let path = |with: &'static str, without: &'static str| if inside { with } else { without };
    Ok(Recipe {
        layer: path("vision_model.encoder.layers.{l}.", "encoder.layers.{l}."),
        causal: false,
        positions: Some(PositionPaths {
            table: path(
                "vision_model.embeddings.position_embedding.weight",
                "embeddings.position_embedding.weight",
            ),
            offset: 0,
            skipped_token: None,
        }),
        patches: Some((
            path("vision_model.embeddings.patch_embedding", "embeddings.patch_embedding"),
            path("vision_model.embeddings.class_embedding", "embeddings.class_embedding"),
        )),
        // The misspelling is the file's.
        embed_norm: Some(path("vision_model.pre_layrnorm", "pre_layrnorm")),
        final_norm: None,
        ..common(s)
    })
}

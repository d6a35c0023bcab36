//! CLIP and SigLIP: a side that reads words and a side that sees images, in one file or alone.

use super::prelude::*;

pub(super) static CLIP: Family = Family {
    id: "clip",
    title: "CLIP",
    model_types: &["clip", "clip_text_model", "clip_vision_model"],
    fit: |names| if like(names) { 10 } else { 0 },
    recipe: clip,
};

pub(super) static SIGLIP: Family = Family {
    id: "siglip",
    title: "SigLIP",
    model_types: &["siglip", "siglip_text_model", "siglip_vision_model"],
    fit: |names| {
        let own = names.any("head.attention.in_proj_weight") || names.any("logit_bias");
        if like(names) && own { 11 } else { 0 }
    },
    recipe: siglip,
};

fn like(names: &Names) -> bool {
    names.any_layer("encoder.layers.{l}.layer_norm1.weight")
        && names.any_layer("encoder.layers.{l}.self_attn.out_proj.weight")
}

fn clip(s: &Survey<'_>) -> Result<Recipe, ModelError> {
    let text = Recipe { eps: s.config.eps(1e-5), ..text(s, Activation::QuickGelu) };
    let seen = s.part("vision_config");
    let vision = Recipe {
        front: Some(FrontPaths::Patches {
            projection: "embeddings.patch_embedding",
            before: &["embeddings.class_embedding"],
        }),
        // The misspelling is the file's.
        embed_norm: Some("pre_layrnorm"),
        final_norm: None,
        ..vision(s, &seen, 1e-5, Activation::QuickGelu)
    };
    Ok(both(s, text, vision))
}

fn siglip(s: &Survey<'_>) -> Result<Recipe, ModelError> {
    let text = Recipe { eps: s.config.eps(1e-6), causal: false, ..text(s, Activation::GeluTanh) };
    let seen = s.part("vision_config");
    let vision = Recipe {
        front: Some(FrontPaths::Patches { projection: "embeddings.patch_embedding", before: &[] }),
        final_norm: Some("post_layernorm"),
        ..vision(s, &seen, 1e-6, Activation::GeluTanh)
    };
    Ok(both(s, text, vision))
}

/// The sides that are in the files.
fn both(s: &Survey<'_>, text: Recipe, vision: Recipe) -> Recipe {
    let words = s.names.any("embeddings.token_embedding.weight");
    let images = s.names.any("embeddings.patch_embedding.weight");
    match (words, images) {
        (true, true) => Recipe { others: vec![text], ..vision },
        (false, true) => vision,
        _ => text,
    }
}

fn side(config: &Config, activation: Activation) -> Recipe {
    Recipe {
        layer: "encoder.layers.{l}.",
        output: "self_attn.out_proj",
        norm: NormKind::Layer,
        // Every released one but the two largest vision sides has heads of 64.
        d_head: config.is_empty().then_some(64),
        before_attention: Some("layer_norm1"),
        before_mlp: Some("layer_norm2"),
        mlp: MlpPaths::Plain("mlp.fc1", "mlp.fc2"),
        activation: config.activation(&["hidden_act"], activation),
        positions: Some(PositionPaths::from_zero("embeddings.position_embedding.weight")),
        last_hidden_is_normed: false,
        unembed: &[],
        tied: false,
        ..Recipe::default()
    }
}

fn text(s: &Survey<'_>, activation: Activation) -> Recipe {
    Recipe {
        stream: StackKind::Text,
        part: Some("text_config"),
        within: Some("text_model."),
        embed: "embeddings.token_embedding.weight",
        final_norm: Some("final_layer_norm"),
        ..side(s.config, activation)
    }
}

fn vision(_: &Survey<'_>, config: &Config, eps: f64, activation: Activation) -> Recipe {
    Recipe {
        stream: StackKind::Vision,
        part: Some("vision_config"),
        within: Some("vision_model."),
        n_heads: config.n_heads(),
        eps: config.eps(eps),
        causal: false,
        ..side(config, activation)
    }
}

//! XGLM: a decoder under BART's names, positions that are sinusoids, embeddings times √d_model.

use super::prelude::*;

pub(super) static XGLM: Family = Family {
    id: "xglm",
    title: "XGLM",
    model_types: &["xglm"],
    fit: |names| {
        let like = names.any_layer("model.layers.{l}.self_attn_layer_norm.weight");
        if like && !names.any("embed_positions.weight") { 9 } else { 0 }
    },
    recipe,
};

fn recipe(s: &Survey<'_>) -> Result<Recipe, ModelError> {
    Ok(Recipe {
        output: "self_attn.out_proj",
        norm: NormKind::Layer,
        eps: 1e-5,
        before_attention: Some("self_attn_layer_norm"),
        before_mlp: Some("final_layer_norm"),
        mlp: MlpPaths::Plain("fc1", "fc2"),
        activation: s.config.activation(&["activation_function"], Activation::Gelu),
        embed_times_root_width: s.config.flag("scale_embedding", true),
        sinusoids: Some(Sinusoids { ends_at_slowest: true, offset: 2 }),
        final_norm: Some("layer_norm"),
        ..Recipe::default()
    })
}

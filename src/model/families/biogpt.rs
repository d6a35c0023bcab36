//! BioGPT: a decoder under BART's names, learned positions from row 2, embeddings times √d_model.

use super::prelude::*;

pub(super) static BIOGPT: Family = Family {
    id: "biogpt",
    title: "BioGPT",
    model_types: &["biogpt"],
    fit: |names| {
        let like = names.any_layer("biogpt.layers.{l}.self_attn_layer_norm.weight");
        if like { 12 } else { 0 }
    },
    recipe,
};

fn recipe(s: &Survey<'_>) -> Result<Recipe, ModelError> {
    Ok(Recipe {
        output: "self_attn.out_proj",
        norm: NormKind::Layer,
        // `layer_norm_eps` is in the config, and the library does not read it.
        eps: 1e-5,
        before_attention: Some("self_attn_layer_norm"),
        before_mlp: Some("final_layer_norm"),
        mlp: MlpPaths::Plain("fc1", "fc2"),
        activation: s.config.activation(&["hidden_act"], Activation::Gelu),
        embed_times_root_width: s.config.flag("scale_embedding", true),
        positions: Some(PositionPaths {
            table: "embed_positions.weight",
            offset: 2,
            skipped_token: None,
        }),
        final_norm: Some("layer_norm"),
        unembed: &["output_projection"],
        ..Recipe::default()
    })
}

//! OPT: positions start at row 2; the 350M one norms after each sub-layer and has narrower embeddings.

use super::prelude::*;

pub(super) static OPT: Family = Family {
    id: "opt",
    title: "OPT",
    model_types: &["opt"],
    fit: |names| {
        let like = names.any_layer("layers.{l}.self_attn_layer_norm.weight")
            && names.any_layer("layers.{l}.fc1.weight");
        // BART and Whisper have the same names and a second attention per layer.
        if like && !names.any_layer("layers.{l}.encoder_attn.k_proj.weight") { 9 } else { 0 }
    },
    recipe,
};

fn recipe(s: &Survey<'_>) -> Result<Recipe, ModelError> {
    let narrow = s.names.any("project_in.weight");
    // Of the released models only the narrow one (350M) norms afterwards.
    let first = s.config.flag("do_layer_norm_before", !narrow);
    let norms = |here: bool, path: &'static str| here.then_some(path);
    Ok(Recipe {
        output: "self_attn.out_proj",
        norm: NormKind::Layer,
        eps: 1e-5,
        before_attention: norms(first, "self_attn_layer_norm"),
        after_attention: norms(!first, "self_attn_layer_norm"),
        before_mlp: norms(first, "final_layer_norm"),
        after_mlp: norms(!first, "final_layer_norm"),
        mlp: MlpPaths::Plain("fc1", "fc2"),
        activation: s.config.activation(&["activation_function"], Activation::Relu),
        embed_project: norms(narrow, "project_in"),
        positions: Some(PositionPaths {
            table: "embed_positions.weight",
            offset: 2,
            skipped_token: None,
        }),
        final_norm: norms(
            first && !s.config.flag("_remove_final_layer_norm", false),
            "final_layer_norm",
        ),
        unembed_project: norms(narrow, "project_out"),
        ..Recipe::default()
    })
}

//! Granite 4 and Bamba: Mamba 2 in most layers, attention in the others. Their heads are shown; their state spaces gate in front of
//! a norm, which nothing here has been checked against, so that no prompt is run.

use super::prelude::*;

pub(super) static GRANITE_HYBRID: Family = Family {
    id: "granitemoehybrid",
    title: "Granite 4 (hybrid)",
    model_types: &["granitemoehybrid"],
    fit: |names| {
        let mixed = names.any_layer("layers.{l}.mamba.in_proj.weight");
        if mixed && names.any_layer("layers.{l}.shared_mlp.input_linear.weight") { 14 } else { 0 }
    },
    recipe: granite,
};

pub(super) static BAMBA: Family = Family {
    id: "bamba",
    title: "Bamba",
    model_types: &["bamba"],
    // In Falcon-H1 the same names stand beside attention in every layer.
    fit: |_| 0,
    recipe: bamba,
};

const REASON: &str = "its other layers are state spaces, of which this kind has not been checked against its library";

fn granite(s: &Survey<'_>) -> Result<Recipe, ModelError> {
    let turns = s.config.text("position_embedding_type") == Some("rope");
    let multiplier = |key: &str| s.config.number(&[key]).unwrap_or(1.0);
    Ok(Recipe {
        attends: s.attends("self_attn.o_proj", |_| false),
        eps: s.config.eps(1e-6),
        mlp: MlpPaths::GatedFused("shared_mlp.input_linear", "shared_mlp.output_linear"),
        score_scale: Scale::Is(multiplier("attention_multiplier")),
        rope: if turns { s.rope(1.0) } else { PerLayer::All(None) },
        cannot_run: Some(REASON.into()),
        ..Recipe::default()
    })
}

fn bamba(s: &Survey<'_>) -> Result<Recipe, ModelError> {
    let listed = s.config.get("attn_layer_indices").and_then(Value::as_array);
    let is_listed = |l: usize| {
        listed.is_some_and(|listed| listed.iter().any(|index| index.as_u64() == Some(l as u64)))
    };
    Ok(Recipe {
        attends: s.attends("self_attn.o_proj", is_listed),
        eps: s.config.eps(1e-5),
        before_mlp: Some("pre_ff_layernorm"),
        mlp: MlpPaths::FEED_FORWARD,
        rope: s.rope(0.5),
        final_norm: Some("final_layernorm"),
        cannot_run: Some(REASON.into()),
        ..Recipe::default()
    })
}

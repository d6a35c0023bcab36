//! Granite 4 and Bamba: Mamba 2 in most layers, attention in the others. The state space is gated in front of its norm.

use super::prelude::*;
use super::{falcon_h1, granite};

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

fn mixer(s: &Survey<'_>, output: f64) -> Option<MixerPaths> {
    Some(MixerPaths::Mamba2 {
        home: "mamba",
        n_groups: s.config.size(&["mamba_n_groups"]).unwrap_or(1).max(1),
        factors: MambaFactors { output, steps: falcon_h1::steps(s), ..MambaFactors::default() },
        norm_before_gate: false,
    })
}

/// Granite's multipliers; the MLP that all tokens use stands alone, or beside experts.
fn granite(s: &Survey<'_>) -> Result<Recipe, ModelError> {
    let turns = s.config.text("position_embedding_type") == Some("rope");
    let base = granite::recipe(s)?;
    let shared = ("shared_mlp.input_linear", "shared_mlp.output_linear");
    Ok(Recipe {
        attends: s.attends("self_attn.o_proj", |_| false),
        mixer: mixer(s, base.attention_factor),
        mlp: MlpPaths::GatedFused(shared.0, shared.1),
        mixture: Some(MixturePaths {
            homes: &["block_sparse_moe"],
            router: "router.layer",
            routing: softmax_routing(s.experts_per_token("num_experts_per_tok", 8), true),
            stacked: ["input_linear", "output_linear"],
            beside: Some(shared),
            ..MixturePaths::default()
        }),
        rope: if turns { s.rope(1.0) } else { PerLayer::All(None) },
        ..base
    })
}

fn bamba(s: &Survey<'_>) -> Result<Recipe, ModelError> {
    let listed = s.config.get("attn_layer_indices").and_then(Value::as_array);
    let is_listed = |l: usize| {
        listed.is_some_and(|listed| listed.iter().any(|index| index.as_u64() == Some(l as u64)))
    };
    Ok(Recipe {
        attends: s.attends("self_attn.o_proj", is_listed),
        mixer: mixer(s, 1.0),
        eps: s.config.eps(1e-5),
        before_mlp: Some("pre_ff_layernorm"),
        mlp: MlpPaths::FEED_FORWARD,
        activation: s.config.activation(&["hidden_act"], Activation::Silu),
        rope: s.rope(0.5),
        final_norm: Some("final_layernorm"),
        tied: s.config.flag("tie_word_embeddings", false),
        ..Recipe::default()
    })
}

//! Jamba: Mamba in most layers, attention without any positions in some, mixtures of experts in every second.

use super::prelude::*;

pub(super) static JAMBA: Family = Family {
    id: "jamba",
    title: "Jamba",
    model_types: &["jamba"],
    fit: |names| if names.any_layer("layers.{l}.mamba.x_proj.weight") { 13 } else { 0 },
    recipe,
};

fn recipe(s: &Survey<'_>) -> Result<Recipe, ModelError> {
    let size = |key: &str, default: usize| s.config.size(&[key]).unwrap_or(default);
    let (period, offset) = (size("attn_layer_period", 8).max(1), size("attn_layer_offset", 4));
    Ok(Recipe {
        attends: s.attends("self_attn.o_proj", |l| l % period == offset % period),
        mixer: Some(MixerPaths::Mamba { home: "mamba" }),
        eps: s.config.eps(1e-6),
        before_mlp: Some("pre_ff_layernorm"),
        mlp: MlpPaths::FEED_FORWARD,
        mixture: Some(MixturePaths {
            homes: &["feed_forward"],
            router: "router",
            routing: softmax_routing(s.experts_per_token("num_experts_per_tok", 2), false),
            ..MixturePaths::default()
        }),
        activation: s.config.activation(&["hidden_act"], Activation::Silu),
        final_norm: Some("final_layernorm"),
        tied: s.config.flag("tie_word_embeddings", false),
        ..Recipe::default()
    })
}

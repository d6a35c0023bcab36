//! Gemma 3: Gemma 2 with normed queries and keys instead of a cap, and two rotary bases: sliding and full layers.

use super::prelude::*;

pub(super) static GEMMA3: Family = Family {
    id: "gemma3",
    title: "Gemma 3",
    model_types: &["gemma3_text", "gemma3"],
    fit: |names| {
        let four_norms = names.any_layer("layers.{l}.pre_feedforward_layernorm.weight");
        if four_norms && names.any_layer("layers.{l}.self_attn.q_norm.weight") { 12 } else { 0 }
    },
    recipe,
};

fn recipe(s: &Survey<'_>) -> Result<Recipe, ModelError> {
    let window = s.config.size(&["sliding_window"]).unwrap_or(4096);
    let every =
        s.config.size(&["sliding_window_pattern", "_sliding_window_pattern"]).unwrap_or(6).max(1);
    let sliding = s.config.sliding_layers(s.n_layers, |l| (l + 1) % every != 0);
    let full = s.config.rope("full_attention", 1_000_000.0, 1.0);
    let local = if s.config.get("rope_parameters").is_some() {
        s.config.rope("sliding_attention", 10_000.0, 1.0)
    } else {
        // Version 4 stretches the full layers only.
        let theta = s.config.number(&["rope_local_base_freq"]).unwrap_or(10_000.0);
        RopeConfig { theta, fraction: 1.0, scaling: Scaling::None }
    };
    let rope = |is_sliding: &bool| {
        RopeRecipe::half(if *is_sliding { local.clone() } else { full.clone() })
    };
    Ok(Recipe {
        qk_norm: PerLayer::All(Some((
            QkNormPaths::Shared("self_attn.q_norm", "self_attn.k_norm"),
            NormKind::RmsPlusOne,
        ))),
        norm: NormKind::RmsPlusOne,
        eps: s.config.eps(1e-6),
        on_attention: Some("post_attention_layernorm"),
        before_mlp: Some("pre_feedforward_layernorm"),
        on_mlp: Some("post_feedforward_layernorm"),
        activation: s.config.activation(&["hidden_activation"], Activation::GeluTanh),
        score_scale: Scale::RootOf(s.config.number(&["query_pre_attn_scalar"]).unwrap_or(256.0)),
        score_cap: s.config.number(&["attn_logit_softcapping"]),
        window: windows_in(Some(Window::Last(window)), &sliding),
        rope: PerLayer::Each(sliding.iter().map(|s| Some(rope(s))).collect()),
        embed_times_root_width: true,
        logits_cap: s.config.number(&["final_logit_softcapping"]),
        ..Recipe::default()
    })
}

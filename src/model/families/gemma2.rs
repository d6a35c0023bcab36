//! Gemma 2: soft-caps on scores and logits, norms on what attention and MLP write, every other layer a sliding window.

use super::prelude::*;

pub(super) static GEMMA2: Family = Family {
    id: "gemma2",
    title: "Gemma 2",
    model_types: &["gemma2"],
    fit: |names| {
        let four_norms = names.any_layer("layers.{l}.pre_feedforward_layernorm.weight");
        if four_norms && !names.any_layer("layers.{l}.self_attn.q_norm.weight") { 10 } else { 0 }
    },
    recipe,
};

fn recipe(s: &Survey<'_>) -> Result<Recipe, ModelError> {
    let window = s.config.size(&["sliding_window"]).unwrap_or(4096);
    Ok(Recipe {
        norm: NormKind::RmsPlusOne,
        eps: s.config.eps(1e-6),
        on_attention: Some("post_attention_layernorm"),
        before_mlp: Some("pre_feedforward_layernorm"),
        on_mlp: Some("post_feedforward_layernorm"),
        activation: s.config.activation(&["hidden_activation"], Activation::GeluTanh),
        score_scale: Scale::RootOf(s.config.number(&["query_pre_attn_scalar"]).unwrap_or(256.0)),
        score_cap: s.config.cap("attn_logit_softcapping", 50.0),
        window: s.windows(Some(window), |l| l % 2 == 0),
        rope: s.rope(1.0),
        embed_times_root_width: true,
        logits_cap: s.config.cap("final_logit_softcapping", 30.0),
        ..Recipe::default()
    })
}

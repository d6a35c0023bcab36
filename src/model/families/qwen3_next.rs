//! Qwen 3 Next and Qwen 3.5: gated delta nets in three layers of four, in the fourth attention whose heads are gated.

use super::prelude::*;

pub(super) static QWEN3_NEXT: Family = Family {
    id: "qwen3_next",
    title: "Qwen 3 Next",
    model_types: &["qwen3_next"],
    fit: |names| {
        if names.any_layer("layers.{l}.linear_attn.in_proj_qkvz.weight") { 13 } else { 0 }
    },
    recipe,
};

pub(super) static QWEN3_5: Family = Family {
    id: "qwen3_5",
    title: "Qwen 3.5",
    model_types: &["qwen3_5_text", "qwen3_5"],
    fit: |names| {
        if names.any_layer("layers.{l}.linear_attn.in_proj_qkv.weight") { 13 } else { 0 }
    },
    recipe,
};

fn recipe(s: &Survey<'_>) -> Result<Recipe, ModelError> {
    let every = s.config.size(&["full_attention_interval"]).unwrap_or(4).max(1);
    let normalised = s.config.flag("norm_topk_prob", true);
    // No shape tells it; without config.json it is not guessed.
    let n_key_heads = s.config.size_or("linear_num_key_heads", 16).filter(|_| !s.config.is_empty());
    Ok(Recipe {
        gated: true,
        qk_norm: PerLayer::All(Some((
            QkNormPaths::Shared("self_attn.q_norm", "self_attn.k_norm"),
            NormKind::RmsPlusOne,
        ))),
        attends: s.attends("self_attn.o_proj", |l| (l + 1).is_multiple_of(every)),
        mixer: Some(MixerPaths::DeltaNet { home: "linear_attn", n_key_heads }),
        norm: NormKind::RmsPlusOne,
        eps: s.config.eps(1e-6),
        mixture: Some(MixturePaths {
            routing: softmax_routing(s.experts_per_token("num_experts_per_tok", 10), normalised),
            shared: Some(SharedPaths { path: "shared_expert", gate: Some("shared_expert_gate") }),
            ..MixturePaths::default()
        }),
        activation: s.config.activation(&["hidden_act"], Activation::Silu),
        rope: s.rope(0.25),
        prepend_bos: false,
        ..Recipe::default()
    })
}

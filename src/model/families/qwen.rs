//! Qwen 1: GPT-2's names over what Llama computes, queries, keys and values in one matrix with biases.
//!
//! Beyond the length that it was trained on the authors' code scales queries by position and stretches the rotation; shorter
//! prompts, which is what is run here, know neither.

use super::prelude::*;

pub(super) static QWEN: Family = Family {
    id: "qwen",
    title: "Qwen 1",
    model_types: &["qwen"],
    fit: |names| {
        let like = names.any_layer("h.{l}.attn.c_attn.weight");
        if like && names.any_layer("h.{l}.mlp.w1.weight") { 13 } else { 0 }
    },
    recipe,
};

fn recipe(s: &Survey<'_>) -> Result<Recipe, ModelError> {
    let theta = s.config.number(&["rotary_emb_base"]).unwrap_or(10_000.0);
    Ok(Recipe {
        layer: "h.{l}.",
        qkv: QkvPaths::Fused("attn.c_attn", FusedOrder::Blocks),
        output: "attn.c_proj",
        eps: s.config.eps(1e-6),
        before_attention: Some("ln_1"),
        before_mlp: Some("ln_2"),
        // The second matrix is the one behind the non-linearity.
        mlp: MlpPaths::Gated("mlp.w2", "mlp.w1", "mlp.c_proj"),
        rope: s.rope_of(theta, s.config.number(&["rotary_pct"]).unwrap_or(1.0)),
        embed: "wte.weight",
        final_norm: Some("ln_f"),
        tied: false,
        prepend_bos: false,
        ..Recipe::default()
    })
}

//! Qwen 3 MoE: Qwen 3's attention and a mixture of experts.

use super::prelude::*;
use super::qwen3;

pub(super) static QWEN3_MOE: Family = Family {
    id: "qwen3_moe",
    title: "Qwen 3 MoE",
    model_types: &["qwen3_moe"],
    fit: |names| {
        let normed = names.any_layer("layers.{l}.self_attn.q_norm.weight")
            && names.any_layer("layers.{l}.input_layernorm.weight");
        if normed && names.any_layer("layers.{l}.mlp.gate.weight") { 10 } else { 0 }
    },
    recipe,
};

fn recipe(s: &Survey<'_>) -> Result<Recipe, ModelError> {
    let window =
        s.config.size(&["sliding_window"]).filter(|_| s.config.flag("use_sliding_window", false));
    let normalised = s.config.flag("norm_topk_prob", false);
    Ok(Recipe {
        window: s.windows(window, |_| true),
        mixture: Some(MixturePaths {
            routing: softmax_routing(s.experts_per_token("num_experts_per_tok", 8), normalised),
            ..MixturePaths::default()
        }),
        ..qwen3::recipe(s)?
    })
}

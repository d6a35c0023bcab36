//! Qwen 1.5 and 2 MoE: Qwen 2's attention, a mixture of experts, and an expert for all behind a sigmoid.

use super::prelude::*;
use super::qwen2;

pub(super) static QWEN2_MOE: Family = Family {
    id: "qwen2_moe",
    title: "Qwen 2 MoE",
    model_types: &["qwen2_moe"],
    fit: |names| {
        let shared = names.any_layer("layers.{l}.mlp.shared_expert_gate.weight");
        if shared && names.any_layer("layers.{l}.self_attn.q_proj.bias") { 12 } else { 0 }
    },
    recipe,
};

fn recipe(s: &Survey<'_>) -> Result<Recipe, ModelError> {
    let normalised = s.config.flag("norm_topk_prob", false);
    Ok(Recipe {
        mixture: Some(MixturePaths {
            routing: softmax_routing(s.experts_per_token("num_experts_per_tok", 4), normalised),
            shared: Some(SharedPaths { path: "shared_expert", gate: Some("shared_expert_gate") }),
            ..MixturePaths::default()
        }),
        ..qwen2::recipe(s)?
    })
}

//! DeepSeek V2 and V3 (and Kimi K2, which is the latter): latent attention, and mixtures of many small experts beside one for all.

use super::prelude::*;

pub(super) static DEEPSEEK_V2: Family = Family {
    id: "deepseek_v2",
    title: "DeepSeek V2",
    model_types: &["deepseek_v2"],
    fit: |names| if latent(names) && !corrected(names) { 12 } else { 0 },
    recipe: v2,
};

pub(super) static DEEPSEEK_V3: Family = Family {
    id: "deepseek_v3",
    title: "DeepSeek V3",
    model_types: &["deepseek_v3", "kimi_k2", "kimi_k25"],
    fit: |names| if latent(names) && corrected(names) { 12 } else { 0 },
    recipe: v3,
};

fn latent(names: &Names) -> bool {
    names.any_layer("layers.{l}.self_attn.kv_a_proj_with_mqa.weight")
}

fn corrected(names: &Names) -> bool {
    names.any_layer("layers.{l}.mlp.gate.e_score_correction_bias")
}

fn v2(s: &Survey<'_>) -> Result<Recipe, ModelError> {
    let size = |key: &str| s.config.size(&[key]).unwrap_or(1);
    let limited = s.config.text("topk_method") == Some("group_limited_greedy");
    let groups = Groups { count: size("n_group"), kept: size("topk_group"), best: 1 };
    let factor = s.config.number(&["routed_scaling_factor"]).unwrap_or(1.0);
    let routing = softmax_routing(s.experts_per_token("num_experts_per_tok", 6), false);
    Ok(Recipe {
        rope: s.adjacent_rope(10_000.0, 1.0),
        mixture: Some(MixturePaths {
            routing: routing.map(|routing| Routing {
                groups: limited.then_some(groups),
                factor,
                ..routing
            }),
            ..mixture()
        }),
        ..both(s)
    })
}

fn v3(s: &Survey<'_>) -> Result<Recipe, ModelError> {
    let adjacent = s.config.flag("rope_interleave", true);
    Ok(Recipe {
        rope: if adjacent { s.adjacent_rope(10_000.0, 1.0) } else { s.rope(1.0) },
        mixture: Some(MixturePaths {
            correction: Some("gate.e_score_correction_bias"),
            routing: s.grouped_routing(8, [8, 4], 2.5),
            ..mixture()
        }),
        ..both(s)
    })
}

fn mixture() -> MixturePaths {
    MixturePaths {
        shared: Some(SharedPaths { path: "shared_experts", gate: None }),
        ..MixturePaths::default()
    }
}

/// What V2 and V3 share.
fn both(s: &Survey<'_>) -> Recipe {
    Recipe {
        qkv: QkvPaths::Latent(LatentPaths {
            q: "self_attn.q_proj",
            q_latent: ["self_attn.q_a_proj", "self_attn.q_a_layernorm", "self_attn.q_b_proj"],
            kv_latent: [
                "self_attn.kv_a_proj_with_mqa",
                "self_attn.kv_a_layernorm",
                "self_attn.kv_b_proj",
            ],
        }),
        eps: s.config.eps(1e-6),
        activation: s.config.activation(&["hidden_act"], Activation::Silu),
        score_scale: Scale::HeadWidthTimes(stretched(s).powi(-4)),
        tied: false,
        ..Recipe::default()
    }
}

/// YaRN's `0.1 m ln s + 1` for `mscale_all_dim`, whose square DeepSeek puts on the score.
fn stretched(s: &Survey<'_>) -> f64 {
    let rope = s.config.get("rope_parameters").or(s.config.get("rope_scaling"));
    let number = |key: &str| rope.and_then(|rope| rope.get(key)).and_then(Value::as_f64);
    let (factor, all) = (number("factor").unwrap_or(1.0), number("mscale_all_dim").unwrap_or(0.0));
    if factor <= 1.0 { 1.0 } else { 0.1 * all * factor.ln() + 1.0 }
}

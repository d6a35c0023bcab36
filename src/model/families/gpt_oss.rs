//! gpt-oss: biases everywhere, a sink in every head, a window in every second layer, and experts whose gates are clamped.

use super::prelude::*;

pub(super) static GPT_OSS: Family = Family {
    id: "gpt_oss",
    title: "gpt-oss",
    model_types: &["gpt_oss"],
    fit: |names| if names.any_layer("layers.{l}.self_attn.sinks") { 12 } else { 0 },
    recipe,
};

/// What multiplies a gate inside its sigmoid, in every checkpoint so far.
const ALPHA: f64 = 1.702;

fn recipe(s: &Survey<'_>) -> Result<Recipe, ModelError> {
    let number = |key: &str, default: f64| s.config.number(&[key]).unwrap_or(default);
    let mut rope = s.config.rope("full_attention", 150_000.0, 1.0);
    if !s.config.has_rope() {
        rope.scaling = Scaling::Yarn {
            factor: 32.0,
            original: 4096.0,
            beta_fast: 32.0,
            beta_slow: 1.0,
            attention_factor: None,
            mscale: None,
            truncate: false,
        };
    }
    let alpha = number("swiglu_alpha", ALPHA);
    let known = (alpha - ALPHA).abs() < 1e-9;
    Ok(Recipe {
        sinks: Some("self_attn.sinks"),
        eps: s.config.eps(1e-5),
        mixture: Some(MixturePaths {
            router: "router",
            routing: softmax_routing(s.experts_per_token("num_experts_per_tok", 4), true),
            lies: Orientation::InOut,
            limit: Some(number("swiglu_limit", 7.0)),
            ..MixturePaths::default()
        }),
        activation: if known {
            Activation::QuickGelu
        } else {
            Activation::Unknown(format!("x σ({alpha} x)"))
        },
        window: s.windows(s.config.size_or("sliding_window", 128), |l| l % 2 == 0),
        rope: PerLayer::All(Some(RopeRecipe::half(rope))),
        tied: false,
        prepend_bos: false,
        ..Recipe::default()
    })
}

//! Falcon-H1: in every layer attention beside a Mamba 2 on the same input, and a multiplier on nearly everything.

use super::prelude::*;

pub(super) static FALCON_H1: Family = Family {
    id: "falcon_h1",
    title: "Falcon-H1",
    model_types: &["falcon_h1"],
    fit: |names| {
        // Jamba has Mamba's x_proj.
        let beside = names.any_layer("layers.{l}.mamba.in_proj.weight")
            && !names.any_layer("layers.{l}.mamba.x_proj.weight");
        if beside && names.any_layer("layers.{l}.feed_forward.gate_proj.weight") { 13 } else { 0 }
    },
    recipe,
};

fn at(s: &Survey<'_>, key: &str, i: usize) -> Option<f64> {
    s.config.get(key)?.as_array()?.get(i)?.as_f64()
}

/// Smallest and largest step of a Mamba 2.
pub(super) fn steps(s: &Survey<'_>) -> [f64; 2] {
    let shortest = at(s, "time_step_limit", 0).filter(|x| x.is_finite()).unwrap_or(0.0);
    // Infinity, which JSON has no number for, is written in several ways.
    let longest = at(s, "time_step_limit", 1).filter(|&x| x >= shortest);
    [shortest, longest.unwrap_or(f64::INFINITY)]
}

fn recipe(s: &Survey<'_>) -> Result<Recipe, ModelError> {
    let number = |key: &str| s.config.number(&[key]).unwrap_or(1.0);
    let part = |key: &str, i: usize| at(s, key, i).unwrap_or(1.0);
    let silu = s.config.activation(&["hidden_act"], Activation::Silu);
    let gate = part("mlp_multipliers", 0);
    Ok(Recipe {
        attends: PerLayer::All(true),
        mixer: Some(MixerPaths::Mamba2 {
            home: "mamba",
            n_groups: s.config.size(&["mamba_n_groups"]).unwrap_or(1).max(1),
            factors: MambaFactors {
                input: number("ssm_in_multiplier"),
                parts: [0, 1, 2, 3, 4].map(|i| part("ssm_multipliers", i)),
                output: number("ssm_out_multiplier"),
                steps: steps(s),
            },
            norm_before_gate: s.config.flag("mamba_norm_before_gate", true),
        }),
        eps: s.config.eps(1e-5),
        before_mlp: Some("pre_ff_layernorm"),
        mlp: MlpPaths::FEED_FORWARD,
        activation: match silu {
            Activation::Silu => Activation::ScaledSilu(gate as f32),
            other if gate == 1.0 => other,
            _ => Activation::Unknown("with a multiplier inside".into()),
        },
        input_factor: number("attention_in_multiplier"),
        key_factor: number("key_multiplier"),
        attention_factor: number("attention_out_multiplier"),
        mlp_factor: part("mlp_multipliers", 1),
        rope: s.rope_of(100_000.0, 1.0),
        embed_factor: number("embedding_multiplier"),
        logits_factor: number("lm_head_multiplier"),
        final_norm: Some("final_layernorm"),
        tied: s.config.flag("tie_word_embeddings", false),
        ..Recipe::default()
    })
}

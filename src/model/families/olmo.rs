//! OLMo: norms without any parameter, so nothing of them is in the file; queries, keys and values clamped in some checkpoints.

use super::prelude::*;

pub(super) static OLMO: Family = Family {
    id: "olmo",
    title: "OLMo",
    model_types: &["olmo"],
    fit: |names| {
        let like = names.any_layer("layers.{l}.self_attn.q_proj.weight")
            && names.any_layer("layers.{l}.self_attn.o_proj.weight")
            && names.any_layer("layers.{l}.mlp.gate_proj.weight");
        let norms = ["input_layernorm", "post_attention_layernorm", "post_feedforward_layernorm"];
        let normed = |norm: &&str| names.any_layer(&format!("layers.{{l}}.{norm}.weight"));
        if like && !norms.iter().any(normed) { 6 } else { 0 }
    },
    recipe,
};

fn recipe(s: &Survey<'_>) -> Result<Recipe, ModelError> {
    Ok(Recipe {
        clip: s.config.number(&["clip_qkv"]),
        norm: NormKind::Layer,
        bare_norms: true,
        // No config sets it.
        eps: 1e-5,
        activation: s.config.activation(&["hidden_act"], Activation::Silu),
        rope: s.rope(1.0),
        prepend_bos: false,
        ..Recipe::default()
    })
}

//! StableLM: Llama's names with LayerNorm, a quarter of each head turns; the 12B one norms each head's queries and keys.

use super::prelude::*;

pub(super) static STABLELM: Family = Family {
    id: "stablelm",
    title: "StableLM",
    model_types: &["stablelm", "stablelm_epoch"],
    fit: |names| {
        let layer_norm = names.any_layer("layers.{l}.input_layernorm.bias");
        if layer_norm && names.any_layer("layers.{l}.self_attn.o_proj.weight") { 9 } else { 0 }
    },
    recipe,
};

fn recipe(s: &Survey<'_>) -> Result<Recipe, ModelError> {
    let normed = s.names.any_layer("layers.{l}.self_attn.q_layernorm.norms.0.weight");
    let paths =
        QkNormPaths::Each("self_attn.q_layernorm.norms.{i}", "self_attn.k_layernorm.norms.{i}");
    let parallel = s.config.flag(
        "use_parallel_residual",
        !s.names.any_layer("layers.{l}.post_attention_layernorm.weight"),
    );
    Ok(Recipe {
        qk_norm: PerLayer::All(normed.then_some((paths, NormKind::Layer))),
        norm: NormKind::Layer,
        eps: s.config.eps(1e-5),
        before_mlp: Some(if parallel { "input_layernorm" } else { "post_attention_layernorm" }),
        parallel,
        activation: s.config.activation(&["hidden_act"], Activation::Silu),
        rope: s.rope(0.25),
        ..Recipe::default()
    })
}

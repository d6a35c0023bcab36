//! Phi-1, 1.5 and 2: LayerNorm shared by attention and MLP, half of each head turns, biases everywhere.

use super::prelude::*;

pub(super) static PHI: Family = Family {
    id: "phi",
    title: "Phi",
    model_types: &["phi"],
    fit: |names| if names.any_layer("layers.{l}.self_attn.dense.weight") { 10 } else { 0 },
    recipe,
};

fn recipe(s: &Survey<'_>) -> Result<Recipe, ModelError> {
    let normed = s.names.any_layer("layers.{l}.self_attn.q_layernorm.weight");
    let paths = QkNormPaths::Shared("self_attn.q_layernorm", "self_attn.k_layernorm");
    Ok(Recipe {
        output: "self_attn.dense",
        qk_norm: PerLayer::All(normed.then_some((paths, NormKind::Layer))),
        norm: NormKind::Layer,
        eps: s.config.eps(1e-5),
        before_mlp: Some("input_layernorm"),
        parallel: true,
        mlp: MlpPaths::Plain("mlp.fc1", "mlp.fc2"),
        activation: s.config.activation(&["hidden_act"], Activation::GeluTanh),
        rope: s.rope(0.5),
        final_norm: Some("final_layernorm"),
        tied: false,
        prepend_bos: false,
        ..Recipe::default()
    })
}

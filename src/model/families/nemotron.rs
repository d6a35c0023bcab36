//! Nemotron 3 and 4, Minitron: LayerNorm with gains `1 + w`, half of a head turns, an MLP of two matrices with a squared ReLU.

use super::prelude::*;

pub(super) static NEMOTRON: Family = Family {
    id: "nemotron",
    title: "Nemotron",
    model_types: &["nemotron"],
    fit: |names| {
        let biased = names.any_layer("layers.{l}.input_layernorm.bias");
        let plain = names.any_layer("layers.{l}.mlp.up_proj.weight")
            && !names.any_layer("layers.{l}.mlp.gate_proj.weight");
        if biased && plain { 10 } else { 0 }
    },
    recipe,
};

fn recipe(s: &Survey<'_>) -> Result<Recipe, ModelError> {
    Ok(Recipe {
        norm: NormKind::LayerPlusOne,
        eps: s.config.eps(1e-5),
        mlp: MlpPaths::Plain("mlp.up_proj", "mlp.down_proj"),
        activation: s.config.activation(&["hidden_act"], Activation::Relu2),
        rope: s.rope(0.5),
        ..Recipe::default()
    })
}

//! StarCoder 2: Llama's attention with biases, LayerNorm in front, two matrices in the MLP.

use super::prelude::*;

pub(super) static STARCODER2: Family = Family {
    id: "starcoder2",
    title: "StarCoder 2",
    model_types: &["starcoder2"],
    fit: |names| {
        let mlp = names.any_layer("layers.{l}.mlp.c_fc.weight");
        if mlp && names.any_layer("layers.{l}.self_attn.q_proj.weight") { 10 } else { 0 }
    },
    recipe,
};

fn recipe(s: &Survey<'_>) -> Result<Recipe, ModelError> {
    Ok(Recipe {
        norm: NormKind::Layer,
        eps: s.config.eps(1e-5),
        mlp: MlpPaths::Plain("mlp.c_fc", "mlp.c_proj"),
        activation: s.config.activation(&["hidden_act"], Activation::GeluTanh),
        window: s.windows(s.config.size(&["sliding_window"]), |_| true),
        rope: s.rope(1.0),
        prepend_bos: false,
        ..Recipe::default()
    })
}

//! Apertus: queries and keys normed by themselves, an MLP of two matrices around xIELU, whose parameters are in the file.

use super::prelude::*;

pub(super) static APERTUS: Family = Family {
    id: "apertus",
    title: "Apertus",
    model_types: &["apertus"],
    fit: |names| {
        let named = names.any_layer("layers.{l}.attention_layernorm.weight");
        if named && names.any_layer("layers.{l}.feedforward_layernorm.weight") { 10 } else { 0 }
    },
    recipe,
};

fn recipe(s: &Survey<'_>) -> Result<Recipe, ModelError> {
    let mut rope = s.config.rope("full_attention", 12_000_000.0, 1.0);
    if !s.config.has_rope() {
        rope.scaling = Scaling::Llama3 { factor: 8.0, low: 1.0, high: 4.0, original: 8192.0 };
    }
    Ok(Recipe {
        qk_norm: PerLayer::All(Some((
            QkNormPaths::Shared("self_attn.q_norm", "self_attn.k_norm"),
            NormKind::Rms,
        ))),
        eps: s.config.eps(1e-5),
        before_attention: Some("attention_layernorm"),
        before_mlp: Some("feedforward_layernorm"),
        mlp: MlpPaths::Plain("mlp.up_proj", "mlp.down_proj"),
        activation: s.config.activation(&["hidden_act"], Activation::named("xielu")),
        activation_parameters: Some("mlp.act_fn."),
        rope: PerLayer::All(Some(RopeRecipe::half(rope))),
        ..Recipe::default()
    })
}

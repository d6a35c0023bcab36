//! GPT-J: the first `rotary_dim` dimensions of a head turn in adjacent pairs; one norm feeds attention and MLP.

use super::prelude::*;

pub(super) static GPTJ: Family = Family {
    id: "gptj",
    title: "GPT-J",
    model_types: &["gptj"],
    fit: |names| if names.any_layer("h.{l}.attn.q_proj.weight") { 10 } else { 0 },
    recipe,
};

fn recipe(s: &Survey<'_>) -> Result<Recipe, ModelError> {
    let rope = RopeRecipe {
        pairing: Pairing::Adjacent,
        rotary: s.config.size(&["rotary_dim"]).map_or(Rotary::AtMost(64), Rotary::Dimensions),
        config: RopeConfig { theta: 10_000.0, fraction: 1.0, scaling: Scaling::None },
    };
    Ok(Recipe {
        layer: "h.{l}.",
        qkv: QkvPaths::Separate("attn.q_proj", "attn.k_proj", "attn.v_proj"),
        output: "attn.out_proj",
        norm: NormKind::Layer,
        eps: s.config.eps(1e-5),
        before_attention: Some("ln_1"),
        before_mlp: Some("ln_1"),
        parallel: true,
        mlp: MlpPaths::Plain("mlp.fc_in", "mlp.fc_out"),
        activation: s.config.activation(&["activation_function"], Activation::GeluTanh),
        rope: PerLayer::All(Some(rope)),
        embed: "wte.weight",
        final_norm: Some("ln_f"),
        tied: false,
        ..Recipe::default()
    })
}

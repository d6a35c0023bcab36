//! CodeGen: GPT-J's block; queries, values and keys in one matrix, in four slices as four devices computed it.

use super::prelude::*;

/// Slices of the matrix; no config says it.
const SLICES: usize = 4;

pub(super) static CODEGEN: Family = Family {
    id: "codegen",
    title: "CodeGen",
    model_types: &["codegen"],
    fit: |names| if names.any_layer("h.{l}.attn.qkv_proj.weight") { 10 } else { 0 },
    recipe,
};

fn recipe(s: &Survey<'_>) -> Result<Recipe, ModelError> {
    if let Some(n) = s.config.n_heads().filter(|n| !n.is_multiple_of(SLICES)) {
        let reason = format!("{n} heads do not lie in the {SLICES} slices of CodeGen's matrix");
        return Err(ModelError::Config { reason });
    }
    let rotary = match s.config.size(&["rotary_dim"]) {
        Some(n) => Rotary::Dimensions(n),
        None => Rotary::AtMost(64),
    };
    let config = RopeConfig { theta: 10_000.0, fraction: 1.0, scaling: Scaling::None };
    Ok(Recipe {
        layer: "h.{l}.",
        qkv: QkvPaths::Fused("attn.qkv_proj", FusedOrder::Slices(SLICES)),
        output: "attn.out_proj",
        norm: NormKind::Layer,
        eps: s.config.eps(1e-5),
        before_attention: Some("ln_1"),
        before_mlp: Some("ln_1"),
        parallel: true,
        mlp: MlpPaths::Plain("mlp.fc_in", "mlp.fc_out"),
        activation: s.config.activation(&["activation_function"], Activation::GeluTanh),
        rope: PerLayer::All(Some(RopeRecipe { pairing: Pairing::Adjacent, rotary, config })),
        embed: "wte.weight",
        final_norm: Some("ln_f"),
        ..Recipe::default()
    })
}

//! GPT, the first: GPT-2's matrices, norms after each sub-layer was added, none at the end.

use super::prelude::*;

pub(super) static OPENAI_GPT: Family = Family {
    id: "openai_gpt",
    title: "GPT-1",
    model_types: &["openai-gpt"],
    fit: |names| {
        let fused = names.any_layer("h.{l}.attn.c_attn.weight");
        if fused && names.any("positions_embed.weight") { 12 } else { 0 }
    },
    recipe,
};

fn recipe(s: &Survey<'_>) -> Result<Recipe, ModelError> {
    let activation = match s.config.text("afn") {
        // What this family calls gelu is the tanh form.
        None | Some("gelu") => Activation::GeluTanh,
        Some(name) => Activation::named(name),
    };
    Ok(Recipe {
        layer: "h.{l}.",
        orientation: Orientation::InOut,
        qkv: QkvPaths::Fused("attn.c_attn", FusedOrder::Blocks),
        output: "attn.c_proj",
        norm: NormKind::Layer,
        eps: s.config.eps(1e-5),
        before_attention: None,
        after_attention: Some("ln_1"),
        before_mlp: None,
        after_mlp: Some("ln_2"),
        mlp: MlpPaths::Plain("mlp.c_fc", "mlp.c_proj"),
        activation,
        embed: "tokens_embed.weight",
        positions: Some(PositionPaths::from_zero("positions_embed.weight")),
        final_norm: None,
        prepend_bos: false,
        ..Recipe::default()
    })
}

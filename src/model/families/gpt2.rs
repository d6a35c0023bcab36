//! GPT-2: `Conv1D` matrices lie `[in, out]`, queries, keys and values in one.

use super::prelude::*;

pub(super) static GPT2: Family = Family {
    id: "gpt2",
    title: "GPT-2",
    model_types: &["gpt2"],
    fit: |names| if names.any_layer("h.{l}.attn.c_attn.weight") { 10 } else { 0 },
    recipe,
};

fn recipe(s: &Survey<'_>) -> Result<Recipe, ModelError> {
    let score_scale = match (
        s.config.flag("scale_attn_weights", true),
        s.config.flag("scale_attn_by_inverse_layer_idx", false),
    ) {
        (true, false) => Scale::HeadWidth,
        (true, true) => Scale::HeadWidthAndDepth,
        (false, true) => Scale::Depth,
        (false, false) => Scale::Is(1.0),
    };
    Ok(Recipe {
        layer: "h.{l}.",
        orientation: if lies_out_in(s.names) { Orientation::OutIn } else { Orientation::InOut },
        qkv: QkvPaths::Fused("attn.c_attn", FusedOrder::Blocks),
        output: "attn.c_proj",
        norm: NormKind::Layer,
        eps: s.config.eps(1e-5),
        before_attention: Some("ln_1"),
        before_mlp: Some("ln_2"),
        mlp: MlpPaths::Plain("mlp.c_fc", "mlp.c_proj"),
        activation: s.config.activation(&["activation_function"], Activation::GeluTanh),
        score_scale,
        embed: "wte.weight",
        positions: Some(PositionPaths::from_zero("wpe.weight")),
        final_norm: Some("ln_f"),
        ..Recipe::default()
    })
}

/// Three times as many rows as columns: queries, keys and values on top of each other.
pub(super) fn lies_out_in(names: &Names) -> bool {
    let path = "h.{l}.attn.c_attn.weight";
    let first = names.layers(path).into_keys().next();
    let shape = first.as_deref().and_then(|prefix| names.layer_shape(prefix, path));
    matches!(shape, Some(&[rows, columns]) if rows == 3 * columns)
}

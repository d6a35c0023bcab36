//! StarCoder, SantaCoder: GPT-2 with torch's matrices, and one key and one value for all heads, or a query, a key and a value
//! for each head in turn.

use super::prelude::*;

const FUSED: &str = "h.{l}.attn.c_attn.weight";

pub(super) static GPT_BIGCODE: Family = Family {
    id: "gpt_bigcode",
    title: "StarCoder (GPT BigCode)",
    model_types: &["gpt_bigcode"],
    fit: |names| if one_key(names).is_some() { 12 } else { 0 },
    recipe,
};

/// The width of a head where the matrix has room for one key and one value beside the queries, `[D + 2h, D]`.
fn one_key(names: &Names) -> Option<usize> {
    let prefixes = names.layers(FUSED);
    match names.layer_shape(prefixes.keys().next()?, FUSED)? {
        &[rows, columns] if rows > columns && rows < 3 * columns => Some((rows - columns) / 2),
        _ => None,
    }
}

fn recipe(s: &Survey<'_>) -> Result<Recipe, ModelError> {
    let room_for_one = one_key(s.names);
    let width = room_for_one.filter(|_| s.config.is_empty());
    let multi_query = s.config.flag("multi_query", room_for_one.is_some());
    let order = if multi_query { FusedOrder::Blocks } else { FusedOrder::Groups };
    let scaled = s.config.flag("scale_attn_weights", true);
    Ok(Recipe {
        layer: "h.{l}.",
        qkv: QkvPaths::Fused("attn.c_attn", order),
        output: "attn.c_proj",
        d_head: width,
        doubt: width.map(|_| {
            "Its c_attn has room for one key and one value beside the queries: one key/value head for all, whose width is a head's."
        }),
        norm: NormKind::Layer,
        eps: s.config.eps(1e-5),
        before_attention: Some("ln_1"),
        before_mlp: Some("ln_2"),
        mlp: MlpPaths::Plain("mlp.c_fc", "mlp.c_proj"),
        activation: s.config.activation(&["activation_function"], Activation::GeluTanh),
        score_scale: if scaled { Scale::HeadWidth } else { Scale::Is(1.0) },
        embed: "wte.weight",
        positions: Some(PositionPaths::from_zero("wpe.weight")),
        final_norm: Some("ln_f"),
        prepend_bos: false,
        ..Recipe::default()
    })
}

//! Falcon, in its three layouts: 7B (one key/value head), 40B and 180B (groups, two norms), RW (as BLOOM, with ALiBi).

use super::prelude::*;

pub(super) static FALCON: Family = Family {
    id: "falcon",
    title: "Falcon",
    model_types: &["falcon", "RefinedWeb", "RefinedWebModel"],
    fit: |names| {
        if names.any_layer("h.{l}.self_attention.query_key_value.weight") { 10 } else { 0 }
    },
    recipe,
};

fn recipe(s: &Survey<'_>) -> Result<Recipe, ModelError> {
    let two_norms = s.names.any_layer("h.{l}.ln_attn.weight");
    let three_blocks =
        s.names.layers("h.{l}.self_attention.query_key_value.weight").keys().next().is_some_and(
            |prefix| {
                let shape =
                    s.names.layer_shape(prefix, "h.{l}.self_attention.query_key_value.weight");
                matches!(shape, Some(&[rows, columns]) if rows == 3 * columns)
            },
        );
    let grouped = s.config.flag("new_decoder_architecture", two_norms);
    let multi_query = s.config.flag("multi_query", !three_blocks);
    let alibi = s.config.flag("alibi", s.config.is_empty() && three_blocks);
    let parallel = grouped
        || s.config
            .flag("parallel_attn", !s.names.any_layer("h.{l}.post_attention_layernorm.weight"));
    let order = if grouped || !multi_query { FusedOrder::Groups } else { FusedOrder::Blocks };
    Ok(Recipe {
        layer: "h.{l}.",
        qkv: QkvPaths::Fused("self_attention.query_key_value", order),
        output: "self_attention.dense",
        norm: NormKind::Layer,
        eps: s.config.eps(1e-5),
        before_attention: Some(if two_norms { "ln_attn" } else { "input_layernorm" }),
        before_mlp: Some(match (two_norms, parallel) {
            (true, _) => "ln_mlp",
            (false, true) => "input_layernorm",
            (false, false) => "post_attention_layernorm",
        }),
        parallel,
        mlp: MlpPaths::Plain("mlp.dense_h_to_4h", "mlp.dense_4h_to_h"),
        activation: s.config.activation(&["activation"], Activation::Gelu),
        rope: if alibi { PerLayer::All(None) } else { s.rope(1.0) },
        alibi: alibi.then_some(AlibiKind::RoundedAndScaled),
        embed: "word_embeddings.weight",
        final_norm: Some("ln_f"),
        ..Recipe::default()
    })
}

//! Persimmon: per head query, key, value in one matrix; queries and keys go through a LayerNorm with a bias; half of a head turns.

use super::prelude::*;

pub(super) static PERSIMMON: Family = Family {
    id: "persimmon",
    title: "Persimmon",
    model_types: &["persimmon"],
    fit: |names| {
        let fused = names.any_layer("layers.{l}.self_attn.query_key_value.weight");
        if fused && names.any_layer("layers.{l}.self_attn.dense.weight") { 10 } else { 0 }
    },
    recipe,
};

fn recipe(s: &Survey<'_>) -> Result<Recipe, ModelError> {
    let gains = s.names.any_layer("layers.{l}.self_attn.q_layernorm.weight");
    let paths = QkNormPaths::Shared("self_attn.q_layernorm", "self_attn.k_layernorm");
    Ok(Recipe {
        qkv: QkvPaths::Fused("self_attn.query_key_value", FusedOrder::Groups),
        output: "self_attn.dense",
        qk_norm: PerLayer::All(
            s.config.flag("qk_layernorm", gains).then_some((paths, NormKind::Layer)),
        ),
        norm: NormKind::Layer,
        eps: s.config.eps(1e-5),
        mlp: MlpPaths::Plain("mlp.dense_h_to_4h", "mlp.dense_4h_to_h"),
        activation: s.config.activation(&["hidden_act"], Activation::Relu2),
        rope: s.rope_of(25_000.0, 0.5),
        final_norm: Some("final_layernorm"),
        ..Recipe::default()
    })
}

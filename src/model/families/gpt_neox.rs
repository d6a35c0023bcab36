//! GPT-NeoX and Pythia: per head query, key, value in one matrix; part of each head turns; attention and MLP side by side.

use super::prelude::*;

pub(super) static GPT_NEOX: Family = Family {
    id: "gpt_neox",
    title: "GPT-NeoX (Pythia)",
    model_types: &["gpt_neox"],
    fit: |names| {
        if names.any_layer("layers.{l}.attention.query_key_value.weight") { 10 } else { 0 }
    },
    recipe,
};

fn recipe(s: &Survey<'_>) -> Result<Recipe, ModelError> {
    Ok(Recipe {
        qkv: QkvPaths::Fused("attention.query_key_value", FusedOrder::Groups),
        output: "attention.dense",
        norm: NormKind::Layer,
        eps: s.config.eps(1e-5),
        parallel: s.config.flag("use_parallel_residual", true),
        mlp: MlpPaths::Plain("mlp.dense_h_to_4h", "mlp.dense_4h_to_h"),
        activation: s.config.activation(&["hidden_act"], Activation::Gelu),
        rope: s.rope(0.25),
        embed: "embed_in.weight",
        final_norm: Some("final_layer_norm"),
        unembed: &["embed_out", "lm_head"],
        tied: s.config.flag("tie_word_embeddings", false),
        prepend_bos: false,
        ..Recipe::default()
    })
}

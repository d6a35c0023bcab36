//! Gemma: Llama's names, norm gains `1 + w`, embeddings times √d_model, heads of 256.

use super::prelude::*;

pub(super) static GEMMA: Family = Family {
    id: "gemma",
    title: "Gemma",
    model_types: &["gemma"],
    fit: |names| {
        // Nothing but the vocabulary tells it from Llama.
        let like = names.any_layer("layers.{l}.self_attn.o_proj.weight")
            && names.any_layer("layers.{l}.input_layernorm.weight");
        let rows = names
            .find("model.", "embed_tokens.weight")
            .and_then(|n| names.shape(&n)?.first().copied());
        if like && rows == Some(256_000) && !names.any("lm_head.weight") { 3 } else { 0 }
    },
    recipe,
};

fn recipe(s: &Survey<'_>) -> Result<Recipe, ModelError> {
    Ok(Recipe {
        d_head: Some(s.config.size(&["head_dim"]).unwrap_or(256)),
        norm: NormKind::RmsPlusOne,
        eps: s.config.eps(1e-6),
        // Files of 2024 say "gelu" under `hidden_act` and mean the tanh form; only `hidden_activation` is to be trusted.
        activation: s.config.activation(&["hidden_activation"], Activation::GeluTanh),
        rope: s.rope(1.0),
        embed_times_root_width: true,
        ..Recipe::default()
    })
}

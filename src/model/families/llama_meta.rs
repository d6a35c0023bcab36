//! Llama and Mistral as their makers write them ("consolidated"), and llama2.c: Hugging Face permutes the rows of queries and
//! keys when it converts them, so here pairs that turn are neighbours.

use super::prelude::*;

pub(super) static LLAMA_META: Family = Family {
    id: "llama_meta",
    title: "Llama (consolidated)",
    model_types: &[],
    fit: |names| if names.any_layer("layers.{l}.attention.wq.weight") { 14 } else { 0 },
    recipe,
};

fn recipe(s: &Survey<'_>) -> Result<Recipe, ModelError> {
    let config = s.config.rope("full_attention", 10_000.0, 1.0);
    Ok(Recipe {
        qkv: QkvPaths::Separate("attention.wq", "attention.wk", "attention.wv"),
        output: "attention.wo",
        eps: s.config.number(&["norm_eps", "rms_norm_eps"]).unwrap_or(1e-5),
        before_attention: Some("attention_norm"),
        before_mlp: Some("ffn_norm"),
        mlp: MlpPaths::Gated("feed_forward.w1", "feed_forward.w3", "feed_forward.w2"),
        window: PerLayer::All(s.config.size(&["sliding_window"]).map(Window::Last)),
        rope: PerLayer::All(Some(RopeRecipe::adjacent(config))),
        embed: "tok_embeddings.weight",
        unembed: &["output"],
        ..Recipe::default()
    })
}

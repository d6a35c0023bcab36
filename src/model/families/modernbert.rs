//! ModernBERT: BERT with norms in front, rotary positions and local layers; the embeddings' norm stands before the first layer.

use super::prelude::*;

pub(super) static MODERNBERT: Family = Family {
    id: "modernbert",
    title: "ModernBERT",
    model_types: &["modernbert"],
    fit: |names| {
        if names.any_layer("layers.{l}.attn.Wqkv.weight")
            && names.any("embeddings.tok_embeddings.weight")
        {
            12
        } else {
            0
        }
    },
    recipe,
};

fn recipe(s: &Survey<'_>) -> Result<Recipe, ModelError> {
    let every = s.config.size(&["global_attn_every_n_layers"]).unwrap_or(3).max(1);
    let local = s.config.sliding_layers(s.n_layers, |l| l % every != 0);
    let around = Window::Around(s.config.size(&["local_attention"]).unwrap_or(128) / 2);
    let old = |key: &str, theta: f64| s.config.number(&[key]).unwrap_or(theta);
    let full = s.config.rope("full_attention", old("global_rope_theta", 160_000.0), 1.0);
    let near = s.config.rope("sliding_attention", old("local_rope_theta", 10_000.0), 1.0);
    Ok(Recipe {
        qkv: QkvPaths::Fused("attn.Wqkv", FusedOrder::Blocks),
        output: "attn.Wo",
        norm: NormKind::Layer,
        eps: s.config.number(&["norm_eps"]).unwrap_or(1e-5),
        before_attention: Some("attn_norm"),
        first_is_normed: true,
        before_mlp: Some("mlp_norm"),
        mlp: MlpPaths::GatedFused("mlp.Wi", "mlp.Wo"),
        activation: s.config.activation(&["hidden_activation"], Activation::Gelu),
        causal: false,
        window: windows_in(Some(around), &local),
        rope: PerLayer::Each(
            local
                .iter()
                .map(|&local| {
                    Some(RopeRecipe::half(if local { near.clone() } else { full.clone() }))
                })
                .collect(),
        ),
        embed: "embeddings.tok_embeddings.weight",
        embed_norm: Some("embeddings.norm"),
        final_norm: Some("final_norm"),
        unembed: &["decoder"],
        tied: s.names.any("head.dense.weight") && s.names.any("decoder.bias"),
        unembed_transform: Some(("head.dense", "head.norm")),
        unembed_bias: Some("decoder.bias"),
        ..Recipe::default()
    })
}

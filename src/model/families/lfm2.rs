//! LFM2: short convolutions between two gates in most layers, attention in the others.

use super::prelude::*;

pub(super) static LFM2: Family = Family {
    id: "lfm2",
    title: "LFM2",
    model_types: &["lfm2"],
    fit: |names| if names.any_layer("layers.{l}.operator_norm.weight") { 13 } else { 0 },
    recipe,
};

fn recipe(s: &Survey<'_>) -> Result<Recipe, ModelError> {
    let listed = s.config.get("full_attn_idxs").and_then(Value::as_array);
    let is_listed = |l: usize| {
        listed.is_none_or(|listed| listed.iter().any(|index| index.as_u64() == Some(l as u64)))
    };
    Ok(Recipe {
        output: "self_attn.out_proj",
        qk_norm: PerLayer::All(Some((
            QkNormPaths::Shared("self_attn.q_layernorm", "self_attn.k_layernorm"),
            NormKind::Rms,
        ))),
        attends: s.attends("self_attn.out_proj", is_listed),
        mixer: Some(MixerPaths::ShortConvolution { home: "conv" }),
        eps: s.config.eps(1e-5),
        before_attention: Some("operator_norm"),
        before_mlp: Some("ffn_norm"),
        mlp: MlpPaths::Gated("feed_forward.w1", "feed_forward.w3", "feed_forward.w2"),
        rope: s.rope_of(1_000_000.0, 1.0),
        final_norm: Some("embedding_norm"),
        ..Recipe::default()
    })
}

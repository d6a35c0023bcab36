//! MPT: queries, keys and values in one matrix as blocks, LayerNorm without a bias, ALiBi.

use super::prelude::*;

pub(super) static MPT: Family = Family {
    id: "mpt",
    title: "MPT",
    model_types: &["mpt"],
    fit: |names| {
        let fused = names.any_layer("blocks.{l}.attn.Wqkv.weight");
        if fused && names.any_layer("blocks.{l}.ffn.up_proj.weight") { 10 } else { 0 }
    },
    recipe,
};

fn recipe(s: &Survey<'_>) -> Result<Recipe, ModelError> {
    let attention = s.config.part("attn_config").unwrap_or_default();
    Ok(Recipe {
        layer: "blocks.{l}.",
        qkv: QkvPaths::Fused("attn.Wqkv", FusedOrder::Blocks),
        output: "attn.out_proj",
        clip: attention.number(&["clip_qkv"]),
        norm: NormKind::Layer,
        eps: s.config.eps(1e-5),
        before_attention: Some("norm_1"),
        before_mlp: Some("norm_2"),
        mlp: MlpPaths::Plain("ffn.up_proj", "ffn.down_proj"),
        activation: Activation::Gelu,
        score_scale: attention.number(&["softmax_scale"]).map_or(Scale::HeadWidth, Scale::Is),
        // Whatever `alibi` and `alibi_bias_max` say: the library that runs these files reads neither.
        alibi: Some(AlibiKind::Mpt),
        embed: "wte.weight",
        final_norm: Some("norm_f"),
        prepend_bos: false,
        ..Recipe::default()
    })
}

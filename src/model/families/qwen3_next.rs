//! Qwen 3 Next and Qwen 3.5: linear attention in three layers of four, in the fourth attention whose heads are gated.

use super::prelude::*;

pub(super) static QWEN3_NEXT: Family = Family {
    id: "qwen3_next",
    title: "Qwen 3 Next",
    model_types: &["qwen3_next"],
    fit: |names| {
        if names.any_layer("layers.{l}.linear_attn.in_proj_qkvz.weight") { 13 } else { 0 }
    },
    recipe,
};

pub(super) static QWEN3_5: Family = Family {
    id: "qwen3_5",
    title: "Qwen 3.5",
    model_types: &["qwen3_5_text", "qwen3_5"],
    fit: |names| {
        if names.any_layer("layers.{l}.linear_attn.in_proj_qkv.weight") { 13 } else { 0 }
    },
    recipe,
};

fn recipe(s: &Survey<'_>) -> Result<Recipe, ModelError> {
    Ok(Recipe {
        gated: true,
        qk_norm: PerLayer::All(Some((
            QkNormPaths::Shared("self_attn.q_norm", "self_attn.k_norm"),
            NormKind::RmsPlusOne,
        ))),
        attends: attends(s),
        norm: NormKind::RmsPlusOne,
        eps: s.config.eps(1e-6),
        rope: s.rope(0.25),
        prepend_bos: false,
        cannot_run: Some("its other layers are linear attention, which is not run here".into()),
        ..Recipe::default()
    })
}

/// The layers with heads: by config.json, else those that have their tensors.
fn attends(s: &Survey<'_>) -> PerLayer<bool> {
    let named = s.names.layers("layers.{l}.self_attn.o_proj.weight");
    let every = s.config.size(&["full_attention_interval"]).unwrap_or(4).max(1);
    let kinds = s.config.get("layer_types").and_then(Value::as_array);
    s.each(|l| match kinds.and_then(|kinds| kinds.get(l)).and_then(Value::as_str) {
        Some(kind) => kind == "full_attention",
        None if s.config.is_empty() => named.values().any(|layers| layers.contains(&l)),
        None => (l + 1).is_multiple_of(every),
    })
}

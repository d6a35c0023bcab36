//! Phi-3, 3.5 and 4: queries, keys and values in one matrix as blocks, gate and up in another; part of a head turns in Phi-4-mini.

use super::prelude::*;

pub(super) static PHI3: Family = Family {
    id: "phi3",
    title: "Phi-3",
    model_types: &["phi3"],
    fit: |names| if names.any_layer("layers.{l}.self_attn.qkv_proj.weight") { 10 } else { 0 },
    recipe,
};

fn recipe(s: &Survey<'_>) -> Result<Recipe, ModelError> {
    Ok(Recipe {
        qkv: QkvPaths::Fused("self_attn.qkv_proj", FusedOrder::Blocks),
        eps: s.config.eps(1e-5),
        mlp: MlpPaths::GatedFused("mlp.gate_up_proj", "mlp.down_proj"),
        activation: s.config.activation(&["hidden_act"], Activation::Silu),
        window: s.windows(s.config.size(&["sliding_window"]), |_| true),
        rope: s.rope(1.0),
        ..Recipe::default()
    })
}

//! GLM 4: neighbouring dimensions of half a head turn, gate and up share a matrix; the newer form also norms what is written.

use super::prelude::*;

pub(super) static GLM: Family = Family {
    id: "glm",
    title: "GLM-4 (2024)",
    model_types: &["glm"],
    fit: |names| if fused(names) { 9 } else { 0 },
    recipe,
};

pub(super) static GLM4: Family = Family {
    id: "glm4",
    title: "GLM-4 (0414)",
    model_types: &["glm4"],
    fit: |names| {
        let behind = names.any_layer("layers.{l}.post_self_attn_layernorm.weight");
        if behind && fused(names) { 12 } else { 0 }
    },
    recipe: recipe4,
};

fn fused(names: &Names) -> bool {
    names.any_layer("layers.{l}.mlp.gate_up_proj.weight")
        && names.any_layer("layers.{l}.self_attn.q_proj.weight")
}

fn recipe(s: &Survey<'_>) -> Result<Recipe, ModelError> {
    Ok(Recipe {
        eps: s.config.eps(1.5625e-7),
        mlp: MlpPaths::GatedFused("mlp.gate_up_proj", "mlp.down_proj"),
        activation: s.config.activation(&["hidden_act"], Activation::Silu),
        rope: s.adjacent_rope(10_000.0, 0.5),
        prepend_bos: false,
        ..Recipe::default()
    })
}

fn recipe4(s: &Survey<'_>) -> Result<Recipe, ModelError> {
    Ok(Recipe {
        on_attention: Some("post_self_attn_layernorm"),
        on_mlp: Some("post_mlp_layernorm"),
        ..recipe(s)?
    })
}

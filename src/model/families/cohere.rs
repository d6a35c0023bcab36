//! Command R: attention and MLP side by side behind one LayerNorm without a bias, neighbouring dimensions turn, logits scaled;
//! in Command R+ every head's queries and keys are normed with gains of their own.

use super::prelude::*;

pub(super) static COHERE: Family = Family {
    id: "cohere",
    title: "Command R (Cohere)",
    model_types: &["cohere"],
    fit: |names| {
        let parallel = names.any_layer("layers.{l}.input_layernorm.weight")
            && names.any_layer("layers.{l}.mlp.gate_proj.weight")
            && !names.any_layer("layers.{l}.post_attention_layernorm.weight");
        if parallel && names.any_layer("layers.{l}.self_attn.q_proj.weight") { 10 } else { 0 }
    },
    recipe,
};

pub(super) static COHERE2: Family = Family {
    id: "cohere2",
    title: "Command R7B, A (Cohere 2)",
    model_types: &["cohere2"],
    // Without a config its names cannot be told from Command R's.
    fit: |_| 0,
    recipe: recipe2,
};

fn recipe(s: &Survey<'_>) -> Result<Recipe, ModelError> {
    let gains = s.names.any_layer("layers.{l}.self_attn.q_norm.weight");
    let paths = QkNormPaths::Rows("self_attn.q_norm", "self_attn.k_norm");
    Ok(Recipe {
        qk_norm: PerLayer::All(
            s.config.flag("use_qk_norm", gains).then_some((paths, NormKind::Layer)),
        ),
        norm: NormKind::Layer,
        eps: s.config.eps(1e-5),
        before_mlp: Some("input_layernorm"),
        parallel: true,
        activation: s.config.activation(&["hidden_act"], Activation::Silu),
        rope: s.adjacent_rope(500_000.0, 1.0),
        logits_factor: s.config.number(&["logit_scale"]).unwrap_or(0.0625),
        ..Recipe::default()
    })
}

/// Three layers of four slide and turn; the fourth sees everything and knows no positions.
fn recipe2(s: &Survey<'_>) -> Result<Recipe, ModelError> {
    let every = s.config.size(&["sliding_window_pattern", "_sliding_window_pattern"]).unwrap_or(4);
    let otherwise = |l: usize| !(l + 1).is_multiple_of(every.max(1));
    let sliding = s.config.sliding_layers(s.n_layers, otherwise);
    let window = s.config.size_or("sliding_window", 4096);
    let rope = RopeRecipe::adjacent(s.config.rope("full_attention", 10_000.0, 1.0));
    let turns = |l: usize| window.is_some() && sliding.get(l).copied().unwrap_or(false);
    Ok(Recipe {
        qk_norm: PerLayer::All(None),
        window: windows_in(window.map(Window::Last), &sliding),
        rope: s.each(|l| turns(l).then(|| rope.clone())),
        ..recipe(s)?
    })
}

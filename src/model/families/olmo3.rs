//! OLMo 3: OLMo 2 with sliding windows in three layers of four; only the full layers' rotation is stretched.

use super::prelude::*;

pub(super) static OLMO3: Family = Family {
    id: "olmo3",
    title: "OLMo 3",
    model_types: &["olmo3"],
    // Without a config its names cannot be told from OLMo 2's.
    fit: |_| 0,
    recipe,
};

fn recipe(s: &Survey<'_>) -> Result<Recipe, ModelError> {
    let sliding = s.config.sliding_layers(s.n_layers, |l| !(l + 1).is_multiple_of(4));
    let window = s.config.size_or("sliding_window", 4096);
    let full = s.config.rope("full_attention", 500_000.0, 1.0);
    let mut local = s.config.rope("sliding_attention", 500_000.0, 1.0);
    if !s.config.has_rope_of("sliding_attention") {
        local.scaling = Scaling::None;
    }
    let rope = |l: usize| {
        let slides = sliding.get(l).copied().unwrap_or(false);
        Some(RopeRecipe::half(if slides { local.clone() } else { full.clone() }))
    };
    Ok(Recipe {
        qk_norm: PerLayer::All(Some((
            QkNormPaths::Together("self_attn.q_norm", "self_attn.k_norm"),
            NormKind::Rms,
        ))),
        eps: s.config.eps(1e-5),
        before_attention: None,
        on_attention: Some("post_attention_layernorm"),
        before_mlp: None,
        on_mlp: Some("post_feedforward_layernorm"),
        activation: s.config.activation(&["hidden_act"], Activation::Silu),
        window: windows_in(window.map(Window::Last), &sliding),
        rope: s.each(rope),
        prepend_bos: false,
        ..Recipe::default()
    })
}

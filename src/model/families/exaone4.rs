//! EXAONE 4: norms on what is written and on queries and keys, none in front; layers without a window know no positions.

use super::prelude::*;

pub(super) static EXAONE4: Family = Family {
    id: "exaone4",
    title: "EXAONE 4",
    model_types: &["exaone4"],
    // Its names are OLMo 2's; its gains are those of one head, not of all together.
    fit: |names| {
        let (gains, matrix) =
            ("layers.{l}.self_attn.q_norm.weight", "layers.{l}.self_attn.q_proj.weight");
        let prefixes = names.layers(gains);
        let first = |path: &str| {
            names
                .layer_shape(prefixes.keys().next()?, path)
                .and_then(|shape| shape.first().copied())
        };
        let of_one = first(gains).zip(first(matrix)).is_some_and(|(gains, all)| gains < all);
        let outputs = names.any_layer("layers.{l}.post_feedforward_layernorm.weight");
        if of_one && outputs && !names.any_layer("layers.{l}.input_layernorm.weight") {
            13
        } else {
            0
        }
    },
    recipe,
};

fn recipe(s: &Survey<'_>) -> Result<Recipe, ModelError> {
    let window = s.config.size_or("sliding_window", 4096);
    let pattern = s.config.text("sliding_window_pattern").map(str::as_bytes);
    let every = s.config.size(&["sliding_window_pattern"]).unwrap_or(4).max(1);
    let otherwise = |l: usize| match pattern {
        // "LLLG": three local layers, a global one.
        Some(letters) if !letters.is_empty() => letters[l % letters.len()] == b'L',
        _ => !(l + 1).is_multiple_of(every),
    };
    let sliding = s.config.sliding_layers(s.n_layers, otherwise);
    let rope = RopeRecipe::half(s.config.rope("full_attention", 10_000.0, 1.0));
    let turns = |l: usize| window.is_none() || sliding.get(l).copied().unwrap_or(false);
    Ok(Recipe {
        qk_norm: PerLayer::All(Some((
            QkNormPaths::Shared("self_attn.q_norm", "self_attn.k_norm"),
            NormKind::Rms,
        ))),
        eps: s.config.eps(1e-5),
        before_attention: None,
        on_attention: Some("post_attention_layernorm"),
        before_mlp: None,
        on_mlp: Some("post_feedforward_layernorm"),
        activation: s.config.activation(&["hidden_act"], Activation::Silu),
        window: windows_in(window.map(Window::Last), &sliding),
        rope: s.each(|l| turns(l).then(|| rope.clone())),
        ..Recipe::default()
    })
}

//! SmolLM 3: Llama's names; every fourth layer knows no positions.

use super::prelude::*;

pub(super) static SMOLLM3: Family = Family {
    id: "smollm3",
    title: "SmolLM 3",
    model_types: &["smollm3"],
    // Without a config its names cannot be told from Llama's.
    fit: |_| 0,
    recipe,
};

fn recipe(s: &Survey<'_>) -> Result<Recipe, ModelError> {
    let turns = s.config.rotary_layers(s.n_layers);
    let rope = RopeRecipe::half(s.config.rope("full_attention", 2_000_000.0, 1.0));
    let turning = |l: usize| turns.get(l).copied().unwrap_or(true);
    let window =
        s.config.size(&["sliding_window"]).filter(|_| s.config.flag("use_sliding_window", false));
    Ok(Recipe {
        eps: s.config.eps(1e-6),
        activation: s.config.activation(&["hidden_act"], Activation::Silu),
        window: s.windows(window, |l| !turning(l)),
        rope: s.each(|l| turning(l).then(|| rope.clone())),
        ..Recipe::default()
    })
}

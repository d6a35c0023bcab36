//! Gemma 3n and Gemma 4: plain norm gains, a bare norm on values, and last layers that use the keys and values of earlier ones.
//!
//! Gemma 3n moves several streams at once and Gemma 4 adds an input to every layer; neither is run here.

use super::prelude::*;

pub(super) static GEMMA3N: Family = Family {
    id: "gemma3n",
    title: "Gemma 3n",
    model_types: &["gemma3n_text", "gemma3n"],
    fit: |names| if names.any_layer("layers.{l}.altup.router_norm.weight") { 13 } else { 0 },
    recipe: three,
};

pub(super) static GEMMA4: Family = Family {
    id: "gemma4",
    title: "Gemma 4",
    model_types: &["gemma4_text", "gemma4"],
    fit: |names| {
        let like = names.any_layer("layers.{l}.layer_scalar");
        if like && names.any_layer("layers.{l}.self_attn.o_proj.weight") { 13 } else { 0 }
    },
    recipe: four,
};

fn three(s: &Survey<'_>) -> Result<Recipe, ModelError> {
    let sliding = s.config.sliding_layers(s.n_layers, |l| !(l + 1).is_multiple_of(5));
    let reason = "it moves several residual streams at once (AltUp), which is not run here";
    both(s, &sliding, 15, reason)
}

/// Full layers have wider heads than sliding ones.
fn four(s: &Survey<'_>) -> Result<Recipe, ModelError> {
    let full = |l: usize| (l + 1).is_multiple_of(6) || l + 1 == s.n_layers;
    let sliding = s.config.sliding_layers(s.n_layers, |l| !full(l));
    let reason = "every layer adds an input of its own, which is not run here";
    Ok(Recipe { widths_vary: true, ..both(s, &sliding, 0, reason)? })
}

fn both(
    s: &Survey<'_>,
    sliding: &[bool],
    shared: usize,
    cannot_run: &str,
) -> Result<Recipe, ModelError> {
    let window = s.config.size(&["sliding_window"]).unwrap_or(512);
    let rope = |kind: &str, theta: f64| RopeRecipe::half(s.config.rope(kind, theta, 1.0));
    let full = rope("full_attention", 1_000_000.0);
    let local = rope("sliding_attention", 10_000.0);
    let shared = s.config.size(&["num_kv_shared_layers"]).unwrap_or(if s.config.is_empty() {
        0
    } else {
        shared
    });
    Ok(Recipe {
        qk_norm: PerLayer::All(Some((
            QkNormPaths::Shared("self_attn.q_norm", "self_attn.k_norm"),
            NormKind::Rms,
        ))),
        value_norm: true,
        keys_of: PerLayer::Each(lenders(s.names, sliding, shared)),
        eps: s.config.eps(1e-6),
        on_attention: Some("post_attention_layernorm"),
        before_mlp: Some("pre_feedforward_layernorm"),
        on_mlp: Some("post_feedforward_layernorm"),
        activation: s.config.activation(&["hidden_activation"], Activation::GeluTanh),
        score_scale: Scale::Is(1.0),
        window: windows_in(Some(Window::Last(window)), sliding),
        rope: s.each(|l| Some(if sliding[l] { local.clone() } else { full.clone() })),
        embed_times_root_width: true,
        logits_cap: s.config.number(&["final_logit_softcapping"]),
        cannot_run: Some(cannot_run.into()),
        ..Recipe::default()
    })
}

/// For each of the last `shared` layers, and each without keys in the files, the last layer of its kind before them.
fn lenders(names: &Names, sliding: &[bool], shared: usize) -> Vec<Option<usize>> {
    let n = sliding.len();
    let keys: Vec<_> = names.layers("layers.{l}.self_attn.k_proj.weight").into_values().collect();
    let has_keys = |l: usize| keys.iter().any(|layers| layers.contains(&l));
    let own = (0..n).rev().find(|&l| l + shared < n && has_keys(l)).map_or(n, |l| l + 1);
    (0..n).map(|l| (0..own).rev().find(|&k| l >= own && sliding[k] == sliding[l])).collect()
}

//! Gemma 3n and Gemma 4: plain norm gains, a bare norm on values, last layers that use the keys and values of earlier ones, and an
//! input of every layer's own. Gemma 3n moves several streams at once.

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
    let cut = s.config.get("activation_sparsity_pattern");
    let of_layer = |l: usize| match cut {
        Some(Value::Array(list)) => list.get(l).and_then(Value::as_f64).unwrap_or(0.0),
        Some(all) => all.as_f64().unwrap_or(0.0),
        None => 0.0,
    };
    Ok(Recipe {
        gates_cut: s.each(of_layer),
        altup: Some(AltUpPaths {
            active: s.config.size(&["altup_active_idx"]).unwrap_or(0),
            into: "altup_projections.{i}",
            out: "altup_unembed_projections.{i}",
            home: "altup",
            laurel: "laurel",
            scaled: s.config.flag("altup_correct_scale", true),
        }),
        logits_cap: s.config.cap("final_logit_softcapping", 30.0),
        doubt: Some(
            "Which earlier layer lends its keys and values to the last ones is in config.json alone: every fifth layer is taken to see \
             the whole prompt, as in the released models.",
        ),
        ..both(s, &sliding, 15)
    })
}

/// Full layers have wider heads than sliding ones.
fn four(s: &Survey<'_>) -> Result<Recipe, ModelError> {
    let widths = widths(s);
    let narrowest = widths.iter().flatten().min().copied();
    let full = |l: usize| match widths.get(l).copied().flatten() {
        Some(width) if s.config.is_empty() => Some(width) > narrowest,
        _ => (l + 1).is_multiple_of(6) || l + 1 == s.n_layers,
    };
    let sliding = s.config.sliding_layers(s.n_layers, |l| !full(l));
    Ok(Recipe {
        widths_vary: true,
        layer_scalar: Some("layer_scalar"),
        beside_mlp: Some(BesidePaths {
            mixture: MixturePaths {
                router: "router.proj",
                routing: softmax_routing(s.config.size(&["top_k_experts"]), true),
                ..MixturePaths::default()
            },
            before_router: "router.scale",
            scale: "router.per_expert_scale",
            norms: [
                "pre_feedforward_layernorm_2",
                "post_feedforward_layernorm_2",
                "post_feedforward_layernorm_1",
            ],
        }),
        ..both(s, &sliding, 0)
    })
}

/// The width of a head in every layer, by the gains of its queries.
fn widths(s: &Survey<'_>) -> Vec<Option<usize>> {
    let gains = s.names.layers("layers.{l}.self_attn.q_norm.weight");
    let prefix = gains.iter().max_by_key(|(_, layers)| layers.len()).map(|(prefix, _)| prefix);
    let width = |l: usize| {
        let name = format!("{}layers.{l}.self_attn.q_norm.weight", prefix?);
        s.names.shape(&name)?.first().copied()
    };
    (0..s.n_layers).map(width).collect()
}

fn both(s: &Survey<'_>, sliding: &[bool], shared: usize) -> Recipe {
    let window = s.config.size(&["sliding_window"]).unwrap_or(512);
    let rope = |kind: &str, theta: f64| RopeRecipe::half(s.config.rope(kind, theta, 1.0));
    let full = rope("full_attention", 1_000_000.0);
    let mut local = rope("sliding_attention", 10_000.0);
    if let Some(theta) = s.config.number(&["rope_local_base_freq"]) {
        local.config.theta = theta;
    }
    let shared = s.config.size(&["num_kv_shared_layers"]).unwrap_or(if s.config.is_empty() {
        0
    } else {
        shared
    });
    Recipe {
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
        layer_inputs: Some(LayerInputPaths {
            table: "embed_tokens_per_layer",
            project: "per_layer_model_projection",
            norm: "per_layer_projection_norm",
            gate: "per_layer_input_gate",
            back: "per_layer_projection",
            after: "post_per_layer_input_norm",
        }),
        score_scale: Scale::Is(1.0),
        window: windows_in(Some(Window::Last(window)), sliding),
        rope: s.each(|l| Some(if sliding[l] { local.clone() } else { full.clone() })),
        embed_times_root_width: true,
        logits_cap: s.config.number(&["final_logit_softcapping"]),
        ..Recipe::default()
    }
}

/// For each of the last `shared` layers, and each without keys in the files, the last layer of its kind before them.
fn lenders(names: &Names, sliding: &[bool], shared: usize) -> Vec<Option<usize>> {
    let n = sliding.len();
    let keys: Vec<_> = names.layers("layers.{l}.self_attn.k_proj.weight").into_values().collect();
    let has_keys = |l: usize| keys.iter().any(|layers| layers.contains(&l));
    let own =
        (0..n).rev().find(|&l| l.saturating_add(shared) < n && has_keys(l)).map_or(n, |l| l + 1);
    (0..n).map(|l| (0..own).rev().find(|&k| l >= own && sliding[k] == sliding[l])).collect()
}

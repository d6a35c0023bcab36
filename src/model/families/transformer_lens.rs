//! TransformerLens state dicts: one matrix per head, `[n_heads, d_in, d_head]`, nothing transposed; once folded, norms have no tensors.

use super::prelude::*;

pub(super) static TRANSFORMER_LENS: Family = Family {
    id: "transformer_lens",
    title: "TransformerLens",
    model_types: &[],
    fit: |names| if names.any_layer("blocks.{l}.attn.W_Q") { 15 } else { 0 },
    recipe,
};

fn recipe(s: &Survey<'_>) -> Result<Recipe, ModelError> {
    let c = s.config;
    let there = |path: &str| s.names.any_layer(&format!("blocks.{{l}}.{path}"));
    let grouped = there("attn._W_K");
    let turns = there("attn.rotary_sin");
    let kind = c.text("normalization_type");
    let centred = kind.map_or(if there("ln1.w") { there("ln1.b") } else { !turns }, |kind| {
        kind.starts_with("LN")
    });
    let normed =
        |path: &'static str| (kind.is_some() || !c.flag("attn_only", false)).then_some(path);
    let gated = there("mlp.W_gate");
    let scale = if c.flag("use_attn_scale", true) {
        c.number(&["attn_scale"])
            .filter(|&scale| scale > 0.0)
            .map_or(Scale::HeadWidth, |scale| Scale::Is(1.0 / scale))
    } else {
        Scale::Is(1.0)
    };
    let positive = |key: &str| c.number(&[key]).filter(|&cap| cap > 0.0);
    let positions =
        c.text("positional_embedding_type").unwrap_or(if turns { "rotary" } else { "standard" });
    let rope = RopeRecipe {
        pairing: if c.flag("rotary_adjacent_pairs", false) {
            Pairing::Adjacent
        } else {
            Pairing::Half
        },
        rotary: c.size(&["rotary_dim"]).map_or(Rotary::Fraction, Rotary::Dimensions),
        config: RopeConfig {
            theta: c.number(&["rotary_base"]).unwrap_or(10_000.0),
            fraction: 1.0,
            scaling: Scaling::None,
        },
    };
    let window =
        c.size(&["window_size"]).filter(|_| c.flag("use_local_attn", false)).map(Window::Last);
    let kinds = c.get("attn_types").and_then(Value::as_array);
    let local = |l: usize| kinds.and_then(|k| k.get(l)).and_then(Value::as_str) == Some("local");
    Ok(Recipe {
        layer: "blocks.{l}.",
        orientation: Orientation::InOut,
        qkv: if grouped {
            QkvPaths::Separate("attn.{}_Q", "attn._{}_K", "attn._{}_V")
        } else {
            QkvPaths::Separate("attn.{}_Q", "attn.{}_K", "attn.{}_V")
        },
        output: "attn.{}_O",
        norm: if centred { NormKind::Layer } else { NormKind::Rms },
        bare_norms: !there("ln1.w"),
        eps: c.number(&["eps"]).unwrap_or(1e-5),
        before_attention: normed("ln1.{}").filter(|_| kind != Some("None")),
        before_mlp: normed("ln2.{}").filter(|_| kind != Some("None")),
        parallel: c.flag("parallel_attn_mlp", false),
        mlp: match (there("mlp.W_in"), gated) {
            (false, _) => MlpPaths::None,
            (true, true) => MlpPaths::GatedThenBiased("mlp.{}_gate", "mlp.{}_in", "mlp.{}_out"),
            (true, false) => MlpPaths::Plain("mlp.{}_in", "mlp.{}_out"),
        },
        unsaid: c.text("act_fn").is_none().then_some(
            "The MLP's non-linearity is in the configuration alone (act_fn): GELU in its tanh form is taken.",
        ),
        activation: c.activation(&["act_fn"], Activation::GeluTanh),
        score_scale: scale,
        score_cap: positive("attn_scores_soft_cap"),
        window: s.each(|l| window.filter(|_| local(l))),
        rope: PerLayer::All((positions == "rotary").then_some(rope)),
        causal: c.text("attention_dir") != Some("bidirectional"),
        embed: "embed.W_E",
        positions: (positions == "standard").then_some(PositionPaths::from_zero("pos_embed.W_pos")),
        final_norm: normed("ln_final.{}").filter(|_| kind != Some("None")),
        unembed: &["unembed.{}_U"],
        tied: false,
        logits_cap: positive("output_logits_soft_cap"),
        prepend_bos: c.flag("default_prepend_bos", true),
        cannot_run: (!["standard", "rotary"].contains(&positions))
            .then(|| format!("its positions ({positions}) are not known here")),
        ..Recipe::default()
    })
}

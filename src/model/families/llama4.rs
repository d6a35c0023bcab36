//! Llama 4 (text): layers that turn neighbours and see their own block, layers that know no positions and warm their queries
//! instead, and a mixture whose weight multiplies what an expert reads.

use super::prelude::*;

pub(super) static LLAMA4: Family = Family {
    id: "llama4",
    title: "Llama 4",
    model_types: &["llama4_text", "llama4"],
    fit: |names| {
        let dense = names.any_layer("layers.{l}.feed_forward.gate_proj.weight");
        let routed = names.any_layer("layers.{l}.feed_forward.router.weight");
        let like = names.any_layer("layers.{l}.post_attention_layernorm.weight");
        if like && (dense || routed) { 8 } else { 0 }
    },
    recipe,
};

fn recipe(s: &Survey<'_>) -> Result<Recipe, ModelError> {
    let turns = s.config.rotary_layers(s.n_layers);
    let turning = |l: usize| turns.get(l).copied().unwrap_or(true);
    let rope = RopeRecipe::adjacent(s.config.rope("full_attention", 500_000.0, 1.0));
    let block = s.config.size_or("attention_chunk_size", 8192).map(Window::Block);
    let types = s.config.get("layer_types").and_then(Value::as_array);
    let blocked = |l: usize| {
        let kind = types.and_then(|types| types.get(l)).and_then(Value::as_str);
        kind.map_or_else(|| turning(l), |kind| kind == "chunked_attention")
    };
    let normed = s.config.flag("use_qk_norm", true);
    let number = |key: &str, default: f64| s.config.number(&[key]).unwrap_or(default);
    let warm =
        Temperature { scale: number("attn_scale", 0.1), floor: number("floor_scale", 8192.0) };
    let warms = s.config.flag("attn_temperature_tuning", true);
    let routing = softmax_routing(s.experts_per_token("num_experts_per_tok", 1), false);
    Ok(Recipe {
        qk_norm: s.each(|l| (normed && turning(l)).then_some((QkNormPaths::Bare, NormKind::Rms))),
        turns_before_norm: true,
        temperature: s.each(|l| (warms && !turning(l)).then_some(warm)),
        eps: s.config.eps(1e-5),
        mlp: MlpPaths::FEED_FORWARD,
        mixture: Some(MixturePaths {
            homes: &["feed_forward"],
            router: "router",
            routing: routing.map(|routing| Routing {
                scores: RouterScores::Sigmoid,
                on_input: true,
                ..routing
            }),
            lies: Orientation::InOut,
            shared: Some(SharedPaths { path: "shared_expert", gate: None }),
            ..MixturePaths::default()
        }),
        activation: s.config.activation(&["hidden_act"], Activation::Silu),
        window: s.each(|l| block.filter(|_| blocked(l))),
        rope: s.each(|l| turning(l).then(|| rope.clone())),
        tied: s.config.flag("tie_word_embeddings", false),
        ..Recipe::default()
    })
}

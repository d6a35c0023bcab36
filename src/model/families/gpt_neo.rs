//! GPT-Neo (TinyStories): scores are not scaled, every other layer sees a local window.

use super::prelude::*;

pub(super) static GPT_NEO: Family = Family {
    id: "gpt_neo",
    title: "GPT-Neo",
    model_types: &["gpt_neo"],
    fit: |names| if names.any_layer("h.{l}.attn.attention.q_proj.weight") { 10 } else { 0 },
    recipe,
};

fn recipe(s: &Survey<'_>) -> Result<Recipe, ModelError> {
    let window = s.config.size(&["window_size"]).unwrap_or(256);
    let kinds = attention_layers(s.config);
    let local = |l: usize| kinds.get(l).map_or(l % 2 == 1, |kind| kind == "local");
    Ok(Recipe {
        layer: "h.{l}.",
        qkv: QkvPaths::Separate(
            "attn.attention.q_proj",
            "attn.attention.k_proj",
            "attn.attention.v_proj",
        ),
        output: "attn.attention.out_proj",
        norm: NormKind::Layer,
        eps: s.config.eps(1e-5),
        before_attention: Some("ln_1"),
        before_mlp: Some("ln_2"),
        mlp: MlpPaths::Plain("mlp.c_fc", "mlp.c_proj"),
        activation: s.config.activation(&["activation_function"], Activation::GeluTanh),
        score_scale: Scale::Is(1.0),
        window: s.windows(Some(window), local),
        embed: "wte.weight",
        positions: Some(PositionPaths::from_zero("wpe.weight")),
        final_norm: Some("ln_f"),
        ..Recipe::default()
    })
}

/// `attention_layers` (one name per layer), or `attention_types`, `[[["global", "local"], 6]]`, unrolled.
fn attention_layers(config: &Config) -> Vec<String> {
    let text = |v: &Value| v.as_str().unwrap_or_default().to_owned();
    if let Some(layers) = config.get("attention_layers").and_then(Value::as_array) {
        return layers.iter().map(text).collect();
    }
    let mut kinds = Vec::new();
    for entry in config.get("attention_types").and_then(Value::as_array).into_iter().flatten() {
        let pattern: Vec<String> =
            entry.get(0).and_then(Value::as_array).into_iter().flatten().map(text).collect();
        let times = entry.get(1).and_then(Value::as_u64).unwrap_or(0).min(1000);
        (0..times).for_each(|_| kinds.extend(pattern.iter().cloned()));
    }
    kinds
}

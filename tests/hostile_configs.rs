//! A `config.json` with any value wrong: an error or a model, never a panic.

#![allow(clippy::unwrap_used, reason = "a test says by panicking what is wrong")]

use crate::golden;

use golden::{fixtures, memory, open};
use omega_lens::model::{AttentionLayer, ForwardPass, Hints, Part, Weights};
use serde_json::{Value, json};

/// What may stand where anything else was expected.
fn wrong_values() -> Vec<Value> {
    vec![
        json!(0),
        json!(1),
        json!(-1),
        json!(1e18),
        json!(0.5),
        json!(u64::MAX),
        json!("x"),
        json!([]),
        json!({}),
        json!(null),
    ]
}

/// Every path to a value, at most two levels deep.
fn paths(config: &Value) -> Vec<Vec<String>> {
    let mut paths = Vec::new();
    for (key, value) in config.as_object().into_iter().flatten() {
        paths.push(vec![key.clone()]);
        paths.extend(
            value
                .as_object()
                .into_iter()
                .flatten()
                .map(|(inner, _)| vec![key.clone(), inner.clone()]),
        );
    }
    paths
}

#[test]
fn any_wrong_value_is_an_error_or_a_model() {
    let (mut models, mut errors) = (0, 0);
    for fixture in fixtures().into_iter().chain(golden::more_families()) {
        let config: Value = serde_json::from_slice(&fixture.bytes("config.json")).unwrap();
        let weights = fixture.bytes("model.safetensors");
        for path in paths(&config) {
            for wrong in wrong_values() {
                let mut config = config.clone();
                config[&path[0]] = match path.get(1) {
                    Some(inner) => {
                        let mut outer = config[&path[0]].clone();
                        outer[inner] = wrong;
                        outer
                    }
                    None => wrong,
                };
                let config = memory("config.json", serde_json::to_vec(&config).unwrap());
                let Ok(model) = open(
                    vec![config, memory("model.safetensors", weights.clone())],
                    &Hints::default(),
                ) else {
                    errors += 1;
                    continue;
                };
                models += 1;
                if let Ok(layer) = AttentionLayer::read(&model, 0, Part::Both) {
                    let _ = layer.head(0, Weights::Folded);
                }
                if let Ok(mut pass) = ForwardPass::of_tokens(&model, &[vec![1, 5, 3]]) {
                    let _ = pass.step(&model, true, None);
                }
            }
        }
    }
    assert!(models > 3000 && errors > 300, "{models} models, {errors} errors");
}

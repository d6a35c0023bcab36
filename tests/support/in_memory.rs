//! Models whose files are made in the test.

#![allow(clippy::unwrap_used, reason = "a test says by panicking what is wrong")]

use omega_lens::checkpoint::{Checkpoint, Named, to_safetensors};
use omega_lens::model::{AttentionLayer, Hints, Model, ModelError, Part, Weights};
use serde_json::Value;

use crate::golden::{Fixture, memory};

/// A golden checkpoint's tensors and configuration.
pub(crate) fn parts(fixture: &Fixture) -> (Vec<Named>, Value) {
    let weights = memory("model.safetensors", fixture.bytes("model.safetensors"));
    let checkpoint = Checkpoint::open(vec![weights]).unwrap();
    let tensors = checkpoint.entries().map(|entry| {
        let values = checkpoint.read(&entry.name).unwrap().f32s().unwrap();
        Named::f32(&entry.name, &entry.shape, values)
    });
    (tensors.collect(), serde_json::from_slice(&fixture.bytes("config.json")).unwrap())
}

/// A model whose files are these tensors and, where there is one, this config.json.
pub(crate) fn open(
    tensors: &[Named],
    config: Option<&Value>,
    hints: &Hints,
) -> Result<Model, ModelError> {
    let mut files = vec![memory("model.safetensors", to_safetensors(tensors, &[]).unwrap())];
    files.extend(config.map(|config| memory("config.json", config.to_string().into_bytes())));
    Model::open(Checkpoint::open(files).unwrap(), hints)
}

/// The same, where it opens by itself.
pub(crate) fn plain(tensors: &[Named], config: &Value) -> Model {
    open(tensors, Some(config), &Hints::default()).unwrap_or_else(|e| panic!("{e}"))
}

/// What people should know of it.
pub(crate) fn notes(model: &Model) -> String {
    model.notes.join("\n")
}

/// The matrices of every head that can be seen.
pub(crate) fn heads(model: &Model, weights: Weights) -> Vec<f64> {
    let mut all = Vec::new();
    for layer in model.readable_layers() {
        let attention = AttentionLayer::read(model, layer, Part::Both).unwrap();
        for head in 0..attention.n_heads() {
            let head = attention.head(head, weights).unwrap();
            for matrix in [head.w_q, head.w_k, head.w_v, head.w_o] {
                all.extend(matrix.iter().copied());
            }
        }
    }
    all
}

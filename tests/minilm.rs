//! A real model, all-MiniLM-L6-v2 (90 MB), against transformers.

#![allow(clippy::unwrap_used, reason = "a test says by panicking what is wrong")]

use crate::golden;
use crate::support::minilm;

use std::path::PathBuf;

use omega_lens::checkpoint::Checkpoint;
use omega_lens::model::forward::ForwardPass;
use omega_lens::model::{Hints, Model};

#[test]
fn minilm_attends_as_in_the_library() {
    let Some(folder) = minilm::folder() else { return };
    let model = Model::open(Checkpoint::open_paths(&[folder]).unwrap(), &Hints::default()).unwrap();
    assert_eq!((model.arch.family, model.arch.n_layers, model.arch.n_heads), ("bert", 6, 12));
    let bytes = std::fs::read(
        PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden/minilm.safetensors"),
    );
    let expected =
        Checkpoint::open(vec![golden::memory("minilm.safetensors", bytes.unwrap())]).unwrap();
    let golden = |name: String| expected.read(&name).unwrap().f32s().unwrap();
    let off = |expected: &[f32], found: &[f32]| {
        assert_eq!(expected.len(), found.len());
        expected.iter().zip(found).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max)
    };
    let prompts: Vec<Vec<u32>> = (0..2)
        .map(|s| golden(format!("ids.{s}")).into_iter().map(|id| id as u32).collect())
        .collect();
    let mut pass = ForwardPass::of_tokens(&model, &prompts).unwrap();
    for s in 0..2 {
        assert!(off(&golden(format!("hidden.{s}.0")), pass.resid(s)) < 1e-4);
    }
    for layer in 0..6 {
        for (s, trace) in pass.step(&model, true, None).unwrap().iter().enumerate() {
            let off = off(&golden(format!("attention.{s}.{layer}")), &trace.pattern);
            assert!(off < 1e-4, "layer {layer}, sentence {s}: attention off by {off}");
        }
    }
    for s in 0..2 {
        assert!(off(&golden(format!("hidden.{s}.6")), pass.resid(s)) < 1e-4);
    }
}

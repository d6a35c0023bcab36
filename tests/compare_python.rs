//! "The same in Python" of a comparison: the snippet is run on the files of both models.
#![cfg(all(feature = "gpu", feature = "page", not(target_arch = "wasm32")))]
#![allow(clippy::unwrap_used, reason = "in a test, a failed unwrap is a failed test")]

use crate::support::built_in;
use crate::support::python;

use built_in::{answers, files, told};
use omega_lens::circuits::omega::Circuit;
use omega_lens::model::Weights;
use omega_lens::protocol::compare::{Compare, ComparePart, Words};

fn path(step: u32) -> String {
    format!("{}/www/models/names/step-{step:05}.safetensors", env!("CARGO_MANIFEST_DIR"))
}

#[test]
fn the_change_of_a_head_is_that_of_numpy() {
    let Some(python) = python::python() else { return };
    let mut engine = built_in::open(4000, || 0.0);
    let number = |text: &str| text.parse::<f64>().unwrap();
    for (circuit, weights) in [(Circuit::Qk, Weights::Folded), (Circuit::Ov, Weights::Raw)] {
        let name = "step 700".to_owned();
        let (layer, head, match_heads, top) = (1, 2, false, 1);
        let words = Words { name, layer, head, circuit, weights, match_heads, top };
        let about = answers::<Words>(told(&mut engine, words, files(700))).remove(0);
        let question = Compare { layers: vec![layer], weights, match_heads };
        let parts = answers::<Compare>(told(&mut engine, question, files(700)));
        let changed = parts.into_iter().find_map(|part| match part {
            ComparePart::Head(found) if found.head == head => Some(found),
            _ => None,
        });
        let changed = changed.unwrap();
        let found = if circuit == Circuit::Qk { &changed.qk } else { &changed.ov };
        let arguments = [path(700), "--".into(), path(4000)];
        let printed = python::lines(&python, &about.python, &arguments);
        let off = number(printed[0].strip_prefix("change ").unwrap()) / found.change.unwrap() - 1.0;
        assert!(off.abs() < 1e-8, "{}", printed[0]);
        assert_eq!(printed.len(), 1 + found.delta.len());
        for (line, sigma) in printed[1..].iter().zip(&found.delta) {
            let (_, value) = line.split_once(' ').unwrap();
            assert!((number(value) - sigma).abs() < 1e-9 * found.delta[0], "{line}, {sigma}");
        }
        assert!(about.python.contains("step 700") && about.python.contains(weights.slug()));
    }
}

//! `omega spectra` against numpy: every golden family, raw and folded, and the 72 heads of a real model.

#![allow(clippy::unwrap_used, reason = "a test says by panicking what is wrong")]

use crate::golden;
use crate::support::minilm;

use golden::fixtures;
use serde_json::Value;
use std::process::{Command, Output};

fn omega(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_omega")).args(arguments).output().unwrap()
}

fn spectra(arguments: &[&str]) -> Value {
    let output = omega(&[&["spectra", "--json"], arguments].concat());
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

fn numbers(values: &Value) -> Vec<f64> {
    values.as_array().unwrap().iter().map(|x| x.as_f64().unwrap()).collect()
}

/// Compares every head with `[layer][head][k]` from numpy; returns how many there were.
///
/// numpy took the SVD of the square product, whose rounding alone is `ε σ_1`; a dozen printed digits are the rest.
fn check(name: &str, found: &Value, expected: &Value) -> usize {
    let heads = found["heads"].as_array().unwrap();
    for head in heads {
        let (layer, index) =
            (head["layer"].as_u64().unwrap() as usize, head["head"].as_u64().unwrap() as usize);
        for circuit in ["qk", "ov"] {
            let (s, golden) = (numbers(&head[circuit]), numbers(&expected[circuit][layer][index]));
            assert_eq!(s.len(), golden.len(), "{name} L{layer}H{index} {circuit}");
            for (k, (s, golden_s)) in s.iter().zip(&golden).enumerate() {
                assert!(
                    (s - golden_s).abs() <= 1e-11 * golden[0],
                    "{name} L{layer}H{index} {circuit} σ_{k}: {s} against {golden_s}"
                );
            }
            for measure in ["residual", "orthogonality"] {
                let error = head[format!("{measure}_{circuit}").as_str()].as_f64().unwrap();
                assert!(error <= 1e-13, "{name} L{layer}H{index} {circuit}: {measure} {error:e}");
            }
        }
    }
    heads.len()
}

#[test]
fn every_family_agrees_with_numpy_raw_and_folded() {
    for fixture in fixtures() {
        let folder = fixture.folder();
        let expected = fixture.spectra();
        for weights in ["raw", "folded"] {
            let found = spectra(&[folder.to_str().unwrap(), "--weights", weights]);
            let count = found["n_layers"].as_u64().unwrap() * found["n_heads"].as_u64().unwrap();
            assert_eq!(check(&fixture.name, &found, &expected[weights]) as u64, count);
            assert_eq!(found["convention"]["weights"], weights);
            assert_eq!(found["failed"], serde_json::json!([]));
        }
    }
}

#[test]
fn minilm_agrees_with_numpy() {
    let Some(folder) = minilm::folder() else { return };
    let expected: Value = serde_json::from_str(include_str!("golden/spectra_minilm.json")).unwrap();
    let found = spectra(&[&folder.to_string_lossy()]);
    assert_eq!(check("MiniLM", &found, &expected), 72);
}

#[test]
fn bad_input_is_one_line_and_exit_code_2() {
    for arguments in [
        vec!["spectra", "no/such/file.safetensors"],
        vec!["spectra", "src"],
        vec!["spectra", "tests/golden/families/gpt2", "--weights", "neither"],
    ] {
        let output = omega(&arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(output.stdout.is_empty() && !output.stderr.is_empty(), "{arguments:?}");
    }
}

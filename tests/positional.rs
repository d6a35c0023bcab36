//! The share of every head's sides in the directions of the position embeddings, by `omega spectra`, against numpy.

#![allow(clippy::unwrap_used, reason = "a test says by panicking what is wrong")]

use std::process::Command;

use serde_json::Value;

use crate::support::minilm;

fn omega(arguments: &[&str]) -> Value {
    let output = Command::new(env!("CARGO_BIN_EXE_omega")).args(arguments).output().unwrap();
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

fn golden() -> Value {
    serde_json::from_str(include_str!("golden/positions.json")).unwrap()
}

/// Compares `[[share, z] of u, [share, z] of v]` of both circuits of every head.
fn check(found: &Value, expected: &Value) {
    let heads = found["heads"].as_array().unwrap();
    let expected_heads = expected["heads"].as_array().unwrap();
    assert_eq!(heads.len(), expected_heads.len());
    for (head, expected_head) in heads.iter().zip(expected_heads) {
        for (c, circuit) in ["statistics_qk", "statistics_ov"].iter().enumerate() {
            let positional = &head[circuit]["positional"];
            assert_eq!(positional["directions"], expected["directions"]);
            for (s, side) in ["left", "right"].iter().enumerate() {
                for (m, measure) in ["share", "z"].iter().enumerate() {
                    let ours = positional[side][measure].as_f64().unwrap();
                    let numpy = expected_head[c][s][m].as_f64().unwrap();
                    // The file's f32 embeddings are read exactly; a dozen printed digits are what is left.
                    assert!(
                        (ours - numpy).abs() <= 1e-9 * (1.0 + numpy.abs()),
                        "{circuit} {side} {measure}: {ours}, {numpy}"
                    );
                }
            }
        }
    }
}

#[test]
fn the_built_in_model_agrees_with_numpy_raw_and_folded() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/www/models/names");
    let files = [format!("{folder}/step-04000.safetensors"), format!("{folder}/config.json")];
    for weights in ["raw", "folded"] {
        let found = omega(&["spectra", "--json", &files[0], &files[1], "--weights", weights]);
        check(&found, &golden()[format!("names-{weights}")]);
    }
}

#[test]
fn minilm_agrees_with_numpy_and_its_previous_token_head_goes_by_place() {
    let Some(folder) = minilm::folder() else { return };
    let found = omega(&["spectra", "--json", folder.to_str().unwrap(), "--weights", "raw"]);
    check(&found, &golden()["minilm-raw"]);
    // L0H2 looks one token back: five sixths of both its sides, where chance is a thirty-fifth.
    let share = &found["heads"][2]["statistics_qk"]["positional"]["left"];
    assert!(share["share"].as_f64().unwrap() > 0.8 && share["chance"].as_f64().unwrap() < 0.03);
}

#[test]
fn a_model_that_turns_its_queries_has_no_share() {
    let llama = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/families/llama");
    let found = omega(&["spectra", "--json", llama]);
    assert!(found["heads"][0]["statistics_qk"]["positional"].is_null());
}

//! What biases add to every head's scores beside Ω, by `omega spectra`, against numpy's scores.

#![allow(clippy::unwrap_used, reason = "a test says by panicking what is wrong")]

use std::process::Command;

use serde_json::Value;

fn spectra(family: &str, weights: &str) -> Value {
    let folder = format!("{}/tests/golden/families/{family}", env!("CARGO_MANIFEST_DIR"));
    let arguments = ["spectra", "--json", &folder, "--weights", weights];
    let output = Command::new(env!("CARGO_BIN_EXE_omega")).args(arguments).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn what_biases_add_is_what_numpy_finds_in_the_scores() {
    let golden: Value = serde_json::from_str(include_str!("golden/biases.json")).unwrap();
    for (family, weights, cancels) in
        [("gpt2", "raw", true), ("gpt2", "folded", true), ("qwen2", "folded", false)]
    {
        let found = spectra(family, weights);
        let heads = found["heads"].as_array().unwrap();
        let expected = golden[format!("{family}-{weights}")].as_array().unwrap();
        assert_eq!(heads.len(), expected.len());
        for (head, expected) in heads.iter().zip(expected) {
            let biases = &head["biases"];
            // Rotary positions turn the biases too, so that they differ from key to key.
            assert_eq!(biases["cancels"], cancels);
            for (name, numpy) in
                ["src", "dest", "constant"].iter().zip(expected.as_array().unwrap())
            {
                let (ours, numpy) = (biases[name].as_f64().unwrap(), numpy.as_f64().unwrap());
                // Twelve printed digits; the constant is a small difference of larger ones.
                assert!(
                    (ours - numpy).abs() < 1e-10 * (1.0 + numpy.abs()),
                    "{name}: {ours} {numpy}"
                );
            }
            assert_eq!(biases["src_remainder"], 0.0, "a head of full rank");
        }
    }
}

#[test]
fn a_model_without_biases_says_nothing_of_them() {
    assert!(spectra("llama", "folded")["heads"][0].get("biases").is_none());
}

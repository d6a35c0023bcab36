//! Models of several stacks on the command line: inputs of every kind, names of heads, and the layer that is meant.

#![allow(clippy::unwrap_used, reason = "a test says by panicking what is wrong")]

use crate::golden;

use std::path::Path;
use std::process::{Command, Output};

use golden::{Fixture, more_families};
use omega_lens::checkpoint::Checkpoint;
use serde_json::Value;

/// The library computes in f32, so do we, in another order of summation.
const TOLERANCE: f64 = 1e-4;

fn omega(fixture: &Fixture, subcommand: &str, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_omega"))
        .arg(subcommand)
        .args(["model.safetensors", "config.json"].map(|file| fixture.folder().join(file)))
        .args(arguments)
        .output()
        .unwrap()
}

fn json(output: &Output) -> Value {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

fn named(name: &str) -> Fixture {
    more_families().into_iter().find(|fixture| fixture.name == name).unwrap()
}

#[test]
fn everything_that_the_library_computed_comes_out_under_its_name() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["bart", "t5", "whisper", "clip", "dinov2", "wav2vec2", "albert", "deberta_v2"] {
        let fixture = named(name);
        let given = fixture.folder().join("expected.safetensors");
        let out = folder.path().join(format!("{name}.safetensors"));
        let paths = [given.to_str().unwrap(), out.to_str().unwrap()];
        let output = omega(&fixture, "attention", &["--input", paths[0], "--out", paths[1]]);
        assert!(output.status.success(), "{name}: {}", String::from_utf8_lossy(&output.stderr));
        let found = Checkpoint::open_paths(&[Path::new(paths[1])]).unwrap();
        let mut compared = 0;
        let ours = |name: &&str| {
            ["attention.", "hidden.", "last_hidden", "logits"]
                .iter()
                .any(|what| name.contains(what))
                && !name.starts_with("logits_per")
        };
        for tensor in fixture.names().filter(ours) {
            let values = found.read(tensor).unwrap_or_else(|e| panic!("{name}: {tensor}: {e}"));
            assert_eq!(Some(values.shape.clone()), fixture.shape(tensor), "{name}: {tensor}");
            let expected = fixture.values(tensor);
            let size = expected.iter().fold(1.0, |most: f64, x| most.max(x.abs()));
            for (a, b) in expected.iter().zip(values.f64s().unwrap()) {
                assert!((a - b).abs() <= TOLERANCE * size, "{name}: {tensor}: {a} against {b}");
            }
            compared += 1;
        }
        assert!(compared > 4, "{name}");
    }
}

#[test]
fn spectra_say_which_stack_a_head_is_of() {
    let fixture = named("bart");
    let found = json(&omega(&fixture, "spectra", &["--json"]));
    let expected = fixture.spectra();
    let heads = found["heads"].as_array().unwrap();
    assert_eq!(heads.len(), 3 * 2 * 4);
    for head in heads {
        let at = |key: &str| head[key].as_u64().unwrap() as usize;
        let of_stack = &expected[head["stack"].as_str().unwrap()]["folded"]["qk"];
        let expected = of_stack[at("layer")][at("head")][0].as_f64().unwrap();
        let off = (head["qk"][0].as_f64().unwrap() - expected).abs();
        assert!(off < 1e-9 * expected, "{head}");
    }
    // One stack: no name, and layers as they always were.
    let plain = json(&omega(&named("albert"), "spectra", &["--json"]));
    assert!(plain["heads"][0].get("stack").is_none());
}

#[test]
fn the_layer_of_one_stack_is_asked_for_by_its_name() {
    let fixture = named("bart");
    let ids = ["--ids", "5,6,7,8", "--json"];
    let asked = |layer: &str| omega(&fixture, "sad", &[&ids[..], &["--layer", layer]].concat());
    let found = json(&asked("enc1"));
    let heads = found["heads"].as_array().unwrap();
    assert_eq!(heads.len(), 4);
    assert!(heads.iter().all(|head| head["stack"] == "encoder" && head["layer"] == 1));
    for (layer, says) in [
        ("1", "say which stack"),
        ("vision1", "say which stack"),
        ("dec7", "layer 7 does not exist: there are 2"),
        ("cross0", "reads what no prompt here gives it"),
    ] {
        let output = asked(layer);
        let text = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{text}");
        assert!(text.contains(says), "{text}");
    }
}

#[test]
fn what_a_model_cannot_read_is_refused_in_words() {
    let fixture = named("dinov2");
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out.safetensors");
    let out = ["--out", out.to_str().unwrap()];
    let output = omega(&fixture, "attention", &[&["--ids", "1,2"][..], &out].concat());
    let text = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{text}");
    assert!(text.contains("it reads an image (pixel_values)"), "{text}");
    let weights = fixture.folder().join("model.safetensors");
    let given = ["--input", weights.to_str().unwrap()];
    let output = omega(&fixture, "attention", &[&given[..], &out].concat());
    let text = String::from_utf8(output.stderr).unwrap();
    assert!(text.contains("has none of input_ids"), "{text}");
}

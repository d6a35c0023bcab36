//! Features that meet in a score: every kind of encoder and one split score against numpy, from both doors; and what is refused.
//!
//! `tests/golden/make_pairs.py` has the formulae.
#![cfg(all(feature = "gpu", feature = "page", not(target_arch = "wasm32")))]
#![allow(clippy::unwrap_used, reason = "a test says by panicking what is wrong")]

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use omega_lens::checkpoint::{ByteSource, FileSource};
use omega_lens::circuits::dictionary::{Dictionary, FileChoice};
use omega_lens::circuits::omega::Circuit;
use omega_lens::model::forward::Cpu;
use omega_lens::model::{Hints, Model, Weights};
use omega_lens::study::prompt::{Prompt, PromptRun};
use pollster::block_on;
use serde_json::Value;

use crate::support::built_in;

const TEXT: &str = "When Mary and John went to the store , John gave a drink to";

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn golden() -> Value {
    let bytes = std::fs::read(root().join("tests/golden/pairs/expected.json")).unwrap();
    serde_json::from_slice(&bytes).unwrap()
}

fn model() -> Model {
    let checkpoint = omega_lens::checkpoint::Checkpoint::open(built_in::files(4000)).unwrap();
    Model::open(checkpoint, &Hints::default()).unwrap()
}

fn folder(path: &Path) -> Vec<Box<dyn ByteSource>> {
    let files = std::fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path());
    files.map(|file| Box::new(FileSource::open(&file).unwrap()) as Box<dyn ByteSource>).collect()
}

fn dictionary(model: &Model, path: &str) -> Dictionary {
    let files = folder(&root().join(path));
    Dictionary::of_files(model, files, &FileChoice::default(), Weights::Folded).unwrap()
}

/// The residual stream in front of layer 2, `[n, d_model]`.
fn stream(model: &Model, ids: &Value) -> Vec<f32> {
    let ids: Vec<u32> = serde_json::from_value(ids.clone()).unwrap();
    let mut run = PromptRun::new(model, None, &Prompt::of_ids(&ids)).unwrap();
    let mut traces = std::iter::from_fn(|| block_on(run.step(&mut Cpu, model)).unwrap());
    traces.nth(2).unwrap().resid_pre
}

fn omega(arguments: &[&str]) -> Output {
    let files = ["step-04000.safetensors", "config.json", "tokenizer.json"];
    let files = files.map(|file| root().join("www/models/names").join(file));
    let mut command = Command::new(env!("CARGO_BIN_EXE_omega"));
    command.current_dir(root()).arg("pairs").args(files).args(arguments).output().unwrap()
}

fn said(output: &Output) -> String {
    assert_eq!(output.status.code(), Some(2));
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn every_kind_of_encoder_does_what_saelens_formulae_do() {
    let (model, golden) = (model(), golden());
    let stream = stream(&model, &golden["ids"]);
    let d = model.arch.d_model;
    let kinds = golden["activations"].as_object().unwrap();
    assert_eq!(kinds.len(), 11);
    for (kind, expected) in kinds {
        let dictionary = dictionary(&model, &format!("tests/golden/pairs/{kind}"));
        let encoder = dictionary.encoder(&model).unwrap();
        let at = |i: usize| golden["positions"][i].as_u64().unwrap() as usize * d;
        let streams = [0, 1].map(|i| &stream[at(i)..at(i) + d]);
        for (encoded, expected) in
            encoder.encode(&streams).unwrap().iter().zip(expected.as_array().unwrap())
        {
            let expected = expected.as_object().unwrap();
            assert_eq!(encoded.active.len(), expected.len(), "{kind}");
            for active in &encoded.active {
                let value = expected[&active.feature.to_string()].as_f64().unwrap();
                // The forward pass computes in f32.
                assert!((active.activation - value).abs() < 2e-5, "{kind} {active:?} {value}");
            }
        }
    }
}

/// A dictionary that reconstructs perfectly leaves no error, however its inputs are normed.
#[test]
fn features_and_constant_are_the_reconstruction_in_the_streams_own_units() {
    let (model, golden) = (model(), golden());
    let stream = stream(&model, &golden["ids"]);
    let d = model.arch.d_model;
    for (kind, rescaled) in [
        ("standard", false),
        ("layer_norm", true),
        ("length", true),
        ("centred", false),
        ("topk_rescaled", false),
    ] {
        let dictionary = dictionary(&model, &format!("tests/golden/pairs/{kind}"));
        let x = &stream[3 * d..4 * d];
        let encoded = dictionary.encoder(&model).unwrap().encode(&[x]).unwrap().remove(0);
        let mut plain = dictionary
            .encoder(&model)
            .unwrap()
            .encode(&[&x.iter().map(|v| v * 2.0).collect::<Vec<_>>()])
            .unwrap()
            .remove(0);
        if rescaled {
            // Twice as long a stream has the same activations and twice the reconstruction.
            assert_eq!(plain.active.len(), encoded.active.len(), "{kind}");
            for (a, b) in plain.active.iter().zip(&encoded.active) {
                assert!(
                    (a.activation - b.activation).abs() < 1e-3
                        && (a.times - 2.0 * b.times).abs() < 1e-3,
                    "{kind}"
                );
            }
        } else {
            plain.active.retain(|a| (a.activation - a.times).abs() > 1e-12);
            assert_eq!(plain.active.is_empty(), kind != "topk_rescaled", "{kind}");
        }
    }
}

/// The score that L2H3 gives the answer's position, split by one of the page's own dictionaries.
fn split(sae: &str) -> Output {
    omega(&["--sae", sae, "--prompt", TEXT, "--layer", "2", "--head", "3", "--json"])
}

#[test]
fn a_score_is_split_as_numpy_splits_it() {
    let golden = golden();
    let expected = &golden["split"];
    let output = split("www/models/sae-layer-2");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let found: Value = serde_json::from_slice(&output.stdout).unwrap();
    let number = |of: &Value| of.as_f64().unwrap();
    for key in ["layer", "head", "dest", "src"] {
        assert_eq!(found[key], expected[key], "the last token looks hardest at Mary: {key}");
    }
    for key in ["score", "dest_error", "src_error", "both_errors", "bias"] {
        let (a, b) = (number(&found[key]), number(&expected[key]));
        assert!((a - b).abs() < 1e-5, "{key} {a} {b}");
    }
    let pairs = found["pairs"].as_array().unwrap();
    let place = |list: &Value, feature: &Value| {
        list.as_array().unwrap().iter().position(|f| f == feature).unwrap()
    };
    let count = |key: &str| expected[key].as_array().unwrap().len();
    assert_eq!(pairs.len(), count("dest_features") * count("src_features"));
    for pair in pairs {
        let row = place(&expected["dest_features"], &pair["dest_feature"]);
        let column = place(&expected["src_features"], &pair["src_feature"]);
        let value = number(&pair["value"]);
        assert!((value - number(&expected["pairs"][row][column])).abs() < 1e-5);
        let by_k: f64 = pair["by_k"].as_array().unwrap().iter().map(number).sum();
        assert!((by_k - value).abs() < 1e-9);
    }
    let strongest = &expected["strongest"];
    assert_eq!(pairs[0]["dest_feature"], strongest["dest_feature"]);
    for (a, b) in
        pairs[0]["by_k"].as_array().unwrap().iter().zip(strongest["by_k"].as_array().unwrap())
    {
        assert!((number(a) - number(b)).abs() < 1e-5, "{a} {b}");
    }
    let rest = ["dest_error", "src_error", "both_errors", "bias", "remainder"]
        .map(|key| number(&found[key]));
    let sum =
        pairs.iter().map(|pair| number(&pair["value"])).sum::<f64>() + rest.iter().sum::<f64>();
    assert!((sum - number(&found["score"])).abs() < 1e-12 && rest[4].abs() < 1e-5, "{rest:?}");
    let p = number(&found["meeting"]["both"]["p"]);
    assert!((0.005..=1.0).contains(&p), "{p}");
    assert!(
        found["dest_features"][0]["label"].as_str().unwrap().contains(": "),
        "features have names"
    );
}

#[cfg(all(feature = "gpu", feature = "page"))]
#[test]
fn the_page_is_told_what_the_command_line_prints() {
    use omega_lens::protocol::trace::{CellAt, MeetingOptions, SplitScore};
    let mut engine = built_in::open(4000, || 0.0);
    let prompt = Prompt { text: TEXT.into(), ..Prompt::default() };
    let at = CellAt { layer: 2, head: 3, dest: 14, src: 2 };
    let question = SplitScore { prompt, at, options: MeetingOptions::default() };
    let files = folder(&root().join("www/models/sae-layer-2"));
    let told = built_in::told(&mut engine, question, files);
    let found = built_in::answers::<SplitScore>(told).remove(0);
    let golden = &golden()["split"];
    assert!((found.split.score - golden["score"].as_f64().unwrap()).abs() < 1e-5);
    assert!((found.split.kinds().bias - golden["bias"].as_f64().unwrap()).abs() < 1e-5);
    assert!(found.meeting.is_some() && found.encoded_at == [2, 2]);
}

#[test]
fn an_earlier_dictionary_leaves_the_rest_to_the_error_and_says_so() {
    let found: Value = serde_json::from_slice(&split("www/models/sae-layer-1").stdout).unwrap();
    assert_eq!(found["encoded_at"], serde_json::json!([1, 1]));
    assert!(found["remainder"].as_f64().unwrap().abs() < 1e-5);
    let notes = found["notes"].to_string();
    assert!(
        notes.contains("what later layers wrote before layer 2 reads is in the error"),
        "{notes}"
    );
}

#[test]
fn what_cannot_be_split_is_refused_in_one_line() {
    let sae = ["--sae", "www/models/sae-layer-2", "--prompt", TEXT];
    let refused = |more: &[&str]| said(&omega(&[&sae, more].concat()));
    let later = refused(&["--layer", "1", "--head", "0"]);
    assert!(
        later.contains("was made in front of layer 2, and this head reads in front of layer 1"),
        "{later}"
    );
    let hidden = refused(&["--layer", "2", "--head", "0", "--dest", "3", "--src", "9"]);
    assert!(hidden.contains("position 3 does not see position 9"), "{hidden}");
    assert!(refused(&["--layer", "2", "--head", "7"]).contains("head 7 does not exist"));
    assert!(refused(&["--layer", "2", "--head", "0", "--dest", "99"]).contains("position 99"));
    let builtin =
        said(&omega(&["--sae", "embed", "--prompt", TEXT, "--layer", "2", "--head", "0"]));
    assert!(builtin.contains("encode nothing"), "{builtin}");
    let (model, scratch) =
        (model(), std::env::temp_dir().join(format!("omega-pairs-{}", std::process::id())));
    let golden = root().join("tests/golden/pairs");
    let refusal = |config: &str| {
        std::fs::create_dir_all(&scratch).unwrap();
        std::fs::copy(
            golden.join("standard/sae_weights.safetensors"),
            scratch.join("sae_weights.safetensors"),
        )
        .unwrap();
        std::fs::write(scratch.join("cfg.json"), config).unwrap();
        let found =
            Dictionary::of_files(&model, folder(&scratch), &FileChoice::default(), Weights::Folded)
                .unwrap();
        found.encoder(&model).err().map(|error| error.to_string()).unwrap_or_default()
    };
    for (config, reason) in [
        (r#"{"architecture": "jumprelu"}"#, "its file has no threshold"),
        (r#"{"architecture": "batchtopk", "k": 5}"#, "depends on the batch"),
        (r#"{"architecture": "topk"}"#, "does not say k"),
        (r#"{"architecture": "temporal"}"#, "is not known"),
        (r#"{"normalize_activations": "sideways"}"#, "sideways"),
        (r#"{"hook_name": "blocks.1.hook_mlp_out"}"#, "not the residual stream"),
        (
            r#"{"hook_name": "blocks.1.hook_resid_pre", "hook_name_out": "blocks.1.hook_mlp_out"}"#,
            "A transcoder",
        ),
        (r#"{"architecture": "standard"}"#, ""),
    ] {
        let error = refusal(config);
        assert!(
            error.contains(reason) && error.is_empty() == reason.is_empty(),
            "{config}: {error}"
        );
    }
    std::fs::remove_dir_all(&scratch).unwrap();
    let vectors = Dictionary::of_heads(&model, 0, Circuit::Qk, Weights::Folded);
    assert!(
        vectors.unwrap().encoder(&model).err().unwrap().to_string().contains("without an encoder")
    );
}

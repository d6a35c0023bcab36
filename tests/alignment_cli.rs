//! `omega align` as a program: the shape of its JSON, its dictionaries from files, and one clear line on bad input.

#![allow(clippy::unwrap_used, reason = "a test says by panicking what is wrong")]

use std::path::PathBuf;
use std::process::{Command, Output};

use serde_json::Value;

fn model() -> Vec<String> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("www/models/names");
    let files = ["step-04000.safetensors", "config.json", "tokenizer.json"];
    files.map(|file| folder.join(file).display().to_string()).to_vec()
}

fn omega(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_omega"))
        .arg("align")
        .args(model())
        .args(arguments)
        .output()
        .unwrap()
}

fn json(arguments: &[&str]) -> Value {
    let output = omega(arguments);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

fn refusal(arguments: &[&str]) -> String {
    let output = omega(arguments);
    assert_eq!(output.status.code(), Some(2));
    let text = String::from_utf8(output.stderr).unwrap();
    assert_eq!(text.lines().count(), 1, "{text}");
    text
}

#[test]
fn the_json_is_what_the_contract_says() {
    let found = json(&[
        "--layer",
        "1",
        "--head",
        "2",
        "--side",
        "src",
        "--top",
        "3",
        "--rotations",
        "16",
        "--seed",
        "5",
    ]);
    assert_eq!(found["convention"]["weights"], "folded");
    let head = &found["heads"][0];
    assert_eq!(
        (head["layer"].as_u64(), head["head"].as_u64(), head["side"].as_str()),
        (Some(1), Some(2), Some("src"))
    );
    assert!(found["heads"].as_array().unwrap().len() == 1 && head["mmcs"].as_f64().unwrap() > 0.2);
    let null = &head["rotation_null"];
    assert_eq!((null["rotations"].as_u64(), null["seed"].as_u64()), (Some(16), Some(5)));
    assert!(["mean", "sd", "z", "p"].iter().all(|key| null[key].is_f64()));
    let direction = &head["directions"][0];
    assert!(["sigma", "z", "p"].iter().all(|key| direction[key].is_f64()) && direction["k"] == 0);
    let best = direction["best"].as_array().unwrap();
    assert_eq!(best.len(), 3);
    assert!(best[0]["index"].is_u64() && best[0]["label"].is_string() && best[0]["cos"].is_f64());
    let size = |i: usize| best[i]["cos"].as_f64().unwrap().abs();
    assert!(size(0) >= size(1) && size(1) >= size(2));
}

#[test]
fn the_same_seed_gives_the_same_bytes() {
    let arguments = ["--layer", "0", "--head", "0", "--rotations", "8", "--json"];
    assert_eq!(omega(&arguments).stdout, omega(&arguments).stdout);
}

#[test]
fn a_table_is_a_dictionary_and_mean_removal_can_be_left_off() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("mine.csv");
    let row = |label: &str, at: usize| {
        let cells: Vec<&str> = (0..64).map(|i| if i == at { "1" } else { "0" }).collect();
        format!("{label},{}\n", cells.join(","))
    };
    std::fs::write(&path, row("дом", 3) + &row("家", 9)).unwrap();
    let path = path.display().to_string();
    let found =
        json(&["--dictionary", &path, "--layer", "0", "--remove-mean", "off", "--top", "1"]);
    assert_eq!(found["comparison"]["d_null"], 63);
    assert_eq!(found["heads"].as_array().unwrap().len(), 16);
    let label = found["heads"][0]["directions"][0]["best"][0]["label"].as_str().unwrap();
    assert!(label == "дом" || label == "家");
}

#[test]
fn bad_input_is_one_clear_line() {
    assert!(refusal(&["--layer", "9"]).contains("layer 9 does not exist: there are 3"));
    assert!(refusal(&["--dictionary", "nowhere.npy"]).contains("nowhere.npy"));
    assert!(refusal(&["--dictionary", "mlp-in:7"]).contains("layer 7"));
    assert!(refusal(&["--dictionary", "heads-qk:7"]).contains("layer 7"));
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("bad.csv");
    std::fs::write(&path, "1,2,3\n").unwrap();
    assert!(refusal(&["--dictionary", &path.display().to_string()]).contains("line 1: 3 cells"));
}

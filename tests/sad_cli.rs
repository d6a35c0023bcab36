//! `omega sad` as a program: the shape of its JSON, numbers that add up, and one clear line on bad input.

#![allow(clippy::unwrap_used, reason = "a test says by panicking what is wrong")]

use std::path::PathBuf;
use std::process::{Command, Output};

use serde_json::Value;

fn omega(files: &[&str], arguments: &[&str]) -> Output {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("www/models/names");
    let files = files.iter().map(|file| folder.join(file));
    Command::new(env!("CARGO_BIN_EXE_omega"))
        .arg("sad")
        .args(files)
        .args(arguments)
        .output()
        .unwrap()
}

const MODEL: [&str; 3] = ["step-04000.safetensors", "config.json", "tokenizer.json"];

fn json(arguments: &[&str]) -> Value {
    let output = omega(&MODEL, arguments);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

fn refusal(files: &[&str], arguments: &[&str]) -> String {
    let output = omega(files, arguments);
    let text = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{text}");
    assert!(output.stdout.is_empty() && text.lines().count() == 1, "{text}");
    text
}

fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().unwrap().iter().map(|x| x.as_f64().unwrap()).collect()
}

#[test]
fn the_json_is_what_the_contract_says_and_adds_up() {
    let found = json(&["--ids", "0,3,12,4,40,9", "--seed", "7", "--json"]);
    assert!(found["convention"]["weights"] == "folded" && found["convention"]["terms"].is_string());
    let heads = found["heads"].as_array().unwrap();
    assert_eq!(heads.len(), 12);
    for head in heads {
        assert_eq!(head["dest"], 5);
        let (score, relative) =
            (head["score"].as_f64().unwrap(), head["relative"].as_f64().unwrap());
        for (terms, whole) in [("terms", score), ("relative_terms", relative)] {
            let terms = numbers(&head[terms]);
            assert_eq!(terms.len(), 16);
            assert!((terms.iter().sum::<f64>() - whole).abs() < 1e-9 * whole.abs().max(1.0));
        }
        for control in ["basis", "subspace", "matched"] {
            for measure in ["sparseness", "n_recon", "n_recon_90"] {
                assert!(head[measure].is_number());
                assert!(head["controls"][control][measure].is_number(), "{control} {measure}");
            }
        }
        let p = |control: &str| head["controls"][control]["p"].as_f64().unwrap();
        let weakest = p("basis").max(p("subspace")).max(p("matched"));
        assert_eq!(head["controls"]["p"].as_f64(), Some(weakest));
        assert_eq!(
            (head["controls"]["seed"].as_u64(), head["controls"]["draws"].as_u64()),
            (Some(7), Some(199))
        );
    }
    let same = json(&["--ids", "0,3,12,4,40,9", "--seed", "7", "--json"]);
    assert_eq!(found, same, "a seed is a seed");
    let other = json(&["--ids", "0,3,12,4,40,9", "--seed", "8", "--json"]);
    assert_eq!(found["heads"][0]["sparseness"], other["heads"][0]["sparseness"]);
    assert_ne!(found["heads"][0]["controls"]["basis"], other["heads"][0]["controls"]["basis"]);
}

#[test]
fn one_pair_of_one_head_can_be_asked_for() {
    let pair = ["--ids", "0,3,12,4", "--layer", "1", "--head", "2", "--dest", "2", "--src", "1"];
    let found = json(&pair);
    let heads = found["heads"].as_array().unwrap();
    assert_eq!(heads.len(), 1);
    let place: Vec<u64> =
        ["layer", "head", "dest", "src"].iter().map(|k| heads[0][*k].as_u64().unwrap()).collect();
    assert_eq!(place, [1, 2, 2, 1]);
    let first = json(&["--ids", "0,3", "--dest", "0", "--layer", "0", "--head", "0"]);
    assert!(first["heads"][0]["relative"].is_null() && first["heads"][0]["controls"].is_null());
    let raw = json(&["--ids", "0,3,12,4", "--weights", "raw", "--layer", "1", "--head", "2"]);
    let folded = json(&["--ids", "0,3,12,4", "--layer", "1", "--head", "2"]);
    let score = |found: &Value| found["heads"][0]["score"].as_f64().unwrap();
    assert!((score(&raw) - score(&folded)).abs() < 1e-9, "another basis, the same score");
    assert_ne!(raw["heads"][0]["terms"], folded["heads"][0]["terms"]);
}

#[test]
fn bad_input_is_one_clear_line() {
    for (arguments, says) in [
        (&["--ids", "0,999"][..], "999"),
        (&["--ids", "0,3", "--layer", "3"], "layer 3"),
        (&["--ids", "0,3", "--head", "4"], "head 4"),
        (&["--ids", "0,3", "--dest", "2"], "destination 2"),
        (&["--ids", "0,3,4", "--dest", "1", "--src", "2"], "source 2"),
        (&[], "--ids"),
    ] {
        let text = refusal(&MODEL, arguments);
        assert!(text.contains(says), "{text}");
    }
    let text = refusal(&["step-04000.safetensors", "config.json"], &["--prompt", "Mary and John"]);
    assert!(text.contains("tokenizer"), "{text}");
}

#[cfg(feature = "tokenizer")]
#[test]
fn words_and_sets_of_prompts_are_answered() {
    let found = json(&["--prompt", "When Mary and John went to the store, John gave a drink to"]);
    assert_eq!(found["tokens"][0], "<|endoftext|>");
    assert_eq!(found["tokens"].as_array().unwrap().len(), 15);
    let bare = json(&["--prompt", "Mary and John", "--bos", "off"]);
    assert_eq!(bare["ids"].as_array().unwrap().len(), 3);
    let set = json(&["--task", "indirect-object", "--prompts", "16"]);
    assert_eq!((&set["n_prompts"], &set["accuracy"]), (&16.into(), &1.0.into()));
    assert_eq!((&set["n_answered"], &set["n_correct"]), (&16.into(), &16.into()));
    // The head that finds the receiver's name; one that looks at another place, however hard, has no events.
    let head = &set["heads"][1];
    assert_eq!((&head["layer"], &head["head"]), (&0.into(), &1.into()));
    let events = head["events"].as_array().unwrap();
    assert!(events.len() >= 4 && head["n_events"] == events.len());
    assert!(events.iter().all(|e| e["attention"].as_f64().unwrap() > 0.5 && e["src"] != e["dest"]));
    assert!(
        head["real"]["sparseness"]["mean"].as_f64() < head["basis"]["sparseness"]["mean"].as_f64()
    );
    let sum: f64 = numbers(&head["variance_shares"]).iter().sum();
    assert!((sum - 1.0).abs() < 1e-6);
    let text = refusal(&MODEL, &["--task", "greater-than"]);
    assert!(text.contains("0 found, 128 needed"), "{text}");
}

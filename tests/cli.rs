//! The command line as a script sees it: what is printed, exit codes, one clear line on bad input.

#![allow(clippy::unwrap_used, reason = "a test says by panicking what is wrong")]

use crate::support::files as support;

use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

fn omega(arguments: &[&str], folder: &Path) -> Output {
    Command::new(env!("CARGO_BIN_EXE_omega")).args(arguments).current_dir(folder).output().unwrap()
}

/// The one line on standard error that goes with exit code 2.
fn complaint(output: &Output) -> String {
    let text = String::from_utf8(output.stderr.clone()).unwrap();
    assert_eq!(output.status.code(), Some(2), "{text}");
    assert!(output.stdout.is_empty());
    text
}

#[test]
fn bad_input_is_one_clear_line_and_exit_code_2() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, bytes: &[u8]| std::fs::write(folder.path().join(name), bytes).unwrap();
    let whole = support::good();
    write("cut.safetensors", &whole[..whole.len() - 1]);
    write("model.gguf", b"GGUF\x03\0\0\0");
    write("notes.txt", b"hello");
    for (file, says) in [
        ("cut.safetensors", "cut off"),
        ("model.gguf", "GGUF"),
        ("notes.txt", "no checkpoint"),
        ("absent.safetensors", "absent.safetensors"),
    ] {
        for subcommand in [&["inspect"][..], &["attention", "--ids", "1", "--out", "out"]] {
            let text = complaint(&omega(&[subcommand, &[file]].concat(), folder.path()));
            assert!(text.contains(says), "{text}");
            assert_eq!(text.trim_end().lines().count(), 1, "{text}");
            assert!(!text.contains("panicked"), "{text}");
        }
    }
}

#[test]
fn a_pickle_is_answered_with_a_command_to_copy() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("pytorch_model.bin"), b"PK\x03\x04").unwrap();
    let text = complaint(&omega(&["inspect", "pytorch_model.bin"], folder.path()));
    assert!(text.contains("python -c 'import torch; "), "{text}");
    assert_eq!(text.trim_end().lines().count(), 1, "{text}");
}

/// The name of the file is anybody's: pasted into a shell, the advice is one word, and that word is the Python.
#[test]
#[cfg(unix)]
fn a_hostile_name_runs_nothing_when_the_advice_is_pasted() {
    let folder = tempfile::tempdir().unwrap();
    let name = "x';touch pwned;'e\u{301}\"$(touch pwned).bin";
    std::fs::write(folder.path().join(name), b"PK\x03\x04").unwrap();
    let text = complaint(&omega(&["inspect", name], folder.path()));
    let (_, word) = text.trim_end().rsplit_once("python -c ").unwrap();
    let shell = format!("printf %s {word}");
    let output =
        Command::new("sh").args(["-c", &shell]).current_dir(folder.path()).output().unwrap();
    let script = String::from_utf8(output.stdout).unwrap();
    assert!(
        script.contains(r#"torch.load("x';touch pwned;'e\u0301\"$(touch pwned).bin","#),
        "{script}"
    );
    assert!(!folder.path().join("pwned").exists());
}

#[test]
fn a_folder_is_inspected_as_json_and_as_text() {
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/families");
    let output = omega(&["inspect", "mistral", "--json", "--check"], &golden);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let found: Value = serde_json::from_slice(&output.stdout).unwrap();
    let config: Value =
        serde_json::from_slice(&std::fs::read(golden.join("mistral/config.json")).unwrap())
            .unwrap();
    assert_eq!(found["family"], "mistral");
    for (ours, theirs) in [
        ("n_layers", "num_hidden_layers"),
        ("n_heads", "num_attention_heads"),
        ("n_kv_heads", "num_key_value_heads"),
        ("d_model", "hidden_size"),
        ("d_head", "head_dim"),
        ("d_vocab", "vocab_size"),
    ] {
        assert_eq!(found[ours], config[theirs], "{ours}");
    }
    assert_eq!(found["dtype"], "F32");
    assert_eq!(found["positions"], "rotary");
    assert_eq!(found["convention"]["weights"], "folded");
    assert_eq!(found["not_finite"], Value::Array(vec![]));

    let text = omega(&["inspect", "mistral/model.safetensors", "mistral/config.json"], &golden);
    let text = String::from_utf8(text.stdout).unwrap();
    assert!(text.contains("key/value heads") && text.contains("convention"), "{text}");
}

#[test]
fn weights_that_are_not_finite_are_placed() {
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/families/llama");
    let folder = tempfile::tempdir().unwrap();
    std::fs::copy(golden.join("config.json"), folder.path().join("config.json")).unwrap();
    let mut bytes = std::fs::read(golden.join("model.safetensors")).unwrap();
    let name = "model.layers.0.self_attn.q_proj.weight";
    let checkpoint = support::open_bytes(bytes.clone()).unwrap();
    let entry = checkpoint.entry(name).unwrap();
    let (at, columns) = (usize::try_from(entry.start).unwrap(), entry.shape[1]);
    bytes[at + 4 * (columns + 2)..][..4].copy_from_slice(&f32::NAN.to_le_bytes());
    std::fs::write(folder.path().join("model.safetensors"), bytes).unwrap();
    let output = omega(&["inspect", ".", "--json", "--check"], folder.path());
    let found: Value = serde_json::from_slice(&output.stdout).unwrap();
    let expected = serde_json::json!([{"tensor": name, "count": 1, "first": [1, 2]}]);
    assert_eq!(found["not_finite"], expected);
}

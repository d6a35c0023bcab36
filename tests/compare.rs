//! `omega compare` against numpy, and against changes that are known because they were planted.

#![allow(clippy::unwrap_used, reason = "a test says by panicking what is wrong")]

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

fn omega(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_omega")).arg("compare").args(arguments).output().unwrap()
}

fn compared(a: &Path, b: &Path, arguments: &[&str]) -> Value {
    let files = [a.to_str().unwrap(), b.to_str().unwrap(), "--json"];
    let output = omega(&[&files, arguments].concat());
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

fn step(step: u64) -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("www/models/names");
    root.join(format!("step-{step:05}.safetensors"))
}

fn numbers(values: &Value) -> Vec<f64> {
    values.as_array().unwrap().iter().map(|x| x.as_f64().unwrap()).collect()
}

/// Largest difference of two lists, each entry against `scale`.
fn differ(found: &Value, expected: &Value, scale: f64) -> f64 {
    let (found, expected) = (numbers(found), numbers(expected));
    assert_eq!(found.len(), expected.len());
    found.iter().zip(&expected).map(|(a, b)| (a - b).abs() / scale).fold(0.0, f64::max)
}

#[test]
fn two_steps_of_the_built_in_model_agree_with_numpy() {
    let golden: Value = serde_json::from_str(include_str!("golden/compare/names.json")).unwrap();
    let [from, to] = [&golden["steps"][0], &golden["steps"][1]].map(|s| step(s.as_u64().unwrap()));
    for weights in ["raw", "folded"] {
        let found = compared(&from, &to, &["--n-heads", "4", "--weights", weights]);
        assert_eq!(found["convention"]["weights"], weights);
        assert_eq!(found["heads"].as_array().unwrap().len(), 12);
        for expected in golden[weights].as_array().unwrap() {
            let heads = found["heads"].as_array().unwrap();
            let is_it =
                |row: &&Value| row["layer"] == expected["layer"] && row["head"] == expected["head"];
            let head = heads.iter().find(is_it).unwrap();
            for circuit in ["qk", "ov"] {
                check(&head[circuit], &expected[circuit]);
            }
        }
        // The gains moved between these steps, so folding makes another comparison.
        let moved = found["norms"][1]["queries"].as_f64().unwrap();
        assert!(moved > 1e-3 && found["norms"][1]["keys"].as_f64() == Some(moved));
    }
}

fn check(found: &Value, expected: &Value) {
    let of = |value: &Value, name: &str| value[name].as_f64().unwrap();
    for name in ["change", "inside_left", "inside_right"] {
        let (found, expected) = (of(found, name), of(expected, name));
        assert!((found / expected - 1.0).abs() < 1e-11, "{name}: {found} against {expected}");
    }
    // numpy's values carry the rounding of the square product: ε times the largest.
    let largest = numbers(&expected["delta"])[0];
    assert!(differ(&found["delta"], &expected["delta"], largest) < 1e-12);
    let largest = numbers(&expected["sigma_b"])[0];
    for name in ["sigma_a", "sigma_b"] {
        assert!(differ(&found[name], &expected[name], largest) < 1e-12, "{name}");
    }
    // The smallest vectors of the square product are known to ε σ_1 / σ_last only.
    for name in ["angles_left", "angles_right"] {
        assert!(differ(&found[name], &expected[name], 1.0) < 1e-9, "{name}");
    }
    let pairs = found["matched"].as_array().unwrap();
    let worth: f64 = pairs.iter().map(|p| of(p, "cos_left") * of(p, "cos_right")).sum();
    assert!((worth - of(expected, "worth")).abs() < 1e-8);
    let drawn = &expected["drawn"];
    let (energy, error) = (numbers(&drawn["energy"]), numbers(&drawn["standard_error"]));
    let scale = of(expected, "norm").powi(2);
    let change = of(&found["chance"]["change"], "expected").powi(2) * scale;
    assert!((change - energy[0]).abs() < 5.0 * error[0], "{change} against {energy:?} ± {error:?}");
    for (i, name) in [(1, "inside_left"), (2, "inside_right")] {
        let inside = of(&found["chance"][name], "expected") * change;
        assert!((inside - energy[i]).abs() < 5.0 * error[i] + error[0], "{name}: {inside}");
    }
}

/// A copy of a step with the numbers of one tensor changed; row-major halves, `[rows, columns]`.
fn edited(folder: &Path, tensor: &str, change: impl Fn(&mut [u16], usize)) -> PathBuf {
    let mut bytes = std::fs::read(step(4000)).unwrap();
    let size = u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
    let header: Value = serde_json::from_slice(&bytes[8..8 + size]).unwrap();
    let entries = header.as_object().unwrap();
    let (_, entry) = entries.iter().find(|(name, _)| name.ends_with(tensor)).unwrap();
    assert_eq!(entry["dtype"], "F16");
    let at = |i: usize| 8 + size + entry["data_offsets"][i].as_u64().unwrap() as usize;
    let columns = entry["shape"][1].as_u64().unwrap() as usize;
    let part = &mut bytes[at(0)..at(1)];
    let halves = part.chunks_exact(2).map(|b| u16::from_le_bytes([b[0], b[1]]));
    let mut halves: Vec<u16> = halves.collect();
    change(&mut halves, columns);
    for (b, half) in part.chunks_exact_mut(2).zip(&halves) {
        b.copy_from_slice(&half.to_le_bytes());
    }
    let path = folder.join("edited.safetensors");
    std::fs::write(&path, bytes).unwrap();
    path
}

#[test]
fn a_planted_change_is_found_at_its_place_and_nowhere_else() {
    let folder = tempfile::tempdir().unwrap();
    // One number of W_Q of L1H2, whose columns are 32 to 47: its sign.
    let b = edited(folder.path(), "h.1.attn.c_attn.weight", |w, columns| {
        w[5 * columns + 40] ^= 0x8000;
    });
    let found = compared(&step(4000), &b, &["--n-heads", "4", "--weights", "raw"]);
    for head in found["heads"].as_array().unwrap() {
        let is_it = head["layer"] == 1 && head["head"] == 2;
        assert_eq!(head["ov"]["change"], 0.0);
        let change = head["qk"]["change"].as_f64().unwrap();
        assert_eq!(change > 0.0, is_it, "{change} at {}", head["head"]);
        if is_it {
            let delta = numbers(&head["qk"]["delta"]);
            assert_eq!(delta.iter().filter(|s| **s > 0.0).count(), 1);
            // W_K did not move: all of the change is among the sources that were read before.
            assert!((head["qk"]["inside_right"].as_f64().unwrap() - 1.0).abs() < 1e-12);
        } else {
            assert!(numbers(&head["qk"]["delta"]).iter().all(|s| *s == 0.0));
            assert_eq!(head["qk"]["chance"]["change"], Value::Null);
        }
    }
}

#[test]
fn heads_in_another_order_are_matched_and_said() {
    let folder = tempfile::tempdir().unwrap();
    // H0 and H1 of layer 0 change places: columns of W_Q, W_K, W_V here, rows of W_O in a second step.
    let b = edited(folder.path(), "h.0.attn.c_attn.weight", |w, columns| {
        for row in w.chunks_exact_mut(columns) {
            for part in row.chunks_exact_mut(columns / 3) {
                (0..16).for_each(|i| part.swap(i, 16 + i));
            }
        }
    });
    let found = compared(&step(4000), &b, &["--n-heads", "4", "--layer", "0", "--match-heads"]);
    let partner = |head: usize| found["heads"][head]["head_b"].as_u64().unwrap();
    assert_eq!([0, 1, 2, 3].map(partner), [1, 0, 2, 3]);
    assert_eq!(found["heads"][0]["qk"]["change"], 0.0);
    let notes = found["notes"].as_array().unwrap();
    assert!(notes.iter().any(|note| note.as_str().unwrap().contains("H0 is H1 there")));
    let by_number = compared(&step(4000), &b, &["--n-heads", "4", "--layer", "0"]);
    assert!(by_number["heads"][0]["qk"]["change"].as_f64().unwrap() > 0.5);
}

#[test]
fn a_model_against_itself_is_exactly_nothing() {
    let found = compared(&step(4000), &step(4000), &["--n-heads", "4"]);
    for head in found["heads"].as_array().unwrap() {
        for circuit in ["qk", "ov"] {
            assert_eq!(head[circuit]["change"], 0.0);
            assert_eq!(head[circuit]["inside_left"], Value::Null);
            assert!(numbers(&head[circuit]["angles_left"]).iter().all(|x| *x == 0.0));
        }
    }
    assert_eq!(found["norms"][0]["queries"], 0.0);
}

#[test]
fn what_cannot_be_compared_is_one_line_and_exit_code_2() {
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/families/llama");
    let (names, llama) = (step(4000), golden);
    let [names, llama] = [&names, &llama].map(|path| path.to_str().unwrap());
    for (arguments, says) in [
        (vec![names, llama, "--n-heads", "4"], "wide, so no head"),
        (vec![names, names, "--n-heads", "4", "--layer", "3"], "L0, L1, L2"),
        (vec![names, names, "--n-heads", "4", "--head", "4"], "no layer has H4"),
        (vec![names, "absent", "--n-heads", "4"], "absent"),
    ] {
        let output = omega(&arguments);
        let text = String::from_utf8(output.stderr).unwrap();
        assert_eq!((output.status.code(), text.trim_end().lines().count()), (Some(2), 1), "{text}");
        assert!(text.contains(says), "{text}");
    }
}

#[test]
fn a_change_is_put_into_words_beside_chance() {
    let arguments = ["--n-heads", "4", "--layer", "1", "--head", "2", "--words", "3"];
    let found = compared(&step(700), &step(4000), &arguments);
    let sides: Vec<&str> =
        found["words"].as_array().unwrap().iter().map(|s| s["side"].as_str().unwrap()).collect();
    assert_eq!(sides, ["dest", "src", "read", "write"]);
    for side in found["words"].as_array().unwrap() {
        let circuit =
            if ["dest", "src"].contains(&side["side"].as_str().unwrap()) { "qk" } else { "ov" };
        let delta = numbers(&found["heads"][0][circuit]["delta"]);
        let directions = side["directions"].as_array().unwrap();
        assert_eq!(directions.len(), 8);
        for (direction, sigma) in directions.iter().zip(&delta) {
            assert!((direction["sigma"].as_f64().unwrap() / sigma - 1.0).abs() < 1e-12);
            assert_eq!(direction["positive"].as_array().unwrap().len(), 3);
            assert!(direction["isotropic"]["p"].as_f64().unwrap() <= 1.0);
        }
    }
}

#[test]
fn an_adapter_changes_as_many_directions_as_its_rank() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    let base = root.join("adapters/lora/base");
    let folder = tempfile::tempdir().unwrap();
    let copy = |from: PathBuf| {
        let to = folder.path().join(from.file_name().unwrap());
        std::fs::copy(from, to).unwrap();
    };
    for name in ["model.safetensors", "config.json"] {
        copy(base.join(name));
    }
    let adapter = root.join("compare/adapter");
    for name in ["adapter_model.safetensors", "adapter_config.json"] {
        copy(adapter.join(name));
    }
    let golden: Value = serde_json::from_str(include_str!("golden/compare/lora.json")).unwrap();
    let found = compared(&base, folder.path(), &[]);
    let heads = found["heads"].as_array().unwrap();
    for expected in golden["heads"].as_array().unwrap() {
        let is_it =
            |row: &&Value| row["layer"] == expected["layer"] && row["head"] == expected["head"];
        let head = heads.iter().find(is_it).unwrap();
        for circuit in ["qk", "ov"] {
            let (head, expected) = (&head[circuit], &expected[circuit]);
            let (delta, right) = (numbers(&head["delta"]), numbers(&expected["delta"]));
            let change = head["change"].as_f64().unwrap() / expected["change"].as_f64().unwrap();
            // Merged weights are rounded to f32 once: that is all that lies past the adapter's rank.
            assert!((change - 1.0).abs() < 1e-6, "{change}");
            for (k, value) in delta.iter().enumerate() {
                let right = right.get(k).copied().unwrap_or(0.0);
                assert!((value - right).abs() < 1e-6 * delta[0], "{circuit} {k}: {value}");
            }
        }
    }
    // The other layer has no adapter.
    let untouched = heads.iter().filter(|head| head["layer"] == 1);
    assert!(untouched.clone().count() == 2);
    for head in untouched {
        assert_eq!((&head["qk"]["change"], &head["ov"]["change"]), (&0.0.into(), &0.0.into()));
    }
}

#[test]
fn a_third_model_is_the_yardstick() {
    let [from, to, third] = [700, 4000, 2000].map(step);
    let null = ["--n-heads", "4", "--null", third.to_str().unwrap()];
    let found = compared(&from, &to, &null);
    let of_third = compared(&from, &third, &["--n-heads", "4"]);
    assert_eq!(found["third"]["model"], third.to_str().unwrap());
    let change = |of: &Value, i: usize| of["heads"][i]["qk"]["change"].as_f64().unwrap();
    let ratio: Vec<f64> =
        (0..12).map(|i| (change(&found, i) / change(&of_third, i)).ln()).collect();
    for i in 0..12 {
        let others = || (0..12).filter(move |j| *j != i).map(|j| ratio[j]);
        let mean = others().sum::<f64>() / 11.0;
        let sd = (others().map(|r| (r - mean).powi(2)).sum::<f64>() / 10.0).sqrt();
        let held = &found["heads"][i]["qk"]["chance"]["third_change"];
        let of = |name: &str| held[name].as_f64().unwrap();
        assert!((of("z") - (ratio[i] - mean) / (sd * (12.0f64 / 11.0).sqrt())).abs() < 1e-9);
        assert!((of("expected") / (change(&of_third, i) * mean.exp()) - 1.0).abs() < 1e-9);
        assert!(of("q") >= of("p") && of("p") > 0.0);
    }
    let alone = omega(&[
        from.to_str().unwrap(),
        to.to_str().unwrap(),
        "--n-heads",
        "4",
        "--null",
        third.to_str().unwrap(),
        "--layer",
        "1",
    ]);
    assert_eq!(alone.status.code(), Some(2));
}

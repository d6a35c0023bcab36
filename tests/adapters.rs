//! Adapters on their base: the merged weights against numpy, the marks that they bear, and what does not fit.
//!
//! Files by `tests/golden/make_adapters.py`.

use std::path::{Path, PathBuf};

use omega_lens::checkpoint::adapter::LoneAdapter;
use omega_lens::checkpoint::{Checkpoint, CheckpointError};
use omega_lens::circuits::convention::Convention;
use omega_lens::circuits::omega::Circuit;
use omega_lens::model::{Hints, Model, ModelError, Weights};
use omega_lens::study::StudyError;
use omega_lens::study::lone_adapter::lone_adapter;
use omega_lens::study::python;
use omega_lens::study::stamp::Stamp;
use omega_lens::study::vectors::HeadAt;

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/adapters").join(name)
}

fn with_base(name: &str) -> Checkpoint {
    let folder = folder(name);
    let parts = [folder.join("base"), folder.join("adapter")];
    let there: Vec<_> = parts.into_iter().filter(|part| part.is_dir()).collect();
    Checkpoint::open_paths(&there).unwrap_or_else(|e| panic!("{name}: {e}"))
}

#[test]
fn merged_weights_are_those_of_the_formula() {
    for (name, said) in [
        (
            "lora",
            "with a LoRA adapter merged into 6 matrices (rank 3, scale 2); 1 tensor replaced whole",
        ),
        (
            "rslora_patterns",
            "with an rsLoRA adapter merged into 8 matrices (rank 2, scale 1.4142 to 6.364)",
        ),
        ("dora", "with a DoRA adapter merged into 8 matrices (rank 4, scale 2)"),
        ("conv1d", "with a LoRA adapter merged into 4 matrices (rank 2, scale 2.5)"),
        ("conv1d_dora", "with a DoRA adapter merged into 4 matrices (rank 2, scale 2.5)"),
        ("embedding", "with a LoRA adapter merged into 1 matrix (rank 2, scale 0.5)"),
        ("unmerged", "with a LoRA adapter merged into 3 matrices (rank 2, scale 1.5)"),
    ] {
        let merged = with_base(name);
        assert_eq!(merged.marks(), [said], "{name}");
        let expected =
            Checkpoint::open_paths(&[folder(name).join("expected.safetensors")]).unwrap();
        let base = Checkpoint::open_paths(&[folder(name).join("base")]).unwrap();
        for entry in expected.entries() {
            let right = expected.read(&entry.name).unwrap().f32s().unwrap();
            let found = merged.read(&entry.name).unwrap_or_else(|e| panic!("{name}: {e}"));
            assert_eq!(found.shape, entry.shape, "{name}: {}", entry.name);
            let found = found.f32s().unwrap();
            let largest = right.iter().fold(0f32, |largest, x| largest.max(x.abs()));
            for (a, b) in found.iter().zip(&right) {
                // One rounding to f32 on either side.
                assert!((a - b).abs() <= 2.0 * f32::EPSILON * largest, "{name}: {}", entry.name);
            }
            // Rows and runs of elements are the same numbers, to the last bit.
            let (n, width) = (entry.rows(), entry.elements() / entry.rows());
            let rows = merged.read_rows(&entry.name, n / 3..n).unwrap().f32s().unwrap();
            assert_eq!(rows, found[n / 3 * width..], "{name}: {}", entry.name);
            let run = entry.elements() / 5..entry.elements() - 1;
            let some = merged.read_elements(&entry.name, run.start as u64..run.end as u64).unwrap();
            assert_eq!(some.f32s().unwrap(), found[run], "{name}: {}", entry.name);
        }
        // What the adapter does not name is the base's.
        let left = base.entries().filter(|entry| {
            merged.entry(&entry.name).is_some() && expected.entry(&entry.name).is_none()
        });
        for entry in left {
            let bytes = |from: &Checkpoint| from.read(&entry.name).unwrap().bytes;
            assert_eq!(bytes(&base), bytes(&merged), "{name}: {}", entry.name);
        }
    }
}

#[test]
fn a_merged_model_says_so_under_every_number() {
    let model = Model::open(with_base("dora"), &Hints::default()).unwrap();
    let convention = Convention::of(&model, Weights::Folded);
    assert!(
        convention.line().ends_with("with a DoRA adapter merged into 8 matrices (rank 4, scale 2)")
    );
    assert!(serde_json::to_string(&convention).unwrap().contains("with a DoRA adapter"));
    // Python that reads plain numbers stops before it prints those of other weights.
    let at = HeadAt { layer: 0, head: 0, circuit: Circuit::Qk, weights: Weights::Folded };
    let code = |model: &Model, convention: &Convention| {
        python::spectrum(model, at, &Stamp::of_model(convention)).unwrap()
    };
    let stops = code(&model, &convention);
    assert!(
        stops.contains("raise SystemExit(\"the weights were read with a DoRA adapter"),
        "{stops}"
    );
    let base = Checkpoint::open_paths(&[folder("dora").join("base")]).unwrap();
    let base = Model::open(base, &Hints::default()).unwrap();
    let plain = Convention::of(&base, Weights::Folded);
    assert!(!code(&base, &plain).contains("the weights were read"));
    let base = plain;
    assert!(!base.line().contains("merged") && base.marks.is_empty());
}

#[test]
fn an_adapter_alone_and_one_for_another_model_are_told_apart() {
    let alone = Checkpoint::open_paths(&[folder("lora").join("adapter")]).unwrap_err();
    assert!(matches!(alone, CheckpointError::Adapter { .. }), "{alone}");
    assert!(alone.to_string().contains("org/base"), "{alone}");
    let other = [folder("conv1d").join("base"), folder("lora").join("adapter")];
    let other = Checkpoint::open_paths(&other).unwrap_err();
    assert!(matches!(other, CheckpointError::AdapterParts { .. }), "{other}");
    assert!(other.to_string().contains("this is not its base"), "{other}");
    let whole = folder("unmerged").join("base/model.safetensors");
    let unmerged = Checkpoint::open_paths(&[whole]).unwrap_err();
    assert!(matches!(unmerged, CheckpointError::Unmerged { .. }), "{unmerged}");
}

#[test]
fn an_adapter_alone_shows_what_it_adds_to_each_head() {
    for name in ["lora", "conv1d"] {
        let adapter = LoneAdapter::open_paths(&[folder(name).join("adapter")]).unwrap();
        let asked = lone_adapter(&adapter, None).unwrap_err();
        assert!(
            matches!(asked, StudyError::Model(ModelError::HeadCountNeeded { inner: 16, .. })),
            "{asked}"
        );
        assert!(lone_adapter(&adapter, Some(3)).is_err(), "16 are not 3 heads");
        let found = lone_adapter(&adapter, Some(2)).unwrap();
        assert_eq!((found.base.as_deref(), found.n_heads), (Some("org/base"), Some(2)));
        let expected = std::fs::read(folder(name).join("alone.json")).unwrap();
        let expected: serde_json::Map<String, serde_json::Value> =
            serde_json::from_slice(&expected).unwrap();
        assert_eq!(found.heads.len(), expected.len(), "{name}");
        for delta in &found.heads {
            let key = format!("{} {}{}", delta.module, delta.matrix, delta.head);
            let right: Vec<f64> = serde_json::from_value(expected[&key].clone()).unwrap();
            assert_eq!(delta.sigma.len(), right.len(), "{name} {key}");
            for (a, b) in delta.sigma.iter().zip(&right) {
                assert!((a - b).abs() < 1e-12 * right[0], "{name} {key}: {a} against {b}");
            }
        }
    }
    // Where config.json lies beside it nobody is asked, and what is trained whole is said to be left out.
    let both = tempfile::tempdir().unwrap();
    for (part, file) in [
        ("adapter", "adapter_model.safetensors"),
        ("adapter", "adapter_config.json"),
        ("base", "config.json"),
    ] {
        std::fs::copy(folder("lora").join(part).join(file), both.path().join(file)).unwrap();
    }
    let adapter = LoneAdapter::open_paths(&[both.path()]).unwrap();
    let found = lone_adapter(&adapter, None).unwrap();
    assert_eq!(found.n_heads, Some(2));
    assert!(found.notes.iter().any(|note| note.contains("replaced whole")), "{:?}", found.notes);
    let base = [folder("lora").join("base")];
    assert!(LoneAdapter::open_paths(&base).is_err(), "a model is no adapter");
}

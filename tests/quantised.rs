//! Quantised weights become the numbers that they stand for: every format against numpy or its own library, and marked.
//!
//! Files by `tests/golden/make_quantised.py`.

use std::path::{Path, PathBuf};

use omega_lens::checkpoint::{Checkpoint, CheckpointError, MemorySource, Named, to_safetensors};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/quantised")
}

/// Every folder, with what the format is called.
const FORMATS: [(&str, &str); 23] = [
    ("awq", "AWQ 4 bits"),
    ("bnb_fp4", "bitsandbytes FP4"),
    ("bnb_int8", "bitsandbytes int8"),
    ("bnb_nf4_nested", "bitsandbytes NF4"),
    ("compressed_int4", "compressed-tensors int4"),
    ("compressed_int4_zeros", "compressed-tensors int4"),
    ("compressed_int8", "int8 (one scale for a row)"),
    ("compressed_int8_rows", "compressed-tensors int8"),
    ("fp8_blocks", "FP8 (blocks of 128 × 128)"),
    ("fp8_small_blocks", "FP8 (blocks of 8 × 16)"),
    ("fp8_tensor_and_row", "FP8 (one scale for a matrix)"),
    ("gptq_2_second_version", "GPTQ 2 bits"),
    ("gptq_3", "GPTQ 3 bits"),
    ("gptq_4_sorted", "GPTQ 4 bits"),
    ("gptq_8", "GPTQ 8 bits"),
    ("mlx_2", "MLX 2 bits (groups of 32)"),
    ("mlx_3", "MLX 3 bits (groups of 32)"),
    ("mlx_4", "MLX 4 bits (groups of 64)"),
    ("mlx_5", "MLX 5 bits (groups of 32)"),
    ("mlx_6", "MLX 6 bits (groups of 32)"),
    ("mlx_8", "MLX 8 bits (groups of 128)"),
    ("mlx_mxfp4", "MLX MXFP4"),
    ("mxfp4", "MXFP4"),
];

/// The largest difference relative to the largest expected value.
fn error(found: &[f32], expected: &[f32]) -> f32 {
    assert_eq!(found.len(), expected.len());
    let largest = expected.iter().fold(0f32, |largest, x| largest.max(x.abs()));
    found.iter().zip(expected).fold(0f32, |e, (a, b)| e.max((a - b).abs())) / largest
}

#[test]
fn every_format_is_decoded_as_its_formula_says() {
    let folders = std::fs::read_dir(folder()).unwrap().count();
    assert_eq!(folders, FORMATS.len(), "a folder without a line in the table");
    for (name, label) in FORMATS {
        let folder = folder().join(name);
        let given = [folder.join("config.json"), folder.join("model.safetensors")];
        let checkpoint = Checkpoint::open_paths(&given).unwrap_or_else(|e| panic!("{name}: {e}"));
        let expected = Checkpoint::open_paths(&[folder.join("expected.safetensors")]).unwrap();
        let mark = checkpoint.marks().join("; ");
        assert!(mark.starts_with("dequantised from ") && mark.contains(label), "{name}: {mark}");
        assert!(mark.ends_with(": not the original weights"), "{name}: {mark}");
        for entry in expected.entries() {
            let (whole, right) = (
                checkpoint.read(&entry.name).unwrap_or_else(|e| panic!("{name}: {e}")),
                expected.read(&entry.name).unwrap(),
            );
            assert_eq!(whole.shape, right.shape, "{name}: {}", entry.name);
            let (found, right) = (whole.f32s().unwrap(), right.f32s().unwrap());
            // One rounding to f32 on either side.
            let e = error(&found, &right);
            assert!(e <= 2.0 * f32::EPSILON, "{name}: {} differs by {e}", entry.name);

            // Rows, runs of elements and several tensors at once are the same numbers.
            let n = entry.rows();
            let width = entry.elements() / n;
            let rows = checkpoint.read_rows(&entry.name, n / 3..n).unwrap().f32s().unwrap();
            assert_eq!(rows, found[n / 3 * width..], "{name}: {}", entry.name);
            let run = entry.elements() / 5..entry.elements() - 1;
            let some =
                checkpoint.read_elements(&entry.name, run.start as u64..run.end as u64).unwrap();
            assert_eq!(some.f32s().unwrap(), found[run], "{name}: {}", entry.name);
            let all = checkpoint.read_all(&[&entry.name]).unwrap();
            assert_eq!(all[0].f32s().unwrap(), found, "{name}: {}", entry.name);
        }
    }
}

#[test]
fn weights_that_are_as_they_were_trained_bear_no_mark() {
    let values = Named::f32("a.weight", &[2], vec![1.0, 2.0]);
    let file = to_safetensors(&[values], &[]).unwrap();
    let source = MemorySource::new("model.safetensors", file);
    assert!(Checkpoint::open(vec![Box::new(source)]).unwrap().marks().is_empty());
}

#[test]
fn codes_that_do_not_fit_their_scales_are_refused_with_the_sizes() {
    for (name, part) in [("gptq_8", "scales"), ("awq", "qzeros"), ("mlx_4", "biases")] {
        let folder = folder().join(name);
        let whole = Checkpoint::open_paths(&[folder.join("model.safetensors")]);
        // MLX cannot say how many bits a code has without its configuration.
        if name == "mlx_4" {
            let error = whole.unwrap_err();
            assert!(matches!(&error, CheckpointError::Codes { .. }), "{error}");
            assert!(error.to_string().contains("config.json"), "{error}");
            continue;
        }
        let bytes = std::fs::read(folder.join("model.safetensors")).unwrap();
        let renamed = String::from_utf8_lossy(&bytes[8..]).find(part).unwrap();
        let mut bytes = bytes;
        bytes[8 + renamed] = b'x';
        let source = MemorySource::new("model.safetensors", bytes);
        let error = Checkpoint::open(vec![Box::new(source)]).unwrap_err();
        assert!(
            matches!(&error, CheckpointError::Codes { .. } | CheckpointError::Quantised { .. }),
            "{name}: {error}"
        );
    }
}

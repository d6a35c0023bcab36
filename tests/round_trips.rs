//! Property tests: what the safetensors crate writes we read, and what we accept it accepts.

#![allow(clippy::unwrap_used, reason = "a test says by panicking what is wrong")]

use crate::support::files as support;

use half::{bf16, f16};
use omega_lens::checkpoint::{MemorySource, header};
use proptest::prelude::*;
use safetensors::tensor::{Dtype, SafeTensors, TensorView, serialize};

/// Finite values that every float format holds exactly.
fn exact() -> impl Strategy<Value = f32> {
    (-8i8..=8).prop_map(|value| f32::from(value) * 0.25)
}

fn encode(dtype: Dtype, values: &[f32]) -> Vec<u8> {
    let each =
        |encode: &dyn Fn(f32) -> Vec<u8>| values.iter().flat_map(|&value| encode(value)).collect();
    match dtype {
        Dtype::F64 => each(&|value| f64::from(value).to_le_bytes().to_vec()),
        Dtype::F32 => each(&|value| value.to_le_bytes().to_vec()),
        Dtype::F16 => each(&|value| f16::from_f32(value).to_le_bytes().to_vec()),
        Dtype::BF16 => each(&|value| bf16::from_f32(value).to_le_bytes().to_vec()),
        // The upper byte of an f16 is its E5M2 rounding towards zero; these values need no more mantissa than that
        // when they are powers of two or zero, which `tensors` takes care of.
        _ => each(&|value| vec![f16::from_f32(value).to_le_bytes()[1]]),
    }
}

fn one_tensor() -> impl Strategy<Value = (Dtype, Vec<usize>, Vec<f32>)> {
    let dtype =
        prop::sample::select(vec![Dtype::F64, Dtype::F32, Dtype::F16, Dtype::BF16, Dtype::F8_E5M2]);
    (dtype, prop::collection::vec(0usize..5, 0..4)).prop_flat_map(|(dtype, shape)| {
        let n = shape.iter().product::<usize>();
        prop::collection::vec(exact(), n).prop_map(move |values| {
            let power = |value: f32| {
                if value == 0.0 {
                    0.0
                } else {
                    value.signum() * 2f32.powi(value.abs().log2() as i32)
                }
            };
            let values = if dtype == Dtype::F8_E5M2 {
                values.into_iter().map(power).collect()
            } else {
                values
            };
            (dtype, shape.clone(), values)
        })
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_the_safetensors_crate_writes_is_read_back(tensors in prop::collection::btree_map(".{0,12}", one_tensor(), 1..6)) {
        prop_assume!(!tensors.contains_key("__metadata__"));
        let bytes: Vec<Vec<u8>> = tensors.values().map(|(dtype, _, values)| encode(*dtype, values)).collect();
        let views = tensors.iter().zip(&bytes).map(|((name, (dtype, shape, _)), bytes)| {
            (name.as_str(), TensorView::new(*dtype, shape.clone(), bytes).unwrap())
        });
        let file = serialize(views, None).unwrap();
        let checkpoint = support::open_bytes(file).unwrap();
        prop_assert_eq!(checkpoint.entries().len(), tensors.len());
        for (name, (_, shape, values)) in &tensors {
            let tensor = checkpoint.read(name).unwrap();
            prop_assert_eq!(&tensor.shape, shape);
            prop_assert_eq!(&tensor.f32s().unwrap(), values);
            let wide: Vec<f64> = values.iter().map(|&value| f64::from(value)).collect();
            prop_assert_eq!(&tensor.f64s().unwrap(), &wide);
            let rows = checkpoint.entry(name).unwrap().rows();
            if !shape.is_empty() {
                let by_row: Vec<f64> =
                    (0..rows).flat_map(|row| checkpoint.read_rows(name, row..row + 1).unwrap().f64s().unwrap()).collect();
                prop_assert_eq!(by_row, wide);
            }
        }
    }

    #[test]
    fn any_bytes_are_answered(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = support::open_bytes(bytes);
    }

    #[test]
    fn any_text_is_answered(text in "[{}\\[\\]\",:a-z0-9. -]{0,80}", data in 0usize..16) {
        let _ = support::open_bytes(support::safetensors(&text, &vec![0; data]));
    }

    #[test]
    fn a_good_file_with_a_few_bytes_changed_is_answered(
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
    ) {
        let mut file = support::good();
        for (at, byte) in &changes {
            let at = at.index(file.len());
            file[at] = *byte;
        }
        if let Ok(checkpoint) = support::open_bytes(file.clone()) {
            for entry in checkpoint.entries() {
                let tensor = checkpoint.read(&entry.name).unwrap();
                prop_assert_eq!(tensor.f32s().is_ok(), entry.dtype.is_weights());
            }
            prop_assert!(SafeTensors::deserialize(&file).is_ok());
        }
    }

    #[test]
    fn what_we_accept_the_safetensors_crate_accepts(
        shape_a in prop::collection::vec(0u64..4, 0..3),
        shape_b in prop::collection::vec(0u64..4, 0..3),
        dtypes in prop::array::uniform2(prop::sample::select(vec!["F32", "F16", "U8", "F4", "I64"])),
        offsets in prop::array::uniform4(0u64..20),
        data in 0usize..40,
    ) {
        let [a, b, c, d] = offsets;
        let json = format!(
            r#"{{"a":{{"dtype":"{}","shape":{shape_a:?},"data_offsets":[{a},{b}]}},"b":{{"dtype":"{}","shape":{shape_b:?},"data_offsets":[{c},{d}]}}}}"#,
            dtypes[0], dtypes[1],
        );
        let file = support::safetensors(&json, &vec![0; data]);
        let theirs = SafeTensors::deserialize(&file).is_ok();
        let ours = header::read(&MemorySource::new("m", file), 0).is_ok();
        prop_assert_eq!(ours, theirs, "{}", json);
    }
}

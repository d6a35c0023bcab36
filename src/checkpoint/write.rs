//! Exports: named arrays to the bytes of a safetensors file.

use std::borrow::Cow;
use std::collections::HashMap;

use safetensors::tensor::{Dtype, View, serialize};

use super::CheckpointError;
use crate::math::order::sort;

/// The values of an array to be written, row-major.
#[derive(Debug, Clone, PartialEq)]
pub enum Numbers {
    /// Doubles, written as F64.
    F64(Vec<f64>),
    /// Singles, written as F32.
    F32(Vec<f32>),
}

/// A named array to be written.
#[derive(Debug, Clone, PartialEq)]
pub struct Named {
    /// Name in the file.
    pub name: String,
    /// Sizes, row-major.
    pub shape: Vec<usize>,
    /// As many values as the sizes multiply to.
    pub numbers: Numbers,
}

impl Named {
    /// An array of singles.
    pub fn f32(name: impl Into<String>, shape: &[usize], values: Vec<f32>) -> Named {
        Named { name: name.into(), shape: shape.to_vec(), numbers: Numbers::F32(values) }
    }

    /// An array of doubles.
    pub fn f64(name: impl Into<String>, shape: &[usize], values: Vec<f64>) -> Named {
        Named { name: name.into(), shape: shape.to_vec(), numbers: Numbers::F64(values) }
    }
}

/// The bytes of a safetensors file with `arrays` and, under `__metadata__`, the pairs of `metadata`.
///
/// # Errors
/// [`CheckpointError::Write`] if a shape does not fit its values, or a name appears twice.
pub fn to_safetensors(
    arrays: &[Named],
    metadata: &[(&str, String)],
) -> Result<Vec<u8>, CheckpointError> {
    let refused = |reason: String| CheckpointError::Write { reason };
    let mut names: Vec<&str> = arrays.iter().map(|array| array.name.as_str()).collect();
    sort(&mut names);
    if let Some(pair) = names.windows(2).find(|pair| pair[0] == pair[1]) {
        return Err(refused(format!("the name {:?} appears twice", pair[0])));
    }
    for array in arrays {
        let count = match &array.numbers {
            Numbers::F64(values) => values.len(),
            Numbers::F32(values) => values.len(),
        };
        if array.shape.iter().product::<usize>() != count {
            return Err(refused(format!(
                "{:?} has shape {:?} and {count} values",
                array.name, array.shape
            )));
        }
    }
    let metadata: HashMap<String, String> =
        metadata.iter().map(|(key, value)| ((*key).to_owned(), value.clone())).collect();
    let metadata = (!metadata.is_empty()).then_some(metadata);
    serialize(arrays.iter().map(|array| (array.name.as_str(), array)), metadata)
        .map_err(|error| refused(error.to_string()))
}

impl View for &Named {
    fn dtype(&self) -> Dtype {
        match self.numbers {
            Numbers::F64(_) => Dtype::F64,
            Numbers::F32(_) => Dtype::F32,
        }
    }

    fn shape(&self) -> &[usize] {
        &self.shape
    }

    fn data(&self) -> Cow<'_, [u8]> {
        match &self.numbers {
            Numbers::F64(values) => values.iter().flat_map(|value| value.to_le_bytes()).collect(),
            Numbers::F32(values) => values.iter().flat_map(|value| value.to_le_bytes()).collect(),
        }
    }

    fn data_len(&self) -> usize {
        match &self.numbers {
            Numbers::F64(values) => values.len() * 8,
            Numbers::F32(values) => values.len() * 4,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checkpoint::{Checkpoint, MemorySource};

    #[test]
    fn what_is_written_is_read_back() {
        let arrays =
            [Named::f64("s", &[2], vec![2.0, 0.5]), Named::f32("u", &[2, 1], vec![1.0, -1.0])];
        let bytes = to_safetensors(&arrays, &[("convention", "folded".into())]).unwrap();
        let checkpoint =
            Checkpoint::open(vec![Box::new(MemorySource::new("export.safetensors", bytes))])
                .unwrap();
        assert_eq!(checkpoint.read("s").unwrap().f64s().unwrap(), [2.0, 0.5]);
        assert_eq!(checkpoint.read("u").unwrap().f32s().unwrap(), [1.0, -1.0]);
        assert_eq!(checkpoint.entry("u").unwrap().shape, [2, 1]);
    }

    #[test]
    fn shapes_must_fit_and_names_must_differ() {
        assert!(to_safetensors(&[Named::f32("u", &[3], vec![1.0])], &[]).is_err());
        assert!(
            to_safetensors(&[Named::f32("u", &[0], vec![]), Named::f32("u", &[0], vec![])], &[])
                .is_err()
        );
    }
}

//! What a model is given to read, as a safetensors file: tokens, an image, sound.

use serde::{Deserialize, Serialize};

use super::StudyError;
use crate::checkpoint::{Checkpoint, MemorySource, Tensor};
use crate::model::forward::{Image, Input, Spectrogram};

/// A file that a model reads beside words, or instead of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Given {
    /// What it is called.
    pub name: String,
    /// What is in it.
    #[serde(with = "serde_bytes")]
    pub bytes: Vec<u8>,
}

impl Given {
    /// What the file holds.
    ///
    /// # Errors
    /// As [`of_file`], and for bytes that are no safetensors file.
    pub fn read(&self) -> Result<Input, StudyError> {
        let source = MemorySource::new(self.name.clone(), self.bytes.clone());
        of_file(&Checkpoint::open(vec![Box::new(source)])?)
    }
}

/// What the `n` positions of an image or of sound are called: its patches by row and column, after what stands in front of them; else
/// frames by number. A space in a name does not break, as that of no token.
pub fn places(n: usize, grid: Option<[usize; 2]>) -> Vec<String> {
    let patches = grid.map(|[rows, columns]| (rows * columns, columns.max(1)));
    let Some((patches, columns)) = patches.filter(|(patches, _)| *patches <= n) else {
        return (0..n).map(|frame| format!("frame\u{a0}{frame}")).collect();
    };
    let front = n - patches;
    let place = |i: usize| match i.checked_sub(front) {
        None if i == 0 => "[CLS]".to_owned(),
        None => format!("[extra\u{a0}{i}]"),
        Some(patch) => format!("{},{}", patch / columns, patch % columns),
    };
    (0..n).map(place).collect()
}

/// Reads any of `input_ids`, `decoder_input_ids`, `pixel_values`, `input_values` and `input_features`; a first axis of 1, as the
/// processors of the libraries write it, may stand in front of each.
///
/// # Errors
/// [`StudyError::NoInput`] for a file with none of them, [`StudyError::InputShape`] for one of another shape,
/// [`StudyError::InputIds`] for numbers that are no ids; what reading says.
pub fn of_file(file: &Checkpoint) -> Result<Input, StudyError> {
    let read = |name: &'static str| file.entry(name).map(|_| file.read(name)).transpose();
    let ids =
        |name: &'static str| read(name)?.map(|tensor| whole_numbers(name, &tensor)).transpose();
    let mut input = Input {
        ids: ids("input_ids")?,
        decoder_ids: ids("decoder_input_ids")?,
        ..Input::default()
    };
    if let Some(tensor) = read("pixel_values")? {
        let shape = axes("pixel_values", &tensor, "channels, height, width")?;
        input.image = Some(Image { shape, pixels: tensor.f32s()? });
    }
    if let Some(tensor) = read("input_values")? {
        let [_] = axes("input_values", &tensor, "samples")?;
        input.samples = Some(tensor.f32s()?);
    }
    if let Some(tensor) = read("input_features")? {
        let shape = axes("input_features", &tensor, "mels, frames")?;
        input.spectrogram = Some(Spectrogram { shape, values: tensor.f32s()? });
    }
    if input == Input::default() {
        return Err(StudyError::NoInput);
    }
    Ok(input)
}

/// The sizes of a tensor that must have `N` axes, a first one of 1 aside.
fn axes<const N: usize>(
    name: &'static str,
    tensor: &Tensor,
    expected: &'static str,
) -> Result<[usize; N], StudyError> {
    let shape = match tensor.shape.as_slice() {
        [1, rest @ ..] if rest.len() == N => rest,
        all => all,
    };
    <[usize; N]>::try_from(shape).map_err(|_| {
        let found = tensor.shape.clone();
        StudyError::InputShape { name, found, expected }
    })
}

/// Token ids, of 32 or 64 bits.
fn whole_numbers(name: &'static str, tensor: &Tensor) -> Result<Vec<u32>, StudyError> {
    let [n] = axes(name, tensor, "tokens")?;
    let width = tensor.bytes.len() / n.max(1);
    let one = |bytes: &[u8]| match *bytes {
        [a, b, c, d] => u32::try_from(i32::from_le_bytes([a, b, c, d])).ok(),
        [a, b, c, d, e, f, g, h] => {
            u32::try_from(i64::from_le_bytes([a, b, c, d, e, f, g, h])).ok()
        }
        _ => None,
    };
    let whole = tensor.dtype.name().starts_with(['I', 'U']) && matches!(width, 4 | 8);
    let ids = tensor.bytes.chunks_exact(width.max(1)).map(one).collect::<Option<Vec<u32>>>();
    ids.filter(|_| whole)
        .ok_or_else(|| StudyError::InputIds { name, dtype: tensor.dtype.name().to_string() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checkpoint::{Named, to_safetensors};

    #[test]
    fn patches_are_called_by_row_and_column_behind_what_stands_in_front() {
        assert_eq!(places(5, Some([2, 2])), ["[CLS]", "0,0", "0,1", "1,0", "1,1"]);
        assert_eq!(places(2, Some([1, 2])), ["0,0", "0,1"]);
        assert_eq!(places(2, None), ["frame\u{a0}0", "frame\u{a0}1"]);
    }

    #[test]
    fn what_is_no_input_is_refused_in_words() {
        let given = |bytes: &[u8]| Given { name: "x.safetensors".into(), bytes: bytes.to_vec() };
        assert!(given(b"hello").read().is_err());
        let bytes = to_safetensors(&[Named::f32("x", &[1], vec![0.0])], &[]).unwrap();
        let why = given(&bytes).read().unwrap_err().to_string();
        assert!(why.contains("none of input_ids"), "{why}");
    }
}

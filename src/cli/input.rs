//! What a model is given to read, as a safetensors file: tokens, an image, sound.

use std::path::Path;

use super::CliError;
use crate::checkpoint::{Checkpoint, Tensor};
use crate::model::forward::{Image, Input, Spectrogram};

/// Reads any of `input_ids`, `decoder_input_ids`, `pixel_values`, `input_values` and `input_features`; a first axis of 1, as the
/// processors of the libraries write it, may stand in front of each.
///
/// # Errors
/// [`CliError::Usage`] for a file with none of them, or one of another shape; what reading says.
pub(super) fn of_file(path: &Path) -> Result<Input, CliError> {
    let file = Checkpoint::open_paths(&[path])?;
    let read = |name: &str| file.entry(name).map(|_| file.read(name)).transpose();
    let ids = |name| read(name)?.map(|tensor| whole_numbers(name, &tensor)).transpose();
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
        return Err(CliError::Usage(format!(
            "{} has none of input_ids, decoder_input_ids, pixel_values, input_values, input_features",
            path.display()
        )));
    }
    Ok(input)
}

/// The sizes of a tensor that must have `N` axes, a first one of 1 aside.
fn axes<const N: usize>(
    name: &str,
    tensor: &Tensor,
    expected: &str,
) -> Result<[usize; N], CliError> {
    let shape = match tensor.shape.as_slice() {
        [1, rest @ ..] if rest.len() == N => rest,
        all => all,
    };
    <[usize; N]>::try_from(shape).map_err(|_| {
        let found = &tensor.shape;
        CliError::Usage(format!("{name} has the shape {found:?}, not [{expected}]"))
    })
}

/// Token ids, of 32 or 64 bits.
fn whole_numbers(name: &str, tensor: &Tensor) -> Result<Vec<u32>, CliError> {
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
    ids.filter(|_| whole).ok_or_else(|| {
        let dtype = tensor.dtype.name();
        CliError::Usage(format!(
            "{name} holds {dtype} numbers that are no token ids: whole, from 0, of 32 or 64 bits"
        ))
    })
}

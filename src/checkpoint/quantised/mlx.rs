//! MLX: groups of a row in 2, 3, 4, 5, 6 or 8 bits, `w = scale · q + bias`, the codes in one stream from the lowest bit on.
//!
//! Source: the documentation of `mlx.core.quantize` and `dequantize`, modes "affine" and "mxfp4".

use std::ops::Range;

use super::scaled::power;
use super::{Found, Parts, Settings, bits, mxfp4, sizes};
use crate::checkpoint::derived::{Derive, Reader};
use crate::checkpoint::{CheckpointError, TensorEntry};

const FORMAT: &str = "MLX";

struct Mlx {
    codes: TensorEntry,
    scales: TensorEntry,
    /// None for 4-bit floats with powers of two.
    biases: Option<TensorEntry>,
    bits: usize,
    group: usize,
    n_columns: usize,
}

pub(super) fn found(parts: &Parts<'_>, settings: &Settings) -> Result<Found, CheckpointError> {
    let (codes, scales) = (parts.need("weight", FORMAT)?, parts.need("scales", FORMAT)?);
    let biases = parts.get("biases");
    let mode = settings.text(parts.module, "mode").unwrap_or("affine");
    if !["affine", "mxfp4"].contains(&mode) {
        return Err(CheckpointError::Quantised { sign: format!("MLX, mode {mode}") });
    }
    let affine = biases.is_some();
    let said = settings
        .number(parts.module, &["bits"])
        .zip(settings.number(parts.module, &["group_size"]));
    let floats = (!affine).then_some((4, 32));
    let Some((width, group)) = said.or(floats) else {
        let reason =
            "how many bits a code has is in config.json (\"quantization\"), which is not here"
                .to_owned();
        return Err(parts.misfit(FORMAT, reason));
    };
    let (&[ref front @ .., n_words], &[.., n_groups]) =
        (codes.shape.as_slice(), scales.shape.as_slice())
    else {
        return Err(parts.misfit(FORMAT, format!("codes of {}", sizes(&codes.shape))));
    };
    let n_columns = n_groups.saturating_mul(group);
    let fits = n_groups > 0
        && [2, 3, 4, 5, 6, 8].contains(&width)
        && group > 0
        && n_columns.checked_mul(width) == n_words.checked_mul(32)
        && front == &scales.shape[..scales.shape.len() - 1]
        && biases.is_none_or(|biases| biases.shape == scales.shape);
    if !fits {
        let reason = format!(
            "codes of {} and scales of {} with {width} bits in groups of {group}",
            sizes(&codes.shape),
            sizes(&scales.shape)
        );
        return Err(parts.misfit(FORMAT, reason));
    }
    let mut shape = front.to_vec();
    shape.push(n_columns);
    let label = match affine {
        true => format!("MLX {width} bits (groups of {group})"),
        false => "MLX MXFP4".to_owned(),
    };
    let (codes, scales, biases) = (codes.clone(), scales.clone(), biases.cloned());
    Ok(parts.found(
        label,
        shape,
        Box::new(Mlx { codes, scales, biases, bits: width, group, n_columns }),
    ))
}

impl Derive for Mlx {
    fn rows(&self, read: &Reader<'_>, rows: Range<usize>) -> Result<Vec<f32>, CheckpointError> {
        let codes = read.rows(&self.codes, rows.clone())?.bytes;
        let scales = read.rows(&self.scales, rows.clone())?;
        let bytes = self.n_columns * self.bits / 8;
        let Some(biases) = &self.biases else {
            let code = |row: &[u8], i: usize| mxfp4::value(bits::code(row, i * 4, 4));
            let rows = codes
                .chunks_exact(bytes.max(1))
                .zip(scales.bytes.chunks_exact(self.n_columns / self.group));
            let row = |(row, scales): (&[u8], &[u8])| -> Vec<f32> {
                (0..self.n_columns).map(|i| code(row, i) * power(scales[i / self.group])).collect()
            };
            return Ok(rows.flat_map(row).collect());
        };
        let (scales, biases) = (scales.f32s()?, read.rows(biases, rows)?.f32s()?);
        let n_groups = self.n_columns / self.group;
        let mut values = Vec::with_capacity(scales.len() * self.group);
        for (row, codes) in codes.chunks_exact(bytes.max(1)).enumerate() {
            for i in 0..self.n_columns {
                let place = row * n_groups + i / self.group;
                let code = f32::from(bits::code(codes, i * self.bits, self.bits));
                values.push(scales[place] * code + biases[place]);
            }
        }
        Ok(values)
    }
}

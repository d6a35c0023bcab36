//! MXFP4: 4-bit floats in blocks of 32 with a power of two each, as gpt-oss stores its experts.
//!
//! `X_blocks [.., d_out, d_in/32, 16]` holds two codes a byte, the low half first; `X_scales [.., d_out, d_in/32]` the exponents,
//! with 127 in front. OCP Microscaling Formats 1.0, sections 5.3.3 and 6.3. Experts lie in-major in the model that reads them, so
//! that of four axes `X` is `[n_experts, d_in, d_out]`.

use std::ops::Range;

use super::scaled::power;
use super::{Found, sizes};
use crate::checkpoint::derived::{Derive, Reader};
use crate::checkpoint::error::quoted;
use crate::checkpoint::{CheckpointError, TensorEntry};

/// What the eight codes without a sign stand for.
const VALUES: [f32; 8] = [0.0, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0];

/// The number of a 4-bit code.
pub(super) fn value(code: u8) -> f32 {
    let size = VALUES[usize::from(code & 7)];
    if code & 8 == 0 { size } else { -size }
}

struct Mxfp4 {
    blocks: TensorEntry,
    scales: TensorEntry,
    /// Rows and columns of one matrix.
    matrix: [usize; 2],
    /// The matrices lie in-major in the model: they are turned.
    turned: bool,
}

/// Every pair of `_blocks` and `_scales` among the tensors.
pub(super) fn all(entries: &[TensorEntry]) -> Result<Vec<Found>, CheckpointError> {
    let mut found = Vec::new();
    for blocks in entries {
        let Some(name) = blocks.name.strip_suffix("_blocks") else { continue };
        let scales_name = format!("{name}_scales");
        let Some(scales) = entries.iter().find(|entry| entry.name == scales_name) else { continue };
        let misfit = || CheckpointError::Codes {
            module: quoted(name),
            format: "MXFP4",
            reason: format!(
                "blocks of {} and scales of {}",
                sizes(&blocks.shape),
                sizes(&scales.shape)
            ),
        };
        let &[ref front @ .., n_rows, groups, 16] = blocks.shape.as_slice() else {
            return Err(misfit());
        };
        let fits = blocks.dtype.name() == "U8"
            && ["U8", "F8_E8M0"].contains(&scales.dtype.name())
            && scales.shape.as_slice() == &blocks.shape[..blocks.shape.len() - 1]
            && front.len() <= 1;
        if !fits {
            return Err(misfit());
        }
        let turned = !front.is_empty();
        let mut shape = front.to_vec();
        shape.extend(if turned { [groups * 32, n_rows] } else { [n_rows, groups * 32] });
        let matrix = [n_rows, groups * 32];
        let derive =
            Box::new(Mxfp4 { blocks: blocks.clone(), scales: scales.clone(), matrix, turned });
        let used = vec![blocks.name.clone(), scales.name.clone()];
        found.push(Found { label: "MXFP4".to_owned(), name: name.to_owned(), shape, derive, used });
    }
    Ok(found)
}

impl Derive for Mxfp4 {
    fn rows(&self, read: &Reader<'_>, rows: Range<usize>) -> Result<Vec<f32>, CheckpointError> {
        let [n_rows, n_columns] = self.matrix;
        let blocks = read.rows(&self.blocks, rows.clone())?.bytes;
        let scales = read.rows(&self.scales, rows)?.bytes;
        let mut values = Vec::with_capacity(blocks.len() * 2);
        for (block, &scale) in blocks.chunks_exact(16).zip(&scales) {
            let scale = power(scale);
            values.extend(
                block.iter().flat_map(|byte| [value(byte & 15) * scale, value(byte >> 4) * scale]),
            );
        }
        if self.turned {
            let mut turned = vec![0.0; values.len()];
            let size = (n_rows * n_columns).max(1);
            for (from, to) in values.chunks_exact(size).zip(turned.chunks_exact_mut(size)) {
                for (row, numbers) in from.chunks_exact(n_columns).enumerate() {
                    to.iter_mut()
                        .skip(row)
                        .step_by(n_rows)
                        .zip(numbers)
                        .for_each(|(to, x)| *to = *x);
                }
            }
            return Ok(turned);
        }
        Ok(values)
    }
}

//! Codes that are numbers themselves, FP8 or int8, times a scale: `w = (q − zero) · scale`.
//!
//! One scale for all, for each row, for each group of a row (compressed-tensors), or for each block of rows and columns
//! (DeepSeek-V3's `weight_scale_inv`, which is the factor itself in spite of its name: arXiv:2412.19437, section 3.3, and the
//! code beside its weights). bitsandbytes' int8 has one scale for each row, `SCB / 127` (arXiv:2208.07339).

use std::ops::Range;

use super::{Found, Parts, Settings, sizes};
use crate::checkpoint::derived::{Derive, Reader};
use crate::checkpoint::{CheckpointError, Dtype, Tensor, TensorEntry};

/// Block of DeepSeek-V3 and of what was made like it, where config.json does not say another.
const BLOCK: [usize; 2] = [128, 128];

/// A matrix of codes with scales in blocks; several matrices one after another if it has three axes.
struct Scaled {
    codes: TensorEntry,
    scales: TensorEntry,
    zeros: Option<TensorEntry>,
    /// Rows and columns of one matrix.
    matrix: [usize; 2],
    /// Rows and columns of a block with one scale.
    block: [usize; 2],
    /// Rows and columns of one matrix's scales.
    grid: [usize; 2],
    /// One grid of scales for each matrix, or one for all of them.
    shared: bool,
    factor: f32,
}

/// FP8 and compressed-tensors' int8.
pub(super) fn found(parts: &Parts<'_>, settings: &Settings) -> Result<Found, CheckpointError> {
    const FORMAT: &str = "FP8 or int8 with scales";
    let codes = parts.need("weight", FORMAT)?;
    let (scales, inverse) = match parts.get("weight_scale_inv") {
        Some(scales) => (scales, true),
        None => (parts.need("weight_scale", FORMAT)?, false),
    };
    let &[.., n_rows, n_columns] = codes.shape.as_slice() else {
        return Err(parts.misfit(FORMAT, format!("weight has the shape {}", sizes(&codes.shape))));
    };
    let n_matrices = codes.elements() / (n_rows * n_columns).max(1);
    let blocks = |size: [usize; 2]| [n_rows.div_ceil(size[0]), n_columns.div_ceil(size[1])];
    let said = settings.block().unwrap_or(BLOCK);
    let whole = [n_rows.max(1), n_columns.max(1)];
    let grid = match scales.shape.as_slice() {
        [] => [1, 1],
        &[1] => [1, 1],
        &[n] if n == n_rows && n_matrices == 1 => [n, 1],
        &[n] if n == n_matrices => [1, 1],
        &[.., rows, columns] => [rows, columns],
        _ => [0, 0],
    };
    let block = if grid == [1, 1] {
        whole
    } else if grid == blocks(said) && (inverse || settings.block().is_some()) {
        said
    } else if grid == [n_rows, 1] {
        [1, whole[1]]
    } else if grid[0] == n_rows && grid[1] > 0 && n_columns.is_multiple_of(grid[1]) {
        [1, n_columns / grid[1]]
    } else {
        let reason = format!(
            "scales of {} for codes of {}; add config.json, which says the size of a block",
            sizes(&scales.shape),
            sizes(&codes.shape)
        );
        return Err(parts.misfit(FORMAT, reason));
    };
    let per_matrix = grid[0] * grid[1];
    let shared = scales.elements() == per_matrix;
    if !shared && scales.elements() != per_matrix * n_matrices {
        return Err(parts.misfit(
            FORMAT,
            format!("scales of {} for {n_matrices} matrices", sizes(&scales.shape)),
        ));
    }
    let zeros = parts.get("weight_zero_point").filter(|_| codes.dtype.name() == "I8");
    if zeros.is_some_and(|zeros| zeros.elements() != scales.elements()) {
        return Err(parts.misfit(FORMAT, "there are not as many zeros as scales".to_owned()));
    }
    let kind = if codes.dtype.is_weights() { "FP8" } else { "int8" };
    let by = match (grid, block) {
        ([1, 1], _) => "one scale for a matrix".to_owned(),
        (_, [1, width]) if width == whole[1] => "one scale for a row".to_owned(),
        (_, [1, width]) => format!("groups of {width}"),
        (_, [rows, columns]) => format!("blocks of {rows} × {columns}"),
    };
    let scaled = Scaled {
        codes: codes.clone(),
        scales: scales.clone(),
        zeros: zeros.cloned(),
        matrix: [n_rows, n_columns],
        block,
        grid,
        shared,
        factor: 1.0,
    };
    Ok(parts.found(format!("{kind} ({by})"), codes.shape.clone(), Box::new(scaled)))
}

/// bitsandbytes' int8.
pub(super) fn of_rows(parts: &Parts<'_>) -> Result<Found, CheckpointError> {
    const FORMAT: &str = "bitsandbytes int8";
    let matrix = parts.matrix("weight", FORMAT)?;
    let (codes, scales) = (parts.need("weight", FORMAT)?, parts.need("SCB", FORMAT)?);
    if scales.elements() != matrix[0] {
        let reason = format!("{} scales for {} rows", scales.elements(), matrix[0]);
        return Err(parts.misfit(FORMAT, reason));
    }
    let scaled = Scaled {
        codes: codes.clone(),
        scales: scales.clone(),
        zeros: None,
        matrix,
        block: [1, matrix[1].max(1)],
        grid: [matrix[0], 1],
        shared: true,
        factor: 1.0 / 127.0,
    };
    Ok(parts.found(FORMAT.to_owned(), codes.shape.clone(), Box::new(scaled)))
}

impl Derive for Scaled {
    fn rows(&self, read: &Reader<'_>, rows: Range<usize>) -> Result<Vec<f32>, CheckpointError> {
        let [n_rows, n_columns] = self.matrix;
        let per_row = self.codes.elements() / self.codes.rows().max(1) / n_columns.max(1);
        let codes = numbers(&read.rows(&self.codes, rows.clone())?)?;
        let scales = numbers(&read.whole(&self.scales)?)?;
        let zeros = self.zeros.as_ref().map(|zeros| numbers(&read.whole(zeros)?)).transpose()?;
        let mut values = codes;
        for (i, row) in values.chunks_exact_mut(n_columns.max(1)).enumerate() {
            let row_of_all = rows.start * per_row + i;
            let (which, inside) = (row_of_all / n_rows.max(1), row_of_all % n_rows.max(1));
            let first = if self.shared { 0 } else { which * self.grid[0] * self.grid[1] };
            let first = first + inside / self.block[0] * self.grid[1];
            for (block, codes) in row.chunks_mut(self.block[1]).enumerate() {
                let scale = scales.get(first + block).copied().unwrap_or(f32::NAN) * self.factor;
                let zero = zeros
                    .as_ref()
                    .and_then(|zeros| zeros.get(first + block))
                    .copied()
                    .unwrap_or(0.0);
                codes.iter_mut().for_each(|code| *code = (*code - zero) * scale);
            }
        }
        Ok(values)
    }
}

/// Numbers of any dtype that codes, scales and zeros come in; `F8_E8M0` and bytes that stand for it are powers of two.
pub(super) fn numbers(tensor: &Tensor) -> Result<Vec<f32>, CheckpointError> {
    match tensor.dtype {
        Dtype::Other(other) if other.name == "I8" => {
            Ok(tensor.bytes.iter().map(|&byte| f32::from(byte as i8)).collect())
        }
        Dtype::Other(other) if other.name == "F8_E8M0" => {
            Ok(tensor.bytes.iter().map(|&byte| power(byte)).collect())
        }
        _ => tensor.f32s(),
    }
}

/// The power of two that a byte of `E8M0` stands for; 255 is NaN (OCP Microscaling Formats 1.0, section 5.4.1).
pub(super) fn power(byte: u8) -> f32 {
    if byte == 255 { f32::NAN } else { 2f64.powi(i32::from(byte) - 127) as f32 }
}

//! Norms over rows of activations.

use super::weights::LayerWeights;
use crate::model::ModelError;
use crate::model::architecture::{Norm, NormKind};

/// Rows of `x` `[n, d]` normed, with the divisor of each row; without a norm, `x` and ones.
pub(super) fn maybe(
    weights: &LayerWeights<'_>,
    norm: Option<&Norm>,
    x: &[f32],
    d: usize,
) -> Result<(Vec<f32>, Vec<f32>), ModelError> {
    let mut y = x.to_vec();
    let Some(norm) = norm else { return Ok((y, vec![1.0; x.len() / d.max(1)])) };
    let (gains, bias) = weights.norm(norm, d)?;
    let scales = rows_in_place(&mut y, norm.kind, norm.eps, &gains, bias.as_deref());
    Ok((y, scales))
}

/// Rows as wide as `gains` normed in place; returns what each was divided by.
pub(super) fn rows_in_place(
    rows: &mut [f32],
    kind: NormKind,
    eps: f64,
    gains: &[f64],
    bias: Option<&[f64]>,
) -> Vec<f32> {
    let rows = rows.chunks_exact_mut(gains.len().max(1));
    rows.map(|row| row_in_place(row, kind, eps, gains, bias)).collect()
}

/// One row normed in place; returns what it was divided by. Sums are taken in `f64`.
fn row_in_place(
    row: &mut [f32],
    kind: NormKind,
    eps: f64,
    gains: &[f64],
    bias: Option<&[f64]>,
) -> f32 {
    if kind.centres() {
        center(row);
    }
    let scale = (mean_square(row) + eps).sqrt();
    finish(row, scale, gains, bias);
    scale as f32
}

/// Takes out a row's mean.
pub(super) fn center(row: &mut [f32]) {
    let mean = row.iter().map(|&x| f64::from(x)).sum::<f64>() / row.len() as f64;
    row.iter_mut().for_each(|x| *x = (f64::from(*x) - mean) as f32);
}

/// Mean of the squares of a row.
pub(super) fn mean_square(row: &[f32]) -> f64 {
    row.iter().map(|&x| f64::from(x) * f64::from(x)).sum::<f64>() / row.len() as f64
}

/// Divides, multiplies by the gains, adds the bias.
pub(super) fn finish(row: &mut [f32], scale: f64, gains: &[f64], bias: Option<&[f64]>) {
    row.iter_mut().zip(gains).for_each(|(x, g)| *x = (f64::from(*x) / scale * g) as f32);
    for (x, b) in row.iter_mut().zip(bias.unwrap_or_default()) {
        *x = (f64::from(*x) + b) as f32;
    }
}

//! Linear maps on many positions at once, in `f32`.

use nalgebra::{DMatrixView, DMatrixViewMut};

use crate::model::architecture::{Linear, Orientation};
use crate::model::{Model, ModelError};

/// nalgebra hands products to its blocked SIMD kernel only when every side is at least this long. Its loops for shorter ones
/// must not be reached with row-major strides: in 0.35 they index as if columns were contiguous.
const SHORTEST: usize = 6;

/// Reads a linear map and applies it: `x: [n, d_in]` to `[n, d_out]`, bias included.
pub(super) fn apply(
    model: &Model,
    linear: &Linear,
    x: &[f32],
    d_in: usize,
    d_out: usize,
) -> Result<Vec<f32>, ModelError> {
    let w = model.read_linear(linear, d_in, d_out)?.f32s()?;
    let mut y = product(x, &w, linear.orientation, d_in, d_out);
    if let Some(name) = &linear.bias {
        add_bias(&mut y, &model.read(name, &[Some(d_out)])?.f32s()?);
    }
    Ok(y)
}

/// The number of outputs of a linear map, by its shape in the file.
pub(super) fn d_out(model: &Model, linear: &Linear, d_in: usize) -> Result<usize, ModelError> {
    Ok(match linear.orientation {
        Orientation::OutIn => model.check(&linear.weight, &[None, Some(d_in)])?[0],
        Orientation::InOut => model.check(&linear.weight, &[Some(d_in), None])?[1],
    })
}

pub(super) fn add_bias(y: &mut [f32], bias: &[f32]) {
    for row in y.chunks_exact_mut(bias.len().max(1)) {
        row.iter_mut().zip(bias).for_each(|(y, b)| *y += b);
    }
}

/// `x: [n, d_in]` times a matrix that lies `[d_out, d_in]` or `[d_in, d_out]`, as `[n, d_out]`.
pub(super) fn product(
    x: &[f32],
    w: &[f32],
    orientation: Orientation,
    d_in: usize,
    d_out: usize,
) -> Vec<f32> {
    let n = x.len() / d_in.max(1);
    if d_in < SHORTEST || d_out < SHORTEST {
        return short_product(x, w, orientation, d_in, d_out);
    }
    let padded: Vec<f32>;
    let (rows, x) = if n < SHORTEST {
        padded = x.iter().copied().chain(std::iter::repeat(0.0)).take(SHORTEST * d_in).collect();
        (SHORTEST, padded.as_slice())
    } else {
        (n, x)
    };
    let mut y = vec![0.0; rows * d_out];
    // Row-major, stated as strides: nothing here depends on how nalgebra would lay out its own matrices.
    let x = DMatrixView::from_slice_with_strides(x, rows, d_in, d_in, 1);
    let (row_stride, column_stride) = match orientation {
        Orientation::OutIn => (1, d_in),
        Orientation::InOut => (d_out, 1),
    };
    let w = DMatrixView::from_slice_with_strides(w, d_in, d_out, row_stride, column_stride);
    DMatrixViewMut::from_slice_with_strides_mut(&mut y, rows, d_out, d_out, 1)
        .gemm(1.0, &x, &w, 0.0);
    y.truncate(n * d_out);
    y
}

/// The same, term by term.
fn short_product(
    x: &[f32],
    w: &[f32],
    orientation: Orientation,
    d_in: usize,
    d_out: usize,
) -> Vec<f32> {
    let (over_in, over_out) = match orientation {
        Orientation::OutIn => (1, d_in),
        Orientation::InOut => (d_out, 1),
    };
    let rows = x.chunks_exact(d_in.max(1));
    let of_row = |row: &[f32], o: usize| {
        row.iter().enumerate().map(|(i, x)| x * w[i * over_in + o * over_out]).sum()
    };
    rows.flat_map(|row| (0..d_out).map(move |o| of_row(row, o))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn products_agree_with_the_sum_they_stand_for() {
        for (n, d_in, d_out) in
            [(1, 7, 9), (4, 16, 3), (13, 70, 33), (2, 1, 1), (9, 3, 40), (7, 40, 5), (3, 8, 8)]
        {
            let x: Vec<f32> = (0..n * d_in).map(|i| (i as f32 * 0.37).sin()).collect();
            let w: Vec<f32> = (0..d_out * d_in).map(|i| (i as f32 * 0.11).cos()).collect();
            let mut transposed = vec![0.0; w.len()];
            for o in 0..d_out {
                (0..d_in).for_each(|i| transposed[i * d_out + o] = w[o * d_in + i]);
            }
            let y = product(&x, &w, Orientation::OutIn, d_in, d_out);
            let z = product(&x, &transposed, Orientation::InOut, d_in, d_out);
            for t in 0..n {
                for o in 0..d_out {
                    let sum: f32 = (0..d_in).map(|i| x[t * d_in + i] * w[o * d_in + i]).sum();
                    // Sums of at most 70 terms of size one, in another order.
                    assert!((y[t * d_out + o] - sum).abs() < 1e-4);
                    assert!((z[t * d_out + o] - sum).abs() < 1e-4);
                }
            }
        }
    }
}

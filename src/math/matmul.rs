//! Products of dense `f32` matrices in row-major slices: the CPU twin of the GPU's matrix product.
//!
//! `matrixmultiply` underneath (through nalgebra), which has SIMD kernels natively and in wasm. For `f64` inside a
//! decomposition see the kernels of `math::qr`, which are faster in wasm.

use nalgebra::{DMatrixView, DMatrixViewMut, Dyn};

use super::MathError;

/// `C = A B` for row-major `a: [n, k]`, `b: [k, m]`; the result is row-major `[n, m]`.
///
/// # Errors
/// [`MathError::Shape`] if a slice does not have the length that the sizes say.
pub fn matmul(n: usize, k: usize, m: usize, a: &[f32], b: &[f32]) -> Result<Vec<f32>, MathError> {
    check("the left factor", a, (n, k))?;
    check("the right factor", b, (k, m))?;
    // Row-major [n, k] is column-major [k, n]: Cᵀ = Bᵀ Aᵀ needs no copy.
    let (a, b) = (DMatrixView::from_slice(a, k, n), DMatrixView::from_slice(b, m, k));
    let mut c = vec![0.0; n * m];
    DMatrixViewMut::from_slice(&mut c, m, n).gemm(1.0, &b, &a, 0.0);
    Ok(c)
}

/// `C = A Bᵀ` for row-major `a: [n, k]`, `b: [m, k]`: all inner products of two lists of vectors, row-major `[n, m]`.
///
/// # Errors
/// [`MathError::Shape`] if a slice does not have the length that the sizes say.
pub fn matmul_transposed(
    n: usize,
    k: usize,
    m: usize,
    a: &[f32],
    b: &[f32],
) -> Result<Vec<f32>, MathError> {
    check("the left factor", a, (n, k))?;
    check("the right factor", b, (m, k))?;
    let a = DMatrixView::from_slice(a, k, n);
    let b = DMatrixView::<f32, Dyn, Dyn>::from_slice_with_strides(b, m, k, k, 1);
    let mut c = vec![0.0; n * m];
    DMatrixViewMut::from_slice(&mut c, m, n).gemm(1.0, &b, &a, 0.0);
    Ok(c)
}

fn check(what: &'static str, values: &[f32], shape: (usize, usize)) -> Result<(), MathError> {
    if shape.0.checked_mul(shape.1) == Some(values.len()) {
        return Ok(());
    }
    Err(MathError::Shape { what, expected: shape, found: (values.len(), 1) })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The definition.
    fn naive(n: usize, k: usize, m: usize, a: &[f32], b: impl Fn(usize, usize) -> f32) -> Vec<f32> {
        (0..n * m).map(|at| (0..k).map(|l| a[at / m * k + l] * b(l, at % m)).sum()).collect()
    }

    #[test]
    fn both_products_agree_with_the_definition() {
        let numbers = |n: usize, step: usize| -> Vec<f32> {
            (0..n).map(|i| ((i * step) % 11) as f32 - 5.0).collect()
        };
        for (n, k, m) in [(1, 1, 1), (3, 5, 2), (17, 9, 23), (2, 64, 70), (4, 0, 3)] {
            let (a, b, b_rows) = (numbers(n * k, 7), numbers(k * m, 3), numbers(m * k, 3));
            // Small integers: the sums are exact in any order.
            assert_eq!(matmul(n, k, m, &a, &b).unwrap(), naive(n, k, m, &a, |l, j| b[l * m + j]));
            let plain = naive(n, k, m, &a, |l, j| b_rows[j * k + l]);
            assert_eq!(matmul_transposed(n, k, m, &a, &b_rows).unwrap(), plain);
        }
    }

    #[test]
    fn a_wrong_length_is_an_error() {
        assert!(matches!(matmul(2, 2, 2, &[0.0; 4], &[0.0; 5]), Err(MathError::Shape { .. })));
        assert!(matmul_transposed(2, 2, 2, &[0.0; 3], &[0.0; 4]).is_err());
    }
}

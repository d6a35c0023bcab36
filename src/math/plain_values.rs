//! Singular values of a small square-ish matrix, fast, where an error of `ε σ_1` is good enough.
//!
//! Cosines and sines of angles are of size one, and a difference of two matrices is known no better than its largest part: there
//! bidiagonalisation serves, at a tenth of the cost of [`super::core_svd`]. Not for a head's own spectrum.

use nalgebra::linalg::Bidiagonal;

use super::jacobi::one_sided_jacobi;
use super::qd::bidiagonal_values;
use super::statistics::ranked;
use super::{Mat, MathError};

/// The `min(m, n)` singular values of `x: [m, n]`, descending, each to about `ε σ_1`.
///
/// Bidiagonalisation and the qd algorithm, believed only if the squares sum to `‖x‖_F²`; else one-sided Jacobi.
///
/// # Errors
/// [`MathError::NoConvergence`] if Jacobi does not settle either.
pub(super) fn plain_values(x: &Mat) -> Result<Vec<f64>, MathError> {
    let (scale, count) = (x.amax(), x.nrows().min(x.ncols()));
    if scale == 0.0 || count == 0 {
        return Ok(vec![0.0; count]);
    }
    let scaled = x / scale;
    let total = scaled.norm_squared();
    let two = Bidiagonal::new(scaled.clone());
    if let Some(found) = bidiagonal_values(two.diagonal().as_slice(), two.off_diagonal().as_slice())
    {
        let squares: f64 = found.iter().map(|s| s * s).sum();
        if (squares - total).abs() <= 1e-12 * total {
            return Ok(sorted(&found, scale));
        }
    }
    let wide = scaled.ncols() > scaled.nrows();
    let jacobi = one_sided_jacobi(&if wide { scaled.transpose() } else { scaled })?;
    let norms: Vec<f64> = jacobi.g.column_iter().map(|column| column.norm()).collect();
    Ok(sorted(&norms, scale))
}

fn sorted(values: &[f64], scale: f64) -> Vec<f64> {
    ranked(values, |s| *s).into_iter().map(|s| s * scale).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Rng;

    #[test]
    fn planted_values_come_back_whatever_the_shape_and_size() {
        let mut rng = Rng::new(4);
        for (m, n) in [(9, 9), (12, 5), (5, 12), (1, 6), (40, 40)] {
            let k = m.min(n);
            let planted: Vec<f64> = (0..k).map(|i| 10f64.powi(-(i as i32) / 3)).collect();
            let (u, v) = (rng.haar_rotation(m), rng.haar_rotation(n));
            let mut x = Mat::zeros(m, n);
            for (i, s) in planted.iter().enumerate() {
                x += u.column(i) * v.column(i).transpose() * *s;
            }
            for scale in [1.0, 1e-200, 1e150] {
                let found = plain_values(&(&x * scale)).unwrap();
                assert_eq!(found.len(), k);
                for (found, planted) in found.iter().zip(&planted) {
                    assert!((found / scale - planted).abs() < 1e-14, "{m} × {n}");
                }
            }
        }
        assert_eq!(plain_values(&Mat::zeros(3, 2)).unwrap(), [0.0, 0.0]);
        assert!(plain_values(&Mat::zeros(0, 2)).unwrap().is_empty());
    }
}

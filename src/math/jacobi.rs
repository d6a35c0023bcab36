//! One-sided Jacobi: rotates the columns of a matrix until they are orthogonal, keeping small singular values accurate.

use super::kernels::{dot, rotate};
use super::qr::TINY;
use super::{Mat, MathError};

/// Sweeps after which the iteration is given up; preconditioned cores need 6 to 9.
pub const MAX_SWEEPS: usize = 20;

/// `X V = G` with `V` orthogonal and the columns of `G` mutually orthogonal: their norms are the singular values of `X`.
pub struct Jacobi {
    /// `[m, k]`, columns in no particular order.
    pub g: Mat,
    /// `[k, k]`.
    pub v: Mat,
    /// Sweeps made.
    pub sweeps: usize,
}

/// Orthogonalises the columns of `x: [m, k]` by plane rotations.
///
/// A pair is rotated while the cosine between its columns exceeds `√m ε`, as in LAPACK's xGESVJ. The iteration ends after a
/// sweep whose largest cosine before rotation was 16 times that or less, since convergence is quadratic there. `V` is
/// accumulated: solving for it afterwards would cost its orthogonality on ill-conditioned heads.
///
/// Relative accuracy is that of `X` with its columns scaled to unit length, so a core should come graded by columns, as
/// the transposed factor of a pivoted QR is.
///
/// # Errors
/// [`MathError::NoConvergence`] after [`MAX_SWEEPS`].
///
/// # Source
/// Drmač & Veselić, "New fast and accurate Jacobi SVD algorithm I, II", SIMAX 29 (2008); Demmel & Veselić, SIMAX 13 (1992).
pub fn one_sided_jacobi(x: &Mat) -> Result<Jacobi, MathError> {
    let (m, k) = x.shape();
    // G above V in one buffer: a rotation is one pass over two contiguous columns.
    let stride = (m + k).max(1);
    let mut stacked = vec![0.0; stride * k];
    for (j, column) in stacked.chunks_exact_mut(stride).enumerate() {
        column[..m].copy_from_slice(x.column(j).as_slice());
        column[m + j] = 1.0;
    }
    let tolerance = (m as f64).sqrt() * f64::EPSILON;
    let mut norms = vec![0.0; k];
    let mut largest = 0.0;
    for sweep in 1..=MAX_SWEEPS {
        for (norm, column) in norms.iter_mut().zip(stacked.chunks_exact(stride)) {
            *norm = dot(&column[..m], &column[..m]).sqrt();
        }
        largest = sweep_pairs(&mut stacked, m, stride, &mut norms, tolerance);
        if largest <= 16.0 * tolerance {
            let all = Mat::from_vec(stride, k, stacked);
            return Ok(Jacobi {
                g: all.rows(0, m).into_owned(),
                v: all.rows(m, k).into_owned(),
                sweeps: sweep,
            });
        }
    }
    Err(MathError::NoConvergence {
        what: "the one-sided Jacobi SVD",
        sweeps: MAX_SWEEPS,
        cosine: largest,
    })
}

/// Visits every pair once; returns the largest cosine met.
fn sweep_pairs(
    stacked: &mut [f64],
    m: usize,
    stride: usize,
    norms: &mut [f64],
    tolerance: f64,
) -> f64 {
    let mut largest = 0.0_f64;
    for p in 0..norms.len() {
        let (head, tail) = stacked.split_at_mut((p + 1) * stride);
        let x = &mut head[p * stride..];
        for (q, y) in (p + 1..).zip(tail.chunks_exact_mut(stride)) {
            if norms[p] <= TINY || norms[q] <= TINY {
                continue;
            }
            let product = dot(&x[..m], &y[..m]);
            let cosine = product.abs() / norms[p] / norms[q];
            largest = largest.max(cosine);
            if cosine <= tolerance {
                continue;
            }
            let t = tangent(product, norms[p], norms[q]);
            let c = 1.0 / (1.0 + t * t).sqrt();
            rotate(c, c * t, x, y);
            (norms[p], norms[q]) =
                (shifted(norms[p], -t * product, &x[..m]), shifted(norms[q], t * product, &y[..m]));
        }
    }
    largest
}

/// `tan θ` of the smaller rotation that makes two columns with norms `a`, `b` and inner product `product` orthogonal.
fn tangent(product: f64, a: f64, b: f64) -> f64 {
    let zeta = (b / product * b - a / product * a) / 2.0;
    zeta.signum() / (zeta.abs() + (1.0 + zeta * zeta).sqrt())
}

/// `√(norm² + change)`, measured again where the subtraction would cancel.
fn shifted(norm: f64, change: f64, column: &[f64]) -> f64 {
    let square = norm * norm + change;
    if square > 0.01 * norm * norm { square.sqrt() } else { dot(column, column).sqrt() }
}

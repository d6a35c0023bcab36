//! One-sided Jacobi: rotates the columns of a matrix until they are orthogonal, keeping small singular values accurate.

use super::kernels::{dot, rotate};
use super::qr::TINY;
use super::{Mat, MathError};

/// Sweeps after which the iteration is given up; preconditioned cores need 6 to 9.
pub const MAX_SWEEPS: usize = 20;

/// Columns per side of a tile of pairs, so that a tile stays in the first-level cache.
const TILE: usize = 8;

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
    let mut largest = 0.0;
    for sweep in 1..=MAX_SWEEPS {
        largest = sweep_pairs(&mut stacked, m, stride, tolerance);
        if largest <= 16.0 * tolerance {
            // Rounding in thousands of rotations stretches the columns of V, and of G with them, by some 1e-14.
            for column in stacked.chunks_exact_mut(stride) {
                let norm = dot(&column[m..], &column[m..]).sqrt();
                column.iter_mut().for_each(|x| *x /= norm);
            }
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

/// Visits every pair of columns once, tile by tile; returns the largest cosine met.
fn sweep_pairs(stacked: &mut [f64], m: usize, stride: usize, tolerance: f64) -> f64 {
    let k = stacked.len() / stride;
    let mut squares: Vec<f64> =
        stacked.chunks_exact(stride).map(|column| dot(&column[..m], &column[..m])).collect();
    let mut largest_square = 0.0_f64;
    for p_tile in (0..k).step_by(TILE) {
        for q_tile in (p_tile..k).step_by(TILE) {
            for p in p_tile..(p_tile + TILE).min(k) {
                for q in q_tile.max(p + 1)..(q_tile + TILE).min(k) {
                    let (head, tail) = stacked.split_at_mut(q * stride);
                    let (x, y) = (&mut head[p * stride..(p + 1) * stride], &mut tail[..stride]);
                    let (a, b) = (squares[p], squares[q]);
                    if a <= TINY * TINY || b <= TINY * TINY {
                        continue;
                    }
                    let product = dot(&x[..m], &y[..m]);
                    let cosine_square = product * product / (a * b);
                    largest_square = largest_square.max(cosine_square);
                    if cosine_square <= tolerance * tolerance {
                        continue;
                    }
                    let t = tangent(product, a, b);
                    let c = 1.0 / (1.0 + t * t).sqrt();
                    rotate(c, c * t, x, y);
                    squares[p] = shifted(a, -t * product, &x[..m]);
                    squares[q] = shifted(b, t * product, &y[..m]);
                }
            }
        }
    }
    largest_square.sqrt()
}

/// `tan θ` of the smaller rotation that makes two columns with squared norms `a`, `b` orthogonal.
fn tangent(product: f64, a: f64, b: f64) -> f64 {
    let (twice, difference) = (2.0 * product, b - a);
    let root = (difference * difference + twice * twice).sqrt();
    if difference < 0.0 { twice / (difference - root) } else { twice / (difference + root) }
}

/// `square + change`, measured again where the subtraction would cancel.
fn shifted(square: f64, change: f64, column: &[f64]) -> f64 {
    if square + change > 0.01 * square { square + change } else { dot(column, column) }
}

//! QR of a small matrix with column pivoting: it sorts a core by size and separates its columns from noise.

use super::Mat;
use super::householder::{BLOCK, Reflectors};
use super::kernels::dot;
use super::qr::TINY;

/// `A P = Q R` with `Q: [m, rank]` orthonormal, `R: [rank, n]` upper trapezoidal, and `|R_kk|` (nearly) descending.
///
/// # Source
/// Businger & Golub, Numer. Math. 7 (1965). Norms of the remainders are recomputed, not downdated: at these sizes that is
/// cheap, and downdating fails exactly where rank is lost.
pub struct PivotedQr {
    reflectors: Reflectors,
    r: Mat,
    order: Vec<usize>,
}

impl PivotedQr {
    /// Factors `a: [m, n]`; the remainder of column `j` is zero once its norm is at most `noise[j]`.
    pub fn new(a: &Mat, noise: &[f64]) -> Self {
        let (m, n) = a.shape();
        let mut work = a.clone();
        let mut order: Vec<usize> = (0..n).collect();
        let mut norms: Vec<f64> = (0..n).map(|j| remainder(&mut work, 0, j, noise[j])).collect();
        let mut reflectors = Reflectors::new(m);
        for k in 0..n.min(m) {
            let Some((pivot, norm)) = (k..n)
                .map(|j| (j, norms[j]))
                .reduce(|best, next| if next.1 > best.1 { next } else { best })
            else {
                break;
            };
            if norm == 0.0 {
                break;
            }
            work.swap_columns(k, pivot);
            order.swap(k, pivot);
            norms.swap(k, pivot);
            let (done, behind) = work.as_mut_slice().split_at_mut((k + 1) * m);
            reflectors.eliminate(&mut done[k * m + k..], norm);
            for other in behind.chunks_exact_mut(m) {
                reflectors.reflect_last(&mut other[k..]);
            }
            for j in k + 1..n {
                norms[j] = remainder(&mut work, k + 1, j, noise[order[j]]);
            }
            if (k + 1) % BLOCK == 0 {
                reflectors.close_block(&mut []);
            }
        }
        reflectors.close_block(&mut []);
        let r = work.rows(0, reflectors.rank()).into_owned();
        PivotedQr { reflectors, r, order }
    }

    /// `R: [rank, n]`, its columns in pivoted order.
    pub fn r(&self) -> &Mat {
        &self.r
    }

    /// Column `k` of `A P` is column `order()[k]` of `A`.
    pub fn order(&self) -> &[usize] {
        &self.order
    }

    /// `Q x`, `[rank, k] → [m, k]`.
    pub fn q_times(&self, x: &Mat) -> Mat {
        self.reflectors.times(x)
    }
}

/// The norm of column `j` from `row` down; noise is set to zero.
fn remainder(work: &mut Mat, row: usize, j: usize, noise: f64) -> f64 {
    let m = work.nrows();
    let below = &mut work.as_mut_slice()[j * m + row..(j + 1) * m];
    let norm = dot(below, below).sqrt();
    if norm > noise.max(TINY) {
        return norm;
    }
    below.fill(0.0);
    0.0
}

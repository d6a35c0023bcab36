//! QR of a tall matrix by blocked Householder reflections, with a rank rule that drops only rounding noise.

use super::Mat;
use super::householder::{BLOCK, Reflectors};
use super::kernels::dot;

/// Columns shorter than this beside a largest entry near 1 count as zero: products of their squares would underflow.
pub(super) const TINY: f64 = 1e-60;

/// `8 u √n`: a remainder this small beside the column it came from is rounding noise.
pub(super) fn noise(n: usize) -> f64 {
    4.0 * f64::EPSILON * (n as f64).sqrt()
}

/// `A = Q R` with `Q: [m, rank]` orthonormal and `R: [rank, n]` in echelon form.
///
/// Column `j` adds a direction only if what the earlier ones leave of it exceeds `8 u √m ‖a_j‖`; otherwise that
/// remainder is set to zero. The rule looks at one column at a time, so scaling columns does not change the rank.
/// `Q` is kept as reflectors: its orthogonality does not depend on the condition of `A`.
///
/// # Cost
/// `2 m n²` flops; applying `Q` to `[rank, k]` takes `4 m n k`. The entries must be finite, the largest near 1.
///
/// # Source
/// Golub & Van Loan, *Matrix Computations*, section 5.2. Block Gram–Schmidt would need as many flops with an explicit `Q`,
/// and a second pass where Householder needs none.
pub struct Qr {
    reflectors: Reflectors,
    r: Mat,
}

impl Qr {
    /// Factors `a: [m, n]`.
    pub fn new(a: &Mat) -> Self {
        Self::of(a.clone())
    }

    /// The same, in place of `work: [m, n]`.
    pub fn of(mut work: Mat) -> Self {
        let (m, n) = work.shape();
        let mut reflectors = Reflectors::new(m);
        let limits: Vec<f64> = work
            .column_iter()
            .map(|column| (noise(m) * dot(column.as_slice(), column.as_slice()).sqrt()).max(TINY))
            .collect();
        let mut rest = work.as_mut_slice();
        for panel_limits in limits.chunks(BLOCK) {
            let (panel, behind) = rest.split_at_mut(panel_limits.len() * m);
            factor_panel(&mut reflectors, panel, m, panel_limits);
            reflectors.close_block(behind);
            rest = behind;
        }
        let r = work.rows(0, reflectors.rank()).into_owned();
        debug_assert_eq!(r.ncols(), n);
        Qr { reflectors, r }
    }

    /// `R: [rank, n]`.
    pub fn r(&self) -> &Mat {
        &self.r
    }

    /// How many directions the columns of `A` span.
    pub fn rank(&self) -> usize {
        self.r.nrows()
    }

    /// `Q x`, `[rank, k] → [m, k]`.
    pub fn q_times(&self, x: &Mat) -> Mat {
        self.reflectors.times(x)
    }

    /// `Qᵀ x`, `[m, k] → [rank, k]`.
    pub fn q_transposed_times(&self, x: &Mat) -> Mat {
        self.reflectors.transposed_times(x)
    }
}

fn factor_panel(reflectors: &mut Reflectors, panel: &mut [f64], m: usize, limits: &[f64]) {
    let mut rest = panel;
    for limit in limits {
        let (column, behind) = rest.split_at_mut(m);
        let row = reflectors.rank();
        let below = &mut column[row..];
        let norm = dot(below, below).sqrt();
        if norm > *limit {
            reflectors.eliminate(below, norm);
            for other in behind.chunks_exact_mut(m) {
                reflectors.reflect_last(&mut other[row..]);
            }
        } else {
            below.fill(0.0);
        }
        rest = behind;
    }
}

//! What the room on the SVD draws: a matrix of two rows and columns made from its singular pairs, and large ones put together pair by pair.

use serde::Serialize;

/// `Ω = Σ_k σ_k u_k v_kᵀ` in the plane, angles in degrees: `u_k` points at `u_at + 90 k`, `v_k` at `v_at + 90 k`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct SmallMatrix {
    /// Singular values.
    pub sigma: [f64; 2],
    /// Where `u_0` points.
    pub u_at: f64,
    /// Where `v_0` points.
    pub v_at: f64,
}

/// The unit vector at an angle, degrees.
pub fn unit(degrees: f64) -> [f64; 2] {
    let (sin, cos) = degrees.to_radians().sin_cos();
    [cos, sin]
}

/// `a · b`.
pub fn dot(a: [f64; 2], b: [f64; 2]) -> f64 {
    a[0] * b[0] + a[1] * b[1]
}

impl SmallMatrix {
    /// What the destination is read for.
    pub fn u(&self, k: usize) -> [f64; 2] {
        unit(self.u_at + 90.0 * k as f64)
    }

    /// What the source is read for.
    pub fn v(&self, k: usize) -> [f64; 2] {
        unit(self.v_at + 90.0 * k as f64)
    }

    /// Its entries, by rows.
    pub fn entries(&self) -> [[f64; 2]; 2] {
        let mut entries = [[0.0; 2]; 2];
        for k in 0..2 {
            let (u, v) = (self.u(k), self.v(k));
            for (row, u) in entries.iter_mut().zip(u) {
                for (entry, v) in row.iter_mut().zip(v) {
                    *entry += self.sigma[k] * u * v;
                }
            }
        }
        entries
    }

    /// `Ω yᵀ`: where the destination would have to point for the largest score with `y`.
    pub fn apply(&self, y: [f64; 2]) -> [f64; 2] {
        self.entries().map(|row| dot(row, y))
    }

    /// The term of pair `k` in `x Ω yᵀ`: `σ_k (x · u_k)(y · v_k)`.
    pub fn term(&self, k: usize, x: [f64; 2], y: [f64; 2]) -> f64 {
        self.sigma[k] * dot(x, self.u(k)) * dot(y, self.v(k))
    }

    /// The same singular values with both bases turned.
    #[must_use]
    pub fn turned(self, degrees: f64) -> Self {
        Self { u_at: self.u_at + degrees, v_at: self.v_at + degrees, ..self }
    }

    /// `‖Ω − Ω′‖_F`.
    pub fn distance(&self, other: &Self) -> f64 {
        let (a, b) = (self.entries(), other.entries());
        let squares = a.iter().flatten().zip(b.iter().flatten()).map(|(a, b)| (a - b).powi(2));
        squares.sum::<f64>().sqrt()
    }
}

/// Singular vectors as they come from a head: row `k` of `u` and of `v` belongs to `sigma[k]`.
pub struct Pairs<'a> {
    /// Singular values, descending.
    pub sigma: &'a [f64],
    /// Left vectors, `[n, rows]` row-major.
    pub u: &'a [f32],
    /// Right vectors, `[n, columns]` row-major.
    pub v: &'a [f32],
}

impl Pairs<'_> {
    /// `Σ σ_k u_k v_kᵀ` over a range of pairs, of the first `side` dimensions on each side; row-major. With its number of columns.
    pub fn sum(&self, pairs: std::ops::Range<usize>, side: usize) -> (Vec<f32>, usize) {
        let n = self.sigma.len().max(1);
        let (all_rows, all_columns) = (self.u.len() / n, self.v.len() / n);
        let (rows, columns) = (all_rows.min(side), all_columns.min(side));
        let mut sum = vec![0.0; rows * columns];
        for k in pairs.start..pairs.end.min(self.sigma.len()) {
            let (u, v) = (&self.u[k * all_rows..][..rows], &self.v[k * all_columns..][..columns]);
            for (row, u) in sum.chunks_exact_mut(columns.max(1)).zip(u) {
                let weight = self.sigma[k] as f32 * u;
                row.iter_mut().zip(v).for_each(|(entry, v)| *entry += weight * v);
            }
        }
        (sum, columns)
    }

    /// The share of `‖Ω‖_F²` that the first `k` pairs carry: no matrix of that rank comes nearer (Eckart and Young, 1936).
    pub fn kept(&self, k: usize) -> f64 {
        let squares = |sigma: &[f64]| sigma.iter().map(|s| s * s).sum::<f64>();
        squares(&self.sigma[..k.min(self.sigma.len())]) / squares(self.sigma).max(f64::MIN_POSITIVE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::math::Mat;

    const OMEGA: SmallMatrix = SmallMatrix { sigma: [2.0, 0.5], u_at: 30.0, v_at: 200.0 };

    #[test]
    fn the_pairs_are_the_svd_of_their_matrix() {
        let [[a, b], [c, d]] = OMEGA.entries();
        let svd = Mat::from_row_slice(2, 2, &[a, b, c, d]).singular_values();
        assert!((svd[0] - 2.0).abs() < 1e-12 && (svd[1] - 0.5).abs() < 1e-12);
        // v_k goes to σ_k u_k, and a score is the sum of its terms.
        for k in 0..2 {
            let image = OMEGA.apply(OMEGA.v(k));
            for (found, u) in image.iter().zip(OMEGA.u(k)) {
                assert!((found - OMEGA.sigma[k] * u).abs() < 1e-12);
            }
        }
        let (x, y) = (unit(70.0), unit(-15.0));
        let score = dot(x, OMEGA.apply(y));
        assert!((score - OMEGA.term(0, x, y) - OMEGA.term(1, x, y)).abs() < 1e-12);
    }

    #[test]
    fn only_equal_singular_values_let_the_bases_turn() {
        let equal = SmallMatrix { sigma: [1.3, 1.3], ..OMEGA };
        assert!(equal.distance(&equal.turned(40.0)) < 1e-12);
        assert!(OMEGA.distance(&OMEGA.turned(40.0)) > 0.5);
    }

    #[test]
    fn pairs_build_the_matrix_and_nothing_is_lost_with_all_of_them() {
        let (sigma, u, v) = ([3.0, 1.0], [1.0, 0.0, 0.0, 0.0, 1.0, 0.0], [0.0, 1.0, 1.0, 0.0]);
        let pairs = Pairs { sigma: &sigma, u: &u, v: &v };
        assert_eq!(pairs.sum(0..1, 9), (vec![0.0, 3.0, 0.0, 0.0, 0.0, 0.0], 2));
        assert_eq!(pairs.sum(0..9, 9), (vec![0.0, 3.0, 1.0, 0.0, 0.0, 0.0], 2));
        assert_eq!(pairs.sum(0..2, 1), (vec![0.0], 1), "a corner of it");
        assert!((pairs.kept(1) - 0.9).abs() < 1e-12 && (pairs.kept(2) - 1.0).abs() < 1e-12);
        assert_eq!(pairs.kept(0), 0.0);
    }
}

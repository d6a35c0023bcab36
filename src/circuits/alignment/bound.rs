//! How rarely a random direction of a subspace comes near a feature: a closed-form bound that counts no rotation.
//!
//! A feature whose projection on the subspace has norm `s` reaches a cosine `t` with a uniformly random direction of `h`
//! dimensions with probability `I_{1−t²/s²}((h−1)/2, 1/2)`; over all features Boole adds these up. So a direction that lies on a
//! feature has a p far below what any number of rotations could count, and no law is assumed of the dictionary.
//!
//! The frame shortens some directions (it projects a common direction out), after which a rotated basis is not quite uniform: with
//! `G = BᵀB` it has the angular central Gaussian law, whose density is nowhere above `det G^{−1/2}` times the uniform one, since
//! no direction is lengthened. That factor is part of the bound.
//!
//! # Source
//! Angular central Gaussian: Tyler, Biometrika 74 (1987).

use crate::circuits::null::ln_p_subspace;
use crate::math::Mat;

/// Features whose projections are kept one by one; all others count as much as the last of them.
pub(super) const KEPT: usize = 16;

/// An eigenvalue of `BᵀB` below this is a direction that the frame has taken out.
const TAKEN_OUT: f64 = 1e-6;

/// Cosines and norms come from sums in `f32`: closer to one than this, their quotient is not known.
const ROUNDING: f64 = 1e-6;

/// The subspace of one side, inside the frame.
#[derive(Debug, Clone)]
pub(super) struct Span {
    /// Turns coordinates `Bᵀw: [rank]` into those along an orthonormal basis of the subspace: `[dimensions, rank]`.
    pub(super) orthonormal: Mat,
    /// `½ ln det G` over what is left of it.
    half_ln_det: f64,
}

impl Span {
    /// From `BᵀB: [rank, rank]`; `None` where fewer than two dimensions are left, or some direction was lengthened.
    pub(super) fn new(gram: &Mat) -> Option<Self> {
        let eigen = gram.clone().try_symmetric_eigen(f64::EPSILON, 10_000)?;
        if eigen.eigenvalues.iter().any(|&x| x.is_nan() || x > 1.0 + 1e-6) {
            return None;
        }
        let kept: Vec<usize> =
            (0..gram.nrows()).filter(|&i| eigen.eigenvalues[i] > TAKEN_OUT).collect();
        if kept.len() < 2 {
            return None;
        }
        let orthonormal = Mat::from_fn(kept.len(), gram.nrows(), |i, j| {
            eigen.eigenvectors[(j, kept[i])] / eigen.eigenvalues[kept[i]].sqrt()
        });
        let half_ln_det = 0.5 * kept.iter().map(|&i| eigen.eigenvalues[i].ln()).sum::<f64>();
        Some(Self { orthonormal, half_ln_det })
    }
}

/// The bound for one side, once the dictionary has been seen.
#[derive(Debug, Clone)]
pub(super) struct Bound {
    dimensions: usize,
    half_ln_det: f64,
    /// Norms of the longest projections, descending.
    longest: Vec<f64>,
    /// How many features there are besides.
    others: usize,
}

impl Bound {
    pub(super) fn new(span: &Span, longest: Vec<f64>, n_features: usize) -> Self {
        // A list that is not full holds every feature that has a projection at all.
        let others =
            if longest.len() < KEPT { 0 } else { n_features.saturating_sub(longest.len()) };
        let (dimensions, half_ln_det) = (span.orthonormal.nrows(), span.half_ln_det);
        Self { dimensions, half_ln_det, longest, others }
    }

    /// At least the probability that a random direction of the subspace reaches `t` with any feature; at most one.
    pub(super) fn p(&self, t: f64) -> f64 {
        let reach = |&norm: &f64| {
            if t > norm * (1.0 + ROUNDING) {
                return 0.0;
            }
            ln_p_subspace(self.dimensions, 1, (t / norm).min(1.0 - ROUNDING)).exp()
        };
        let others = self.longest.last().map_or(0.0, reach) * self.others as f64;
        let sum = self.longest.iter().map(reach).sum::<f64>() + others;
        (sum * (-self.half_ln_det).exp()).clamp(1e-300, 1.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::math::random::Rng;

    #[test]
    fn the_bound_is_kept_and_is_close_in_the_tail() {
        let (h, n, draws) = (6, 40, 60_000);
        let mut rng = Rng::new(6);
        // Two directions are shortened, as by a common direction that is projected out.
        let mut map = Mat::identity(h, h);
        (map[(0, 0)], map[(1, 1)]) = (0.6, 0.9);
        let features: Vec<Mat> = (0..n)
            .map(|i| rng.normal_matrix(h, 1).normalize() * (1.0 - 0.01 * f64::from(i)))
            .collect();
        let span = Span::new(&(map.transpose() * &map)).unwrap();
        assert!((span.half_ln_det.exp() - 0.54).abs() < 1e-12);
        let mut longest: Vec<f64> = features.iter().map(Mat::norm).collect();
        longest.truncate(KEPT);
        let bound = Bound::new(&span, longest, n as usize);
        let mut best: Vec<f64> = (0..draws)
            .map(|_| {
                let direction = (&map * rng.normal_matrix(h, 1)).normalize();
                features.iter().map(|w| w.dot(&direction).abs()).fold(0.0, f64::max)
            })
            .collect();
        best.sort_by(|a, b| b.total_cmp(a));
        for place in [60, 600, 6000] {
            let (simulated, bounded) = (place as f64 / draws as f64, bound.p(best[place]));
            assert!(
                bounded > 0.75 * simulated && bounded < 4.0 * simulated + 0.2,
                "{place} {bounded}"
            );
        }
        assert!(
            bound.p(0.999) < 1e-5
                && bound.p(1.0) < 1e-12
                && bound.p(1.1) <= 1e-300
                && bound.p(0.1) == 1.0
        );
    }

    #[test]
    fn coordinates_become_lengths_of_projections() {
        let mut rng = Rng::new(3);
        let basis = rng.normal_matrix(9, 3).qr().q()
            * Mat::from_diagonal(&nalgebra::DVector::from_vec(vec![1.0, 0.5, 0.8]));
        let span = Span::new(&basis.tr_mul(&basis)).unwrap();
        let w = rng.normal_matrix(9, 1);
        let q = basis.clone().qr().q();
        let along = &span.orthonormal * basis.tr_mul(&w);
        assert!((along.norm() - q.tr_mul(&w).norm()).abs() < 1e-12);
    }

    #[test]
    fn what_is_no_projection_has_no_bound() {
        assert!(Span::new(&(Mat::identity(4, 4) * 1.5)).is_none());
        assert!(Span::new(&Mat::zeros(4, 4)).is_none());
        assert!(Span::new(&Mat::from_element(2, 2, f64::NAN)).is_none());
    }
}

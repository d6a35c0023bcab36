//! Numbers that describe one circuit of one head.

use nalgebra::linalg::Schur;
use serde::{Deserialize, Serialize};

use super::omega::Circuit;
use super::spectrum::{null_from, shares};
use crate::math::Mat;
use crate::model::HeadWeights;

/// What a spectrum looks like, and for OV whether the head copies.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct HeadStatistics {
    /// Largest singular value.
    pub sigma_max: f64,
    /// `‖·‖_F`.
    pub frobenius: f64,
    /// `‖·‖_F² / σ₁²`, from 1 to d_head; 0 for a zero head.
    pub stable_rank: f64,
    /// `exp(−Σ p ln p)` with `p_k = σ_k² / Σσ²`; 0 for a zero head.
    pub effective_rank: f64,
    /// `σ₁` over the smallest singular value that is not null.
    pub condition: f64,
    /// Largest `σ_k / σ_{k+1}` between values that are not null; 1 where there are fewer than two.
    pub largest_gap: f64,
    /// The `k` before that gap.
    pub gap_at: usize,
    /// OV only: `Σλ / Σ|λ|` over the eigenvalues, from −1 to 1. `None` where the eigenvalues did not converge or are all zero.
    ///
    /// # Source
    /// TransformerLens, "OV copying score" of its documentation's head detectors; Elhage et al. 2021.
    pub copying: Option<f64>,
    /// QK only: the same for Ω. Near 1 a head looks for what is like the looking token, near −1 for what is unlike it. It means
    /// something where both sides read one stream. `None` as for [`Self::copying`].
    pub matching: Option<f64>,
}

impl HeadStatistics {
    /// The statistics of a circuit with singular values `sigma`, descending.
    pub fn of(weights: &HeadWeights, circuit: Circuit, sigma: &[f64], d_model: usize) -> Self {
        let kept = &sigma[..null_from(sigma, d_model)];
        let sigma_max = sigma.first().copied().unwrap_or(0.0);
        let squares: f64 = sigma.iter().map(|s| s * s).sum();
        let entropy: f64 = shares(sigma).iter().filter(|p| **p > 0.0).map(|p| -p * p.ln()).sum();
        let gaps = kept.windows(2).map(|w| w[0] / w[1]).enumerate();
        let (gap_at, largest_gap) = gaps.max_by(|a, b| a.1.total_cmp(&b.1)).unwrap_or((0, 1.0));
        let some = squares > 0.0;
        Self {
            sigma_max,
            frobenius: squares.sqrt(),
            stable_rank: if some { squares / (sigma_max * sigma_max) } else { 0.0 },
            effective_rank: if some { entropy.exp() } else { 0.0 },
            condition: kept.last().map_or(0.0, |last| sigma_max / last),
            largest_gap,
            gap_at,
            copying: if circuit == Circuit::Ov { copying(weights) } else { None },
            matching: if circuit == Circuit::Qk { matching(weights) } else { None },
        }
    }
}

/// Most QR iterations that the eigenvalues of one head may take.
const MAX_ITERATIONS: usize = 10_000;

/// The eigenvalues of `W_V W_O` that are not zero are those of the small `W_O W_V`.
fn copying(weights: &HeadWeights) -> Option<f64> {
    balance(&weights.w_o * &weights.w_v)
}

/// The same for `W_Q W_Kᵀ`; `None` where the two sides read streams of different widths.
fn matching(weights: &HeadWeights) -> Option<f64> {
    let (w_q, w_k) = (&weights.w_q, &weights.w_k);
    if w_q.nrows() == w_k.nrows() { balance(w_k.transpose() * w_q) } else { None }
}

/// `Σλ / Σ|λ|` over the eigenvalues.
fn balance(core: Mat) -> Option<f64> {
    let scale = core.amax();
    if scale == 0.0 || !scale.is_finite() {
        return None;
    }
    let eigenvalues =
        Schur::try_new(core / scale, f64::EPSILON, MAX_ITERATIONS)?.complex_eigenvalues();
    let moduli: f64 = eigenvalues.iter().map(|l| l.norm()).sum();
    (moduli > 0.0).then(|| eigenvalues.iter().map(|l| l.re).sum::<f64>() / moduli)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(w_v: Mat, w_o: Mat) -> HeadWeights {
        let h = w_v.ncols();
        let zero = vec![0.0; h];
        let (w_q, w_k) = (w_v.clone(), w_v.clone());
        HeadWeights { w_q, w_k, w_v, w_o, b_q: zero.clone(), b_k: zero.clone(), b_v: zero }
    }

    #[test]
    fn a_head_that_writes_what_it_reads_copies_and_its_opposite_does_not() {
        let w_v = Mat::identity(6, 3);
        let copying = |w_o: Mat| {
            HeadStatistics::of(&head(w_v.clone(), w_o), Circuit::Ov, &[1.0; 3], 6).copying
        };
        assert!((copying(w_v.transpose()).expect("defined") - 1.0).abs() < 1e-12);
        assert!((copying(-w_v.transpose()).expect("defined") + 1.0).abs() < 1e-12);
        assert_eq!(copying(Mat::zeros(3, 6)), None);
    }

    #[test]
    fn a_head_that_looks_for_its_like_matches_and_its_opposite_does_not() {
        let w_q = Mat::identity(6, 3);
        let matching = |w_k: Mat| {
            let head = HeadWeights { w_k, ..head(w_q.clone(), w_q.transpose()) };
            HeadStatistics::of(&head, Circuit::Qk, &[1.0; 3], 6).matching
        };
        assert!((matching(w_q.clone() * 3.0).expect("defined") - 1.0).abs() < 1e-12);
        assert!((matching(-w_q.clone()).expect("defined") + 1.0).abs() < 1e-12);
        let turn = Mat::from_row_slice(3, 3, &[0.0, 1.0, 0.0, -1.0, 0.0, 0.0, 0.0, 0.0, 0.0]);
        assert!(matching(&w_q * turn).expect("defined").abs() < 1e-12);
        assert_eq!(matching(Mat::zeros(5, 3)), None, "two streams of different widths");
    }

    #[test]
    fn a_rotation_neither_copies_nor_negates() {
        let w_v = Mat::identity(4, 2);
        let w_o = Mat::from_row_slice(2, 2, &[0.0, 1.0, -1.0, 0.0]) * w_v.transpose();
        let statistics = HeadStatistics::of(&head(w_v, w_o), Circuit::Ov, &[1.0, 1.0], 4);
        assert!(statistics.copying.expect("defined").abs() < 1e-12);
    }

    #[test]
    fn a_flat_spectrum_has_full_ranks_and_a_single_direction_has_rank_one() {
        let any = head(Mat::identity(4, 2), Mat::identity(2, 4));
        let flat = HeadStatistics::of(&any, Circuit::Qk, &[2.0, 2.0], 4);
        assert!(
            (flat.stable_rank - 2.0).abs() < 1e-12 && (flat.effective_rank - 2.0).abs() < 1e-12
        );
        assert_eq!((flat.condition, flat.largest_gap), (1.0, 1.0));
        let one = HeadStatistics::of(&any, Circuit::Qk, &[5.0, 0.0], 4);
        assert!((one.stable_rank - 1.0).abs() < 1e-12 && (one.effective_rank - 1.0).abs() < 1e-12);
        assert_eq!(one.condition, 1.0);
    }

    #[test]
    fn a_zero_head_has_no_rank_and_no_nan() {
        let any = head(Mat::zeros(4, 2), Mat::zeros(2, 4));
        let zero = HeadStatistics::of(&any, Circuit::Ov, &[0.0, 0.0], 4);
        assert_eq!(zero, HeadStatistics { largest_gap: 1.0, ..HeadStatistics::default() });
    }
}

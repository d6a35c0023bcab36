//! Numbers that describe one circuit of one head.

use serde::{Deserialize, Serialize};

use super::omega::Circuit;
use super::positional::Positional;
use super::spectrum::{null_from, shares};
use crate::math::Mat;
use crate::math::eigenvalues::eigenvalues;
use crate::math::products::transposed_times;
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
    /// `Σλ √d_model / ‖·‖_F`: how far the sum of the eigenvalues lies from what it is by chance, where the two sides keep their
    /// spectrum and lie at random to each other. It has mean 0 and standard deviation 1 then, and tails no heavier than a normal's.
    /// `None` where the sides read streams of different widths, or all is zero.
    ///
    /// # Source
    /// The trace is the sum of the eigenvalues, and `E[tr(R M)²] = ‖M‖_F² / d` for a uniformly random rotation `R`; its limit is
    /// normal (D'Aristotile, Diaconis & Newman 2003, "Brownian motion and the classical groups").
    pub trace_z: Option<f64>,
    /// What of both sides lies where the model's position embeddings differ; `None` where it has none in its residual stream.
    pub positional: Option<Box<Positional>>,
}

impl HeadStatistics {
    /// The statistics of a circuit with singular values `sigma`, descending.
    pub fn of(weights: &HeadWeights, circuit: Circuit, sigma: &[f64], d_model: usize) -> Self {
        let core = core(weights, circuit);
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
            copying: core.as_ref().filter(|_| circuit == Circuit::Ov).and_then(balance),
            matching: core.as_ref().filter(|_| circuit == Circuit::Qk).and_then(balance),
            trace_z: (core.filter(|_| some))
                .map(|core| core.trace() * (d_model as f64 / squares).sqrt()),
            positional: None,
        }
    }
}

/// The small matrix whose eigenvalues are those of the circuit's that are not zero; `None` where the two sides read streams of
/// different widths.
fn core(weights: &HeadWeights, circuit: Circuit) -> Option<Mat> {
    let HeadWeights { w_q, w_k, w_v, w_o, .. } = weights;
    match circuit {
        Circuit::Qk => (w_q.nrows() == w_k.nrows()).then(|| transposed_times(w_k, w_q)),
        Circuit::Ov => {
            (w_v.nrows() == w_o.ncols()).then(|| transposed_times(&w_o.transpose(), w_v))
        }
    }
}

/// `Σλ / Σ|λ|` over the eigenvalues.
fn balance(core: &Mat) -> Option<f64> {
    let scale = core.amax();
    if scale == 0.0 || !scale.is_finite() {
        return None;
    }
    let eigenvalues = eigenvalues(&(core / scale))?;
    let moduli: f64 = eigenvalues.iter().map(|(re, im)| re.hypot(*im)).sum();
    (moduli > 0.0).then(|| eigenvalues.iter().map(|(re, _)| re).sum::<f64>() / moduli)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::math::random::Rng;

    fn head(w_v: Mat, w_o: Mat) -> HeadWeights {
        let h = w_v.ncols();
        let zero = vec![0.0; h];
        let (w_q, w_k) = (w_v.clone(), w_v.clone());
        HeadWeights {
            w_q,
            w_k,
            w_v,
            w_o,
            b_q: zero.clone(),
            b_k: zero.clone(),
            b_v: zero,
            rotary: None,
        }
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
    fn two_sides_at_random_are_rarely_far_from_chance_and_a_planted_likeness_is() {
        let (d, h, n) = (48, 6, 4000);
        let mut rng = Rng::new(8);
        for decay in [1.0, 0.7, 0.1f64] {
            let (mut twice, mut thrice) = (0, 0);
            for _ in 0..n {
                let sigma: Vec<f64> = (0..h).map(|k| decay.powi(k as i32)).collect();
                let side = |rng: &mut Rng| rng.normal_matrix(d, h).qr().q();
                let w_q = side(&mut rng) * Mat::from_diagonal(&sigma.clone().into());
                let w_k = side(&mut rng);
                let weights = HeadWeights { w_q, w_k, ..head(Mat::zeros(d, h), Mat::zeros(h, d)) };
                let z = HeadStatistics::of(&weights, Circuit::Qk, &sigma, d).trace_z.unwrap().abs();
                twice += usize::from(z > 1.96);
                thrice += usize::from(z > 3.291);
            }
            // Expected 200 and at most 4.
            assert!((150..250).contains(&twice) && thrice < 10, "{decay}: {twice}, {thrice}");
        }
        // A tenth of every key's length along its query, the rest at random.
        let w_q = rng.normal_matrix(400, 40).qr().q();
        let w_k = &w_q * 0.3 + rng.normal_matrix(400, 40).qr().q();
        let sigma = (&w_q * w_k.transpose()).singular_values();
        let weights = HeadWeights { w_q, w_k, ..head(Mat::zeros(400, 40), Mat::zeros(40, 400)) };
        let found = HeadStatistics::of(&weights, Circuit::Qk, sigma.as_slice(), 400);
        assert!(found.trace_z.unwrap() > 20.0, "{:?}", found.trace_z);
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

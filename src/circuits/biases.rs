//! What biases on queries and keys add to a score beside Ω, and the offsets in the residual stream that stand for them.
//!
//! `(x W_Q + b_Q)(y W_K + b_K)ᵀ = x Ω yᵀ + y·(W_K b_Q) + x·(W_Q b_K) + b_Q·b_K`, before the score scale. The last two do not depend
//! on the source.

use serde::{Deserialize, Serialize};

use super::spectrum::null_from;
use crate::math::layout::times_vector;
use crate::math::pseudo_inverse::solve_transposed;
use crate::math::{Factor, Mat, MathError};
use crate::model::HeadWeights;

/// A bias seen from the residual stream: `score = (x + o_Q) Ω (y + o_K)ᵀ · scale` with Ω unchanged.
#[derive(Debug, Clone, PartialEq)]
pub struct BiasOffset {
    /// `o = b W⁺`, `[d_model]`: adding it to the residual stream adds `b` to the query (or key), as far as the head can see it.
    pub offset: Vec<f64>,
    /// `b − o W`, `[d_head]`: what no residual vector can produce. Rounding noise unless the head is rank-deficient.
    pub remainder: Vec<f64>,
}

impl BiasOffset {
    /// The offset of bias `b: [d_head]` for `w: [d_model, d_head]`.
    ///
    /// # Errors
    /// [`MathError::NotFinite`] for NaN or infinities in `w`, [`MathError::Shape`] if `b` is not `[d_head]`.
    ///
    /// # Source
    /// Franco & Crovella's accpp-tracer, `c_d = b_Q W_Q⁺`; the remainder is ours.
    pub fn new(w: &Mat, b: &[f64]) -> Result<Self, MathError> {
        let factor = Factor::new(w, "the matrix of a bias offset")?;
        let (expected, found) = ((w.ncols(), 1), (b.len(), 1));
        if expected != found {
            return Err(MathError::Shape { what: "a bias", expected, found });
        }
        let b = Mat::from_column_slice(b.len(), 1, b);
        let inner = solve_transposed(factor.r(), &b);
        let remainder = &b - factor.r().tr_mul(&inner);
        let offset = factor.q_times(&inner) * 2.0_f64.powi(-factor.exponent());
        Ok(Self { offset: offset.as_slice().to_vec(), remainder: remainder.as_slice().to_vec() })
    }
}

/// How large the terms of a head's score are that Ω does not hold.
///
/// `x Ω` of a destination `x` is a vector that sources meet, at most `σ_1 ‖x‖` long; `src` is the length of another such vector, the
/// same whatever looks. So `src / σ_1` is how long a destination along `u_1` would have to be to bring as much.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Biases {
    /// `‖W_K b_Q‖`: what every source is met with, whatever looks.
    pub src: f64,
    /// `‖W_Q b_K‖`: what every destination is met with, wherever it looks.
    pub dest: f64,
    /// `b_Q·b_K`.
    pub constant: f64,
    /// Of the vector behind `src`, the length that comes from what of `b_Q` no residual stream can make; 0 for a head of full rank.
    pub src_remainder: f64,
    /// The same of `dest` and `b_K`.
    pub dest_remainder: f64,
    /// Softmax cancels `dest` and `constant`: they are the same for every source.
    pub cancels: bool,
}

impl Biases {
    /// Those of a head whose Ω has singular values `sigma`, descending; `None` where it has no biases. `cancels` is
    /// [`crate::model::AttentionLayer::shifts_cancel`].
    ///
    /// # Errors
    /// As [`BiasOffset::new`].
    pub fn of(
        weights: &HeadWeights,
        sigma: &[f64],
        cancels: bool,
    ) -> Result<Option<Self>, MathError> {
        let HeadWeights { w_q, w_k, b_q, b_k, .. } = weights;
        if b_q.iter().chain(b_k).all(|b| *b == 0.0) {
            return Ok(None);
        }
        // One more QR per side, which a head of full rank is spared: there the remainder is rounding.
        let lost = null_from(sigma, w_q.nrows()) < sigma.len();
        let of = |w: &Mat, other: &Mat, b: &[f64]| -> Result<[f64; 2], MathError> {
            let remainder = if lost { BiasOffset::new(w, b)?.remainder } else { Vec::new() };
            Ok([length(other, b), length(other, &remainder)])
        };
        let [src, src_remainder] = of(w_q, w_k, b_q)?;
        let [dest, dest_remainder] = of(w_k, w_q, b_k)?;
        let constant = b_q.iter().zip(b_k).map(|(q, k)| q * k).sum();
        Ok(Some(Self { src, dest, constant, src_remainder, dest_remainder, cancels }))
    }

    /// `src` and `dest` over the largest singular value: how long a residual vector Ω makes as much of. Infinite beside a zero Ω.
    pub fn over(&self, sigma_1: f64) -> [f64; 2] {
        [self.src / sigma_1, self.dest / sigma_1]
    }
}

/// `‖W b‖` for `w: [d_model, d_head]`; 0 for an empty `b`.
fn length(w: &Mat, b: &[f64]) -> f64 {
    times_vector(w, b).iter().map(|x| x * x).sum::<f64>().sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::circuits::omega::{Circuit, singular_values};
    use crate::math::random::Rng;

    fn head(rng: &mut Rng, d_model: usize, d_head: usize) -> HeadWeights {
        let mut bias = || (0..d_head).map(|_| rng.normal()).collect::<Vec<_>>();
        let (b_q, b_k, b_v) = (bias(), bias(), bias());
        HeadWeights {
            w_q: rng.normal_matrix(d_model, d_head),
            w_k: rng.normal_matrix(d_model, d_head),
            w_v: rng.normal_matrix(d_model, d_head),
            w_o: rng.normal_matrix(d_head, d_model),
            b_q,
            b_k,
            b_v,
            rotary: None,
        }
    }

    /// `x W + b`, `[1, d_head]`.
    fn read(x: &Mat, w: &Mat, b: &[f64]) -> Mat {
        x * w + Mat::from_row_slice(1, b.len(), b)
    }

    #[test]
    fn a_bias_offset_gives_the_bias_back() {
        let mut rng = Rng::new(1);
        let w = rng.normal_matrix(20, 6) * 1e-3;
        let b: Vec<f64> = (0..6).map(|_| rng.normal()).collect();
        let found = BiasOffset::new(&w, &b).unwrap();
        let back = w.tr_mul(&Mat::from_column_slice(20, 1, &found.offset));
        for (back, b) in back.iter().zip(&b) {
            assert!((back - b).abs() < 1e-12);
        }
        assert!(found.remainder.iter().all(|x| x.abs() < 1e-12));
    }

    #[test]
    fn what_a_rank_deficient_head_cannot_see_is_the_remainder() {
        let mut w = Rng::new(2).normal_matrix(20, 4);
        let copy = w.column(0).into_owned();
        w.set_column(3, &copy);
        let found = BiasOffset::new(&w, &[1.0, 0.0, 0.0, -1.0]).unwrap();
        assert!(found.offset.iter().all(|x| x.abs() < 1e-13));
        for (x, expected) in found.remainder.iter().zip([1.0, 0.0, 0.0, -1.0]) {
            assert!((x - expected).abs() < 1e-13);
        }
    }

    #[test]
    fn scores_have_what_omega_and_the_bias_terms_give_and_no_more() {
        let mut rng = Rng::new(3);
        let (d, h) = (24, 5);
        let weights = head(&mut rng, d, h);
        let sigma = singular_values(&weights, Circuit::Qk).unwrap().s;
        let found = Biases::of(&weights, &sigma, true).unwrap().unwrap();
        let score = |x: &Mat, y: &Mat| {
            let (q, k) = (read(x, &weights.w_q, &weights.b_q), read(y, &weights.w_k, &weights.b_k));
            (q * k.transpose())[(0, 0)]
        };
        let zero = Mat::zeros(1, d);
        assert!((score(&zero, &zero) - found.constant).abs() < 1e-12);
        // The terms in x and y alone are linear: their lengths from one score per dimension.
        let along = |i: usize| {
            let mut unit = Mat::zeros(1, d);
            unit[(0, i)] = 1.0;
            unit
        };
        let lengths = [
            (0..d).map(|i| (score(&zero, &along(i)) - found.constant).powi(2)).sum::<f64>(),
            (0..d).map(|i| (score(&along(i), &zero) - found.constant).powi(2)).sum::<f64>(),
        ];
        for (length, found) in lengths.iter().zip([found.src, found.dest]) {
            assert!((length.sqrt() - found).abs() < 1e-12 * found, "{length} {found}");
        }
        // Moved by the offsets, Ω alone gives the whole score.
        let offset =
            |w: &Mat, b: &[f64]| Mat::from_row_slice(1, d, &BiasOffset::new(w, b).unwrap().offset);
        let (x, y) = (rng.normal_matrix(1, d), rng.normal_matrix(1, d));
        let moved = (&x + offset(&weights.w_q, &weights.b_q)) * &weights.w_q;
        let other = (&y + offset(&weights.w_k, &weights.b_k)) * &weights.w_k;
        assert!(((moved * other.transpose())[(0, 0)] - score(&x, &y)).abs() < 1e-11);
        assert_eq!((found.src_remainder, found.dest_remainder), (0.0, 0.0));
    }

    #[test]
    fn a_head_without_biases_has_no_terms_and_one_of_lower_rank_has_a_remainder() {
        let mut weights = head(&mut Rng::new(4), 24, 5);
        let copy = weights.w_q.column(0).into_owned();
        weights.w_q.set_column(4, &copy);
        weights.b_q = vec![1.0, 0.0, 0.0, 0.0, -1.0];
        let sigma = singular_values(&weights, Circuit::Qk).unwrap().s;
        let found = Biases::of(&weights, &sigma, false).unwrap().unwrap();
        // No query moves along this b_Q: all of it is remainder.
        assert!((found.src_remainder - found.src).abs() < 1e-12 * found.src);
        assert!(found.src > 1.0 && found.dest_remainder < 1e-12);
        weights.b_q.fill(0.0);
        weights.b_k.fill(0.0);
        assert_eq!(Biases::of(&weights, &sigma, false).unwrap(), None);
    }
}

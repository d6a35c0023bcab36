//! The difference between two models' scores of one head at one pair of positions, split exactly over singular pairs.
//!
//! A score is `s = (x + o_Q) Ω (y + o_K)ᵀ · scale`, and between two models both the residuals `x, y` and the weights differ. A third
//! score stands between the two: that of B's weights at A's residuals.
//!
//! ```text
//! s_B − s_A  =  [s_BA − s_A]                       +  [s_B − s_BA]
//!               weights: what became of the weights    streams: what became of the residuals,
//!               at A's residuals, over pairs of ΔΩ      as B's weights read them, over pairs of B
//! ```
//! With `ΔΩ = U S Vᵀ` a term of the first part is `σ_k (x_A·u_k)(y_A·v_k) · scale`. Like the terms of one model's score it is found in
//! head space, where biases, rotation and norms are in the queries and keys already: the factors of ΔΩ stand side by side,
//! `[ΔW_Q, W_Q] [W_K', ΔW_K]ᵀ`, so do the queries `[q_BA − q_A, q_A]` and the keys `[k_BA, k_BA − k_A]`, and their product *is* the difference of
//! the two scores. What no pair holds (a bias that changed in a head without full rank) is a visible remainder.
//!
//! # Source
//! The terms of one score: arXiv:2602.13524, section 3. The split between two models is ours.

use serde::{Deserialize, Serialize};

use super::leading;
use crate::circuits::CircuitError;
use crate::circuits::sad::terms::{HeadTerms, TermBasis};
use crate::math::{Mat, product_svd};

/// A query and a key as they meet in a forward pass, `[d_head]` each: biased, normed and rotated.
#[derive(Debug, Clone, PartialEq)]
pub struct Meeting {
    /// The destination's query, times the score's scale.
    pub query: Vec<f64>,
    /// The source's key.
    pub key: Vec<f64>,
}

impl Meeting {
    /// The score: before soft-cap, ALiBi and mask.
    fn score(&self) -> f64 {
        self.query.iter().zip(&self.key).map(|(q, k)| q * k).sum()
    }
}

/// A number as a sum over singular pairs.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Split {
    /// The number.
    pub sum: f64,
    /// Singular values of the pairs.
    pub sigma: Vec<f64>,
    /// What each pair holds of it.
    pub terms: Vec<f64>,
    /// What none of them holds: `sum` less all terms.
    pub remainder: f64,
}

impl Split {
    fn new(sum: f64, sigma: Vec<f64>, terms: Vec<f64>) -> Self {
        let remainder = sum - terms.iter().sum::<f64>();
        Self { sum, sigma, terms, remainder }
    }
}

/// The score of one pair of positions in two models, and what lies between.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ScoreChange {
    /// `s_A` over the pairs of A: A's weights at A's residuals.
    pub a: Split,
    /// `s_B` over the pairs of B: B's weights at B's residuals.
    pub b: Split,
    /// `s_BA`: B's weights at A's residuals.
    pub across: f64,
    /// `s_BA − s_A` over the pairs of ΔΩ: what became of the weights, at A's residuals.
    pub weights: Split,
    /// `s_B − s_BA` over the pairs of B: what became of the residuals, as B's weights read them.
    pub streams: Split,
    /// The part of [`Self::streams`] that comes from the destination's residual; each side is taken at the mean of the other's two.
    pub stream_dest: f64,
    /// The part that comes from the source's residual.
    pub stream_src: f64,
}

impl ScoreChange {
    /// Splits the change of one score. `old` and `new` are `(W_Q, W_K)` of the head in A and in B, `[d_model, d_head]`; `a`, `b` the
    /// meetings of the two forward passes, `across` that of B's weights at A's residuals.
    ///
    /// # Errors
    /// [`CircuitError::Shape`] if queries and keys are not as wide as their factors, [`CircuitError::Math`] as
    /// [`product_svd`].
    pub fn new(
        old: (&Mat, &Mat),
        new: (&Mat, &Mat),
        [a, across, b]: [&Meeting; 3],
    ) -> Result<Self, CircuitError> {
        let basis_a = TermBasis::of(&product_svd(old.0, old.1)?);
        let basis_b = TermBasis::of(&product_svd(new.0, new.1)?);
        let split = |basis: &TermBasis, met: &Meeting| -> Result<Split, CircuitError> {
            Ok(Split::new(met.score(), basis.s.clone(), terms(basis, &met.query, &met.key)?))
        };
        let (of_a, of_b) = (split(&basis_a, a)?, split(&basis_b, b)?);
        let at_a = split(&basis_b, across)?;
        let moved = of_b.terms.iter().zip(&at_a.terms).map(|(now, at_a)| now - at_a).collect();
        let streams = Split::new(b.score() - across.score(), basis_b.s, moved);

        let basis = TermBasis::of(&leading(old, new)?);
        let h = basis.s.len() / 2;
        let wide = |x: &[f64]| [x, &vec![0.0; h.saturating_sub(x.len())]].concat();
        let less = |x: &[f64], y: &[f64]| -> Vec<f64> {
            wide(x).iter().zip(wide(y)).map(|(x, y)| x - y).collect()
        };
        let queries = [less(&across.query, &a.query), wide(&a.query)].concat();
        let keys = [wide(&across.key), less(&across.key, &a.key)].concat();
        let found = terms(&basis, &queries, &keys)?;
        let weights = Split::new(across.score() - a.score(), basis.s, found);

        // q_B·k_B − q_BA·k_BA = Δq · (k_B + k_BA)/2 + (q_B + q_BA)/2 · Δk.
        let half = |x: &[f64], dx: [&[f64]; 2]| -> f64 {
            let (new, old) = (dx[0], dx[1]);
            x.iter().zip(new.iter().zip(old)).map(|(x, (new, old))| 0.5 * x * (new - old)).sum()
        };
        let dest = [b.query.as_slice(), &across.query];
        let src = [b.key.as_slice(), &across.key];
        Ok(Self {
            a: of_a,
            b: of_b,
            across: across.score(),
            weights,
            streams,
            stream_dest: half(&b.key, dest) + half(&across.key, dest),
            stream_src: half(&b.query, src) + half(&across.query, src),
        })
    }
}

/// The terms of one score in a basis of singular pairs.
fn terms(basis: &TermBasis, query: &[f64], key: &[f64]) -> Result<Vec<f64>, CircuitError> {
    let row = |x: &[f64]| Mat::from_row_slice(1, x.len(), x);
    let all = HeadTerms::new(basis, &row(query), &row(key), 1.0)?;
    Ok(all.terms(0, 0).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::math::random::Rng;

    /// `x W`, as a query or a key.
    fn through(x: &Mat, w: &Mat) -> Vec<f64> {
        (x * w).as_slice().to_vec()
    }

    fn met(x: &Mat, y: &Mat, (w_q, w_k): (&Mat, &Mat)) -> Meeting {
        Meeting { query: through(x, w_q), key: through(y, w_k) }
    }

    #[test]
    fn terms_are_those_of_the_square_matrices_at_their_residuals() {
        let mut rng = Rng::new(31);
        // Heads of one width and of two, a head without room for both, a change of W_Q alone.
        for (d, h, new_h, both) in
            [(40, 6, 6, true), (40, 4, 7, true), (9, 6, 6, true), (40, 6, 6, false)]
        {
            let (w_q, w_k) = (rng.normal_matrix(d, h), rng.normal_matrix(d, h));
            let (mut new_q, mut new_k) = (rng.normal_matrix(d, new_h), rng.normal_matrix(d, new_h));
            if !both {
                new_q = &w_q + rng.normal_matrix(d, 1) * rng.normal_matrix(1, h) * 1e-3;
                new_k = w_k.clone();
            }
            let [x, y, new_x, new_y] = [0; 4].map(|_| rng.normal_matrix(1, d));
            let (old, new) = ((&w_q, &w_k), (&new_q, &new_k));
            let (a, across, b) = (met(&x, &y, old), met(&x, &y, new), met(&new_x, &new_y, new));
            let found = ScoreChange::new(old, new, [&a, &across, &b]).unwrap();

            let (omega, new_omega) = (&w_q * w_k.transpose(), &new_q * new_k.transpose());
            let score = |x: &Mat, omega: &Mat, y: &Mat| (x * omega * y.transpose())[0];
            let delta = &new_omega - &omega;
            let scale = score(&x, &omega, &y).abs() + score(&new_x, &new_omega, &new_y).abs() + 1.0;
            let near = |found: f64, expected: f64| {
                assert!((found - expected).abs() < 1e-11 * scale, "{found} for {expected}");
            };
            near(found.weights.sum, score(&x, &delta, &y));
            near(found.streams.sum, score(&new_x, &new_omega, &new_y) - score(&x, &new_omega, &y));
            near(found.a.sum + found.weights.sum + found.streams.sum, found.b.sum);
            near(found.stream_dest + found.stream_src, found.streams.sum);
            for part in [&found.a, &found.b, &found.weights, &found.streams] {
                near(part.remainder, 0.0);
            }
            // Each term of the change by the SVD of the square difference.
            let svd = delta.svd(true, true);
            let (u, v_t) = (svd.u.unwrap(), svd.v_t.unwrap());
            for (k, sigma) in
                svd.singular_values.iter().enumerate().take(h.min(found.weights.terms.len()))
            {
                if *sigma > 1e-9 {
                    let term = sigma * (&x * u.column(k))[0] * (v_t.row(k) * y.transpose())[0];
                    near(found.weights.terms[k], term);
                    near(found.weights.sigma[k], *sigma);
                }
            }
        }
    }

    #[test]
    fn with_the_same_weights_only_the_streams_speak_and_the_other_way_round() {
        let mut rng = Rng::new(32);
        let (w_q, w_k) = (rng.normal_matrix(30, 5), rng.normal_matrix(30, 5));
        let [x, y, new_x] = [0; 3].map(|_| rng.normal_matrix(1, 30));
        let old = (&w_q, &w_k);
        let (a, b) = (met(&x, &y, old), met(&new_x, &y, old));
        let found = ScoreChange::new(old, old, [&a, &a, &b]).unwrap();
        assert_eq!(found.weights.sum, 0.0);
        assert!(found.weights.terms.iter().all(|term| *term == 0.0));
        assert!((found.stream_dest - found.streams.sum).abs() < 1e-12 && found.stream_src == 0.0);
        let new_q = &w_q * 2.0;
        let new = (&new_q, &w_k);
        let across = met(&x, &y, new);
        let found = ScoreChange::new(old, new, [&a, &across, &across]).unwrap();
        assert_eq!((found.streams.sum, found.stream_dest, found.stream_src), (0.0, 0.0, 0.0));
        assert!((found.weights.sum - found.a.sum).abs() < 1e-12);
    }

    #[test]
    fn a_changed_bias_is_in_the_terms_of_a_full_head_and_else_in_the_remainder() {
        let mut rng = Rng::new(33);
        let (w_q, w_k) = (rng.normal_matrix(30, 4), rng.normal_matrix(30, 4));
        let [x, y] = [0; 2].map(|_| rng.normal_matrix(1, 30));
        let a = met(&x, &y, (&w_q, &w_k));
        let bias = |mut met: Meeting| {
            met.query[1] += 0.5;
            met
        };
        let new_q = &w_q + rng.normal_matrix(30, 4) * 0.1;
        for (new_q, full) in [(new_q, true), (w_q.clone(), false)] {
            let new = (&new_q, &w_k);
            let across = bias(met(&x, &y, new));
            let found = ScoreChange::new((&w_q, &w_k), new, [&a, &across, &across]).unwrap();
            let left = found.weights.remainder.abs();
            assert_eq!(left < 1e-10, full, "{left}");
            if !full {
                assert!((found.weights.remainder - 0.5 * a.key[1]).abs() < 1e-12);
            }
        }
    }

    #[test]
    fn queries_of_another_width_are_refused() {
        let w = Mat::identity(5, 2);
        let (good, bad) = (met(&Mat::identity(1, 5), &Mat::identity(1, 5), (&w, &w)), vec![1.0; 3]);
        let bad = Meeting { query: bad.clone(), key: bad };
        assert!(ScoreChange::new((&w, &w), (&w, &w), [&bad, &good, &good]).is_err());
    }
}

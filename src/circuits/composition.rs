//! Whether a later head reads what an earlier one writes: whole matrices, and one singular vector at a time.
//!
//! Nothing here forms a `[d_model, d_model]` matrix: for `A = A₁ A₂ᵀ` and `B = B₁ B₂ᵀ` with thin factors,
//! `‖A B‖_F = ‖R(A₁) (A₂ᵀ B₁) R(B₂)ᵀ‖_F`, where `R(·)` is the triangular factor of a QR.

use serde::{Deserialize, Serialize};

use super::omega::Circuit;
use crate::math::qr::Qr;
use crate::math::{Mat, MathError, ProductSvd};
use crate::model::HeadWeights;

/// How much of the later head's input can come from the earlier head's output, per place where it can enter.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct CompositionScores {
    /// Through the query: `‖OV Ω‖ / ‖OV‖ ‖Ω‖`.
    pub q: f64,
    /// Through the key: `‖OV Ωᵀ‖ / ‖OV‖ ‖Ω‖`.
    pub k: f64,
    /// Through the value: `‖OV OV′‖ / ‖OV‖ ‖OV′‖`.
    pub v: f64,
}

/// One head's circuits with their thin factors reduced to what composition needs; prepare once, compare with many.
pub struct Composer {
    qk: Side,
    ov: Side,
}

/// `A Bᵀ` with the triangular factors and the norm.
struct Side {
    a: Mat,
    b: Mat,
    r_a: Mat,
    r_b: Mat,
    norm: f64,
}

impl Side {
    fn new((a, b): (Mat, Mat)) -> Self {
        let (r_a, r_b) = (Qr::new(&a).r().clone(), Qr::new(&b).r().clone());
        let norm = (&r_a * r_b.transpose()).norm();
        Self { a, b, r_a, r_b, norm }
    }
}

impl Composer {
    /// Prepares a head.
    pub fn new(weights: &HeadWeights) -> Self {
        Self {
            qk: Side::new(Circuit::Qk.factors(weights)),
            ov: Side::new(Circuit::Ov.factors(weights)),
        }
    }

    /// The scores of `self`, the earlier head, with `later`. A head of zeros composes with nothing: 0.
    ///
    /// Every score lies between 0 and 1. Two random heads have about `1/√d_model`: compare with that, not with 0.
    ///
    /// # Errors
    /// [`MathError::Shape`] if the heads have different `d_model`.
    ///
    /// # Source
    /// Elhage et al. 2021, "A Mathematical Framework for Transformer Circuits"; TransformerLens, `all_composition_scores`.
    pub fn with(&self, later: &Self) -> Result<CompositionScores, MathError> {
        let (expected, found) = (self.ov.b.shape(), later.qk.a.shape());
        if expected.0 != found.0 {
            return Err(MathError::Shape { what: "the later head", expected, found });
        }
        let score = |read: &Mat, behind: &Mat, norm: f64| {
            let product = &self.ov.r_a * self.ov.b.tr_mul(read) * behind.transpose();
            let scale = self.ov.norm * norm;
            if scale > 0.0 { product.norm() / scale } else { 0.0 }
        };
        Ok(CompositionScores {
            q: score(&later.qk.a, &later.qk.r_b, later.qk.norm),
            k: score(&later.qk.b, &later.qk.r_a, later.qk.norm),
            v: score(&later.ov.a, &later.ov.r_b, later.ov.norm),
        })
    }
}

/// Which unit directions of the later head are compared with what the earlier head writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reading {
    /// The left vectors of a QK or OV circuit: what the destination is read for, or what OV reads.
    Left,
    /// The right vectors of a QK circuit: what the source is read for.
    Right,
}

/// `|cos|` between each direction that the earlier head's OV writes (rows `k`) and each direction that the later circuit reads
/// (columns `k′`), `[d_head, d_head]`; zero for null directions.
///
/// # Errors
/// [`MathError::Shape`] if the two live in residual streams of different width.
///
/// # Source
/// The vectors of Merullo, Eickhoff & Pavlick, arXiv:2406.09519, "Talking Heads", as pairs of unit directions.
pub fn vector_composition(
    written: &ProductSvd,
    reader: &ProductSvd,
    reading: Reading,
) -> Result<Mat, MathError> {
    let read = match reading {
        Reading::Left => &reader.u,
        Reading::Right => &reader.v,
    };
    let (expected, found) = (written.v.shape(), read.shape());
    if expected.0 != found.0 {
        return Err(MathError::Shape { what: "the reading vectors", expected, found });
    }
    Ok(written.v.tr_mul(read).abs())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::circuits::omega::decompose;
    use crate::math::random::Rng;

    fn head(seed: u32) -> HeadWeights {
        let mut rng = Rng::new(seed);
        let mut random = |n_rows, n_cols| rng.normal_matrix(n_rows, n_cols);
        HeadWeights {
            w_q: random(24, 4),
            w_k: random(24, 4),
            w_v: random(24, 4),
            w_o: random(4, 24),
            b_q: vec![0.0; 4],
            b_k: vec![0.0; 4],
            b_v: vec![0.0; 4],
        }
    }

    #[test]
    fn factored_scores_equal_those_of_the_square_matrices() {
        let (early, late) = (head(1), head(2));
        let scores = Composer::new(&early).with(&Composer::new(&late)).unwrap();
        let square = |weights: &HeadWeights, circuit: Circuit| {
            let (a, b) = circuit.factors(weights);
            a * b.transpose()
        };
        let (ov, qk, ov_late) =
            (square(&early, Circuit::Ov), square(&late, Circuit::Qk), square(&late, Circuit::Ov));
        let score = |left: &Mat, right: &Mat| (left * right).norm() / left.norm() / right.norm();
        assert!((scores.q - score(&ov, &qk)).abs() < 1e-13);
        assert!((scores.k - score(&ov, &qk.transpose())).abs() < 1e-13);
        assert!((scores.v - score(&ov, &ov_late)).abs() < 1e-13);
    }

    #[test]
    fn a_head_that_reads_one_written_direction_composes_with_it_alone() {
        let early = head(3);
        let written = decompose(&early, Circuit::Ov).unwrap();
        let mut late = head(4);
        for k in 0..4 {
            late.w_q.set_column(k, &(written.v.column(2) * (k + 1) as f64));
        }
        let reader = decompose(&late, Circuit::Qk).unwrap();
        let cosines = vector_composition(&written, &reader, Reading::Left).unwrap();
        assert_eq!(reader.rank, 1);
        assert!((cosines[(2, 0)] - 1.0).abs() < 1e-12);
        assert!(cosines[(0, 0)] < 1e-12 && cosines.column(1).amax() == 0.0);
    }

    #[test]
    fn a_zero_head_composes_with_nothing() {
        let (early, mut late) = (head(5), head(6));
        late.w_k.fill(0.0);
        let scores = Composer::new(&early).with(&Composer::new(&late)).unwrap();
        assert_eq!((scores.q, scores.k), (0.0, 0.0));
        assert!(scores.v > 0.0);
    }
}

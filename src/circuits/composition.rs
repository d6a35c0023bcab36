//! Whether a later head reads what an earlier one writes: the classical score, and one pair of singular vectors at a time.
//!
//! With `OV = U S Vᵀ` and `Ω = U′ S′ V′ᵀ`, the classical Q-composition `‖OV Ω‖ / ‖OV‖ ‖Ω‖` is the root mean square of the
//! cosines `vᵀu′` between written and read vectors, weighted by `(σ σ′)²`. So one small matrix of cosines answers both
//! questions, and nothing of size `[d_model, d_model]` is ever formed.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::math::random::Rng;
use crate::math::{Mat, MathError};

/// Where what was written enters the later head.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reading {
    /// The left vectors of QK: what the destination is read for.
    Query,
    /// The right vectors of QK: what the source is read for.
    Key,
    /// The left vectors of OV: what is read to be moved.
    Value,
}

impl Reading {
    /// The letter of the classical score: Q-, K- or V-composition.
    pub fn name(self) -> &'static str {
        match self {
            Self::Query => "Q",
            Self::Key => "K",
            Self::Value => "V",
        }
    }
}

/// What one earlier head writes into one reading side of a later head.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Channel {
    /// Layer and head that writes.
    pub from: (usize, usize),
    /// Layer and head that reads.
    pub into: (usize, usize),
    /// Where it enters.
    pub reading: Reading,
    /// How strong it is.
    pub strength: Strength,
}

/// How much of what is written is read, against chance.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Strength {
    /// The classical score, `‖A B‖ / ‖A‖ ‖B‖`, in [0, 1]. Two random heads have about `1/√d_model`: compare with that, not with 0.
    pub classical: f64,
    /// Written vector of the strongest pair.
    pub k_written: usize,
    /// Read vector of the strongest pair.
    pub k_read: usize,
    /// Their |cos|, the largest of all.
    pub cos: f64,
    /// How many standard deviations `cos` lies beyond random bases of the same two subspaces.
    pub z: f64,
    /// Share of those random bases that reach `cos`, this one counted.
    pub p: f64,
}

/// One side of a head's circuit: unit vectors `[d_model, rank]` and their singular values.
#[derive(Debug, Clone, PartialEq)]
pub struct Directions {
    vectors: Mat,
    sigma: Vec<f64>,
}

impl Directions {
    /// The first `rank` columns of `vectors: [d_model, d_head]`; the others are null directions.
    pub fn new(vectors: &Mat, sigma: &[f64], rank: usize) -> Self {
        let rank = rank.min(sigma.len()).min(vectors.ncols());
        Self { vectors: vectors.columns(0, rank).into_owned(), sigma: sigma[..rank].to_vec() }
    }
}

/// Random rotations of pairs of subspaces, drawn once for each size.
pub struct PairNull {
    draws: usize,
    seed: u32,
    by_size: BTreeMap<usize, Vec<Mat>>,
}

impl PairNull {
    /// A null of `draws` pairs of rotations.
    pub fn new(draws: usize, seed: u32) -> Self {
        Self { draws, seed, by_size: BTreeMap::new() }
    }

    /// Two rotations a draw, so that a pair of equal sizes is turned independently on either side.
    fn prepare(&mut self, size: usize) {
        let (draws, seed) = (2 * self.draws, self.seed);
        self.by_size.entry(size).or_insert_with(|| {
            let mut rng = Rng::new(seed ^ size as u32);
            (0..draws).map(|_| rng.haar_rotation(size)).collect()
        });
    }

    /// Compares what an earlier head writes with what a later one reads. A head of zeros composes with nothing: 0.
    ///
    /// # Errors
    /// [`MathError::Shape`] if the two live in residual streams of different width.
    ///
    /// # Source
    /// Score: Elhage et al. 2021, "A Mathematical Framework for Transformer Circuits". Pairs of vectors: Merullo, Eickhoff &
    /// Pavlick, arXiv:2406.09519, "Talking Heads". The null is ours.
    pub fn strength(
        &mut self,
        written: &Directions,
        read: &Directions,
    ) -> Result<Strength, MathError> {
        let (expected, found) = (written.vectors.shape(), read.vectors.shape());
        if expected.0 != found.0 {
            return Err(MathError::Shape { what: "the reading vectors", expected, found });
        }
        let cosines = written.vectors.tr_mul(&read.vectors);
        let mut best =
            Strength { classical: 0.0, k_written: 0, k_read: 0, cos: 0.0, z: 0.0, p: 1.0 };
        let (mut carried, mut all) = (0.0, 0.0);
        for (k_read, column) in cosines.column_iter().enumerate() {
            for (k_written, cos) in column.iter().enumerate() {
                let weight = (written.sigma[k_written] * read.sigma[k_read]).powi(2);
                carried += weight * cos * cos;
                all += weight;
                if cos.abs() > best.cos {
                    best = Strength { k_written, k_read, cos: cos.abs(), ..best };
                }
            }
        }
        if all > 0.0 {
            best.classical = (carried / all).sqrt();
        }
        let draws = self.largest(&cosines);
        let n = draws.len() as f64;
        if n > 1.0 {
            let mean = draws.iter().sum::<f64>() / n;
            let sd = (draws.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / (n - 1.0)).sqrt();
            best.z = if sd > 0.0 { (best.cos - mean) / sd } else { 0.0 };
            best.p = (1.0 + draws.iter().filter(|&&x| x >= best.cos).count() as f64) / (n + 1.0);
        }
        Ok(best)
    }

    /// The largest |cos| of each draw.
    fn largest(&mut self, cosines: &Mat) -> Vec<f64> {
        let (rows, columns) = cosines.shape();
        if rows == 0 || columns == 0 {
            return Vec::new();
        }
        self.prepare(rows);
        self.prepare(columns);
        let (Some(left), Some(right)) = (self.by_size.get(&rows), self.by_size.get(&columns))
        else {
            return Vec::new();
        };
        let turned = |(left, right): (&Mat, &Mat)| (left * cosines * right).amax();
        left.iter().zip(right.iter().skip(self.draws)).map(turned).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::math::{ProductSvd, product_svd};

    fn svd(seed: u32) -> ProductSvd {
        let mut rng = Rng::new(seed);
        product_svd(&rng.normal_matrix(24, 4), &rng.normal_matrix(24, 4)).unwrap()
    }

    fn square(svd: &ProductSvd) -> Mat {
        &svd.u * Mat::from_diagonal(&svd.s.clone().into()) * svd.v.transpose()
    }

    #[test]
    fn the_classical_score_is_that_of_the_square_matrices() {
        let (early, late) = (svd(1), svd(2));
        let written = Directions::new(&early.v, &early.s, 4);
        let mut null = PairNull::new(8, 0);
        let score = |left: Mat, right: Mat| (&left * &right).norm() / left.norm() / right.norm();
        let q = null.strength(&written, &Directions::new(&late.u, &late.s, 4)).unwrap();
        assert!((q.classical - score(square(&early), square(&late))).abs() < 1e-13);
        let k = null.strength(&written, &Directions::new(&late.v, &late.s, 4)).unwrap();
        assert!((k.classical - score(square(&early), square(&late).transpose())).abs() < 1e-13);
    }

    #[test]
    fn a_written_vector_that_is_read_is_found_and_beats_chance() {
        let (early, mut late) = (svd(3), svd(4));
        late.u.set_column(1, &early.v.column(2));
        let written = Directions::new(&early.v, &early.s, 4);
        let found =
            PairNull::new(32, 0).strength(&written, &Directions::new(&late.u, &late.s, 4)).unwrap();
        assert_eq!((found.k_written, found.k_read), (2, 1));
        assert!((found.cos - 1.0).abs() < 1e-12 && found.p < 0.04, "{found:?}");
    }

    #[test]
    fn a_zero_head_composes_with_nothing() {
        let early = svd(5);
        let written = Directions::new(&early.v, &early.s, 4);
        let nothing = Directions::new(&Mat::zeros(24, 4), &[0.0; 4], 0);
        let found = PairNull::new(4, 0).strength(&written, &nothing).unwrap();
        assert_eq!((found.classical, found.cos, found.p), (0.0, 0.0, 1.0));
    }
}

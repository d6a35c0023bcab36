//! Every cosine between a few directions and a small dictionary, and the best one-to-one matching of the two.
//!
//! The best feature of each direction may be the same feature for several directions. A matching forbids that: it asks whether
//! the head's directions and the features pair up as wholes, which is how the toy model is scored.

use serde::{Deserialize, Serialize};

use super::CircuitError;
use super::alignment::HeadSide;
use super::dictionary::{Frame, LOST, UnitBlock};
use crate::math::Mat;
use crate::math::assignment::best_assignment;
use crate::math::random::Rng;
use crate::math::statistics::{empirical_p, mean_sd};
use crate::math::wide::dot;

/// The largest dictionary whose whole cosine matrix is kept.
pub const LARGEST: usize = 4096;

/// Multiply-adds that the rotations of a matching may take: about two seconds in a page.
const AFFORDED: usize = 2_000_000_000;

/// Fewest and most rotations: the finest p is one over so many and one more.
const ROTATIONS: [usize; 2] = [19, 199];

/// A matching against those of random bases of the same subspace.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct MatchingNull {
    /// Mean over the rotations of the mean |cosine| of the matched pairs.
    pub mean: f64,
    /// Its standard deviation.
    pub sd: f64,
    /// The share of rotations that match as well or better, this basis counted among them.
    pub p: f64,
    /// How many were drawn.
    pub rotations: usize,
    /// Their seed.
    pub seed: u32,
}

/// All cosines of the directions of one side with a dictionary.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CosineMatrix {
    /// Number of directions.
    pub n_directions: usize,
    /// Number of rows of the dictionary; skipped ones have a column of zeros.
    pub n_features: usize,
    /// Signed cosines, `[n_directions, n_features]`, row-major.
    pub cosines: Vec<f32>,
}

/// A direction and the feature that the matching gives it.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Pair {
    /// Direction, by σ.
    pub k: usize,
    /// Row of the dictionary.
    pub index: usize,
    /// Their signed cosine.
    pub cos: f64,
}

impl CosineMatrix {
    /// The cosines of `side` with the features of `blocks`, prepared in `frame`.
    ///
    /// # Errors
    /// [`CircuitError::TooMany`] for more than [`LARGEST`] rows, [`CircuitError::Shape`] if widths differ.
    pub fn new(side: &HeadSide, frame: &Frame, blocks: &[UnitBlock]) -> Result<Self, CircuitError> {
        let d = frame.d_model;
        let n_features = blocks.iter().map(|block| block.first + block.len()).max().unwrap_or(0);
        if n_features > LARGEST {
            let what = "rows of a dictionary for the whole cosine matrix";
            return Err(CircuitError::TooMany { what, found: n_features, limit: LARGEST });
        }
        if side.basis.nrows() != d || blocks.iter().any(|block| block.d != d) {
            let (expected, found) = ((d, side.basis.ncols()), side.basis.shape());
            return Err(CircuitError::Shape { what: "directions and features", expected, found });
        }
        let directions = frame.unit_directions(&side.basis);
        let mut cosines = vec![0.0; side.basis.ncols() * n_features];
        for (direction, row) in
            directions.chunks_exact(d.max(1)).zip(cosines.chunks_exact_mut(n_features.max(1)))
        {
            for block in blocks {
                let features = block.rows.chunks_exact(d.max(1));
                for (x, feature) in row.iter_mut().skip(block.first).zip(features) {
                    *x = dot(direction, feature) as f32;
                }
            }
        }
        Ok(Self { n_directions: side.basis.ncols(), n_features, cosines })
    }

    /// The one-to-one matching with the largest sum of |cosine|, in order of `k`; with fewer features than directions, some
    /// directions go without.
    pub fn matching(&self) -> Vec<Pair> {
        let sizes: Vec<f64> = self.cosines.iter().map(|x| f64::from(x.abs())).collect();
        let matched = best_assignment(&sizes, self.n_directions, self.n_features);
        let pair = |(k, index): (usize, Option<usize>)| {
            let index = index?;
            Some(Pair { k, index, cos: f64::from(*self.cosines.get(k * self.n_features + index)?) })
        };
        matched.into_iter().enumerate().filter_map(pair).collect()
    }

    /// What random bases of the same subspace match, each as well as it can be; `None` for a single direction, which has no other
    /// basis, and without features.
    ///
    /// # Source
    /// The rotation null of [`super::alignment`], asked of another statistic; Phipson & Smyth 2010 for the counting.
    pub fn null(&self, side: &HeadSide, frame: &Frame, seed: u32) -> Option<MatchingNull> {
        let (h, n) = (self.n_directions, self.n_features);
        if h < 2 || n == 0 {
            return None;
        }
        // A feature's coordinate along a rotated direction is a sum of those along the old ones.
        let projected = frame.project(&side.basis);
        let gram = projected.tr_mul(&projected);
        let coordinates = Mat::from_row_iterator(h, n, self.cosines.iter().map(|&x| f64::from(x)));
        let coordinates = Mat::from_diagonal(&gram.diagonal().map(f64::sqrt)) * coordinates;
        let drawn = (AFFORDED / (2 * h * h * n)).clamp(ROTATIONS[0], ROTATIONS[1]);
        let own = mean_size(&self.matching());
        let reached: Vec<f64> = (0..drawn)
            .map(|r| {
                let rotation = Rng::of_stream(seed, r as u32 + 1).haar_rotation(h);
                let norms = (rotation.tr_mul(&gram) * &rotation).diagonal().map(f64::sqrt);
                let mut rotated = rotation.tr_mul(&coordinates);
                for (mut row, norm) in rotated.row_iter_mut().zip(&norms) {
                    row *= if *norm > LOST { norm.recip() } else { 0.0 };
                }
                let cosines = rotated.transpose().iter().map(|&x| x as f32).collect();
                mean_size(&Self { n_directions: h, n_features: n, cosines }.matching())
            })
            .collect();
        let (mean, sd) = mean_sd(&reached);
        Some(MatchingNull { mean, sd, p: empirical_p(own, &reached), rotations: drawn, seed })
    }
}

/// Mean |cosine| of matched pairs.
pub fn mean_size(pairs: &[Pair]) -> f64 {
    pairs.iter().map(|pair| pair.cos.abs()).sum::<f64>() / pairs.len().max(1) as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::circuits::alignment::Side;

    fn identity_side(h: usize) -> HeadSide {
        HeadSide::new(0, 0, Side::Dest, &Mat::identity(4, h), &vec![1.0; h])
    }

    #[test]
    fn a_feature_is_given_away_once() {
        let frame = Frame::plain(4, false);
        // Row 0 is nearest to both directions; the matching gives row 1 to the second.
        let rows = vec![0.8, 0.6, 0.0, 0.0, 0.0, -0.5, 0.8, 0.0, 0.0, 0.0, 0.0, 0.0];
        let blocks =
            [frame.unit_block(0, rows[..8].to_vec()), frame.unit_block(2, rows[8..].to_vec())];
        let matrix = CosineMatrix::new(&identity_side(2), &frame, &blocks).unwrap();
        assert_eq!((matrix.n_directions, matrix.n_features), (2, 3));
        assert!((matrix.cosines[0] - 0.8).abs() < 1e-6 && matrix.cosines[2] == 0.0);
        let pairs = matrix.matching();
        assert_eq!((pairs[0].index, pairs[1].index), (0, 1));
        assert!((pairs[1].cos + 0.5 / 0.89f64.sqrt()).abs() < 1e-6);
    }

    /// The null of a random basis, its first `planted` vectors being features, in a dictionary that leans one way.
    fn null(seed: u32, planted: usize) -> MatchingNull {
        let (d, h, n) = (16, 5, 40);
        let mut rng = Rng::new(seed);
        let basis = rng.normal_matrix(d, h).qr().q();
        let mut rows: Vec<f32> =
            (0..n * d).map(|i| (rng.normal() * if i % d < 4 { 3.0 } else { 1.0 }) as f32).collect();
        for k in 0..planted {
            (0..d).for_each(|i| rows[k * d + i] = basis[(i, k)] as f32);
        }
        let side = HeadSide::new(0, 0, Side::Dest, &basis, &vec![1.0; h]);
        let frame = Frame::plain(d, false);
        let block = frame.unit_block(0, rows);
        let matrix = CosineMatrix::new(&side, &frame, &[block]).unwrap();
        matrix.null(&side, &frame, seed).unwrap()
    }

    #[test]
    fn a_random_basis_matches_as_others_do_and_a_planted_one_better() {
        let p: Vec<f64> = (0..400).map(|seed| null(seed, 0).p).collect();
        let below = |t: f64| p.iter().filter(|p| **p <= t).count();
        // Expected 20 of 400 at 0.05 and 200 at one half.
        assert!(
            (8..34).contains(&below(0.05)) && (170..230).contains(&below(0.5)),
            "{}",
            below(0.05)
        );
        let found = null(3, 5);
        assert!(found.p == 1.0 / 200.0 && found.mean + 4.0 * found.sd < 1.0, "{found:?}");
    }

    #[test]
    fn a_large_dictionary_is_refused() {
        let frame = Frame::plain(4, false);
        let block = frame.unit_block(0, vec![1.0; 4 * (LARGEST + 1)]);
        assert!(CosineMatrix::new(&identity_side(1), &frame, &[block]).is_err());
    }
}

//! Every cosine between a few directions and a small dictionary, and the best one-to-one matching of the two.
//!
//! The best feature of each direction may be the same feature for several directions. A matching forbids that: it asks whether
//! the head's directions and the features pair up as wholes, which is how the toy model is scored.

use serde::{Deserialize, Serialize};

use super::CircuitError;
use super::alignment::HeadSide;
use super::dictionary::{Frame, UnitBlock, dot};
use crate::math::assignment::best_assignment;

/// The largest dictionary whose whole cosine matrix is kept.
pub const LARGEST: usize = 4096;

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
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::circuits::alignment::Side;
    use crate::math::Mat;

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

    #[test]
    fn a_large_dictionary_is_refused() {
        let frame = Frame::plain(4, false);
        let block = frame.unit_block(0, vec![1.0; 4 * (LARGEST + 1)]);
        assert!(CosineMatrix::new(&identity_side(1), &frame, &[block]).is_err());
    }
}

//! Which singular pair of B continues which pair of A.
//!
//! A pair's worth is `cos_left · cos_right`, signs aside: u and v flip together, so only the product of the two signed cosines
//! means something, and where it is negative the pair has turned against itself ([`MatchedPair::reversed`]). The matching is
//! one to one and the best of all by the sum of these products.
//!
//! Inside a degenerate block (neighbouring singular values within 1 %) the vectors are arbitrary and only their span is not. So
//! the cosine between two pairs of which one lies in a block is that of the blocks: the root mean square of the cosines of the
//! principal angles between the two spans, the same for every pair of the two blocks.

use std::ops::Range;

use serde::{Deserialize, Serialize};

use super::Subspaces;
use crate::circuits::spectrum::blocks;
use crate::math::Mat;
use crate::math::assignment::best_assignment;
use crate::math::products::transposed_times;

/// A singular pair of A and its partner in B.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct MatchedPair {
    /// Which pair of A, by σ.
    pub k: usize,
    /// Which pair of B.
    pub k_other: usize,
    /// |cosine| between their left vectors, or that of their blocks.
    pub cos_left: f64,
    /// |cosine| between their right vectors, or that of their blocks.
    pub cos_right: f64,
    /// One of the two lies in a degenerate block, so the cosines are those of the blocks.
    pub block: bool,
    /// With u alike, v points the other way: what added to the score now takes from it. Never true of a block.
    pub reversed: bool,
}

impl MatchedPair {
    /// The pair `k` of a head that did not change.
    pub(super) fn same(k: usize) -> Self {
        Self { k, k_other: k, cos_left: 1.0, cos_right: 1.0, block: false, reversed: false }
    }
}

/// Matches the pairs of two circuits that live in the same coordinates; as many as the one with fewer has.
pub(crate) fn match_pairs(a: &Subspaces, b: &Subspaces) -> Vec<MatchedPair> {
    let left = transposed_times(&a.left, &b.left);
    let right = transposed_times(&a.right, &b.right);
    let (blocks_a, blocks_b) = (blocks(a.sigma), blocks(b.sigma));
    let (mut cos_left, mut cos_right) = (left.abs(), right.abs());
    let mut in_block = left.map(|_| false);
    for rows in &blocks_a {
        for columns in blocks_b.iter().filter(|columns| rows.len() * columns.len() > 1) {
            fill(&mut cos_left, rows, columns, block_cosine(&left, rows, columns));
            fill(&mut cos_right, rows, columns, block_cosine(&right, rows, columns));
            in_block.view_mut((rows.start, columns.start), (rows.len(), columns.len())).fill(true);
        }
    }
    let worth = crate::math::layout::to_row_major(&cos_left.component_mul(&cos_right));
    let matched = best_assignment(&worth, a.sigma.len(), b.sigma.len());
    let pair = |(k, k_other): (usize, Option<usize>)| {
        let at = (k, k_other?);
        let block = in_block[at];
        let reversed = !block && left[at] * right[at] < 0.0;
        let (cos_left, cos_right) = (cos_left[at].min(1.0), cos_right[at].min(1.0));
        Some(MatchedPair { k, k_other: at.1, cos_left, cos_right, block, reversed })
    };
    matched.into_iter().enumerate().filter_map(pair).collect()
}

fn block_cosine(cosines: &Mat, rows: &Range<usize>, columns: &Range<usize>) -> f64 {
    let both = cosines.view((rows.start, columns.start), (rows.len(), columns.len()));
    (both.norm_squared() / rows.len().min(columns.len()) as f64).sqrt()
}

fn fill(m: &mut Mat, rows: &Range<usize>, columns: &Range<usize>, value: f64) {
    m.view_mut((rows.start, columns.start), (rows.len(), columns.len())).fill(value);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::math::random::Rng;

    fn identity(sigma: &[f64]) -> Subspaces<'_> {
        let n = sigma.len();
        let (left, right) = (Mat::identity(n + 2, n), Mat::identity(n + 2, n));
        Subspaces { left, right, sigma, coordinates: None }
    }

    #[test]
    fn pairs_that_changed_places_are_found_and_a_reversed_one_is_said() {
        let sigma = [8.0, 4.0, 2.0];
        let a = identity(&sigma);
        let order = [2, 0, 1];
        let mut b = identity(&sigma);
        b.left = a.left.select_columns(&order);
        b.right = a.right.select_columns(&order);
        // Flipped together: the same pair. Flipped alone: reversed.
        b.left.column_mut(0).neg_mut();
        b.right.column_mut(0).neg_mut();
        b.right.column_mut(1).neg_mut();
        let found = match_pairs(&a, &b);
        assert_eq!(found.iter().map(|pair| pair.k_other).collect::<Vec<_>>(), [1, 2, 0]);
        assert_eq!(
            found.iter().map(|pair| pair.reversed).collect::<Vec<_>>(),
            [true, false, false]
        );
        assert!(found.iter().all(|pair| pair.cos_left == 1.0 && pair.cos_right == 1.0));
    }

    #[test]
    fn inside_a_block_only_the_span_counts() {
        let (one, other) = ([8.0, 7.99, 7.98, 1.0], [9.0, 8.99, 8.98, 1.0]);
        let a = identity(&one);
        let mut b = identity(&other);
        let turn = Rng::new(2).haar_rotation(3);
        for m in [&mut b.left, &mut b.right] {
            let turned = m.columns(0, 3) * &turn;
            m.columns_mut(0, 3).copy_from(&turned);
        }
        for pair in match_pairs(&a, &b) {
            assert!((pair.cos_left - 1.0).abs() < 1e-12 && (pair.cos_right - 1.0).abs() < 1e-12);
            assert_eq!((pair.block, pair.reversed), (pair.k < 3, false));
        }
        // A single pair inside the span of a block is wholly in it.
        let few = [9.0];
        let single = Subspaces {
            left: b.left.columns(1, 1).into_owned(),
            right: b.right.columns(1, 1).into_owned(),
            sigma: &few,
            coordinates: None,
        };
        let found = match_pairs(&single, &a);
        assert_eq!(found.len(), 1);
        assert!(found[0].block && (found[0].cos_left - 1.0).abs() < 1e-12);
    }
}

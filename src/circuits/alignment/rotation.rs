//! The rotation null: the same statistic for random bases of the same subspace.
//!
//! Rotating the basis inside its span keeps every property of the dictionary and of the head except the one in question. A
//! feature's cosine with a rotated direction needs only its coordinates in the span, `c = Bᵀw: [h]`, so all rotations of a block
//! of features are one product `[rotations · h, h] × [h, rows]`; only the running maximum of each rotated direction is kept.

use serde::{Deserialize, Serialize};

use crate::math::Mat;
use crate::math::products::inner_products;
use crate::math::random::Rng;

/// Rows of the product that are made at a time: with 512 features they fill a megabyte, which stays in the cache.
const ROTATED_AT_A_TIME: usize = 512;

/// How many random rotations of each subspace.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum RotationCount {
    /// None: there is no null then.
    None,
    /// As many as make 4096 rotated directions, and at least 64; below sixteen directions 16384, which cost less than 4096 of 64.
    ByWidth,
    /// So many, whatever the width.
    Exactly(usize),
}

impl RotationCount {
    /// Rotations of a subspace of `rank` dimensions; none below two, where no other basis exists.
    pub fn of(self, rank: usize) -> usize {
        let drawn = if rank < 16 { 16_384 } else { 4096 };
        match self {
            _ if rank < 2 => 0,
            Self::None => 0,
            Self::ByWidth => (drawn / rank).clamp(64, 4096),
            Self::Exactly(count) => count,
        }
    }
}

/// Haar rotations of one size, stacked and transposed: row `r * h + j` holds direction `j` of rotation `r`.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Rotations {
    pub(super) h: usize,
    pub(super) count: usize,
    /// In pieces of whole rotations, `[pieces · h, h]` row-major each.
    pub(super) pieces: Vec<Vec<f32>>,
    exact: Vec<Mat>,
}

impl Rotations {
    /// `count` rotations of `h` directions; rotation `r` is stream `r + 1` of `seed`.
    pub(super) fn new(h: usize, count: usize, seed: u32) -> Self {
        let exact: Vec<Mat> =
            (0..count).map(|r| Rng::of_stream(seed, r as u32 + 1).haar_rotation(h)).collect();
        let at_a_time = (ROTATED_AT_A_TIME / h.max(1)).max(1);
        let pieces = exact.chunks(at_a_time).map(stack).collect();
        Self { h, count, pieces, exact }
    }

    /// Raises `maxima[r * h + j]` to the largest |coordinate| of the features in `coordinates: [rows, h]`, row-major, along direction `j`
    /// of rotation `r`.
    pub(super) fn raise(&self, maxima: &mut [f32], coordinates: &[f32]) {
        let mut rest = maxima;
        for piece in &self.pieces {
            let (here, after) = rest.split_at_mut((piece.len() / self.h).min(rest.len()));
            rest = after;
            let rotated = inner_products(coordinates, piece, self.h);
            for feature in rotated.chunks_exact(here.len().max(1)) {
                for (largest, x) in here.iter_mut().zip(feature) {
                    let size = x.abs();
                    *largest = if size > *largest { size } else { *largest };
                }
            }
        }
    }

    /// Norm of each rotated direction `B q_j`, from `gram = BᵀB: [h, h]`; in the order of `raise`.
    pub(super) fn norms(&self, gram: &Mat) -> Vec<f64> {
        let norms = |q: &Mat| {
            let mapped = gram * q;
            (0..self.h)
                .map(|j| q.column(j).dot(&mapped.column(j)).max(0.0).sqrt())
                .collect::<Vec<_>>()
        };
        self.exact.iter().flat_map(norms).collect()
    }
}

/// The columns of the rotations as rows, one after the other.
fn stack(rotations: &[Mat]) -> Vec<f32> {
    rotations.iter().flat_map(|rotation| rotation.iter().map(|&x| x as f32)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn running_maxima_are_those_of_the_full_product() {
        let (h, count, rows) = (5, 130, 40);
        let rotations = Rotations::new(h, count, 3);
        let features = Rng::new(9).normal_matrix(h, rows);
        let mut maxima = vec![0.0; h * count];
        for half in 0..2 {
            let block = features.columns(half * 20, 20);
            let block: Vec<f32> = block.iter().map(|&x| x as f32).collect();
            rotations.raise(&mut maxima, &block);
        }
        for (r, q) in rotations.exact.iter().enumerate() {
            let exact = q.transpose() * &features;
            for j in 0..h {
                assert!((f64::from(maxima[r * h + j]) - exact.row(j).amax()).abs() < 1e-5);
            }
        }
    }

    #[test]
    fn narrow_heads_are_rotated_more_often() {
        let by_width = [2, 4, 16, 32, 64, 128].map(|rank| RotationCount::ByWidth.of(rank));
        assert_eq!(by_width, [4096, 4096, 256, 128, 64, 64]);
        assert_eq!((RotationCount::ByWidth.of(1), RotationCount::Exactly(9).of(1)), (0, 0));
        assert_eq!((RotationCount::None.of(64), RotationCount::Exactly(9).of(64)), (0, 9));
    }

    #[test]
    fn norms_of_an_orthonormal_basis_are_one() {
        let rotations = Rotations::new(4, 3, 1);
        assert!(rotations.norms(&Mat::identity(4, 4)).iter().all(|n| (n - 1.0).abs() < 1e-12));
    }
}

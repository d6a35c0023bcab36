//! What a list of singular values says by itself: which belong together, which are null, how the weight is shared.

use std::ops::Range;

/// Neighbours with `1 − σ_{i+1}/σ_i` below this are one block.
const DEGENERATE: f64 = 1e-2;

/// Runs of neighbouring singular values too close to tell their vectors apart: inside one only the subspace means
/// something. Covers `0..sigma.len()`; most runs have length 1.
///
/// # Source
/// The threshold is that of TransformerLens's `svd_circuits`.
pub fn blocks(sigma: &[f64]) -> Vec<Range<usize>> {
    let mut blocks = Vec::new();
    let mut start = 0;
    for i in 1..=sigma.len() {
        let joined =
            i < sigma.len() && sigma[i - 1] > 0.0 && 1.0 - sigma[i] / sigma[i - 1] < DEGENERATE;
        if !joined {
            blocks.push(start..i);
            start = i;
        }
    }
    blocks
}

/// The first null direction: `σ_i / σ_1 < d_model · ε(f32)`, or `sigma.len()` if there is none.
pub fn null_from(sigma: &[f64], d_model: usize) -> usize {
    let floor = sigma.first().copied().unwrap_or(0.0) * d_model as f64 * f64::from(f32::EPSILON);
    sigma.iter().position(|&s| s <= 0.0 || s < floor).unwrap_or(sigma.len())
}

/// `σ_k² / Σσ²`: the share of each pair in the squared Frobenius norm.
pub fn shares(sigma: &[f64]) -> Vec<f64> {
    let total: f64 = sigma.iter().map(|s| s * s).sum();
    sigma.iter().map(|s| if total > 0.0 { s * s / total } else { 0.0 }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_neighbours_are_one_block_and_the_rest_stand_alone() {
        assert_eq!(blocks(&[4.0, 2.0, 1.999, 1.99, 1.0]), [0..1, 1..4, 4..5]);
        assert!(blocks(&[]).is_empty());
        assert_eq!(blocks(&[0.0, 0.0]), [0..1, 1..2]);
    }

    #[test]
    fn null_directions_are_those_that_f32_cannot_tell_from_zero() {
        assert_eq!(null_from(&[1.0, 1e-3, 1e-6, 0.0], 768), 2);
        assert_eq!(null_from(&[1.0, 0.5], 768), 2);
        assert_eq!(null_from(&[0.0, 0.0], 768), 0);
    }

    #[test]
    fn shares_sum_to_one_unless_there_is_nothing_to_share() {
        assert_eq!(shares(&[3.0, 4.0]), [0.36, 0.64]);
        assert_eq!(shares(&[0.0]), [0.0]);
    }
}

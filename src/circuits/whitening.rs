//! The dictionary's Gram matrix Σ_X, for Theorem 1: how anisotropy bends singular vectors away from features.
//!
//! With one feature per token and squared error the best Ω for one pair is `Σ_X⁻¹ x yᵀ Σ_Y⁻¹`, so `Σ_X u`, not `u`, points at the
//! feature. Exact for rank one only; with many pairs it is a switch, not a truth.
//!
//! # Source
//! The theorem and its limits are measured in the tests; `A = √(HM / AM)` of the eigenvalues of Σ_X is the average cosine that it
//! predicts, exact on average over features of one Gram matrix.

use serde::{Deserialize, Serialize};

use super::dictionary::{Frame, UnitBlock};
use crate::math::Mat;

/// What is added to every eigenvalue, as a part of their mean, before anything is inverted.
const RIDGE: f64 = 1e-6;

/// Power iteration stops when the norm grows by less than this part in a step.
const SETTLED: f64 = 1e-9;

/// `Σ_X = Σ x xᵀ` over unit features, `[d_model, d_model]`, accumulated block by block in `f64`.
#[derive(Debug, Clone, PartialEq)]
pub struct Gram {
    matrix: Mat,
    n_features: usize,
}

impl Gram {
    /// Zero, for features of width `d_model`.
    pub fn new(d_model: usize) -> Self {
        Self { matrix: Mat::zeros(d_model, d_model), n_features: 0 }
    }

    /// Adds the features of a block, `2 len d²` operations; a block of another width adds nothing.
    pub fn step(&mut self, block: &UnitBlock) {
        if block.d != self.matrix.nrows() || block.is_empty() {
            return;
        }
        let wide: Vec<f64> = block.rows.iter().map(|&x| f64::from(x)).collect();
        let columns = Mat::from_vec(block.d, block.len(), wide);
        self.matrix.gemm(1.0, &columns, &columns.transpose(), 1.0);
        self.n_features += block.len() - block.skipped.len();
    }

    /// The matrix itself.
    pub fn matrix(&self) -> &Mat {
        &self.matrix
    }

    /// Anisotropy of the features inside `frame`, the one that the blocks were prepared in.
    pub fn anisotropy(&self, frame: &Frame) -> Anisotropy {
        let d = frame.dimensions();
        let trace = self.matrix.trace();
        let level = trace / d.max(1) as f64;
        let squares: f64 = self.matrix.iter().map(|x| x * x).sum();
        let harmonic = (d > 0 && level > 0.0).then(|| self.inverse_trace(frame, level)).flatten();
        let (ridge, inverse_trace) = harmonic.unwrap_or((RIDGE, f64::INFINITY));
        Anisotropy {
            dimensions: d,
            n_features: self.n_features,
            norm: self.error_norm(frame, level),
            alignment: (d as f64 / inverse_trace / level).max(0.0).sqrt().min(1.0),
            participation: trace * trace / squares.max(f64::MIN_POSITIVE),
            ridge,
        }
    }

    /// `tr (Σ + ridge)⁻¹` inside the frame, by Cholesky; the ridge grows tenfold until the factorisation succeeds.
    fn inverse_trace(&self, frame: &Frame, level: f64) -> Option<(f64, f64)> {
        let n = self.matrix.nrows();
        // The removed directions would be zero eigenvalues: give them exactly `level`, and take their share away again.
        let inside = frame.project(&Mat::identity(n, n));
        let filled = &self.matrix + (Mat::identity(n, n) - &inside) * level;
        let removed = (n - frame.dimensions()) as f64;
        let mut ridge = RIDGE;
        while ridge < 1.0 {
            let mut regular = filled.clone();
            (0..n).for_each(|i| regular[(i, i)] += ridge * level);
            if let Some(factor) = regular.cholesky() {
                let trace = factor.inverse().trace();
                return Some((ridge, trace - removed / (level * (1.0 + ridge))));
            }
            ridge *= 10.0;
        }
        None
    }

    /// `‖Σ / level − I‖₂` inside the frame by power iteration, from a fixed start.
    fn error_norm(&self, frame: &Frame, level: f64) -> f64 {
        if level <= 0.0 {
            return 0.0;
        }
        let n = self.matrix.nrows();
        let start = Mat::from_fn(n, 1, |i, _| 1.0 + ((i * 7919) % 101) as f64 / 101.0);
        let mut x = frame.project(&start);
        let mut norm = 0.0f64;
        for _ in 0..2000 {
            let length = x.norm();
            if length == 0.0 {
                return norm;
            }
            x /= length;
            let next = frame.project(&(&self.matrix * &x / level - &x));
            let grown = next.norm();
            x = next;
            if (grown - norm).abs() <= SETTLED * grown {
                return grown;
            }
            norm = grown;
        }
        norm
    }
}

/// How far a dictionary is from pointing everywhere alike.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Anisotropy {
    /// Dimensions in which the features live.
    pub dimensions: usize,
    /// Number of features.
    pub n_features: usize,
    /// `‖E_X‖₂`, `E_X = Σ_X d / tr Σ_X − I`: 0 for a tight frame. It does not determine alignment; `alignment` does.
    pub norm: f64,
    /// `A = √(harmonic mean / arithmetic mean)` of Σ_X's eigenvalues: the average cosine that Theorem 1 predicts.
    pub alignment: f64,
    /// Participation ratio `(Σ λ)² / Σ λ²`: how many dimensions the features really fill.
    pub participation: f64,
    /// What was added to every eigenvalue, as a part of their mean, before inverting.
    pub ridge: f64,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::math::random::Rng;

    fn gram_of(frame: &Frame, rows: &[f32]) -> Gram {
        let mut gram = Gram::new(frame.d_model);
        let half = rows.len() / frame.d_model / 2;
        gram.step(&frame.unit_block(0, rows[..half * frame.d_model].to_vec()));
        gram.step(&frame.unit_block(half, rows[half * frame.d_model..].to_vec()));
        gram
    }

    /// Against the eigenvalues themselves, on stretched random rows, with and without a frame.
    #[test]
    fn anisotropy_agrees_with_an_eigendecomposition() {
        let d = 12;
        let mut rng = Rng::new(2);
        let rows: Vec<f32> =
            (0..400 * d).map(|i| (rng.normal() / (1.0 + (i % d) as f64)) as f32).collect();
        for centre in [false, true] {
            let frame = Frame::plain(d, centre);
            let gram = gram_of(&frame, &rows);
            let mut eigenvalues: Vec<f64> =
                gram.matrix().clone().symmetric_eigenvalues().iter().copied().collect();
            eigenvalues.sort_by(f64::total_cmp);
            let live = &eigenvalues[d - frame.dimensions()..];
            let n = live.len() as f64;
            let arithmetic = live.iter().sum::<f64>() / n;
            let harmonic = n / live.iter().map(|x| 1.0 / (x + RIDGE * arithmetic)).sum::<f64>();
            let norm = live.iter().map(|x| (x / arithmetic - 1.0).abs()).fold(0.0, f64::max);
            let found = gram.anisotropy(&frame);
            assert!((found.alignment - (harmonic / arithmetic).sqrt()).abs() < 1e-6, "{found:?}");
            assert!((found.norm / norm - 1.0).abs() < 1e-6, "{found:?} {norm}");
            let participation = (arithmetic * n).powi(2) / live.iter().map(|x| x * x).sum::<f64>();
            assert!((found.participation / participation - 1.0).abs() < 1e-6);
        }
    }

    #[test]
    fn a_tight_frame_is_isotropic() {
        let mut rows = vec![0f32; 4 * 4];
        (0..4).for_each(|i| rows[i * 5] = 3.0);
        let frame = Frame::plain(4, false);
        let found = gram_of(&frame, &rows).anisotropy(&frame);
        assert!(
            found.norm < 1e-9
                && (found.alignment - 1.0).abs() < 1e-6
                && (found.participation - 4.0).abs() < 1e-6
        );
    }
}

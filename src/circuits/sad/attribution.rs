//! The smallest set of cells without which a head stops attending: integrated gradients, then greedy removal (ACC++).
//!
//! A *cell* is any additive part of one destination's scores: a singular vector's term, or a component's share of one
//! ([`crate::circuits::sad::components`]). The order comes from integrating along `α S`, α from 0 (uniform attention) to 1; cells are then
//! zeroed in that fixed order until the attention falls under a threshold.
//!
//! Departs from the authors' code in one point: with a soft-cap the gradient passes through it, so that the attributions
//! still sum to the rise in attention.
//!
//! # Source
//! Franco, Loughridge and Crovella, ACC++, arXiv:2602.13483; integrated gradients: Sundararajan et al., 2017.

use serde::{Deserialize, Serialize};

use crate::circuits::error::CircuitError;
use crate::math::statistics::largest_first;
use crate::math::statistics::softmax;

/// Intervals of the trapezoid rule, as in the authors' code.
pub const INTERVALS: usize = 64;

/// The additive parts of one destination's scores over its visible sources.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Cells {
    /// How many sources are visible.
    pub n_sources: usize,
    /// `[n_cells, n_sources]`, row-major; columns sum to the bilinear scores, before any soft-cap.
    pub values: Vec<f64>,
    /// Soft-cap c, `c tanh(S / c)`, where the model has one.
    pub soft_cap: Option<f64>,
    /// `[n_sources]`: what is added after the cap and belongs to no cell (ALiBi); empty for none.
    pub offset: Vec<f64>,
}

/// What is left when cells are taken away in order.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Removal {
    /// The removed cells, in order: the set without which attention is under the threshold.
    pub removed: Vec<usize>,
    /// Attention to the source before any removal, then after each.
    pub attention: Vec<f64>,
    /// The threshold used.
    pub threshold: f64,
    /// False when the cells ran out before the threshold was reached.
    pub reached: bool,
}

/// The threshold of ACC++ for a destination that sees `n_visible` sources: two and a half times uniform attention, at most 1.
///
/// The authors' models are causal and see `dest + 1` sources; one that sees both ways, or through a window, sees others.
pub fn dynamic_threshold(n_visible: usize) -> f64 {
    (2.5 / n_visible.max(1) as f64).min(1.0)
}

impl Cells {
    /// Cells without soft-cap and offset, from `[n_cells, n_sources]` row-major.
    ///
    /// # Errors
    /// [`CircuitError::Shape`] when the values do not fill whole rows, or there is no source.
    pub fn new(n_sources: usize, values: Vec<f64>) -> Result<Self, CircuitError> {
        if n_sources == 0 || !values.len().is_multiple_of(n_sources) {
            let (expected, found) = ((1, n_sources.max(1)), (1, values.len()));
            return Err(CircuitError::Shape { what: "cells", expected, found });
        }
        Ok(Self { n_sources, values, soft_cap: None, offset: Vec::new() })
    }

    /// The number of cells.
    pub fn n_cells(&self) -> usize {
        self.values.len() / self.n_sources
    }

    /// `[n_sources]`: the scores that all cells together give, before the cap.
    pub fn scores(&self) -> Vec<f64> {
        let mut scores = vec![0.0; self.n_sources];
        for cell in self.values.chunks_exact(self.n_sources) {
            scores.iter_mut().zip(cell).for_each(|(s, x)| *s += x);
        }
        scores
    }

    /// Each cell's integrated gradient of the attention to visible source `src`, by the trapezoid rule.
    ///
    /// They sum to the attention minus uniform attention, less what the offset brings in, up to the quadrature's error.
    ///
    /// # Errors
    /// [`CircuitError::OutOfRange`] when `src` is not among the visible sources.
    pub fn integrated_gradients(&self, src: usize) -> Result<Vec<f64>, CircuitError> {
        self.expect_source(src)?;
        let scores = self.scores();
        // IG_c = Σ_i x_ci w_i with one weight per source: the path is walked once, whatever the number of cells.
        let mut weights = vec![0.0; self.n_sources];
        for step in 0..=INTERVALS {
            let alpha = step as f64 / INTERVALS as f64;
            let ends = if step == 0 || step == INTERVALS { 0.5 } else { 1.0 };
            let z: Vec<f64> = (0..self.n_sources).map(|i| self.logit(alpha, &scores, i)).collect();
            let p = softmax(&z);
            let p_src = p.get(src).copied().unwrap_or(0.0);
            for (i, (weight, p_i)) in weights.iter_mut().zip(&p).enumerate() {
                let own = if i == src { 1.0 } else { 0.0 };
                let slope = self.cap_slope(alpha * scores.get(i).copied().unwrap_or(0.0));
                *weight += ends / INTERVALS as f64 * p_src * (own - p_i) * slope;
            }
        }
        let cells = self.values.chunks_exact(self.n_sources);
        Ok(cells.map(|cell| cell.iter().zip(&weights).map(|(x, w)| x * w).sum()).collect())
    }

    /// Zeroes cells in the order of [`Cells::integrated_gradients`] until attention to `src` is under `threshold`.
    ///
    /// Nothing is removed when it is under the threshold already. Cells that work against the source come last.
    ///
    /// # Errors
    /// [`CircuitError::OutOfRange`] when `src` is not among the visible sources.
    pub fn greedy_removal(&self, src: usize, threshold: f64) -> Result<Removal, CircuitError> {
        let gradients = self.integrated_gradients(src)?;
        let mut scores = self.scores();
        let mut attention = vec![self.attention(&scores, src)];
        let mut removed = Vec::new();
        for cell in largest_first(&gradients) {
            if attention.last().is_none_or(|&p| p < threshold) {
                break;
            }
            let values = self.values.iter().skip(cell * self.n_sources);
            scores.iter_mut().zip(values).for_each(|(s, x)| *s -= x);
            removed.push(cell);
            attention.push(self.attention(&scores, src));
        }
        let reached = attention.last().is_some_and(|&p| p < threshold);
        Ok(Removal { removed, attention, threshold, reached })
    }

    fn attention(&self, scores: &[f64], src: usize) -> f64 {
        let z: Vec<f64> = (0..self.n_sources).map(|i| self.logit(1.0, scores, i)).collect();
        softmax(&z).get(src).copied().unwrap_or(0.0)
    }

    fn logit(&self, alpha: f64, scores: &[f64], i: usize) -> f64 {
        let score = alpha * scores.get(i).copied().unwrap_or(0.0);
        let capped = self.soft_cap.map_or(score, |cap| cap * (score / cap).tanh());
        capped + alpha * self.offset.get(i).copied().unwrap_or(0.0)
    }

    fn cap_slope(&self, score: f64) -> f64 {
        self.soft_cap.map_or(1.0, |cap| 1.0 - (score / cap).tanh().powi(2))
    }

    fn expect_source(&self, src: usize) -> Result<(), CircuitError> {
        let (index, count) = (src, self.n_sources);
        let out = CircuitError::OutOfRange { what: "visible source", index, count };
        if src < self.n_sources { Ok(()) } else { Err(out) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::math::random::Rng;

    fn random_cells(seed: u32, soft_cap: Option<f64>) -> Cells {
        let mut rng = Rng::new(seed);
        let values = (0..12 * 5).map(|_| rng.normal()).collect();
        Cells { soft_cap, ..Cells::new(5, values).unwrap() }
    }

    #[test]
    fn integrated_gradients_sum_to_the_rise_over_uniform_attention() {
        for soft_cap in [None, Some(2.0)] {
            let cells = random_cells(1, soft_cap);
            for src in 0..5 {
                let total: f64 = cells.integrated_gradients(src).unwrap().iter().sum();
                let rise = cells.attention(&cells.scores(), src) - 0.2;
                // The trapezoid rule with 64 intervals on a smooth path of this length.
                assert!((total - rise).abs() < 2e-4, "{soft_cap:?} {src}: {total} {rise}");
            }
        }
    }

    #[test]
    fn integrated_gradients_are_the_gradient_of_the_capped_softmax() {
        // Against central differences of ∫ with a naive sum over the path.
        let cells = random_cells(2, Some(1.5));
        let (scores, src, step) = (cells.scores(), 3, 1e-5);
        let got = cells.integrated_gradients(src).unwrap();
        for (cell, got) in got.iter().enumerate() {
            let x = &cells.values[cell * 5..cell * 5 + 5];
            let at = |alpha: f64, nudge: f64| {
                let s: Vec<f64> = (0..5).map(|i| alpha * scores[i] + nudge * x[i]).collect();
                cells.attention(&s, src)
            };
            let slope = |t: usize| {
                let alpha = t as f64 / 64.0;
                (at(alpha, step) - at(alpha, -step)) / (2.0 * step)
            };
            let naive: f64 = (0..64).map(|t| 0.5 * (slope(t) + slope(t + 1)) / 64.0).sum();
            assert!((got - naive).abs() < 1e-8, "{got} {naive}");
        }
    }

    #[test]
    fn removal_follows_the_order_and_stops_under_the_threshold() {
        // One cell does all the work, one helps a little, one hinders.
        let cells = Cells::new(3, vec![0.0, 0.5, 0.0, 0.0, 5.0, 0.0, 0.0, -1.0, 0.0]).unwrap();
        let removal = cells.greedy_removal(1, 0.5).unwrap();
        assert_eq!(removal.removed, [1]);
        assert!(removal.reached && removal.attention.len() == 2);
        let never = cells.greedy_removal(1, 0.0).unwrap();
        assert_eq!(never.removed, [1, 0, 2]);
        assert!(!never.reached);
        assert!(cells.greedy_removal(3, 0.5).is_err());
        assert!(Cells::new(0, vec![]).is_err() && Cells::new(2, vec![1.0]).is_err());
    }

    #[test]
    fn the_threshold_is_two_and_a_half_times_uniform_and_at_most_one() {
        assert_eq!((dynamic_threshold(0), dynamic_threshold(1)), (1.0, 1.0));
        assert_eq!(dynamic_threshold(10), 0.25);
    }
}

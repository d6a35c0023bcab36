//! The order of cells, and their removal until the attention is gone.
//!
//! Integrated gradients along `α S`, α from 0 (uniform attention) to 1, need one vector of weights for all cells of both sides, so a
//! cell costs one dot product. With a soft-cap the path, the start and the removal all run through it; the authors' program mixes.
//!
//! # Source
//! Franco, Loughridge and Crovella, ACC++, arXiv:2602.13483, and their program accpp-tracer 0.3.0.

use super::options::IG_STEPS;
use super::run::Scoring;
use crate::math::statistics::largest_first;

/// Cells that are tried on a side.
pub(super) const MOST: usize = 1000;

/// The weights of the cells' gradients: `IG(T) = Σ_t T(t) g_t`.
pub(super) struct Gradient {
    /// For rows of bilinear scores.
    pub(super) scores: Vec<f64>,
    /// For what is added behind the cap.
    pub(super) added: Vec<f64>,
}

impl Gradient {
    /// Of the attention to visible source `j`.
    pub(super) fn of(scoring: &Scoring<'_>, scores: &[f64], added: &[f64], j: usize) -> Self {
        let (mut of_scores, mut of_added) = (vec![0.0; scores.len()], vec![0.0; scores.len()]);
        for step in 0..=IG_STEPS {
            let alpha = step as f64 / IG_STEPS as f64;
            let ends = if step == 0 || step == IG_STEPS { 0.5 } else { 1.0 };
            let p = scoring.attention(alpha, scores, added);
            let p_j = p.get(j).copied().unwrap_or(0.0) * ends / IG_STEPS as f64;
            for (t, p_t) in p.iter().enumerate() {
                let slope = p_j * (if t == j { 1.0 - p_t } else { -p_t });
                of_added[t] += slope;
                of_scores[t] += slope * scoring.cap_slope(alpha * scores[t]);
            }
        }
        Self { scores: of_scores, added: of_added }
    }
}

/// Which cell: an index into the side's components, a key where it has one of its own, and a block of singular vectors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct CellIndex {
    pub(super) component: u32,
    /// [`EVERY_KEY`] where the cell acts at all keys.
    pub(super) key: u32,
    /// [`NO_VECTOR`] where no singular vector is involved.
    pub(super) block: u32,
}

/// A cell that acts at every key.
pub(super) const EVERY_KEY: u32 = u32::MAX;
/// A cell without a singular vector.
pub(super) const NO_VECTOR: u32 = u32::MAX;

/// The cells with the largest gradients, kept while all of them go by.
pub(super) struct Ranking {
    cells: Vec<CellIndex>,
    gradients: Vec<f64>,
    floor: f64,
}

impl Ranking {
    pub(super) fn new() -> Self {
        Self { cells: Vec::new(), gradients: Vec::new(), floor: f64::NEG_INFINITY }
    }

    pub(super) fn push(&mut self, cell: CellIndex, gradient: f64) {
        if gradient <= self.floor {
            return;
        }
        self.cells.push(cell);
        self.gradients.push(gradient);
        if self.cells.len() >= 8 * MOST {
            self.shrink();
        }
    }

    /// The cells from the largest gradient down; equal ones in the order in which they came.
    pub(super) fn finish(mut self) -> Vec<CellIndex> {
        self.shrink();
        self.cells
    }

    fn shrink(&mut self) {
        let mut order = largest_first(&self.gradients);
        order.truncate(MOST);
        self.cells = order.iter().map(|&i| self.cells[i]).collect();
        self.gradients = order.iter().map(|&i| self.gradients[i]).collect();
        if self.gradients.len() == MOST {
            self.floor = self.gradients.last().copied().unwrap_or(self.floor);
        }
    }
}

/// A row of scores that a cell adds: at every visible key, or at one; or what is added behind the cap.
pub(super) enum Row {
    Every(Vec<f64>),
    One(usize, f64),
    Added(Vec<f64>),
}

/// What the removal of cells leaves.
pub(super) struct Removal {
    pub(super) removed: Vec<CellIndex>,
    pub(super) attention: Vec<f64>,
    pub(super) reached: bool,
}

/// Takes cells away in order until the attention to visible source `j` is below `threshold`.
pub(super) fn remove(
    scoring: &Scoring<'_>,
    (scores, added): (&[f64], &[f64]),
    (j, start, threshold): (usize, f64, f64),
    order: Vec<CellIndex>,
    row: impl Fn(CellIndex) -> Row,
) -> Removal {
    let (mut scores, mut added) = (scores.to_vec(), added.to_vec());
    let take = |from: &mut [f64], row: &[f64]| from.iter_mut().zip(row).for_each(|(s, x)| *s -= x);
    let mut removal = Removal { removed: Vec::new(), attention: Vec::new(), reached: false };
    let mut attention = start;
    for cell in order {
        if attention < threshold {
            break;
        }
        match row(cell) {
            Row::Every(row) => take(&mut scores, &row),
            Row::One(t, x) => scores[t] -= x,
            Row::Added(row) => take(&mut added, &row),
        }
        attention = scoring.attention(1.0, &scores, &added).get(j).copied().unwrap_or(0.0);
        removal.removed.push(cell);
        removal.attention.push(attention);
    }
    removal.reached = attention < threshold;
    removal
}

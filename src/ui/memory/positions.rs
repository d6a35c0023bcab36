//! What is remembered of the position embeddings beside the head in view: one curve for each side of each pair.

use crate::study::vectors::HeadAt;

/// The cosines of every position with every direction of the head in view.
#[derive(Debug, Clone, PartialEq)]
pub struct PositionCurves {
    /// Which head.
    pub at: HeadAt,
    /// Positions.
    pub n: usize,
    /// The |cosine| that a random direction exceeds with some position once in twenty.
    pub critical: f64,
    /// Of left and right vectors, each `[d_head, n]` row-major; empty for a side that reads another stream.
    pub sides: [Vec<f32>; 2],
}

impl PositionCurves {
    /// The curves of `u_k` and `v_k`, each `[n]`; one that is not there is empty.
    pub fn of_pair(&self, k: usize) -> [&[f32]; 2] {
        let row = |side: &Vec<f32>| k * self.n..((k + 1) * self.n).min(side.len());
        self.sides.each_ref().map(|side| side.get(row(side)).unwrap_or_default())
    }
}

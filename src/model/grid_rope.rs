//! Rotary positions on an image: rows turn the first half of a head's pairs, columns the second (DINOv3).

use serde::Serialize;

use super::rope::{Pairing, Rope};

/// The rotation of a layer that sees patches.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct GridRope {
    /// Pairs `(i, i + d_head / 2)`; frequencies of one axis, `[d_head / 4]`, in half turns of the image's side.
    pub rope: Rope,
}

impl GridRope {
    /// The rotation of a head of `d_head` dimensions with base `theta`.
    pub fn new(d_head: usize, theta: f64) -> Self {
        let n = d_head / 4;
        let frequency =
            |i: usize| std::f64::consts::TAU * theta.powf(-4.0 * i as f64 / d_head as f64);
        Self {
            rope: Rope {
                pairing: Pairing::Half,
                start: 0,
                rotary_dim: 4 * n,
                inv_freq: (0..n).map(frequency).collect(),
                beyond: None,
                attention_factor: 1.0,
            },
        }
    }

    /// `(cos, sin)` of each pair of a patch of `rows × columns`, counted row by row; centres lie in −1 to 1.
    pub fn angles(&self, patch: usize, [rows, columns]: [usize; 2]) -> Vec<(f64, f64)> {
        let centre = |at: usize, of: usize| (2 * at + 1) as f64 / of as f64 - 1.0;
        let (y, x) =
            (centre(patch / columns.max(1), rows), centre(patch % columns.max(1), columns));
        let turn =
            |by: f64| self.rope.inv_freq.iter().map(move |f| ((by * f).cos(), (by * f).sin()));
        turn(y).chain(turn(x)).collect()
    }
}

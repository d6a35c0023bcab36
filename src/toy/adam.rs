//! Adam with bias correction, ε outside the root, and decoupled weight decay.

use serde::{Deserialize, Serialize};

const BETA_1: f64 = 0.9;
const BETA_2: f64 = 0.999;
const EPSILON: f64 = 1e-8;

/// Moments of one array of parameters.
///
/// # Source
/// Kingma & Ba, arXiv:1412.6980, algorithm 1; the decay is that of Loshchilov & Hutter, arXiv:1711.05101.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Adam {
    first: Vec<f64>,
    second: Vec<f64>,
    /// β₁ᵗ and β₂ᵗ after t updates.
    decayed: [f64; 2],
}

impl Adam {
    /// No updates yet, for `n` parameters.
    pub(super) fn new(n: usize) -> Self {
        Self { first: vec![0.0; n], second: vec![0.0; n], decayed: [1.0, 1.0] }
    }

    /// How many parameters it moves.
    pub(super) fn len(&self) -> usize {
        self.first.len().min(self.second.len())
    }

    /// One update of `params` against `grad`.
    pub(super) fn update(&mut self, params: &mut [f64], grad: &[f64], lr: f64, weight_decay: f64) {
        self.decayed = [self.decayed[0] * BETA_1, self.decayed[1] * BETA_2];
        let [correct_1, correct_2] = self.decayed.map(|decayed| 1.0 - decayed);
        let moments = self.first.iter_mut().zip(&mut self.second);
        for (((first, second), x), g) in moments.zip(params).zip(grad) {
            *first = BETA_1 * *first + (1.0 - BETA_1) * g;
            *second = BETA_2 * *second + (1.0 - BETA_2) * (g * g);
            let direction = (*first / correct_1) / ((*second / correct_2).sqrt() + EPSILON);
            *x -= lr * (direction + weight_decay * *x);
        }
    }
}

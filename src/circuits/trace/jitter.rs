//! Small relative noise on what a trace reads, to see which edges depend on rounding.

use crate::math::random::Rng;

/// Multiplies numbers by `1 + ε N(0, 1)`.
pub struct Jitter {
    rng: Rng,
    epsilon: f64,
}

impl Jitter {
    /// Noise of relative size `epsilon`.
    pub fn new(seed: u32, epsilon: f64) -> Self {
        Self { rng: Rng::of_stream(seed, 17), epsilon }
    }

    pub(super) fn shake(&mut self, values: &mut [f64]) {
        for x in values {
            *x *= 1.0 + self.epsilon * self.rng.normal();
        }
    }
}

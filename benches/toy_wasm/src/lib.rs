//! The toy's training as the page runs it: `f64`, wasm with simd128, one thread.

use omega_lens::toy::{Config, Trainer};
use wasm_bindgen::prelude::*;

/// A run in training, kept in wasm memory.
#[wasm_bindgen]
pub struct Run {
    trainer: Trainer,
}

#[wasm_bindgen]
impl Run {
    /// From the settings as JSON.
    #[wasm_bindgen(constructor)]
    pub fn new(config: &str) -> Result<Run, JsError> {
        Ok(Run { trainer: Trainer::new(serde_json::from_str::<Config>(config)?)? })
    }

    /// Takes `n` steps; returns the total loss of the last.
    pub fn steps(&mut self, n: usize) -> f64 {
        (0..n).fold(0.0, |_, _| self.trainer.step().losses.total)
    }
}

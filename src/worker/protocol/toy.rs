//! The toy lab's questions: start a run, move it on; every answer ends with a frame.

use serde::{Deserialize, Serialize};

use crate::toy::Config;

/// A question about the toy.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Ask {
    /// Start a run from the beginning.
    Start(Box<Config>),
    /// Train on.
    Run {
        /// How many steps.
        steps: usize,
    },
}

/// The losses at one step.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Point {
    /// The step.
    pub step: usize,
    /// Reconstruction loss.
    pub recon: f64,
    /// What the attention loss has above its floor.
    pub attn_kl: f64,
}

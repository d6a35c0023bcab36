//! What a trace is asked for, and under which rules.

use serde::{Deserialize, Serialize};

/// Intervals of the trapezoid rule for integrated gradients, as in the authors' program.
pub const IG_STEPS: usize = 64;

/// How cells on the keys' side are removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rule {
    /// As the authors' program: a component is removed at every key at once, though its edge is labelled with one.
    #[default]
    Accpp,
    /// A component is removed at one key alone, the token's own or a competitor's; degenerate singular vectors go together.
    Key,
}

/// What is traced back.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Objective {
    /// ln p of a token, by integrated gradients.
    Probability {
        /// The token.
        answer: u32,
    },
    /// The logit of one token minus another's.
    Contrast {
        /// The token.
        answer: u32,
        /// Its opponent.
        wrong: u32,
    },
    /// The stream's product with a direction of the reader's own, in front of a layer; unnormed.
    Direction {
        /// The layer in front of which the stream is read; the number of layers for the last stream.
        layer: usize,
        /// `[d_model]`.
        vector: Vec<f64>,
    },
}

/// The rules of a trace.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct TraceOptions {
    /// Seeds are taken until this share of the rise of ln p over the bare bias is gone.
    pub tau: f64,
    /// A firing counts, and its removal goes on, from `min(1, threshold_scale / visible tokens)` on.
    pub threshold_scale: f64,
    /// How cells on the keys' side are removed.
    pub rule: Rule,
    /// The position whose stream is traced; the last one if `None`.
    pub at: Option<usize>,
}

impl Default for TraceOptions {
    fn default() -> Self {
        Self { tau: 0.8, threshold_scale: 2.5, rule: Rule::default(), at: None }
    }
}

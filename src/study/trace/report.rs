//! A traced circuit as it leaves the program: the graph, its prompt, its convention, what it is worth.

use serde::Serialize;

use super::alone::Alone;
use super::run::Traced;
use crate::circuits::convention::{Convention, TraceConvention};
use crate::study::prompt::Ran;

/// When a firing counts, in words.
#[derive(Debug, Serialize)]
struct Threshold {
    rule: &'static str,
    scale: f64,
}

/// A circuit with its prompt and its convention.
#[derive(Debug, Serialize)]
pub struct Report {
    convention: TraceConvention,
    ids: Vec<u32>,
    /// The tokens in words, where there is a tokenizer.
    tokens: Option<Vec<String>>,
    threshold: Threshold,
    /// The circuit.
    #[serde(flatten)]
    pub traced: Traced,
    /// What the circuit is worth, if that was asked.
    pub faithfulness: Option<Alone>,
}

impl Report {
    /// What was traced on a prompt; `words`: its tokens are words, not ids.
    pub fn new(convention: Convention, ran: &Ran, words: bool, traced: Traced) -> Self {
        Self {
            convention: TraceConvention::of(convention),
            ids: ran.ids.clone(),
            tokens: words.then(|| ran.tokens.clone()),
            threshold: Threshold {
                rule: "min(1, scale / visible tokens)",
                scale: traced.options.threshold_scale,
            },
            traced,
            faithfulness: None,
        }
    }

    /// This report with what the circuit is worth.
    #[must_use]
    pub fn with(self, faithfulness: Option<Alone>) -> Self {
        Self { faithfulness, ..self }
    }
}

//! A prompt that has run through the model, with everything kept that a trace reads.

use crate::circuits::trace::CleanRun;
use crate::model::forward::Products;
use crate::model::{LayerTrace, Model};
use crate::study::StudyError;
use crate::study::prompt::{PromptRun, Ran};

/// A clean run in memory: the traces of all layers and the last stream.
#[derive(Clone, Copy)]
pub struct CleanPrompt<'a> {
    run: &'a PromptRun,
    traces: &'a [LayerTrace],
}

impl<'a> CleanPrompt<'a> {
    /// A run with the traces that its steps gave, up to the last.
    pub fn new(run: &'a PromptRun, traces: &'a [LayerTrace]) -> Self {
        Self { run, traces }
    }

    /// The prompt as the model saw it.
    pub fn ran(&self) -> &'a Ran {
        &self.run.ran
    }

    /// The run as the circuits read it.
    pub fn run(&self, model: &'a Model) -> CleanRun<'a> {
        CleanRun { model, traces: self.traces, last: self.run.stream() }
    }

    /// ln p of every token after `position`, `[d_vocab]`.
    ///
    /// # Errors
    /// What reading says, and what `products` says.
    pub(in crate::study) async fn log_probabilities(
        &self,
        products: &mut impl Products,
        model: &Model,
        position: usize,
    ) -> Result<Vec<f64>, StudyError> {
        self.run.log_probabilities(products, model, position).await
    }
}

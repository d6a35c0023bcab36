//! The states of residual streams as the library reports them.

use super::weights::LayerWeights;
use super::{ForwardPass, norm, side_streams};
use crate::model::{Model, ModelError};

impl ForwardPass {
    /// How many positions a stream has read, and rows and columns of its patches where it sees an image.
    pub fn positions_of(&self, stream: usize) -> (usize, Option<[usize; 2]>) {
        self.states
            .get(stream)
            .map_or((0, None), |state| (state.lengths.first().copied().unwrap_or(0), state.grid))
    }

    /// What the library reports as a prompt's hidden state before [`ForwardPass::next_layer`], `[n, d_model]`: after the last layer
    /// that is, in most families, the stream after the final norm. Of a model with side streams, `[streams, n, d_model]`.
    ///
    /// # Errors
    /// What reading says.
    pub fn hidden(&self, model: &Model, prompt: usize) -> Result<Vec<f32>, ModelError> {
        self.hidden_of(model, self.stream, prompt)
    }

    /// The same of any of the model's streams, as far as it has come; empty where it had no input.
    ///
    /// # Errors
    /// What reading says.
    pub fn hidden_of(
        &self,
        model: &Model,
        stream: usize,
        prompt: usize,
    ) -> Result<Vec<f32>, ModelError> {
        let (Some(state), Some(what)) = (self.states.get(stream), model.arch.streams.get(stream))
        else {
            return Ok(Vec::new());
        };
        if !state.streams.is_empty() {
            let rows = state.streams.iter().flat_map(|stream| state.rows(stream, prompt));
            return Ok(rows.copied().collect());
        }
        let norm = what.final_norm.as_ref();
        let norm = norm.filter(|_| what.last_hidden_is_normed && self.has_run(model, stream));
        Ok(norm::maybe(&LayerWeights::of(model), norm, state.prompt(prompt), state.d_model)?.0)
    }

    /// A stream's last state after its final norm, whatever the library reports, `[n, d_model]`.
    ///
    /// # Errors
    /// What reading says.
    pub fn last_hidden(
        &self,
        model: &Model,
        stream: usize,
        prompt: usize,
    ) -> Result<Vec<f32>, ModelError> {
        let norm = model.arch.streams.get(stream).and_then(|s| s.final_norm.as_ref());
        let Some(state) = self.states.get(stream) else { return Ok(Vec::new()) };
        Ok(norm::maybe(&LayerWeights::of(model), norm, state.prompt(prompt), state.d_model)?.0)
    }

    /// True if all layers of a stream have run.
    pub(super) fn has_run(&self, model: &Model, stream: usize) -> bool {
        let mut rest = self.next_layer..model.arch.n_layers;
        rest.all(|l| model.arch.stack_of(l).is_some_and(|stack| stack.stream != stream))
    }

    /// Which of several streams layers read.
    pub(super) fn active(&self, model: &Model) -> usize {
        let sides = model.arch.streams.get(self.stream);
        sides.and_then(|s| s.embedding.side_streams.as_ref()).map_or(0, |sides| sides.active)
    }

    /// After the last layer, what is read of several streams.
    pub(super) fn join_streams(&mut self, model: &Model) -> Result<(), ModelError> {
        let sides = model.arch.streams.get(self.stream);
        let sides = sides.and_then(|stream| stream.embedding.side_streams.as_ref());
        if let Some(sides) = sides.filter(|_| self.has_run(model, self.stream)) {
            let state = &mut self.states[self.stream];
            state.resid = side_streams::end(model, sides, &state.streams, state.d_model)?;
        }
        Ok(())
    }
}

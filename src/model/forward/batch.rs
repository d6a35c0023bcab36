//! What the layers of one stream pass on, and what an attention reads of it.

use super::attention::Kept;
use super::embedded::EmbeddingPart;

/// The state of one residual stream.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct State {
    /// Number of positions of each prompt; empty where the stream has no input.
    pub(super) lengths: Vec<usize>,
    /// `[all positions, d_model]`, the prompts one after the other.
    pub(super) resid: Vec<f32>,
    pub(super) d_model: usize,
    /// Rows and columns of an image's patches.
    pub(super) grid: Option<[usize; 2]>,
    /// Inputs of all layers, `[all positions, n_layers width]`; empty where layers have none.
    pub(super) layer_inputs: Vec<f32>,
    /// All streams, where there are several; `resid` is the active one, after the last layer their mean.
    pub(super) streams: Vec<Vec<f32>>,
    /// What `resid` was summed from, as long as no layer has run; empty where it was not summed.
    pub(super) embedded: Vec<(EmbeddingPart, Vec<f32>)>,
}

impl State {
    pub(super) fn empty(d_model: usize) -> Self {
        Self::new(Vec::new(), Vec::new(), d_model, None)
    }

    /// The state of a stream that is all that its layers read.
    pub(super) fn new(
        lengths: Vec<usize>,
        resid: Vec<f32>,
        d_model: usize,
        grid: Option<[usize; 2]>,
    ) -> Self {
        let (layer_inputs, streams, embedded) = (Vec::new(), Vec::new(), Vec::new());
        Self { lengths, resid, d_model, grid, layer_inputs, streams, embedded }
    }

    /// The rows of one prompt; empty past the last.
    pub(super) fn prompt(&self, prompt: usize) -> &[f32] {
        self.rows(&self.resid, prompt)
    }

    /// The rows of one prompt in a stream.
    pub(super) fn rows<'a>(&self, stream: &'a [f32], prompt: usize) -> &'a [f32] {
        let before: usize = self.lengths.iter().take(prompt).sum();
        let n = self.lengths.get(prompt).copied().unwrap_or(0);
        stream.get(before * self.d_model..(before + n) * self.d_model).unwrap_or_default()
    }

    /// The same, to be changed.
    pub(super) fn prompt_mut(&mut self, prompt: usize) -> &mut [f32] {
        let before: usize = self.lengths.iter().take(prompt).sum();
        let n = self.lengths.get(prompt).copied().unwrap_or(0);
        self.resid.get_mut(before * self.d_model..(before + n) * self.d_model).unwrap_or_default()
    }
}

/// The batch that an attention reads.
pub(super) struct Batch<'a> {
    /// The layer's number.
    pub(super) layer: usize,
    /// `[all positions, d_model]`, normed.
    pub(super) x: &'a [f32],
    /// Positions of each prompt.
    pub(super) lengths: &'a [usize],
    /// What keys and values read instead, normed, and its positions of each prompt.
    pub(super) source: Option<(Vec<f32>, &'a [usize])>,
    /// Rows and columns of an image's patches.
    pub(super) grid: Option<[usize; 2]>,
    /// Keys and values of another layer, which are used instead of its own.
    pub(super) kept: Option<&'a Kept>,
    /// What one head writes is multiplied.
    pub(super) weighed: Option<(usize, f32)>,
}

//! What the layers of one stream pass on, and what an attention reads of it.

use super::attention::Kept;

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
}

impl State {
    pub(super) fn empty(d_model: usize) -> Self {
        Self { lengths: Vec::new(), resid: Vec::new(), d_model, grid: None }
    }

    /// The rows of one prompt; empty past the last.
    pub(super) fn prompt(&self, prompt: usize) -> &[f32] {
        let before: usize = self.lengths.iter().take(prompt).sum();
        let n = self.lengths.get(prompt).copied().unwrap_or(0);
        self.resid.get(before * self.d_model..(before + n) * self.d_model).unwrap_or_default()
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
}

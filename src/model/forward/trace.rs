//! What one layer's heads saw and did on one prompt.

use super::embedded::EmbeddingPart;

/// Everything that a decomposition of scores needs, in `f32`, row-major. `n` is the prompt's length.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct LayerTrace {
    /// The layer.
    pub layer: usize,
    /// Positions of the prompt.
    pub n: usize,
    /// Positions of what keys and values read: `n`, but in cross-attention.
    pub n_src: usize,
    /// Queries `[n_heads, n, d_head]`: biased, normed and rotated, as they enter the score.
    pub q: Vec<f32>,
    /// Keys `[n_kv_heads, n_src, d_head]`, likewise.
    pub k: Vec<f32>,
    /// Values `[n_kv_heads, n_src, d_value]`, biased.
    pub v: Vec<f32>,
    /// `[n_heads, n]`: what the norm on queries divided by; 1 without one.
    pub q_scale: Vec<f32>,
    /// `[n_kv_heads, n_src]`: what the norm on keys divided by; 1 without one.
    pub k_scale: Vec<f32>,
    /// What relative positions added to the scores, `[n_heads, n, n_src]`; empty where nothing does. It is in `scores`.
    pub position_scores: Vec<f32>,
    /// Scores `[n_heads, n, n_src]` (dest, src) after scale, soft-cap, ALiBi and relative positions, before the mask; with any edit in them.
    pub scores: Vec<f32>,
    /// Attention `[n_heads, n, n_src]` (dest, src).
    pub pattern: Vec<f32>,
    /// The residual stream before the layer, `[n, d_model]`.
    pub resid_pre: Vec<f32>,
    /// In the first layer of a stream, what `resid_pre` was summed from, `[n, d_model]` each; empty where it was not summed.
    pub embedded: Vec<(EmbeddingPart, Vec<f32>)>,
    /// `[n]`: what the norm in front of the attention divided by; 1 without one. With LayerNorm the mean was taken out first.
    pub input_scale: Vec<f32>,
    /// What the attention added to the stream, `[n, d_model]`: biases and any norm on its output included.
    pub attn_out: Vec<f32>,
    /// `[n]`: what the norm on the attention's output divided by; 1 without one.
    pub attn_out_scale: Vec<f32>,
    /// What the MLP added to the stream, `[n, d_model]`.
    pub mlp_out: Vec<f32>,
    /// `[n]`: what the norm of the whole stream behind the attention (BERT) divided by; 1 without one.
    pub after_attn_scale: Vec<f32>,
    /// `[n]`: what the norm of the whole stream behind the MLP (BERT) divided by; 1 without one.
    pub after_mlp_scale: Vec<f32>,
}

/// Where an edit of scores happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Site {
    /// The layer.
    pub layer: usize,
    /// The head.
    pub head: usize,
    /// The prompt's index in the batch.
    pub prompt: usize,
    /// The prompt's length.
    pub n: usize,
}

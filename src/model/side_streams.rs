//! What Gemma 3n and 4 have beside the usual layer: an input of every layer's own, made of the tokens, and in 3n several residual
//! streams at once, of which one is what attention and MLP read.

use serde::Serialize;

use super::parts::{Linear, Norm};

/// Paths of the inputs of layers' own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LayerInputPaths {
    /// Table of tokens, a part for each layer.
    pub table: &'static str,
    /// From the embedding to as many parts.
    pub project: &'static str,
    /// Norm of each part of that.
    pub norm: &'static str,
    /// In a layer: from the stream to a gate on its input.
    pub gate: &'static str,
    /// In a layer: back to the stream.
    pub back: &'static str,
    /// In a layer: norm of what is added.
    pub after: &'static str,
}

/// Paths of several streams at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AltUpPaths {
    /// The stream that layers read.
    pub active: usize,
    /// The first states of the other streams, `{i}` counting them.
    pub into: &'static str,
    /// Their last states, on the way to the mean.
    pub out: &'static str,
    /// In a layer: what stands before the names of the maps between streams.
    pub home: &'static str,
    /// In a layer: what stands before the names of the map beside attention.
    pub laurel: &'static str,
    /// The active stream is scaled for what it adds to the others.
    pub scaled: bool,
}

/// The inputs of all layers, made with the embedding: `(table[token] √width + norm(project(x)) / √d_model) / √2`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct LayerInputs {
    /// Name of the table, `[d_vocab, n_layers width]`.
    pub table: String,
    /// `d_model` to `n_layers width`.
    pub project: Linear,
    /// Norm of each `width`.
    pub norm: Norm,
    /// Numbers of a layer's input.
    pub width: usize,
    /// Layers that have one.
    pub n_layers: usize,
}

/// What a layer does with its input `e`: it adds `norm(project(f(gate(x)) ⊙ e))`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct LayerInput {
    /// `d_model` to `width`.
    pub gate: Linear,
    /// `width` to `d_model`.
    pub project: Linear,
    /// Norm of what is added.
    pub norm: Norm,
}

/// Several streams of one width, how they begin and end.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SideStreams {
    /// The stream that layers read.
    pub active: usize,
    /// From the embedding to the first state of every other stream.
    pub into: Vec<Linear>,
    /// From the last state of every other stream to what is averaged.
    pub out: Vec<Linear>,
}

/// How a layer moves several streams: all are predicted from all, the layer runs on the active one, all are corrected by what
/// came of it. Beside attention a narrow map reads what attention reads.
///
/// # Source
/// Baykal et al., arXiv:2301.13310 (AltUp); Menghani et al., arXiv:2411.07501 (LAuReL).
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct AltUp {
    /// `d_model` to one number per stream, whose tanh weighs what follows.
    pub router: Linear,
    /// Norm in front of it.
    pub router_norm: Norm,
    /// To the coefficients from each stream to each.
    pub predict: Linear,
    /// To the coefficients of the correction.
    pub correct: Linear,
    /// Name of factors on the active stream in what it adds to the others, `[d_model]`.
    pub scale: Option<String>,
    /// Into the narrow map beside attention, out of it, and the norm of that.
    pub laurel: (Linear, Linear, Norm),
}

impl LayerInput {
    /// Names of its tensors.
    pub(super) fn tensors(&self) -> impl Iterator<Item = &str> {
        self.gate.tensors().chain(self.project.tensors()).chain(self.norm.tensors())
    }
}

impl AltUp {
    /// Names of its tensors.
    pub(super) fn tensors(&self) -> impl Iterator<Item = &str> {
        let (left, right, norm) = &self.laurel;
        let linears = [&self.router, &self.predict, &self.correct, left, right];
        let norms = [&self.router_norm, norm].into_iter().flat_map(Norm::tensors);
        linears.into_iter().flat_map(Linear::tensors).chain(norms).chain(self.scale.as_deref())
    }
}

/// The number of standard deviations below which a share of a normal distribution lies: Φ⁻¹.
pub(super) fn deviations(share: f64) -> f64 {
    let below = |x: f64| 0.5 * libm::erfc(-x * std::f64::consts::FRAC_1_SQRT_2);
    let (mut low, mut high) = (-40.0, 40.0);
    for _ in 0..100 {
        let middle = 0.5 * (low + high);
        if below(middle) < share { low = middle } else { high = middle }
    }
    0.5 * (low + high)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn deviations_are_those_of_the_tables() {
        for (share, expected) in
            [(0.5, 0.0), (0.95, 1.644_853_626_951), (0.025, -1.959_963_984_540)]
        {
            assert!((deviations(share) - expected).abs() < 1e-11, "{share}");
        }
    }
}

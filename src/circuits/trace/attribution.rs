//! Direct logit attribution: what every component of the last stream adds to an answer's logit, with nothing left out.
//!
//! The last stream is a sum, and with the final norm's scale held at its value the way from there to the logits is linear: each head (by
//! the token that it read), each MLP, each bias and the embedding has a share, and they add up. What a component does by way of later
//! ones is counted at those. A soft-cap of the logits comes after the sum and is left outside.
//!
//! # Source
//! Elhage et al. 2021, "A Mathematical Framework for Transformer Circuits"; TransformerLens's `logit_attrs`.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::graph::Kind;
use super::run::CleanRun;
use super::seeds::{check, last, products};
use crate::circuits::error::CircuitError;
use crate::model::Head;
use crate::model::forward::LogitMap;

/// What is read off the logits: one token's, held against another's or against the mean of all. By itself a logit means nothing: the
/// same number added to all of them changes no probability.
pub struct Reading<'a> {
    map: &'a LogitMap<'a>,
    answer: usize,
    wrong: Option<usize>,
    /// `[d_model]`: the direction along which a summand, divided by the norm's scale, adds to it.
    direction: Vec<f64>,
}

impl<'a> Reading<'a> {
    /// `answer` minus `wrong`, or minus the mean of all tokens.
    ///
    /// # Errors
    /// [`CircuitError::OutOfRange`] for a token that does not exist; what reading says.
    pub fn new(
        map: &'a LogitMap<'a>,
        answer: u32,
        wrong: Option<u32>,
    ) -> Result<Self, CircuitError> {
        let (answer, wrong) = (answer as usize, wrong.map(|id| id as usize));
        check("token id", answer.max(wrong.unwrap_or(0)), map.d_vocab())?;
        let mean = -1.0 / map.d_vocab() as f64;
        let mut weights = vec![if wrong.is_some() { 0.0 } else { mean }; map.d_vocab()];
        weights[answer] += 1.0;
        if let Some(wrong) = wrong {
            weights[wrong] -= 1.0;
        }
        Ok(Self { map, answer, wrong, direction: map.direction(&weights)? })
    }

    /// It, of logits or of shares in them, `[d_vocab]`.
    fn of(&self, logits: &[f32]) -> f64 {
        let at = |id: usize| logits.get(id).copied().map_or(0.0, f64::from);
        let mean = || logits.iter().copied().map(f64::from).sum::<f64>() / logits.len() as f64;
        at(self.answer) - self.wrong.map_or_else(mean, at)
    }

    /// The part of it that a summand of the last stream, `[d_model]`, has at `at`.
    ///
    /// # Errors
    /// What reading says.
    pub fn share(&self, run: CleanRun<'_>, at: usize, x: &[f64]) -> Result<f64, CircuitError> {
        let sum: f64 = x.iter().zip(&self.direction).map(|(x, d)| x * d).sum();
        Ok(sum / run.scale_of(self.map, at)?)
    }
}

/// What one layer adds.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct LayerShares {
    /// `[n_heads][n_src]`: each head's, by the token that it read; 0 for those it does not see.
    pub heads: Vec<Vec<f64>>,
    /// What its attention adds wherever it looks.
    pub bias: f64,
    /// Its MLP's.
    pub mlp: f64,
}

/// What every component adds to a reading of the logits.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Shares {
    /// The reading itself, of the logits before any soft-cap.
    pub logit_difference: f64,
    /// Its part that the unembedding's bias makes, the final norm's bias inside.
    pub bias: f64,
    /// Whatever entered layer 0.
    pub embed: f64,
    /// By layer.
    pub layers: Vec<LayerShares>,
    /// The reading minus all of these: rounding in single precision.
    pub remainder: f64,
}

/// A component, wherever it read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Writer {
    /// Whatever entered layer 0.
    Embed,
    /// A head.
    Head(usize, usize),
    /// What a layer's attention adds wherever it looks.
    Bias(usize),
    /// A layer's MLP.
    Mlp(usize),
}

/// As nodes of a trace are called, without their places.
impl fmt::Display for Writer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Embed => f.pad("embed"),
            Self::Head(layer, head) => Head::new(layer, head).fmt(f),
            Self::Bias(layer) => f.pad(&format!("bias{layer}")),
            Self::Mlp(layer) => f.pad(&format!("mlp{layer}")),
        }
    }
}

impl Shares {
    /// The shares of the answer's reading at position `at`.
    ///
    /// # Errors
    /// [`CircuitError::OutOfRange`] for a position that does not exist; a model whose last stream is no sum over heads; what reading says.
    pub fn of(run: CleanRun<'_>, at: usize, reading: &Reading<'_>) -> Result<Self, CircuitError> {
        run.check_model()?;
        check("position", at, run.n())?;
        let (map, scale) = (reading.map, run.scale_of(reading.map, at)?);
        // By the forward pass's own products, so that what is left over is a check.
        let x: Vec<f32> = last(run, at).iter().map(|x| (f64::from(*x) / scale) as f32).collect();
        let bias = reading.of(&map.bias);
        let logit_difference = reading.of(&map.shares(&x)?) + bias;
        let found = products(run, run.n_layers(), at, &reading.direction, scale, None)?;
        let all: f64 = found.iter().map(|(_, share)| share).sum();
        let n_src = found.iter().map(|(node, _)| node.src + 1).max().unwrap_or(0);
        let empty = |layer| LayerShares {
            heads: vec![vec![0.0; n_src]; run.n_heads(layer)],
            ..LayerShares::default()
        };
        let mut layers: Vec<LayerShares> = (0..run.n_layers()).map(empty).collect();
        let mut embed = 0.0;
        for (node, share) in found {
            match (node.layer.and_then(|layer| layers.get_mut(layer)), node.head, node.kind) {
                (Some(layer), Some(head), _) => layer.heads[head][node.src] = share,
                (Some(layer), None, Kind::Mlp) => layer.mlp = share,
                (Some(layer), None, _) => layer.bias = share,
                (None, ..) => embed = share,
            }
        }
        let remainder = logit_difference - bias - all;
        Ok(Self { logit_difference, bias, embed, layers, remainder })
    }

    /// Every component with its share, in the order of the stream.
    pub fn writers(&self) -> Vec<(Writer, f64)> {
        let mut found = vec![(Writer::Embed, self.embed)];
        for (layer, shares) in self.layers.iter().enumerate() {
            let heads = shares.heads.iter().enumerate();
            found.extend(heads.map(|(head, by)| (Writer::Head(layer, head), by.iter().sum())));
            found.push((Writer::Bias(layer), shares.bias));
            found.push((Writer::Mlp(layer), shares.mlp));
        }
        found
    }

    /// The head with the largest share, for or against.
    pub fn strongest_head(&self) -> Option<(usize, usize)> {
        let heads = self.writers().into_iter().filter_map(|(writer, share)| match writer {
            Writer::Head(layer, head) => Some(((layer, head), share.abs())),
            _ => None,
        });
        heads.max_by(|a, b| a.1.total_cmp(&b.1)).map(|(head, _)| head)
    }

    /// `[n_src]`: what all heads together add by reading each token.
    pub fn by_source(&self) -> Vec<f64> {
        let mut sums: Vec<f64> = Vec::new();
        for by in self.layers.iter().flat_map(|layer| &layer.heads) {
            sums.resize(sums.len().max(by.len()), 0.0);
            sums.iter_mut().zip(by).for_each(|(sum, share)| *sum += share);
        }
        sums
    }
}

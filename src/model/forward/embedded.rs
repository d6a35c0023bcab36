//! What a stream begins with, part by part: the token's embedding, the position's, the token type's.
//!
//! They are summed, and what follows the sum is linear once a norm's scale is held at its value, as for every attribution through a
//! norm. So each part has its own image in the stream; what a norm or a map adds whatever it is given is a part by itself.

use std::ops::Range;

use serde::{Deserialize, Serialize};

use super::linear;
use super::products::Map;
use super::weights::LayerWeights;
use crate::model::ModelError;
use crate::model::architecture::Norm;

/// A part of what enters the first layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EmbeddingPart {
    /// All of it, where nothing was summed or it was not recorded part by part.
    Whole,
    /// The token's embedding.
    Tokens,
    /// What was made of patches of an image, or of sound.
    Front,
    /// The position's embedding, learned or of sines.
    Positions,
    /// The embedding of the token's type, which is 0 for every token here.
    Types,
    /// What a norm or a map behind the sum adds whatever it is given.
    Bias,
}

/// Parts, `[n, width]` each; empty where there is one only.
#[derive(Debug, Default)]
pub(super) struct Parts(Vec<(EmbeddingPart, Vec<f32>)>);

impl Parts {
    /// Takes the first part; nothing is recorded unless more will follow.
    pub(super) fn of(part: EmbeddingPart, values: &[f32], more: bool) -> Self {
        Self(if more { vec![(part, values.to_vec())] } else { Vec::new() })
    }

    /// Takes a further part.
    pub(super) fn add(&mut self, part: EmbeddingPart, values: Vec<f32>) {
        match self.0.iter_mut().find(|(known, _)| *known == part) {
            Some((_, known)) => super::add(known, &values),
            None => self.0.push((part, values)),
        }
    }

    /// Maps every part, the map's bias apart.
    pub(super) fn project(
        &mut self,
        weights: &LayerWeights<'_>,
        map: Map<'_>,
        d_in: usize,
    ) -> Result<(), ModelError> {
        let Some(n) = self.0.first().map(|(_, x)| x.len() / d_in.max(1)) else { return Ok(()) };
        let bias = weights.bias(map.linear, map.d_out)?;
        let less: Vec<f32> = bias.iter().flatten().map(|b| -b).collect();
        for (_, x) in &mut self.0 {
            *x = linear::apply(weights, map, x, d_in)?;
            linear::add_bias(x, &less);
        }
        if let Some(bias) = bias {
            self.add(EmbeddingPart::Bias, bias.repeat(n));
        }
        Ok(())
    }

    /// Takes every part through a norm that divided by `scales: [n]`, its bias apart.
    pub(super) fn norm(
        &mut self,
        weights: &LayerWeights<'_>,
        norm: Option<&Norm>,
        scales: &[f32],
        width: usize,
    ) -> Result<(), ModelError> {
        let Some(norm) = norm.filter(|_| !self.0.is_empty()) else { return Ok(()) };
        let (gains, bias) = weights.norm(norm, width)?;
        for (_, x) in &mut self.0 {
            for (row, scale) in x.chunks_exact_mut(width.max(1)).zip(scales) {
                if norm.kind.centres() {
                    super::norm::center(row);
                }
                super::norm::finish(row, f64::from(*scale), &gains, None);
            }
        }
        if let Some(bias) = bias {
            let bias: Vec<f32> = bias.iter().map(|&b| b as f32).collect();
            self.add(EmbeddingPart::Bias, bias.repeat(scales.len()));
        }
        Ok(())
    }

    /// The parts.
    pub(super) fn finish(self) -> Vec<(EmbeddingPart, Vec<f32>)> {
        self.0
    }
}

/// The parts of one prompt, whose values are at `values`.
pub(super) fn rows(
    parts: &[(EmbeddingPart, Vec<f32>)],
    values: &Range<usize>,
) -> Vec<(EmbeddingPart, Vec<f32>)> {
    parts.iter().map(|(part, x)| (*part, x[values.clone()].to_vec())).collect()
}

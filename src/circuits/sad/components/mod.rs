//! Who wrote what a head reads: each coefficient on a singular vector, split over the embeddings, the earlier heads per
//! source token, the MLPs and the biases.
//!
//! The residual stream is a sum, and with the norm's scale held at its value (as for any attribution through a norm) the way
//! from there to a coefficient is linear. So the parts add up to the coefficient, and what they miss is reported: rounding
//! in f32, and nothing else where every writer was given.
//!
//! Holds for models that norm what the attention *reads*. Where the residual stream itself is normed (BERT, OPT-350m) the
//! stream is no sum of its writers, and the caller must not ask.

pub mod builder;
pub mod model;

use serde::{Deserialize, Serialize};

use crate::circuits::sad::terms::{RelativeAttention, View};
use crate::math::{Mat, layout};
use crate::model::forward::EmbeddingPart;

/// A writer into the residual stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Component {
    /// A part of what enters layer 0: the token's embedding, the position's, the type's; or all of it, where it is no sum.
    Embedding {
        /// Which part.
        part: EmbeddingPart,
    },
    /// One earlier head, as far as it copied from position `src`.
    Head {
        /// Its layer.
        layer: usize,
        /// Its number.
        head: usize,
        /// Where it copied from.
        src: usize,
    },
    /// The output bias of an earlier attention layer.
    AttentionBias {
        /// Its layer.
        layer: usize,
    },
    /// An earlier MLP, bias included.
    Mlp {
        /// Its layer.
        layer: usize,
    },
    /// The reading head's own bias, with the norm's bias folded in: written by nobody, present in every query or key.
    Offset,
}

/// The parts of every position's coefficients on one side of a head; made by [`crate::circuits::sad::components::builder::SplitBuilder`].
#[derive(Debug, Clone, PartialEq)]
pub struct Split {
    /// The writers, in the order of the stream; the same at every position.
    pub components: Vec<Component>,
    /// Per position `[n_components, d_head]`: coefficients on the singular vectors.
    pub(super) parts: Vec<Mat>,
    /// Per position `[1, d_head]`: coefficient of the forward pass minus all parts.
    pub(super) remainders: Vec<Mat>,
}

impl Split {
    /// The largest |remainder| of a coefficient, as a share of the largest |coefficient|.
    pub fn remainder_share(&self) -> f64 {
        let largest = |m: &[Mat]| m.iter().fold(0.0_f64, |most, m| most.max(m.amax()));
        let wholes: Vec<Mat> =
            self.parts.iter().zip(&self.remainders).map(|(p, r)| column_sums(p) + r).collect();
        let most = largest(&wholes);
        if most > 0.0 { largest(&self.remainders) / most } else { 0.0 }
    }

    /// The terms of relative attention by writer on the destination's side; this split must be of the queries.
    pub fn dest_terms(&self, relative: &RelativeAttention) -> Option<ComponentTerms> {
        let weights: Vec<f64> = relative.src_contrast.iter().map(|b| b * relative.scale).collect();
        let (parts, rest) = (self.parts.get(relative.dest)?, self.remainders.get(relative.dest)?);
        Some(self.weighed(parts, rest, &weights))
    }

    /// The terms of relative attention by writer on the source's side; this split must be of the keys.
    ///
    /// A part is set against the mean of the same writer's parts at the other visible sources.
    pub fn src_terms(&self, relative: &RelativeAttention, view: View) -> Option<ComponentTerms> {
        let weights: Vec<f64> =
            relative.dest_coefficients.iter().map(|a| a * relative.scale).collect();
        let others = view.visible(relative.dest, self.parts.len()).filter(|&j| j != relative.src);
        let share = 1.0 / (relative.n_visible as f64 - 1.0);
        let mut parts = self.parts.get(relative.src)?.clone();
        let mut rest = self.remainders.get(relative.src)?.clone();
        for other in others {
            parts -= self.parts.get(other)? * share;
            rest -= self.remainders.get(other)? * share;
        }
        Some(self.weighed(&parts, &rest, &weights))
    }

    fn weighed(&self, parts: &Mat, rest: &Mat, weights: &[f64]) -> ComponentTerms {
        let weigh = |m: &Mat| {
            let mut m = m.clone();
            m.column_iter_mut().zip(weights).for_each(|(mut column, w)| column *= *w);
            layout::to_row_major(&m)
        };
        ComponentTerms {
            components: self.components.clone(),
            d_head: weights.len(),
            terms: weigh(parts),
            remainder: weigh(rest),
        }
    }
}

/// The terms of one relative attention, split by writer on one side.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ComponentTerms {
    /// The writers.
    pub components: Vec<Component>,
    /// Number of singular vectors.
    pub d_head: usize,
    /// `[n_components, d_head]`, row-major; a column and its remainder sum to that vector's term.
    pub terms: Vec<f64>,
    /// `[d_head]`: what no writer accounts for.
    pub remainder: Vec<f64>,
}

impl ComponentTerms {
    /// Per writer, its part of the relative attention: all singular vectors, or only those given.
    pub fn totals(&self, directions: Option<&[usize]>) -> Vec<f64> {
        let sum = |row: &[f64]| match directions {
            None => row.iter().sum(),
            Some(chosen) => chosen.iter().filter_map(|&k| row.get(k)).sum(),
        };
        self.terms.chunks_exact(self.d_head.max(1)).map(sum).collect()
    }
}

fn column_sums(m: &Mat) -> Mat {
    Mat::from_fn(1, m.ncols(), |_, k| m.column(k).sum())
}

#[cfg(test)]
mod tests;

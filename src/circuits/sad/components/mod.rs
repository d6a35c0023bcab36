//! Who wrote what a head reads: each coefficient on a singular vector, split over the embedding, the earlier heads per
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

use crate::circuits::error::CircuitError;
use crate::circuits::sad::attribution::Cells;
use crate::circuits::sad::terms::{HeadTerms, RelativeAttention, View};
use crate::math::{Mat, layout};

/// A writer into the residual stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Component {
    /// Whatever enters layer 0: token, position and type embeddings.
    Embedding,
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

    /// One cell per (writer, singular vector) of destination `dest` over its visible sources, for
    /// [`Cells::greedy_removal`]: cell `c · d_head + k` is writer `c`, vector `k`. This split must be of the queries.
    ///
    /// # Errors
    /// [`CircuitError::OutOfRange`] when there is no such destination.
    pub fn dest_cells(
        &self,
        head: &HeadTerms,
        view: View,
        dest: usize,
    ) -> Result<Cells, CircuitError> {
        let parts = self.parts_of(dest)?;
        let values = layout::to_row_major(parts);
        let cells = values.iter().enumerate().flat_map(|(cell, a)| {
            let k = cell % head.d_head;
            let sources = view.visible(dest, head.n_src);
            sources.map(move |src| {
                let b = head.src(src).and_then(|b| b.get(k)).copied().unwrap_or(0.0);
                head.scale * a * b
            })
        });
        Cells::new(view.visible(dest, head.n_src).len(), cells.collect())
    }

    /// As [`Split::dest_cells`] for writers at the sources. This split must be of the keys.
    ///
    /// # Errors
    /// [`CircuitError::OutOfRange`] when there is no such destination or a source was not split.
    pub fn src_cells(
        &self,
        head: &HeadTerms,
        view: View,
        dest: usize,
    ) -> Result<Cells, CircuitError> {
        let (index, count) = (dest, head.n_dest);
        let absent = CircuitError::OutOfRange { what: "destination", index, count };
        let a = head.dest(dest).ok_or(absent)?;
        let visible = view.visible(dest, head.n_src);
        let sources: Vec<&Mat> =
            visible.clone().map(|src| self.parts_of(src)).collect::<Result<_, _>>()?;
        let cells = (0..self.components.len()).flat_map(|c| {
            let sources = &sources;
            (a.iter().enumerate()).flat_map(move |(k, a)| {
                sources.iter().map(move |parts| head.scale * a * parts[(c, k)])
            })
        });
        Cells::new(visible.len(), cells.collect())
    }

    fn parts_of(&self, position: usize) -> Result<&Mat, CircuitError> {
        let (index, count) = (position, self.parts.len());
        self.parts.get(position).ok_or(CircuitError::OutOfRange { what: "position", index, count })
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

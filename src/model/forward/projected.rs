//! Queries, keys and values of all positions, as the matrices give them, and their rows by head.

use super::products::{Map, Products};
use super::weights::LayerWeights;
use crate::model::ModelError;
use crate::model::architecture::{Attention, Projection};

/// What the three projections make of a batch.
pub(super) struct Projected<'a> {
    /// `[all positions, width]` and the width; one for a fused matrix, three otherwise.
    parts: Vec<(Vec<f32>, usize)>,
    attention: &'a Attention,
}

impl<'a> Projected<'a> {
    pub(super) async fn of(
        weights: &LayerWeights<'_>,
        products: &mut impl Products,
        attention: &'a Attention,
        [x, x_src]: [&[f32]; 2],
    ) -> Result<Self, ModelError> {
        let all = [Projection::Query, Projection::Key, Projection::Value];
        let map = |projection| Map {
            linear: attention.qkv.linear(projection),
            d_out: attention.outputs(projection),
        };
        let wanted = if attention.qkv.order().is_some() { &all[..1] } else { &all };
        let maps: Vec<Map<'_>> = wanted.iter().map(|&projection| map(projection)).collect();
        let d = attention.sizes.d_model;
        let mut values = match (&attention.source, maps.as_slice()) {
            (Some(_), [query, rest @ ..]) if !rest.is_empty() => {
                let mut values = products.linear(weights, &[*query], x, d).await?;
                values.extend(products.linear(weights, rest, x_src, d).await?);
                values
            }
            (Some(_), _) => {
                let reason = "queries, keys and values of its cross-attention are in one matrix";
                return Err(ModelError::CannotRun { reason: reason.into() });
            }
            (None, maps) => products.linear(weights, maps, x, d).await?,
        };
        if let Some(clip) = attention.clip {
            let clip = clip as f32;
            values.iter_mut().flatten().for_each(|x| *x = x.clamp(-clip, clip));
        }
        let parts = values.into_iter().zip(maps.iter().map(|map| map.d_out)).collect();
        Ok(Self { parts, attention })
    }

    /// One projection of a prompt, `[n_heads, n, width]`.
    pub(super) fn heads(&self, projection: Projection, start: usize, n: usize) -> Vec<f32> {
        let width = self.attention.sizes.width(projection);
        self.columns(
            projection,
            start,
            n,
            |head| self.attention.head_start(projection, head),
            width,
        )
    }

    /// The gates of a prompt, `[n_heads, n, d_head]`, before their sigmoid; `None` where heads have none.
    pub(super) fn gates(&self, start: usize, n: usize) -> Option<Vec<f32>> {
        let (attention, d_head) = (self.attention, self.attention.sizes.d_head);
        let first = |head| attention.head_start(Projection::Query, head) + d_head;
        attention.gated.then(|| self.columns(Projection::Query, start, n, first, d_head))
    }

    fn columns(
        &self,
        projection: Projection,
        start: usize,
        n: usize,
        first: impl Fn(usize) -> usize,
        wanted: usize,
    ) -> Vec<f32> {
        let part = if self.parts.len() == 1 { 0 } else { projection as usize };
        let (values, width) = &self.parts[part];
        let n_heads = self.attention.sizes.heads(projection);
        let mut heads = Vec::with_capacity(n_heads * n * wanted);
        for head in 0..n_heads {
            let column = first(head);
            for row in values[start * width..(start + n) * width].chunks_exact(*width) {
                heads.extend_from_slice(&row[column..column + wanted]);
            }
        }
        heads
    }
}

//! Queries, keys and values of all positions, as the matrices give them, and their rows by head.

use super::norm;
use super::products::{Map, Products};
use super::weights::LayerWeights;
use crate::model::ModelError;
use crate::model::architecture::{Attention, Latent, Linear, Norm, Projection, Sizes};

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
        if let Some(latent) = attention.qkv.latent() {
            return Self::of_latent(weights, products, attention, latent, x).await;
        }
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
            values.iter_mut().flatten().for_each(|x| *x = x.max(-clip).min(clip));
        }
        let parts = values.into_iter().zip(maps.iter().map(|map| map.d_out)).collect();
        Ok(Self { parts, attention })
    }

    /// Queries, keys and values out of their latents; the rotary key is the same for all heads.
    async fn of_latent(
        weights: &LayerWeights<'_>,
        products: &mut impl Products,
        attention: &'a Attention,
        latent: &Latent,
        x: &[f32],
    ) -> Result<Self, ModelError> {
        let Sizes { d_model, n_heads, d_head, d_value, .. } = attention.sizes;
        let (d_rotary, plain) = (latent.d_rotary, d_head - latent.d_rotary);
        let mut one = async |linear: &Linear, x: &[f32], d_in: usize, d_out: usize| {
            let made = products.linear(weights, &[Map { linear, d_out }], x, d_in).await?;
            Ok::<_, ModelError>(made.into_iter().next().unwrap_or_default())
        };
        let q = match &latent.q_down {
            Some((down, norm)) => {
                let mut narrow = one(down, x, d_model, latent.d_q).await?;
                rows_normed(weights, norm, &mut narrow, latent.d_q)?;
                one(&latent.q, &narrow, latent.d_q, n_heads * d_head).await?
            }
            None => one(&latent.q, x, d_model, n_heads * d_head).await?,
        };
        let both = one(&latent.kv_down, x, d_model, latent.d_kv + d_rotary).await?;
        let rows = || both.chunks_exact((latent.d_kv + d_rotary).max(1));
        let mut narrow: Vec<f32> = rows().flat_map(|row| &row[..latent.d_kv]).copied().collect();
        rows_normed(weights, &latent.kv_norm, &mut narrow, latent.d_kv)?;
        let width = n_heads * (plain + d_value);
        let kv = one(&latent.kv, &narrow, latent.d_kv, width).await?;
        let (mut k, mut v) = (Vec::new(), Vec::new());
        for (row, down) in kv.chunks_exact(width.max(1)).zip(rows()) {
            for head in row.chunks_exact(plain + d_value) {
                k.extend_from_slice(&head[..plain]);
                k.extend_from_slice(&down[latent.d_kv..]);
                v.extend_from_slice(&head[plain..]);
            }
        }
        let parts = vec![(q, n_heads * d_head), (k, n_heads * d_head), (v, n_heads * d_value)];
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

/// Rows of a latent normed in place.
fn rows_normed(
    weights: &LayerWeights<'_>,
    norm: &Norm,
    rows: &mut [f32],
    d: usize,
) -> Result<(), ModelError> {
    let (gains, bias) = weights.norm(norm, d)?;
    norm::rows_in_place(rows, norm.kind, norm.eps, &gains, bias.as_deref());
    Ok(())
}

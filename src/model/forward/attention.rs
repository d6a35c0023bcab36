//! The attention of a layer, all heads, all prompts.

use super::batch::Batch;
use super::head_norms::{HeadNorm, HeadNorms};
use super::positions::Positions;
use super::products::{Map, Products};
use super::projected::Projected;
use super::weights::LayerWeights;
use super::{EditScores, ForwardPass, LayerTrace, Site};
use crate::math::streamed::product;
use crate::model::architecture::{Attention, Orientation, Projection, Sizes};
use crate::model::{ModelError, pattern};

/// Keys and values of every prompt, `[n_kv_heads, n, d_head]` and `[n_kv_heads, n, d_value]`, as they meet queries and patterns.
pub(super) type Kept = Vec<(Vec<f32>, Vec<f32>)>;

/// What an attention does with a batch.
pub(super) struct Attended {
    /// What it writes, `[all positions, d_model]`.
    pub(super) written: Vec<f32>,
    /// One per prompt, if they are wanted.
    pub(super) traces: Vec<LayerTrace>,
    /// Keys and values, for the layers that use them too.
    pub(super) kept: Kept,
}

/// Runs an attention on a batch.
pub(super) async fn run(
    weights: &LayerWeights<'_>,
    products: &mut impl Products,
    attention: &Attention,
    batch: Batch<'_>,
    record: bool,
    mut edit: Option<&mut EditScores<'_>>,
) -> Result<Attended, ModelError> {
    let (arch, sizes) = (&weights.model.arch, attention.sizes);
    let Sizes { d_head, d_value, .. } = sizes;
    let inner = sizes.n_heads * d_value;
    let scaled: Vec<f32>;
    let x = if attention.factors.input == 1.0 {
        batch.x
    } else {
        scaled = batch.x.iter().map(|x| x * attention.factors.input as f32).collect();
        &scaled
    };
    let (x_src, lengths_src) = match &batch.source {
        Some((x, lengths)) => (x.as_slice(), *lengths),
        None => (x, batch.lengths),
    };
    if lengths_src.len() != batch.lengths.len() {
        let reason = "its decoder looks at what the encoder makes of an input, and there is none: `omega attention --input` takes one \
                      from a file";
        return Err(ModelError::CannotRun { reason: reason.into() });
    }
    if attention.keys_of.is_some() && batch.kept.is_none() {
        let reason = "this layer uses the keys of an earlier one, which has not run";
        return Err(ModelError::CannotRun { reason: reason.into() });
    }
    let projected = Projected::of(weights, products, attention, [x, x_src]).await?;
    let norms = attention.qk_norm.as_ref();
    let norms = norms.map(|norm| HeadNorms::read(weights, norm, sizes)).transpose()?;
    let sinks = attention.sinks.as_deref();
    let sinks = sinks.map(|name| weights.vector(name, sizes.n_heads)).transpose()?;
    let positions = attention.relative.as_ref();
    let positions =
        positions.map(|relative| Positions::read(weights, relative, sizes)).transpose()?;
    let mut z = vec![0.0; x.len() / sizes.d_model * inner];
    let (mut traces, mut kept, mut start, mut start_src) = (Vec::new(), Kept::new(), 0, 0);
    for (prompt, (&n, &n_src)) in batch.lengths.iter().zip(lengths_src).enumerate() {
        let turn = Turn { attention, n, grid: batch.grid };
        let mut q = projected.heads(Projection::Query, start, n);
        let q_scale = turn.finish(norms.as_ref().map(|norms| &norms.q), &mut q);
        let (k, v, k_scale) = match batch.kept.and_then(|kept| kept.get(prompt)) {
            Some((k, v)) => (k.clone(), v.clone(), vec![1.0; sizes.n_kv_heads * n_src]),
            None => {
                let mut k = projected.heads(Projection::Key, start_src, n_src);
                let mut v = projected.heads(Projection::Value, start_src, n_src);
                let factor = attention.factors.key as f32;
                k.iter_mut().for_each(|k| *k *= factor);
                let turn = Turn { n: n_src, ..turn };
                let mut k_scale = turn.finish(norms.as_ref().map(|norms| &norms.k), &mut k);
                k_scale.iter_mut().for_each(|scale| *scale /= factor);
                if let Some(eps) = attention.value_norm {
                    HeadNorm::bare(eps, d_value).apply(&mut v, n_src, d_value);
                }
                (k, v, k_scale)
            }
        };
        let q_scale = warmed(attention, &mut q, q_scale, n);
        let gates = projected.gates(start, n);
        let mut trace =
            LayerTrace { layer: batch.layer, n, n_src, q_scale, k_scale, ..LayerTrace::default() };
        for head in 0..sizes.n_heads {
            let kv = sizes.kv_head(head);
            let q = &q[head * n * d_head..][..n * d_head];
            let k = &k[kv * n_src * d_head..][..n_src * d_head];
            let v = &v[kv * n_src * d_value..][..n_src * d_value];
            let mut scores = product(q, k, Orientation::OutIn, d_head, n_src);
            let alibi = arch.alibi.as_ref().map(|alibi| (alibi, head));
            pattern::finish_scores(attention, alibi, &mut scores, n_src);
            if let Some(positions) = &positions {
                let added =
                    positions.of_head((head, sizes), (q, k), attention.score_scale, batch.grid)?;
                super::add(&mut scores, &added);
                if record {
                    trace.position_scores.extend(added);
                }
            }
            if let Some(edit) = edit.as_deref_mut() {
                edit(Site { layer: batch.layer, head, prompt, n }, &mut scores);
            }
            let sink = sinks.as_ref().and_then(|sinks| sinks.get(head)).copied();
            let looks = pattern::softmax(attention, &scores, n_src, sink);
            let mut mixed = product(&looks, v, Orientation::InOut, n_src, d_value);
            if let Some(gates) = gates.as_ref().and_then(|g| g.get(head * n * d_value..)) {
                mixed.iter_mut().zip(gates).for_each(|(z, g)| *z *= 1.0 / (1.0 + (-g).exp()));
            }
            if let Some((_, factor)) = batch.weighed.filter(|(weighed, _)| *weighed == head) {
                mixed.iter_mut().for_each(|z| *z *= factor);
            }
            for (t, row) in mixed.chunks_exact(d_value).enumerate() {
                let place = (start + t) * inner + head * d_value;
                z[place..place + d_value].copy_from_slice(row);
            }
            if record {
                trace.scores.append(&mut scores);
                trace.pattern.extend(looks);
            }
        }
        if record {
            (trace.q, trace.k, trace.v) = (q, k.clone(), v.clone());
            traces.push(trace);
        }
        kept.push((k, v));
        (start, start_src) = (start + n, start_src + n_src);
    }
    drop(projected);
    let output = Map { linear: &attention.output, d_out: sizes.d_model };
    let mut written = products.linear(weights, &[output], &z, inner).await?;
    Ok(Attended { written: written.pop().unwrap_or_default(), traces, kept })
}

impl ForwardPass {
    /// Multiplies what a head writes at every position, its value bias included, with `factor`; the layer's output bias is no head's.
    /// One head of one layer: a second call replaces the first.
    pub fn weigh_head(&mut self, layer: usize, head: usize, factor: f32) {
        self.weighed = Some((layer, head, factor));
    }
}

/// How queries or keys of a prompt of `n` positions are normed and turned.
#[derive(Clone, Copy)]
struct Turn<'a> {
    attention: &'a Attention,
    n: usize,
    grid: Option<[usize; 2]>,
}

impl Turn<'_> {
    /// Norms and turns `[n_heads, n, d_head]` in the family's order; returns the norms' divisors, `[n_heads, n]`.
    fn finish(self, norm: Option<&HeadNorm>, heads: &mut [f32]) -> Vec<f32> {
        let d_head = self.attention.sizes.d_head;
        if self.attention.turns_before_norm {
            self.rotate(heads);
        }
        let scales = match norm {
            Some(norm) => norm.apply(heads, self.n, d_head),
            None => vec![1.0; heads.len() / d_head.max(1)],
        };
        if !self.attention.turns_before_norm {
            self.rotate(heads);
        }
        scales
    }

    fn rotate(self, heads: &mut [f32]) {
        let single = |(cos, sin): (f64, f64)| (cos as f32, sin as f32);
        let (rope, angles): (_, Vec<Vec<(f64, f64)>>) = match (self.attention, self.grid) {
            (Attention { rope: Some(rope), .. }, _) => {
                (rope, (0..self.n).map(|t| rope.angles(t as f64, self.n)).collect())
            }
            (Attention { grid_rope: Some(grid_rope), .. }, Some(grid)) => {
                // What stands before the patches does not turn.
                let before = self.n.saturating_sub(grid[0] * grid[1]);
                let of =
                    |t: usize| t.checked_sub(before).map(|patch| grid_rope.angles(patch, grid));
                (&grid_rope.rope, (0..self.n).map(|t| of(t).unwrap_or_default()).collect())
            }
            _ => return,
        };
        let angles: Vec<Vec<(f32, f32)>> =
            angles.into_iter().map(|angles| angles.into_iter().map(single).collect()).collect();
        let rows = heads.chunks_exact_mut(self.attention.sizes.d_head.max(1));
        for (row, angles) in rows.zip(angles.iter().cycle()) {
            rope.rotate(row, angles);
        }
    }
}

/// Multiplies queries with their position's temperature, which goes into their divisors too.
fn warmed(attention: &Attention, q: &mut [f32], mut scales: Vec<f32>, n: usize) -> Vec<f32> {
    let Some(temperature) = attention.temperature else { return scales };
    let rows = q.chunks_exact_mut(attention.sizes.d_head.max(1)).zip(&mut scales);
    for (i, (row, scale)) in rows.enumerate() {
        let factor = temperature.at(i % n.max(1)) as f32;
        row.iter_mut().for_each(|q| *q *= factor);
        *scale /= factor;
    }
    scales
}

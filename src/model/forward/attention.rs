//! The attention of a layer, all heads, all prompts.

use super::head_norms::{HeadNorm, HeadNorms};
use super::product::product;
use super::products::{Map, Products};
use super::projected::Projected;
use super::weights::LayerWeights;
use super::{EditScores, LayerTrace, Site};
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

/// The batch that an attention reads.
pub(super) struct Batch<'a> {
    /// The layer's number.
    pub(super) layer: usize,
    /// `[all positions, d_model]`, normed.
    pub(super) x: &'a [f32],
    /// Positions of each prompt.
    pub(super) lengths: &'a [usize],
    /// Keys and values of another layer, which are used instead of its own.
    pub(super) kept: Option<&'a Kept>,
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
    let projected = Projected::of(weights, products, attention, x, batch.kept.is_some()).await?;
    let norms = attention.qk_norm.as_ref();
    let norms = norms.map(|norm| HeadNorms::read(weights, norm, sizes)).transpose()?;
    let sinks = attention.sinks.as_deref();
    let sinks = sinks.map(|name| weights.vector(name, sizes.n_heads)).transpose()?;
    let mut z = vec![0.0; x.len() / sizes.d_model * inner];
    let (mut traces, mut kept, mut start) = (Vec::new(), Kept::new(), 0);
    for (prompt, &n) in batch.lengths.iter().enumerate() {
        let mut q = projected.heads(Projection::Query, start, n);
        let q_scale = finish(attention, norms.as_ref().map(|norms| &norms.q), &mut q, n);
        let (k, v, k_scale) = match batch.kept.and_then(|kept| kept.get(prompt)) {
            Some((k, v)) => (k.clone(), v.clone(), vec![1.0; sizes.n_kv_heads * n]),
            None => {
                let mut k = projected.heads(Projection::Key, start, n);
                let mut v = projected.heads(Projection::Value, start, n);
                let factor = attention.factors.key as f32;
                k.iter_mut().for_each(|k| *k *= factor);
                let mut k_scale =
                    finish(attention, norms.as_ref().map(|norms| &norms.k), &mut k, n);
                k_scale.iter_mut().for_each(|scale| *scale /= factor);
                if let Some(eps) = attention.value_norm {
                    HeadNorm::bare(eps, d_value).apply(&mut v, n, d_value);
                }
                (k, v, k_scale)
            }
        };
        let q_scale = warmed(attention, &mut q, q_scale, n);
        let gates = projected.gates(start, n);
        let mut trace =
            LayerTrace { layer: batch.layer, n, q_scale, k_scale, ..LayerTrace::default() };
        for head in 0..sizes.n_heads {
            let kv = sizes.kv_head(head);
            let q = &q[head * n * d_head..][..n * d_head];
            let k = &k[kv * n * d_head..][..n * d_head];
            let v = &v[kv * n * d_value..][..n * d_value];
            let mut scores = product(q, k, Orientation::OutIn, d_head, n);
            let alibi = arch.alibi.as_ref().map(|alibi| (alibi, head));
            pattern::finish_scores(attention, alibi, &mut scores, n);
            if let Some(edit) = edit.as_deref_mut() {
                edit(Site { layer: batch.layer, head, prompt, n }, &mut scores);
            }
            let sink = sinks.as_ref().and_then(|sinks| sinks.get(head)).copied();
            let looks = pattern::softmax(attention, arch.causal, &scores, n, sink);
            let mut mixed = product(&looks, v, Orientation::InOut, n, d_value);
            if let Some(gates) = gates.as_ref().and_then(|g| g.get(head * n * d_value..)) {
                mixed.iter_mut().zip(gates).for_each(|(z, g)| *z *= 1.0 / (1.0 + (-g).exp()));
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
        start += n;
    }
    drop(projected);
    let output = Map { linear: &attention.output, d_out: sizes.d_model };
    let mut written = products.linear(weights, &[output], &z, inner).await?;
    Ok(Attended { written: written.pop().unwrap_or_default(), traces, kept })
}

/// Norms and turns queries or keys `[n_heads, n, d_head]` in the family's order; returns the norms' divisors, `[n_heads, n]`.
fn finish(attention: &Attention, norm: Option<&HeadNorm>, heads: &mut [f32], n: usize) -> Vec<f32> {
    let d_head = attention.sizes.d_head;
    if attention.turns_before_norm {
        rotate(attention, heads, n, d_head);
    }
    let scales = match norm {
        Some(norm) => norm.apply(heads, n, d_head),
        None => vec![1.0; heads.len() / d_head.max(1)],
    };
    if !attention.turns_before_norm {
        rotate(attention, heads, n, d_head);
    }
    scales
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

fn rotate(attention: &Attention, heads: &mut [f32], n: usize, d_head: usize) {
    let Some(rope) = &attention.rope else { return };
    let single = |(cos, sin): (f64, f64)| (cos as f32, sin as f32);
    let angles: Vec<Vec<(f32, f32)>> =
        (0..n).map(|t| rope.angles(t as f64, n).into_iter().map(single).collect()).collect();
    for (row, angles) in heads.chunks_exact_mut(d_head).zip(angles.iter().cycle()) {
        rope.rotate(row, angles);
    }
}

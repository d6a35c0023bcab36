//! The attention of a layer, all heads, all prompts.

use super::product::product;
use super::products::{Map, Products};
use super::weights::LayerWeights;
use super::{EditScores, LayerTrace, Site, norm};
use crate::model::architecture::{
    Attention, Norm, NormKind, Orientation, Projection, QkNorm, Qkv, Sizes,
};
use crate::model::{ModelError, pattern};

/// What the attention writes, `[all positions, d_model]`, from what it reads, and the traces if they are wanted.
pub(super) async fn run(
    weights: &LayerWeights<'_>,
    products: &mut impl Products,
    index: usize,
    x: &[f32],
    lengths: &[usize],
    record: bool,
    mut edit: Option<&mut EditScores<'_>>,
) -> Result<(Vec<f32>, Vec<LayerTrace>), ModelError> {
    let model = weights.model;
    let (arch, sizes) = (&model.arch, model.arch.sizes());
    let attention = &model.layer(index)?.attention;
    let (d_head, inner) = (sizes.d_head, sizes.n_heads * sizes.d_head);
    let projected = Projected::of(weights, products, attention, x).await?;
    let norms =
        attention.qk_norm.as_ref().map(|norm| HeadNorms::read(weights, norm)).transpose()?;
    let mut z = vec![0.0; x.len() / sizes.d_model * inner];
    let (mut traces, mut start) = (Vec::new(), 0);
    for (prompt, &n) in lengths.iter().enumerate() {
        let mut q = projected.heads(Projection::Query, sizes.n_heads, start, n);
        let mut k = projected.heads(Projection::Key, sizes.n_kv_heads, start, n);
        let v = projected.heads(Projection::Value, sizes.n_kv_heads, start, n);
        let (q_scale, k_scale) = match &norms {
            Some(norms) => (norms.q.apply(&mut q, n, d_head), norms.k.apply(&mut k, n, d_head)),
            None => (vec![1.0; sizes.n_heads * n], vec![1.0; sizes.n_kv_heads * n]),
        };
        rotate(attention, &mut q, n, d_head);
        rotate(attention, &mut k, n, d_head);
        let mut trace = LayerTrace { layer: index, n, q_scale, k_scale, ..LayerTrace::default() };
        for head in 0..sizes.n_heads {
            let (own, shared) = (head * n * d_head, sizes.kv_head(head) * n * d_head);
            let (q, k, v) = (
                &q[own..own + n * d_head],
                &k[shared..shared + n * d_head],
                &v[shared..shared + n * d_head],
            );
            let mut scores = product(q, k, Orientation::OutIn, d_head, n);
            pattern::finish_scores(
                attention,
                arch.alibi.as_ref().map(|alibi| (alibi, head)),
                &mut scores,
                n,
            );
            if let Some(edit) = edit.as_deref_mut() {
                edit(Site { layer: index, head, prompt, n }, &mut scores);
            }
            let looks = pattern::softmax(attention, arch.causal, &scores, n);
            let mixed = product(&looks, v, Orientation::InOut, n, d_head);
            for (t, row) in mixed.chunks_exact(d_head).enumerate() {
                let place = (start + t) * inner + head * d_head;
                z[place..place + d_head].copy_from_slice(row);
            }
            if record {
                trace.scores.append(&mut scores);
                trace.pattern.extend(looks);
            }
        }
        if record {
            (trace.q, trace.k, trace.v) = (q, k, v);
            traces.push(trace);
        }
        start += n;
    }
    drop(projected);
    let output = Map { linear: &attention.output, d_out: sizes.d_model };
    let mut written = products.linear(weights, &[output], &z, inner).await?;
    Ok((written.pop().unwrap_or_default(), traces))
}

/// Queries, keys and values of all positions, as the matrices give them.
struct Projected<'a> {
    /// `[all positions, width]`, one for a fused matrix, three otherwise.
    parts: Vec<(Vec<f32>, usize)>,
    qkv: &'a Qkv,
    sizes: Sizes,
}

impl<'a> Projected<'a> {
    async fn of(
        weights: &LayerWeights<'_>,
        products: &mut impl Products,
        attention: &'a Attention,
        x: &[f32],
    ) -> Result<Self, ModelError> {
        let sizes = weights.model.arch.sizes();
        let (queries, keys) = (sizes.n_heads * sizes.d_head, sizes.n_kv_heads * sizes.d_head);
        let map = |linear, d_out| Map { linear, d_out };
        let maps = match &attention.qkv {
            Qkv::Fused { linear, .. } => vec![map(linear, queries + 2 * keys)],
            Qkv::Separate { q, k, v } => vec![map(q, queries), map(k, keys), map(v, keys)],
        };
        let values = products.linear(weights, &maps, x, sizes.d_model).await?;
        let parts = values.into_iter().zip(maps.iter().map(|map| map.d_out)).collect();
        Ok(Self { parts, qkv: &attention.qkv, sizes })
    }

    /// One projection of a prompt, `[n_heads, n, d_head]`.
    fn heads(&self, projection: Projection, n_heads: usize, start: usize, n: usize) -> Vec<f32> {
        let (values, width) =
            &self.parts[if self.parts.len() == 1 { 0 } else { projection as usize }];
        let d_head = self.sizes.d_head;
        let mut heads = Vec::with_capacity(n_heads * n * d_head);
        for head in 0..n_heads {
            let column = self.sizes.head_start(self.qkv.order(), projection, head);
            for row in values[start * width..(start + n) * width].chunks_exact(*width) {
                heads.extend_from_slice(&row[column..column + d_head]);
            }
        }
        heads
    }
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

/// The norms of queries and of keys, read.
struct HeadNorms {
    q: HeadNorm,
    k: HeadNorm,
}

/// The norm of queries, or of keys.
struct HeadNorm {
    kind: NormKind,
    eps: f64,
    /// The heads are normed together.
    together: bool,
    /// `[d_head]` for all heads, or one after the other.
    gains: Vec<f64>,
    bias: Option<Vec<f64>>,
}

impl HeadNorms {
    fn read(weights: &LayerWeights<'_>, norm: &QkNorm) -> Result<Self, ModelError> {
        let sizes = weights.model.arch.sizes();
        let one = |norm: &Norm, n: usize, together: bool| -> Result<HeadNorm, ModelError> {
            let (gains, bias) = weights.norm(norm, n)?;
            Ok(HeadNorm { kind: norm.kind, eps: norm.eps, together, gains, bias })
        };
        let each = |norms: &[Norm]| -> Result<HeadNorm, ModelError> {
            let mut all = HeadNorm {
                kind: NormKind::Layer,
                eps: 0.0,
                together: false,
                gains: Vec::new(),
                bias: None,
            };
            for norm in norms {
                let (gains, bias) = weights.norm(norm, sizes.d_head)?;
                (all.kind, all.eps) = (norm.kind, norm.eps);
                all.gains.extend(gains);
                if let Some(bias) = bias {
                    all.bias.get_or_insert_default().extend(bias);
                }
            }
            Ok(all)
        };
        let (queries, keys) = (sizes.n_heads * sizes.d_head, sizes.n_kv_heads * sizes.d_head);
        Ok(match norm {
            QkNorm::Shared { q, k } => {
                Self { q: one(q, sizes.d_head, false)?, k: one(k, sizes.d_head, false)? }
            }
            QkNorm::Together { q, k } => Self { q: one(q, queries, true)?, k: one(k, keys, true)? },
            QkNorm::Each { q, k } => Self { q: each(q)?, k: each(k)? },
        })
    }
}

impl HeadNorm {
    /// Norms `[n_heads, n, d_head]` in place; returns the divisors `[n_heads, n]`.
    fn apply(&self, heads: &mut [f32], n: usize, d_head: usize) -> Vec<f32> {
        if self.kind == NormKind::Layer {
            heads.chunks_exact_mut(d_head).for_each(norm::center);
        }
        let mut squares: Vec<f64> = heads.chunks_exact(d_head).map(norm::mean_square).collect();
        if self.together {
            let n_heads = squares.len() / n.max(1);
            for t in 0..n {
                let mean = squares.iter().skip(t).step_by(n).sum::<f64>() / n_heads as f64;
                squares.iter_mut().skip(t).step_by(n).for_each(|s| *s = mean);
            }
        }
        let shared = self.gains.len() == d_head;
        let of_head = |values: &'_ [f64], head: usize| {
            let start = if shared { 0 } else { head * d_head };
            start..(start + d_head).min(values.len())
        };
        let mut scales = Vec::with_capacity(squares.len());
        for (i, (row, square)) in heads.chunks_exact_mut(d_head).zip(squares).enumerate() {
            let scale = (square + self.eps).sqrt();
            let gains = &self.gains[of_head(&self.gains, i / n)];
            let bias = self.bias.as_ref().and_then(|b| b.get(of_head(b, i / n)));
            norm::finish(row, scale, gains, bias);
            scales.push(scale as f32);
        }
        scales
    }
}

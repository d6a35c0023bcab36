//! The norms of queries and keys.

use super::norm;
use super::weights::LayerWeights;
use crate::model::ModelError;
use crate::model::architecture::{Norm, NormKind, QkNorm, Sizes};

/// The norms of queries and of keys, read.
pub(super) struct HeadNorms {
    pub(super) q: HeadNorm,
    pub(super) k: HeadNorm,
}

/// The norm of queries, or of keys.
pub(super) struct HeadNorm {
    kind: NormKind,
    eps: f64,
    /// The heads are normed together.
    together: bool,
    /// `[d_head]` for all heads, or one after the other.
    gains: Vec<f64>,
    bias: Option<Vec<f64>>,
}

impl HeadNorms {
    pub(super) fn read(
        weights: &LayerWeights<'_>,
        norm: &QkNorm,
        sizes: Sizes,
    ) -> Result<Self, ModelError> {
        let one = |norm: &Norm, shape: &[usize], together: bool| -> Result<HeadNorm, ModelError> {
            let (gains, bias) = weights.norm(norm, shape.iter().product())?;
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
        let Sizes { n_heads, n_kv_heads, d_head, .. } = sizes;
        Ok(match norm {
            QkNorm::Shared { q, k } => {
                Self { q: one(q, &[d_head], false)?, k: one(k, &[d_head], false)? }
            }
            QkNorm::Together { q, k } => Self {
                q: one(q, &[n_heads * d_head], true)?,
                k: one(k, &[n_kv_heads * d_head], true)?,
            },
            QkNorm::Rows { q, k } => Self {
                q: one(q, &[n_heads, d_head], false)?,
                k: one(k, &[n_kv_heads, d_head], false)?,
            },
            QkNorm::Each { q, k } => Self { q: each(q)?, k: each(k)? },
        })
    }
}

impl HeadNorm {
    /// An RMS norm without gains.
    pub(super) fn bare(eps: f64, d_head: usize) -> Self {
        let gains = vec![1.0; d_head];
        Self { kind: NormKind::Rms, eps, together: false, gains, bias: None }
    }

    /// Norms `[n_heads, n, d_head]` in place; returns the divisors `[n_heads, n]`.
    pub(super) fn apply(&self, heads: &mut [f32], n: usize, d_head: usize) -> Vec<f32> {
        if self.kind.centres() {
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

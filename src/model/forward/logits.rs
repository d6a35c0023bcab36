//! The last residual stream to logits.

use super::{linear, norm};
use crate::model::architecture::Orientation;
use crate::model::{Model, ModelError};

/// Values of `W_U` that are in memory at once.
const BLOCK: usize = 1 << 22;

/// Logits `[n, d_vocab]` of `x: [n, d_model]`, which the final norm has seen.
pub(super) fn of(model: &Model, x: &[f32]) -> Result<Vec<f32>, ModelError> {
    let d = model.arch.d_model;
    let Some(unembedding) = &model.arch.unembedding else {
        return Err(ModelError::CannotRun {
            reason: "the files have no unembedding, so there are no logits".into(),
        });
    };
    let mut x = x.to_vec();
    if let Some((dense, activation, dense_norm)) = &unembedding.transform {
        x = linear::apply(model, dense, &x, d, d)?;
        activation.apply(&mut x);
        x = norm::maybe(model, Some(dense_norm), &x)?.0;
    }
    let weight = &unembedding.linear.weight;
    let shape = model.check(weight, &[None, None])?;
    let (d_vocab, d_embed) = (shape[0], shape[1]);
    if let Some(project) = &unembedding.project {
        x = linear::apply(model, project, &x, d, d_embed)?;
    } else {
        model.check(weight, &[Some(d_vocab), Some(d)])?;
    }
    let n = x.len() / d_embed.max(1);
    let mut logits = vec![0.0; n * d_vocab];
    let rows_at_once = (BLOCK / d_embed.max(1)).max(1);
    for first in (0..d_vocab).step_by(rows_at_once) {
        let rows = first..(first + rows_at_once).min(d_vocab);
        let block = model.checkpoint.read_rows(weight, rows.clone())?.f32s()?;
        let part = linear::product(&x, &block, Orientation::OutIn, d_embed, rows.len());
        for (row, part) in logits.chunks_exact_mut(d_vocab).zip(part.chunks_exact(rows.len())) {
            row[rows.clone()].copy_from_slice(part);
        }
    }
    if let Some(bias) = &unembedding.linear.bias {
        linear::add_bias(&mut logits, &model.read(bias, &[Some(d_vocab)])?.f32s()?);
    }
    if let Some(cap) = unembedding.cap {
        logits.iter_mut().for_each(|x| *x = (cap * (f64::from(*x) / cap).tanh()) as f32);
    }
    Ok(logits)
}

//! The last residual stream to logits.

use super::weights::Weights;
use super::{linear, norm};
use crate::model::architecture::{Linear, Orientation};
use crate::model::{Model, ModelError};

/// Logits `[n, d_vocab]` of `x: [n, d_model]`, which the final norm has seen.
pub(super) fn of(model: &Model, x: &[f32]) -> Result<Vec<f32>, ModelError> {
    let d = model.arch.d_model;
    let Some(unembedding) = &model.arch.unembedding else {
        return Err(ModelError::CannotRun {
            reason: "the files have no unembedding, so there are no logits".into(),
        });
    };
    let (weights, mut x) = (&Weights::of(model), x.to_vec());
    if let Some((dense, activation, dense_norm)) = &unembedding.transform {
        x = linear::apply(weights, dense, &x, d, d)?;
        activation.apply(&mut x);
        x = norm::maybe(weights, Some(dense_norm), &x)?.0;
    }
    let shape = model.check(&unembedding.linear.weight, &[None, None])?;
    let (d_vocab, d_embed) = (shape[0], shape[1]);
    if let Some(project) = &unembedding.project {
        x = linear::apply(weights, project, &x, d, d_embed)?;
    } else {
        model.check(&unembedding.linear.weight, &[Some(d_vocab), Some(d)])?;
    }
    let map = Linear { orientation: Orientation::OutIn, ..unembedding.linear.clone() };
    let mut logits = linear::apply(weights, &map, &x, d_embed, d_vocab)?;
    if let Some(cap) = unembedding.cap {
        logits.iter_mut().for_each(|x| *x = (cap * (f64::from(*x) / cap).tanh()) as f32);
    }
    Ok(logits)
}

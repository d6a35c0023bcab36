//! The last residual stream to logits.

use super::norm;
use super::products::{Map, Products};
use super::weights::LayerWeights;
use crate::model::architecture::{Linear, Orientation};
use crate::model::{Model, ModelError};

/// Logits `[n, d_vocab]` of `x: [n, d_model]`, which the final norm has seen.
pub(super) async fn of(
    model: &Model,
    products: &mut impl Products,
    x: &[f32],
) -> Result<Vec<f32>, ModelError> {
    let d = model.arch.d_model;
    let Some(unembedding) = &model.arch.unembedding else {
        return Err(ModelError::CannotRun {
            reason: "the files have no unembedding, so there are no logits".into(),
        });
    };
    let (weights, mut x) = (&LayerWeights::of(model), x.to_vec());
    let mut through = async |linear: &Linear, d_out: usize, x: &[f32], d_in: usize| {
        let mut y = products.linear(weights, &[Map { linear, d_out }], x, d_in).await?;
        Ok::<_, ModelError>(y.pop().unwrap_or_default())
    };
    if let Some((dense, activation, dense_norm)) = &unembedding.transform {
        x = through(dense, d, &x, d).await?;
        activation.apply(&mut x);
        x = norm::maybe(weights, Some(dense_norm), &x)?.0;
    }
    let shape = model.check(&unembedding.linear.weight, &[None, None])?;
    let (d_vocab, d_embed) = (shape[0], shape[1]);
    if let Some(project) = &unembedding.project {
        x = through(project, d_embed, &x, d).await?;
    } else {
        model.check(&unembedding.linear.weight, &[Some(d_vocab), Some(d)])?;
    }
    let map = Linear { orientation: Orientation::OutIn, ..unembedding.linear.clone() };
    let mut logits = through(&map, d_vocab, &x, d_embed).await?;
    if unembedding.scale != 1.0 {
        logits.iter_mut().for_each(|x| *x *= unembedding.scale as f32);
    }
    if let Some(cap) = unembedding.cap {
        logits.iter_mut().for_each(|x| *x = (cap * (f64::from(*x) / cap).tanh()) as f32);
    }
    Ok(logits)
}

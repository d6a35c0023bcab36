//! The last residual stream to logits.

use super::products::{Cpu, Map, Products, ready};
use super::weights::LayerWeights;
use super::{ForwardPass, norm};
use crate::model::architecture::{Linear, Orientation};
use crate::model::{Model, ModelError};

impl ForwardPass {
    /// Logits `[positions, d_vocab]` at `(prompt, position)` pairs; `W_U` is read in blocks of rows.
    ///
    /// # Errors
    /// [`ModelError::CannotRun`] if the files have no unembedding, [`ModelError::OutOfRange`], or what reading says.
    pub fn logits(
        &self,
        model: &Model,
        positions: &[(usize, usize)],
    ) -> Result<Vec<f32>, ModelError> {
        ready(self.logits_by(&mut Cpu, model, positions))
    }

    /// As [`ForwardPass::logits`], with `products` made by somebody else.
    ///
    /// # Errors
    /// As [`ForwardPass::logits`], and what `products` says.
    pub async fn logits_by(
        &self,
        products: &mut impl Products,
        model: &Model,
        positions: &[(usize, usize)],
    ) -> Result<Vec<f32>, ModelError> {
        let main = model.arch.main();
        let Some(state) = self.states.get(main) else { return Ok(Vec::new()) };
        let d = state.d_model;
        let mut x = Vec::with_capacity(positions.len() * d);
        for &(prompt, position) in positions {
            let rows = state.prompt(prompt);
            let row = rows.get(position * d..(position + 1) * d);
            let count = rows.len() / d.max(1);
            x.extend(row.ok_or(ModelError::OutOfRange {
                what: "position",
                index: position,
                count,
            })?);
        }
        let x = norm::maybe(&LayerWeights::of(model), model.arch.final_norm(), &x, d)?.0;
        of(model, products, &x).await
    }
}

/// Logits `[n, d_vocab]` of `x: [n, d_model]`, which the final norm has seen.
async fn of(
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
        x = norm::maybe(weights, Some(dense_norm), &x, d)?.0;
    }
    let linear = &unembedding.linear;
    let shape = model.check(&linear.weight, &[None, None])?;
    let (d_vocab, d_embed) = match linear.orientation {
        Orientation::OutIn => (shape[0], shape[1]),
        Orientation::InOut => (shape[1], shape[0]),
    };
    if let Some(project) = &unembedding.project {
        x = through(project, d_embed, &x, d).await?;
    } else if d_embed != d {
        let (name, found) = (linear.weight.clone(), shape.to_vec());
        let (family, expected) = (model.arch.family, vec![d_vocab, d]);
        return Err(ModelError::Shape { name, family, expected, found });
    }
    let mut logits = through(linear, d_vocab, &x, d_embed).await?;
    if unembedding.scale != 1.0 {
        logits.iter_mut().for_each(|x| *x *= unembedding.scale as f32);
    }
    if let Some(cap) = unembedding.cap {
        logits.iter_mut().for_each(|x| *x = (cap * (f64::from(*x) / cap).tanh()) as f32);
    }
    Ok(logits)
}

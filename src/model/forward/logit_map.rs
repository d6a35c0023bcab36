//! From the summands of the last residual stream to their shares of the logits, and back.
//!
//! With the final norm's scale held at its value the way from the stream to the logits is linear, and a summand divided by that
//! scale has a share of them. Gains, bias and centring of the final norm are folded in, so that no summand needs a norm.

use super::linear;
use super::norm;
use super::products::Map;
use super::weights::LayerWeights;
use crate::model::architecture::{Linear, NormKind, Orientation, Unembedding};
use crate::model::{Model, ModelError};

/// Weights of an unembedding that are decoded at a time.
const AT_ONCE: usize = 1 << 20;

/// The unembedding with the final norm folded in; `W_U` stays in the files and is read in blocks of rows.
pub struct LogitMap<'a> {
    model: &'a Model,
    unembedding: &'a Unembedding,
    /// The kind and gains of the final norm.
    norm: Option<(NormKind, Vec<f64>)>,
    /// `b_U: [d_vocab]`, the norm's bias folded in.
    pub bias: Vec<f32>,
    d_vocab: usize,
    d_embed: usize,
}

impl<'a> LogitMap<'a> {
    /// Prepares the map; reads `W_U` once if the final norm has a bias.
    ///
    /// # Errors
    /// [`ModelError::CannotRun`] without an unembedding, or with one that is not linear (BERT's has a layer of its own); what
    /// reading says.
    pub fn read(model: &'a Model) -> Result<Self, ModelError> {
        let refuse = |reason: &str| Err(ModelError::CannotRun { reason: reason.into() });
        let Some(unembedding) = &model.arch.unembedding else {
            return refuse("the files have no unembedding, so there are no logits");
        };
        if unembedding.transform.is_some() {
            return refuse(
                "its logits come from a layer of their own, so the stream's summands have no share in them",
            );
        }
        let d = model.arch.d_model;
        let shape = model.check(&unembedding.linear.weight, &[None, None])?;
        let (d_vocab, d_embed) = (shape[0], shape[1]);
        if unembedding.project.is_none() {
            model.check(&unembedding.linear.weight, &[Some(d_vocab), Some(d)])?;
        }
        let norm = model.arch.final_norm();
        let values = norm.map(|norm| model.read_norm(norm, d)).transpose()?;
        let (gains, norm_bias) = values.map_or((None, None), |(gains, bias)| (Some(gains), bias));
        let norm = norm.map(|norm| norm.kind).zip(gains);
        let mut map = Self { model, unembedding, norm, bias: Vec::new(), d_vocab, d_embed };
        let weights = LayerWeights::of(model);
        map.bias = match norm_bias {
            Some(bias) => {
                let bias: Vec<f32> = bias.iter().map(|&x| x as f32).collect();
                map.through(&weights, &bias, true)?
            }
            None => map.through(&weights, &vec![0.0; d], true)?,
        };
        Ok(map)
    }

    /// Soft-cap of the logits.
    pub fn cap(&self) -> Option<f64> {
        self.unembedding.cap
    }

    /// Number of logits.
    pub fn d_vocab(&self) -> usize {
        self.d_vocab
    }

    /// What the final norm divides each row of `x: [n, d_model]` by; ones without a norm.
    ///
    /// # Errors
    /// What reading says.
    pub fn scales(&self, x: &[f32]) -> Result<Vec<f32>, ModelError> {
        let (weights, arch) = (LayerWeights::of(self.model), &self.model.arch);
        Ok(norm::maybe(&weights, arch.final_norm(), x, arch.d_model)?.1)
    }

    /// The shares `[n, d_vocab]` that summands `x: [n, d_model]`, already divided by the norm's scale, have in the logits; `b_U` is
    /// in none of them. Before any soft-cap.
    ///
    /// # Errors
    /// What reading says.
    pub fn shares(&self, x: &[f32]) -> Result<Vec<f32>, ModelError> {
        let mut x = x.to_vec();
        if let Some((kind, gains)) = &self.norm {
            for row in x.chunks_exact_mut(self.model.arch.d_model) {
                if kind.centres() {
                    norm::center(row);
                }
                norm::finish(row, 1.0, gains, None);
            }
        }
        self.through(&LayerWeights::of(self.model), &x, false)
    }

    /// `Σ_t w_t W_U[:, t]`, `[d_model]`: the direction of a summand, divided by the norm's scale, along which these logits grow.
    ///
    /// # Errors
    /// What reading says.
    pub fn direction(&self, w: &[f64]) -> Result<Vec<f64>, ModelError> {
        let (weights, linear) = (LayerWeights::of(self.model), self.rows());
        let mut sum = vec![0.0; self.d_embed];
        let (d_in, d_out) = (self.d_embed, self.d_vocab);
        weights.parts(&linear, d_in, d_out, AT_ONCE, |part| {
            let rows = part.values.chunks_exact(d_in.max(1));
            for (row, w) in rows.zip(w.get(part.outputs.clone()).unwrap_or_default()) {
                if *w != 0.0 {
                    sum.iter_mut().zip(row).for_each(|(s, x)| *s += w * f64::from(*x));
                }
            }
        })?;
        let mut found = match &self.unembedding.project {
            Some(project) => back(&weights, project, self.model.arch.d_model, &sum)?,
            None => sum,
        };
        found.iter_mut().for_each(|x| *x *= self.unembedding.scale);
        if let Some((kind, gains)) = &self.norm {
            found.iter_mut().zip(gains).for_each(|(x, g)| *x *= g);
            if kind.centres() {
                let mean = found.iter().sum::<f64>() / found.len().max(1) as f64;
                found.iter_mut().for_each(|x| *x -= mean);
            }
        }
        Ok(found)
    }

    fn rows(&self) -> Linear {
        Linear { orientation: Orientation::OutIn, ..self.unembedding.linear.clone() }
    }

    fn through(
        &self,
        weights: &LayerWeights<'_>,
        x: &[f32],
        biased: bool,
    ) -> Result<Vec<f32>, ModelError> {
        let (d, mut linear) = (self.model.arch.d_model, self.rows());
        let projected = match &self.unembedding.project {
            Some(project) => {
                let mut project = project.clone();
                project.bias = project.bias.filter(|_| biased);
                let map = Map { linear: &project, d_out: self.d_embed };
                linear::apply(weights, map, x, d)?
            }
            None => x.to_vec(),
        };
        linear.bias = linear.bias.filter(|_| biased);
        let map = Map { linear: &linear, d_out: self.d_vocab };
        let mut logits = linear::apply(weights, map, &projected, self.d_embed)?;
        if self.unembedding.scale != 1.0 {
            logits.iter_mut().for_each(|x| *x *= self.unembedding.scale as f32);
        }
        Ok(logits)
    }
}

/// `y Wᵀ: [d_in]` for `y: [d_out]` of a linear map.
fn back(
    weights: &LayerWeights<'_>,
    linear: &Linear,
    d_in: usize,
    y: &[f64],
) -> Result<Vec<f64>, ModelError> {
    let mut x = vec![0.0; d_in];
    weights.parts(linear, d_in, y.len(), AT_ONCE, |part| {
        let (inputs, outputs) = (part.inputs.clone(), part.outputs.clone());
        let at = |input: usize, output: usize| match part.orientation {
            Orientation::OutIn => part.values[output * inputs.len() + input],
            Orientation::InOut => part.values[input * outputs.len() + output],
        };
        for (i, x) in x[inputs.clone()].iter_mut().enumerate() {
            let products =
                y[outputs.clone()].iter().enumerate().map(|(o, y)| y * f64::from(at(i, o)));
            *x += products.sum::<f64>();
        }
    })?;
    Ok(x)
}

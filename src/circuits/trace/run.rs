//! One clean run of a prompt, as the trace reads it, and what the model says of its layers: the only place that asks.

use crate::circuits::error::CircuitError;
use crate::circuits::sad::components::model::LATENT;
use crate::circuits::sad::run::{HeadParts, LayerRun};
use crate::circuits::sad::terms::View;
use crate::math::statistics;
use crate::model::architecture::{Alibi, Attention, Layer};
use crate::model::forward::LogitMap;
use crate::model::{AttentionLayer, LayerTrace, Model, ModelError, Part, Weights};

use super::images::own_values;

/// What a forward pass leaves of one prompt: the traces of all layers and the last residual stream.
#[derive(Clone, Copy)]
pub struct CleanRun<'a> {
    /// The model.
    pub model: &'a Model,
    /// Its layers' traces.
    pub traces: &'a [LayerTrace],
    /// The residual stream behind the last layer, `[n, d_model]`.
    pub last: &'a [f32],
}

/// How attention follows from a head's bilinear scores.
#[derive(Clone, Copy)]
pub(super) struct Scoring<'a> {
    attention: &'a Attention,
    /// What ALiBi adds at a source, where there is ALiBi.
    alibi: Option<(&'a Alibi, usize)>,
    /// One more logit, whose share of the softmax is dropped.
    sink: Option<f64>,
}

impl<'a> CleanRun<'a> {
    /// Number of positions.
    pub fn n(&self) -> usize {
        self.traces.first().map_or(0, |trace| trace.n)
    }

    /// Number of layers.
    pub fn n_layers(&self) -> usize {
        self.model.arch.n_layers
    }

    pub(super) fn n_heads(&self, layer: usize) -> usize {
        self.model.arch.n_heads_of(layer)
    }

    pub(super) fn d_model(&self) -> usize {
        self.model.arch.d_model
    }

    pub(super) fn trace(&self, layer: usize) -> Result<&'a LayerTrace, CircuitError> {
        let (found, needed) = (self.traces.len(), layer + 1);
        let absent = CircuitError::TooFew { what: "traces of layers".into(), found, needed };
        self.traces.get(layer).ok_or(absent)
    }

    pub(super) fn attention(&self, layer: usize) -> Result<&'a Attention, ModelError> {
        self.model.attention(layer)
    }

    pub(super) fn view(&self, layer: usize) -> Result<View, ModelError> {
        let attention = self.attention(layer)?;
        Ok(View { causal: attention.causal, window: attention.window })
    }

    pub(super) fn scoring(&self, layer: usize, head: usize) -> Result<Scoring<'a>, ModelError> {
        let alibi = self.model.arch.alibi.as_ref().map(|alibi| (alibi, head));
        let attention = self.attention(layer)?;
        let sinks = attention.sinks.as_deref();
        let sinks = sinks.map(|name| self.model.read_vector(name, attention.sizes.n_heads));
        let sink = sinks.transpose()?.and_then(|sinks| sinks.get(head).copied());
        Ok(Scoring { attention, alibi, sink })
    }

    /// Queries, keys and pattern of a head.
    pub(super) fn head(&self, layer: usize, head: usize) -> Result<HeadParts<'a>, CircuitError> {
        self.layer_run(layer)?.head(head)
    }

    /// Values `[n, d_value]` of a query head's key/value head, bias included.
    pub(super) fn values(&self, layer: usize, head: usize) -> Result<&'a [f32], CircuitError> {
        let (trace, sizes) = (self.trace(layer)?, self.attention(layer)?.sizes);
        let (group, width) = (sizes.kv_head(head), trace.n * sizes.d_value);
        let absent =
            CircuitError::OutOfRange { what: "head", index: head, count: self.n_heads(layer) };
        trace.v.get(group * width..(group + 1) * width).ok_or(absent)
    }

    /// What the final norm divides by at a position; 1 without one.
    ///
    /// # Errors
    /// What reading says.
    pub fn scale_of(&self, map: &LogitMap<'_>, at: usize) -> Result<f64, ModelError> {
        let row = self.last.get(at * self.d_model()..(at + 1) * self.d_model());
        let scales = map.scales(row.unwrap_or_default())?;
        Ok(scales.first().copied().map_or(1.0, f64::from))
    }

    /// Attention times value for each source of `dest`, `[n, d_value]`, and `d_value`; what a head's values hold wherever they are read is
    /// taken out.
    ///
    /// # Errors
    /// What reading says.
    pub fn mixed_values(
        &self,
        layer: usize,
        head: usize,
        dest: usize,
    ) -> Result<(usize, Vec<f64>), CircuitError> {
        let attention = AttentionLayer::read(self.model, layer, Part::Ov)?;
        let mut constant = attention.b_o(Weights::Raw)?;
        let values = own_values(*self, &attention, layer, head, &mut constant)?;
        let rows = values.column_iter().enumerate();
        let mixed = rows.flat_map(|(src, value)| {
            let attends = self.attends(layer, head, dest, src);
            value.iter().map(|x| attends * x).collect::<Vec<_>>()
        });
        Ok((values.nrows(), mixed.collect()))
    }

    /// The attention of a pair; 0 where there is none.
    pub fn attends(&self, layer: usize, head: usize, dest: usize, src: usize) -> f64 {
        let n = self.n();
        let at = self.traces.get(layer).and_then(|t| t.pattern.get((head * n + dest) * n + src));
        at.copied().map_or(0.0, f64::from)
    }

    /// # Errors
    /// [`ModelError::CannotRun`] for a model with several stacks, or layers that are no attention: what a trace finds is a sum over the
    /// heads of one stream.
    pub(super) fn check_model(&self) -> Result<(), ModelError> {
        let arch = &self.model.arch;
        let several = "a trace follows one stream, and this model has several stacks of layers";
        let mixed = "a trace takes apart attention, and layers of this model pass along the prompt by something else";
        let moved =
            "layers of this model move more than the one stream that attention and MLP write into";
        let refused = [
            (arch.layers.iter().any(Layer::moves_more_than_one_stream), moved),
            (arch.stacks.len() > 1, several),
            (arch.layers.iter().any(|layer| layer.mixer.is_some()), mixed),
        ];
        let reason = refused.into_iter().find_map(|(is, reason)| is.then_some(reason));
        reason.map_or(Ok(()), |reason| Err(ModelError::CannotRun { reason: reason.into() }))
    }

    /// # Errors
    /// [`ModelError::CannotRun`] for heads whose queries and keys are no sums of what was written before them, or whose attention
    /// comes from more than those.
    pub(super) fn check_readers(&self, layer: usize) -> Result<(), ModelError> {
        let attention = self.attention(layer)?;
        let normed = "queries and keys are normed after they have turned, so what was written before has no fixed share in them";
        let distances =
            "relative positions add to its scores, and a trace takes apart queries and keys alone";
        let grid =
            "its queries and keys turn with the place in an image, which a trace does not follow";
        let refused = [
            (attention.qkv.latent().is_some(), LATENT),
            (attention.turns_before_norm, normed),
            (attention.relative.is_some(), distances),
            (attention.grid_rope.is_some(), grid),
        ];
        refuse(layer, refused.into_iter().find_map(|(is, reason)| is.then_some(reason)))
    }

    /// # Errors
    /// [`ModelError::CannotRun`] for heads whose output is no sum over the tokens that they read.
    pub(super) fn check_writers(&self, layer: usize) -> Result<(), ModelError> {
        let reason = "a gate multiplies what its heads write, so a token that is read has no fixed share in it";
        let refused = self.attention(layer)?.gated;
        refuse(layer, refused.then_some(reason))
    }

    /// Attention sums to one, so that what every value holds is added whole wherever a head looks.
    pub(super) fn sums_to_one(&self, layer: usize) -> bool {
        self.model.arch.attention(layer).is_some_and(|attention| attention.sinks.is_none())
    }

    fn layer_run(&self, layer: usize) -> Result<LayerRun<'a>, CircuitError> {
        let (index, count) = (layer, self.n_layers());
        let absent = CircuitError::OutOfRange { what: "layer", index, count };
        LayerRun::of(&self.model.arch, self.trace(layer)?).ok_or(absent)
    }
}

fn refuse(layer: usize, reason: Option<&str>) -> Result<(), ModelError> {
    let refusal = |reason| ModelError::CannotRun {
        reason: format!("layer {layer} cannot be traced: {reason}"),
    };
    reason.map_or(Ok(()), |reason| Err(refusal(reason)))
}

impl Scoring<'_> {
    /// What a bilinear score becomes under the soft-cap.
    pub(super) fn capped(&self, score: f64) -> f64 {
        self.attention.score_cap.map_or(score, |cap| cap * (score / cap).tanh())
    }

    /// The derivative of [`Scoring::capped`].
    pub(super) fn cap_slope(&self, score: f64) -> f64 {
        self.attention.score_cap.map_or(1.0, |cap| 1.0 - (score / cap).tanh().powi(2))
    }

    pub(super) fn scale(&self) -> f64 {
        self.attention.score_scale
    }

    /// What ALiBi adds at each visible source; `None` without ALiBi.
    pub(super) fn alibi(&self, visible: std::ops::Range<usize>) -> Option<Vec<f64>> {
        self.alibi.map(|(alibi, head)| visible.map(|src| alibi.at(head, src)).collect())
    }

    /// Attention over the visible sources from their bilinear scores and from what is added behind the cap, both times `alpha`.
    pub(super) fn attention(&self, alpha: f64, scores: &[f64], added: &[f64]) -> Vec<f64> {
        let logit = |(i, s): (usize, &f64)| {
            self.capped(alpha * s) + alpha * added.get(i).copied().unwrap_or(0.0)
        };
        let mut logits: Vec<f64> = scores.iter().enumerate().map(logit).collect();
        logits.extend(self.sink);
        let mut attention = statistics::softmax(&logits);
        attention.truncate(scores.len());
        attention
    }
}

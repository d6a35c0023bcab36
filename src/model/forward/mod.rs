//! The forward pass, one layer's weights in memory at a time.
//!
//! A [`ForwardPass`] holds the residual stream of a batch of prompts of any lengths. Each [`ForwardPass::step`] reads one layer, moves
//! the stream through it, and can hand back what every head saw and did ([`LayerTrace`]). The caller owns the loop, so stopping
//! early, progress and cancelling come free; a clone of the pass taken before a layer reruns the model from there.
//!
//! Memory is one layer's bytes, or some 16 MB of a matrix where the layer is larger than 64 MB, plus activations.

mod attention;
mod embed;
mod head_norms;
mod linear;
mod logit_map;
mod logits;
mod mixture;
mod mlp;
mod norm;
mod product;
mod products;
mod projected;
mod trace;
mod weights;

pub use logit_map::LogitMap;
pub use products::{Cpu, Map, MlpMaps, Products, ready};
pub use trace::{LayerTrace, Site};
pub use weights::{LayerWeights, RowBlock, layer_bytes};

use std::collections::BTreeMap;

use super::architecture::Mlp;
use super::{Model, ModelError};
use attention::{Batch, Kept};

/// A change of one head's scores `[n, n]` (dest, src) before the mask and the softmax.
pub type EditScores<'a> = dyn FnMut(Site, &mut [f32]) + 'a;

/// A batch of prompts on its way through a model.
#[derive(Debug, Clone, PartialEq)]
pub struct ForwardPass {
    /// Number of positions of each prompt.
    lengths: Vec<usize>,
    /// `[all positions, d_model]`, the prompts one after the other.
    resid: Vec<f32>,
    d_model: usize,
    next_layer: usize,
    /// Keys and values that later layers use, by their layer.
    kept: BTreeMap<usize, Kept>,
}

/// An image as the processors of the libraries hand it over: `[channels, height, width]`, normalised.
#[derive(Debug, Clone, PartialEq)]
pub struct Image {
    /// Channels, height, width.
    pub shape: [usize; 3],
    /// The values, row-major.
    pub pixels: Vec<f32>,
}

impl ForwardPass {
    /// Embeds prompts of token ids.
    ///
    /// # Errors
    /// [`ModelError::CannotRun`], [`ModelError::EmptyPrompt`], [`ModelError::OutOfRange`] for an id or a position that the model
    /// does not have, or what reading says.
    pub fn of_tokens(model: &Model, prompts: &[Vec<u32>]) -> Result<Self, ModelError> {
        runnable(model)?;
        let resid = embed::tokens(model, prompts)?;
        Self::of_hidden(model, 0, prompts.iter().map(Vec::len).collect(), resid)
    }

    /// Embeds one image, for the families that see.
    ///
    /// # Errors
    /// As [`ForwardPass::of_tokens`], and [`ModelError::Mismatch`] if the image has another size than the model's positions.
    pub fn of_image(model: &Model, image: &Image) -> Result<Self, ModelError> {
        runnable(model)?;
        let resid = embed::image(model, image)?;
        let n = resid.len() / model.arch.d_model;
        Ok(Self::at_start(model, vec![n], resid))
    }

    /// Starts before `layer` from a residual stream `[sum of lengths, d_model]`.
    ///
    /// # Errors
    /// [`ModelError::Mismatch`] if the sizes do not fit; [`ModelError::CannotRun`] if the stream is not all that the layers from
    /// there on need: some families use earlier layers' keys and values again.
    pub fn of_hidden(
        model: &Model,
        layer: usize,
        lengths: Vec<usize>,
        resid: Vec<f32>,
    ) -> Result<Self, ModelError> {
        let expected = lengths.iter().sum::<usize>() * model.arch.d_model;
        if resid.len() != expected {
            return Err(ModelError::Mismatch {
                what: "size of the residual stream".into(),
                first: format!("{} values", resid.len()),
                second: format!("{expected} for {} prompt(s)", lengths.len()),
            });
        }
        if let Some(reason) = model.arch.needs_more_than_the_stream(layer) {
            return Err(ModelError::CannotRun { reason });
        }
        Ok(Self { next_layer: layer, ..Self::at_start(model, lengths, resid) })
    }

    fn at_start(model: &Model, lengths: Vec<usize>, resid: Vec<f32>) -> Self {
        let d_model = model.arch.d_model;
        Self { lengths, resid, d_model, next_layer: 0, kept: BTreeMap::new() }
    }

    /// Number of positions of each prompt.
    pub fn lengths(&self) -> &[usize] {
        &self.lengths
    }

    /// The layer that the next step runs; the number of layers when all have run.
    pub fn next_layer(&self) -> usize {
        self.next_layer
    }

    /// The residual stream of a prompt, `[n, d_model]`, before [`ForwardPass::next_layer`]; empty past the last prompt.
    pub fn resid(&self, prompt: usize) -> &[f32] {
        let before: usize = self.lengths.iter().take(prompt).sum();
        let n = self.lengths.get(prompt).copied().unwrap_or(0);
        self.resid.get(before * self.d_model..(before + n) * self.d_model).unwrap_or_default()
    }

    /// Runs the next layer on the CPU. With `record` the traces of all prompts come back, else an empty list; `edit` may change
    /// any head's scores before their softmax.
    ///
    /// # Errors
    /// [`ModelError::OutOfRange`] after the last layer, [`ModelError::CannotRun`], or what reading says.
    pub fn step(
        &mut self,
        model: &Model,
        record: bool,
        edit: Option<&mut EditScores<'_>>,
    ) -> Result<Vec<LayerTrace>, ModelError> {
        ready(self.step_by(&mut Cpu, model, record, edit))
    }

    /// As [`ForwardPass::step`], with `products` made by somebody else. A step that fails leaves the pass where it was.
    ///
    /// # Errors
    /// As [`ForwardPass::step`], and what `products` says.
    pub async fn step_by(
        &mut self,
        products: &mut impl Products,
        model: &Model,
        record: bool,
        edit: Option<&mut EditScores<'_>>,
    ) -> Result<Vec<LayerTrace>, ModelError> {
        let index = self.next_layer;
        let layer = model.layer(index)?;
        let d = model.arch.d_model;
        let weights = LayerWeights::of_layer(model, index)?;
        let mlp_maps = MlpMaps::of(&weights, index)?;
        let normed = |which: &Option<_>, x: &[f32]| norm::maybe(&weights, which.as_ref(), x);

        let (input, mut input_scale) = normed(&layer.before_attention, &self.resid)?;
        let mut written = vec![0.0; self.resid.len()];
        let (mut traces, mut kept) = (Vec::new(), None);
        if let Some(attention) = &layer.attention {
            let shared = attention.keys_of.and_then(|source| self.kept.get(&source));
            let (x, lengths) = (&input, &self.lengths);
            let batch = Batch { layer: index, x, lengths, kept: shared };
            let found = attention::run(&weights, products, attention, batch, record, edit).await?;
            scale(&mut input_scale, 1.0 / attention.factors.input);
            (written, traces, kept) = (found.written, found.traces, Some(found.kept));
        } else if record {
            // A layer without heads still has something before and after it.
            let bare = |&n: &usize| LayerTrace { layer: index, n, ..LayerTrace::default() };
            traces = self.lengths.iter().map(bare).collect();
        }
        let (mut attention, mut output_scale) = normed(&layer.on_attention, &written)?;
        scale(&mut attention, layer.attention_factor);
        scale(&mut output_scale, 1.0 / layer.attention_factor);
        let mut resid = self.resid.clone();
        add(&mut resid, &attention);
        let (stream, after_attn_scale) = normed(&layer.after_attention, &resid)?;
        resid = stream;
        let (mlp_input, _) =
            normed(&layer.before_mlp, if layer.parallel { &self.resid } else { &resid })?;
        let written = match &layer.mlp {
            Mlp::Mixture(mixture) => {
                mixture::run(&weights, products, layer, mixture, &mlp_input).await?
            }
            _ => products.mlp(&weights, &mlp_maps, &mlp_input).await?,
        };
        let mut mlp = normed(&layer.on_mlp, &written)?.0;
        scale(&mut mlp, layer.mlp_factor);
        add(&mut resid, &mlp);
        let (stream, after_mlp_scale) = normed(&layer.after_mlp, &resid)?;
        resid = stream;
        let before = std::mem::replace(&mut self.resid, resid);
        self.next_layer += 1;
        if let Some(kept) = kept.filter(|_| model.arch.is_source(index)) {
            self.kept.insert(index, kept);
        }

        let mut start = 0;
        for trace in &mut traces {
            let (rows, values) = (start..start + trace.n, start * d..(start + trace.n) * d);
            trace.resid_pre = before[values.clone()].to_vec();
            trace.input_scale = input_scale[rows.clone()].to_vec();
            trace.attn_out = attention[values.clone()].to_vec();
            trace.attn_out_scale = output_scale[rows.clone()].to_vec();
            trace.after_attn_scale = after_attn_scale[rows.clone()].to_vec();
            trace.after_mlp_scale = after_mlp_scale[rows].to_vec();
            trace.mlp_out = mlp[values].to_vec();
            start += trace.n;
        }
        Ok(traces)
    }

    /// What the library reports as a prompt's hidden state before [`ForwardPass::next_layer`], `[n, d_model]`: after the last layer
    /// that is, in most families, the stream after the final norm.
    ///
    /// # Errors
    /// What reading says.
    pub fn hidden(&self, model: &Model, prompt: usize) -> Result<Vec<f32>, ModelError> {
        let at_end = self.next_layer >= model.arch.n_layers && model.arch.last_hidden_is_normed;
        let norm = model.arch.final_norm.as_ref().filter(|_| at_end);
        Ok(norm::maybe(&LayerWeights::of(model), norm, self.resid(prompt))?.0)
    }

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
        let mut x = Vec::with_capacity(positions.len() * self.d_model);
        for &(prompt, position) in positions {
            let rows = self.resid(prompt);
            let row = rows.get(position * self.d_model..(position + 1) * self.d_model);
            let count = rows.len() / self.d_model;
            x.extend(row.ok_or(ModelError::OutOfRange {
                what: "position",
                index: position,
                count,
            })?);
        }
        let weights = LayerWeights::of(model);
        let x = norm::maybe(&weights, model.arch.final_norm.as_ref(), &x)?.0;
        logits::of(model, products, &x).await
    }
}

fn runnable(model: &Model) -> Result<(), ModelError> {
    model.arch.cannot_run.clone().map_or(Ok(()), |reason| Err(ModelError::CannotRun { reason }))
}

fn scale(values: &mut [f32], factor: f64) {
    if factor != 1.0 {
        values.iter_mut().for_each(|x| *x = (f64::from(*x) * factor) as f32);
    }
}

fn add(to: &mut [f32], what: &[f32]) {
    to.iter_mut().zip(what).for_each(|(a, b)| *a += b);
}

//! The forward pass, one layer's weights in memory at a time.
//!
//! A [`ForwardPass`] holds the residual stream of a batch of prompts of any lengths. Each [`ForwardPass::step`] reads one layer, moves
//! the stream through it, and can hand back what every head saw and did ([`LayerTrace`]). The caller owns the loop, so stopping
//! early, progress and cancelling come free; a clone of the pass taken before a layer reruns the model from there.
//!
//! Memory is one layer's bytes, or some 16 MB of a matrix where the layer is larger than 64 MB, plus activations.

mod attention;
mod batch;
mod convolution;
mod embed;
mod embedded;
mod head_norms;
mod hidden;
mod image;
mod input;
mod linear;
mod logit_map;
mod logits;
mod mixers;
mod mixture;
mod mlp;
mod norm;
mod positions;
mod products;
mod projected;
mod side_streams;
mod sound;
mod trace;
mod weights;

pub use embedded::EmbeddingPart;
pub use input::{Image, Input, Spectrogram, beside_words};
pub use logit_map::LogitMap;
pub use products::{Cpu, Map, MlpMaps, Products, ready};
pub use trace::{LayerTrace, Site};
pub use weights::{LayerWeights, RowBlock, layer_bytes};

use std::collections::BTreeMap;

use super::architecture::Mlp;
use super::{Model, ModelError};
use attention::Kept;
use batch::{Batch, State};

/// A change of one head's scores `[n, n_src]` (dest, src) before the mask and the softmax.
pub type EditScores<'a> = dyn FnMut(Site, &mut [f32]) + 'a;

/// A batch of prompts on its way through a model.
#[derive(Debug, Clone, PartialEq)]
pub struct ForwardPass {
    /// One for each of the model's streams; those without an input are empty, and their layers are passed over.
    states: Vec<State>,
    /// The stream that the next layer moves; after the last layer the main one, if it has an input.
    stream: usize,
    next_layer: usize,
    /// Keys and values of the layers that later ones use again.
    kept: BTreeMap<usize, Kept>,
    /// What a head of a layer writes is multiplied.
    weighed: Option<(usize, usize, f32)>,
}

impl ForwardPass {
    /// Embeds prompts of token ids: for an encoder, the only stream, or the side that reads words.
    ///
    /// # Errors
    /// [`ModelError::CannotRun`], [`ModelError::EmptyPrompt`], [`ModelError::OutOfRange`] for an id or a position that the model
    /// does not have, or what reading says.
    pub fn of_tokens(model: &Model, prompts: &[Vec<u32>]) -> Result<Self, ModelError> {
        let reads = |stream: &&super::architecture::Stream| stream.embedding.tokens.is_some();
        let Some(stream) = model.arch.streams.iter().position(|s| reads(&s)) else {
            return Err(ModelError::CannotRun { reason: input::no_words(model) });
        };
        let mut pass = Self::empty(model)?;
        pass.states[stream] = embed::tokens(model, stream, prompts)?;
        Ok(pass.settled(model))
    }

    /// Embeds one prompt of whatever the model reads. Streams without an input are passed over.
    ///
    /// # Errors
    /// As [`ForwardPass::of_tokens`], and [`ModelError::Mismatch`] if an image or a spectrogram has another size than the model's
    /// positions.
    pub fn of_input(model: &Model, input: &Input) -> Result<Self, ModelError> {
        let mut pass = Self::empty(model)?;
        for stream in 0..model.arch.streams.len() {
            if let Some(state) = input::state(model, stream, input)? {
                pass.states[stream] = state;
            }
        }
        if pass.states.iter().all(|state| state.lengths.is_empty()) {
            return Err(ModelError::CannotRun { reason: input::wanted(model) });
        }
        Ok(pass.settled(model))
    }

    /// Starts before `layer` from its residual stream `[sum of lengths, d_model]`.
    ///
    /// # Errors
    /// [`ModelError::Mismatch`] if the sizes do not fit, [`ModelError::OutOfRange`] for a layer that does not exist,
    /// [`ModelError::CannotRun`] if the stream is not all that the layers from there on need.
    pub fn of_hidden(
        model: &Model,
        layer: usize,
        lengths: Vec<usize>,
        resid: Vec<f32>,
    ) -> Result<Self, ModelError> {
        let stack = model.arch.stacks.get(model.layer(layer)?.stack);
        let stream = stack.map_or(0, |stack| stack.stream);
        if let Some(reason) = model.arch.needs_more_than_the_stream(layer) {
            return Err(ModelError::CannotRun { reason });
        }
        let mut pass = Self::empty(model)?;
        pass.next_layer = layer;
        let state = &mut pass.states[stream];
        let expected = lengths.iter().sum::<usize>() * state.d_model;
        if resid.len() != expected {
            return Err(ModelError::Mismatch {
                what: "size of the residual stream".into(),
                first: format!("{} values", resid.len()),
                second: format!("{expected} for {} prompt(s)", lengths.len()),
            });
        }
        (state.lengths, state.resid) = (lengths, resid);
        Ok(pass.settled(model))
    }

    fn empty(model: &Model) -> Result<Self, ModelError> {
        if let Some(reason) = model.arch.cannot_run.clone() {
            return Err(ModelError::CannotRun { reason });
        }
        let states = model.arch.streams.iter().map(|s| State::empty(s.d_model)).collect();
        Ok(Self { states, stream: 0, next_layer: 0, kept: BTreeMap::new(), weighed: None })
    }

    /// Passes over layers whose stream has no input.
    fn settled(mut self, model: &Model) -> Self {
        self.settle(model);
        self
    }

    fn settle(&mut self, model: &Model) {
        let arch = &model.arch;
        while let Some(stack) = arch.stack_of(self.next_layer) {
            self.stream = stack.stream;
            if !self.states[self.stream].lengths.is_empty() {
                return;
            }
            self.next_layer += 1;
        }
        let full = |stream: &usize| self.states.get(*stream).is_some_and(|s| !s.lengths.is_empty());
        self.stream = Some(arch.main())
            .filter(full)
            .or_else(|| (0..self.states.len()).rev().find(full))
            .unwrap_or(0);
    }

    /// Number of positions of each prompt in the stream that [`ForwardPass::next_layer`] moves.
    pub fn lengths(&self) -> &[usize] {
        self.states.get(self.stream).map_or(&[], |state| &state.lengths)
    }

    /// Whether the stream that the answer comes from has read anything; an encoder's prompt says nothing to its decoder.
    pub fn answers(&self, model: &Model) -> bool {
        let main = self.states.get(model.arch.main());
        main.is_some_and(|state| state.lengths.iter().any(|&n| n > 0))
    }

    /// The layer that the next step runs; the number of layers when all have run.
    pub fn next_layer(&self) -> usize {
        self.next_layer
    }

    /// The residual stream of a prompt, `[n, d_model]`, before [`ForwardPass::next_layer`]; empty past the last prompt.
    pub fn resid(&self, prompt: usize) -> &[f32] {
        self.states.get(self.stream).map_or(&[], |state| state.prompt(prompt))
    }

    /// The same, to be changed; it is no sum of embeddings any more.
    pub fn resid_mut(&mut self, prompt: usize) -> &mut [f32] {
        let Some(state) = self.states.get_mut(self.stream) else { return &mut [] };
        state.embedded.clear();
        state.prompt_mut(prompt)
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
        let weights = LayerWeights::of_layer(model, index)?;
        let own = &self.states[self.stream];
        let d = own.d_model;
        let normed = |which: &Option<_>, x: &[f32]| norm::maybe(&weights, which.as_ref(), x, d);
        let mlp_maps = MlpMaps::of(&weights, index)?;
        let active = self.active(model);
        let predicted = layer.altup.as_ref();
        let predicted = predicted
            .map(|altup| side_streams::predicted(&weights, altup, (active, &own.streams), d))
            .transpose()?;
        let entry = predicted.as_ref().and_then(|streams| streams.get(active));
        let entry = entry.unwrap_or(&own.resid).clone();

        let mut resid = entry.clone();
        let (mut attended, mut input_scale) = (Vec::new(), Vec::new());
        let (mut output_scale, mut traces) = (Vec::new(), Vec::new());
        let mut kept = None;
        if let Some(attention) = &layer.attention {
            let (input, scale) = normed(&layer.before_attention, &entry)?;
            let source = attention.source.as_ref().map(|source| {
                let state = &self.states[source.stream];
                let normed =
                    norm::maybe(&weights, source.norm.as_ref(), &state.resid, state.d_model);
                normed.map(|(x, _)| (x, state.lengths.as_slice()))
            });
            let batch = Batch {
                layer: index,
                x: &input,
                lengths: &own.lengths,
                source: source.transpose()?,
                grid: own.grid,
                kept: attention.keys_of.and_then(|source| self.kept.get(&source)),
                weighed: self.weighed.filter(|(layer, ..)| *layer == index).map(|(_, h, x)| (h, x)),
            };
            let found = attention::run(&weights, products, attention, batch, record, edit).await?;
            (attended, output_scale) = normed(&layer.on_attention, &found.written)?;
            input_scale = scale;
            traces = found.traces;
            kept = Some(found.kept).filter(|_| model.arch.is_source(index));
            scale_rows(&mut input_scale, 1.0 / attention.factors.input);
            scale_rows(&mut output_scale, 1.0 / layer.attention_factor);
            scale_rows(&mut attended, layer.attention_factor);
            weights.gain(layer.attention_gain.as_deref(), &mut attended, d)?;
        } else if record {
            // A layer without heads still has something before and after it.
            let bare =
                |&n: &usize| LayerTrace { layer: index, n, n_src: n, ..LayerTrace::default() };
            traces = own.lengths.iter().map(bare).collect();
            (attended, input_scale) = (vec![0.0; resid.len()], vec![1.0; resid.len() / d.max(1)]);
            output_scale = input_scale.clone();
        }
        if let Some(mixer) = &layer.mixer {
            let (x, _) = normed(&layer.before_attention, &entry)?;
            let reading = mixers::Reading { x: &x, lengths: &own.lengths, d_model: d };
            let written = mixers::run(&weights, products, mixer, &reading).await?;
            attended.resize(written.len(), 0.0);
            add(&mut attended, &written);
        }
        let side_by_side = layer.parallel.then(|| entry.clone());
        add(&mut resid, &attended);
        if let Some(altup) = &layer.altup {
            let (x, _) = normed(&layer.before_attention, &entry)?;
            add(&mut resid, &side_streams::laurel(&weights, altup, &x, d)?);
            scale_rows(&mut resid, std::f64::consts::FRAC_1_SQRT_2);
        }
        let after_attn_scale;
        (resid, after_attn_scale) = normed(&layer.after_attention, &resid)?;
        let mut mlp = Vec::new();
        if let Some(maps) = &mlp_maps {
            let (input, _) = normed(&layer.before_mlp, side_by_side.as_ref().unwrap_or(&resid))?;
            let mut written = match &layer.mlp {
                Mlp::Mixture(mixture) => {
                    mixture::run(&weights, products, layer, mixture, &input, &input).await?
                }
                _ => products.mlp(&weights, maps, &input).await?,
            };
            if let Some(own) = layer.beside_mlp.as_deref() {
                written = mixture::beside(&weights, products, layer, own, &written, &resid).await?;
            }
            mlp = normed(&layer.on_mlp, &written)?.0;
            scale_rows(&mut mlp, layer.mlp_factor);
            weights.gain(layer.mlp_gain.as_deref(), &mut mlp, d)?;
        }
        add(&mut resid, &mlp);
        let after_mlp_scale;
        (resid, after_mlp_scale) = normed(&layer.after_mlp, &resid)?;

        let added = |x: &[f32]| match &layer.input {
            Some(input) => side_streams::added(&weights, (layer, input), x, &own.layer_inputs, d),
            None => Ok(Vec::new()),
        };
        let mut streams = Vec::new();
        if let (Some(altup), Some(predicted)) = (&layer.altup, predicted) {
            let all = (active, predicted);
            streams = side_streams::corrected(&weights, altup, all, &resid, d, added)?;
            resid = streams.get(active).cloned().unwrap_or_default();
        } else {
            let more = added(&resid)?;
            add(&mut resid, &more);
        }
        if let Some(name) = &layer.scalar {
            scale_rows(&mut resid, weights.number(name)?.map_or(1.0, f64::from));
        }
        let before = entry;
        (self.states[self.stream].resid, self.states[self.stream].streams) = (resid, streams);
        let embedded = std::mem::take(&mut self.states[self.stream].embedded);
        mlp.resize(before.len(), 0.0);
        let mut start = 0;
        for trace in &mut traces {
            let (rows, values) = (start..start + trace.n, start * d..(start + trace.n) * d);
            trace.resid_pre = before[values.clone()].to_vec();
            trace.input_scale = input_scale[rows.clone()].to_vec();
            trace.attn_out = attended[values.clone()].to_vec();
            trace.attn_out_scale = output_scale[rows.clone()].to_vec();
            trace.after_attn_scale = after_attn_scale[rows.clone()].to_vec();
            trace.after_mlp_scale = after_mlp_scale[rows].to_vec();
            trace.embedded = embedded::rows(&embedded, &values);
            trace.mlp_out = mlp[values].to_vec();
            start += trace.n;
        }
        self.kept.extend(kept.map(|kept| (index, kept)));
        self.next_layer += 1;
        self.join_streams(model)?;
        self.settle(model);
        Ok(traces)
    }
}

fn add(to: &mut [f32], what: &[f32]) {
    to.iter_mut().zip(what).for_each(|(a, b)| *a += b);
}

fn scale_rows(rows: &mut [f32], factor: f64) {
    if factor != 1.0 {
        rows.iter_mut().for_each(|x| *x *= factor as f32);
    }
}

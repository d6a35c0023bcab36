//! What a transformer is made of, fully resolved: every tensor's name, every layer's settings, nothing left to guess.
//!
//! A family's file says how its tensors are called; [`super::resolve`] checks that against the tensors that are there and fills
//! this in. Everything after it (heads, patterns, the forward pass, the page) reads only this.

use serde::Serialize;

pub use super::activation::Activation;
pub use super::attention_parts::{
    Attention, Factors, FusedOrder, Projection, QkNorm, Qkv, Sizes, Temperature, Window,
};
pub use super::front::Front;
pub use super::latent::Latent;
pub use super::layer::Layer;
pub use super::mixers::Mixer;
pub use super::mixture::{BesideMlp, Groups, Mixture, RouterScores, Routing, Shared};
pub use super::parts::{Linear, Norm, NormKind, Orientation};
pub use super::rope::{Pairing, Rope};
pub use super::side_streams::{AltUp, LayerInput, LayerInputs, SideStreams};
pub use super::stacks::{Source, Stack, StackKind, Stream};

/// The MLP of one layer.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Mlp {
    /// `down(f(up(x)))`.
    Plain {
        /// `d_model` to `d_mlp`.
        up: Linear,
        /// `d_mlp` to `d_model`.
        down: Linear,
    },
    /// `down(f(gate(x)) ⊙ up(x))`.
    Gated {
        /// `d_model` to `d_mlp`.
        gate: Linear,
        /// `d_model` to `d_mlp`.
        up: Linear,
        /// `d_mlp` to `d_model`.
        down: Linear,
        /// Name of a bias, `[d_mlp]`, on the product of the two (TransformerLens).
        bias: Option<String>,
    },
    /// As `Gated`, with gate and up stacked in one matrix, gate first (Phi-3).
    GatedFused {
        /// `d_model` to `2 d_mlp`.
        gate_up: Linear,
        /// `d_mlp` to `d_model`.
        down: Linear,
    },
    /// As `GatedFused`, with gate and up in turns and clamped at `c`: `down(f(min(gate, c)) ⊙ (clamp(up, ±c) + 1))` (gpt-oss).
    Clamped {
        /// `d_model` to `2 d_mlp`: gates are the even outputs.
        gate_up: Linear,
        /// `d_mlp` to `d_model`.
        down: Linear,
        /// c.
        limit: f64,
    },
    /// Many MLPs, of which each position uses a few.
    Mixture(Box<Mixture>),
    /// None here: the layer is attention alone.
    None,
    /// Not understood here, for this reason: heads can be seen, the model cannot be run.
    Unsupported(String),
}

impl Mlp {
    /// Why it cannot be run, if it cannot.
    pub fn unsupported(&self) -> Option<&str> {
        match self {
            Self::Unsupported(reason) => Some(reason),
            _ => None,
        }
    }

    /// Names of its tensors; those of a stack of experts come once for each.
    pub(super) fn tensors(&self) -> Vec<&str> {
        let linears = match self {
            Self::Plain { up, down } => vec![up, down],
            Self::Gated { gate, up, down, bias } => {
                let names = [gate, up, down].into_iter().flat_map(Linear::tensors);
                return names.chain(bias.as_deref()).collect();
            }
            Self::GatedFused { gate_up, down } | Self::Clamped { gate_up, down, .. } => {
                vec![gate_up, down]
            }
            Self::Mixture(mixture) => return mixture.tensors(),
            Self::None | Self::Unsupported(_) => Vec::new(),
        };
        linears.into_iter().flat_map(Linear::tensors).collect()
    }
}

/// Where the vectors of absolute positions come from.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum PositionVectors {
    /// Name of a table, `[n_positions, d_model]`.
    Table(String),
    /// Sines in the first half, cosines in the second, of `position · 10000^(−i / steps)`, `i` from 0: not in the files.
    Sinusoids {
        /// Frequencies from 1 to 1/10000.
        steps: f64,
    },
}

/// Absolute positions.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Positions {
    /// Where their vectors come from.
    pub vectors: PositionVectors,
    /// Row of position 0.
    pub offset: usize,
    /// Tokens with this id do not advance the position and get the row before the first (RoBERTa's padding).
    pub skipped_token: Option<u32>,
}

/// What makes the first residual stream.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Embedding {
    /// Name of `W_E`, `[d_vocab, d_embed]`.
    pub tokens: Option<String>,
    /// Factor on the token embeddings (√d_model in the Gemma families, a number of its own in Granite).
    pub scale: f64,
    /// From `d_embed` to `d_model`, where they differ (OPT-350M).
    pub project: Option<Linear>,
    /// That map comes last, after the sum and its norm (ALBERT, ELECTRA).
    pub projects_last: bool,
    /// Absolute positions.
    pub positions: Option<Positions>,
    /// Name of the table of token types; every token is of type 0.
    pub token_types: Option<String>,
    /// Norm of the sum (BERT, BLOOM, CLIP's vision side).
    pub norm: Option<Norm>,
    /// What the model reads instead of tokens: an image, or sound.
    pub front: Option<Front>,
    /// Inputs of every layer's own (Gemma 3n and 4).
    pub layer_inputs: Option<LayerInputs>,
    /// Streams beside the one that layers read (Gemma 3n).
    pub side_streams: Option<SideStreams>,
}

/// What turns the last residual stream into logits.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Unembedding {
    /// Factor on the logits, before any soft-cap (Granite, Cohere).
    pub scale: f64,
    /// BERT's extra layer: linear, non-linearity, norm.
    pub transform: Option<(Linear, Activation, Norm)>,
    /// From `d_model` to `d_embed`, where they differ (OPT-350M).
    pub project: Option<Linear>,
    /// `W_U` as `[d_vocab, d_embed]`.
    pub linear: Linear,
    /// `W_U` is the token embedding.
    pub tied: bool,
    /// Soft-cap of the logits.
    pub cap: Option<f64>,
}

/// ALiBi: `+ slope_h · src` on the score.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Alibi {
    /// Slope of each head, the factor on the bias included.
    pub slopes: Vec<f64>,
    /// The bias is rounded to bf16 before the factor (Falcon).
    pub rounded: bool,
    /// Factor on the bias (`1/√d_head` in Falcon, else 1).
    pub factor: f64,
}

/// A transformer, resolved.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Architecture {
    /// Short name of the family, as in its file ("gpt2").
    pub family: &'static str,
    /// Name for people ("GPT-2").
    pub title: &'static str,
    /// What stands before the layers in the names.
    pub prefix: String,
    /// Number of layers, of all stacks together.
    pub n_layers: usize,
    /// Width of the main residual stream; [`Attention::sizes`] has a layer's own.
    pub d_model: usize,
    /// Query heads of a layer, the most of any; [`Attention::sizes`] has a layer's own.
    pub n_heads: usize,
    /// Key/value heads of a layer, the most of any.
    pub n_kv_heads: usize,
    /// Width of a head, the largest of any layer.
    pub d_head: usize,
    /// Rows of the token embedding.
    pub d_vocab: Option<usize>,
    /// The head count is a guess or the reader's, not the file's.
    pub heads_assumed: bool,
    /// The field's default: put the beginning-of-sequence token in front of a prompt.
    pub prepend_bos: bool,
    /// The layers of all stacks, in the order in which they run.
    pub layers: Vec<Layer>,
    /// Layers that belong together and are shown together; one in most models.
    pub stacks: Vec<Stack>,
    /// The residual streams; one in most models.
    pub streams: Vec<Stream>,
    /// ALiBi, where positions enter only the score.
    pub alibi: Option<Alibi>,
    /// Vectors of the main stream to logits.
    pub unembedding: Option<Unembedding>,
    /// Why the model cannot be run here, if it cannot.
    pub cannot_run: Option<String>,
}

impl Architecture {
    /// The attention of a layer, if there is such a layer and it has one.
    pub fn attention(&self, layer: usize) -> Option<&Attention> {
        self.layers.get(layer)?.attention.as_ref()
    }

    /// Every layer's attention, where it has one.
    pub fn attentions(&self) -> impl Iterator<Item = &Attention> {
        self.layers.iter().filter_map(|layer| layer.attention.as_ref())
    }

    /// Query heads of a layer; 0 where it has no attention.
    pub fn n_heads_of(&self, layer: usize) -> usize {
        self.attention(layer).map_or(0, |attention| attention.sizes.n_heads)
    }

    /// True if a later layer uses this one's keys and values.
    pub fn is_source(&self, layer: usize) -> bool {
        self.attentions().any(|attention| attention.keys_of == Some(layer))
    }

    /// Why the residual stream before a layer is not all that the rest of the model needs, if it is not.
    pub fn needs_more_than_the_stream(&self, layer: usize) -> Option<String> {
        let own = self.stack_of(layer).map(|stack| stack.stream);
        let crosses = |l: &&Layer| {
            let stack = self.stacks.get(l.stack);
            stack.is_some_and(|s| Some(s.stream) == own && s.source != s.stream)
        };
        if self.layers.iter().skip(layer).any(|l| crosses(&l)) {
            return Some("later layers read another stream, which has to run first".into());
        }
        if self.layers.iter().skip(layer).any(|l| l.input.is_some() || l.altup.is_some()) {
            return Some("its layers read more than one stream".into());
        }
        let later = self.layers.iter().skip(layer).filter_map(|l| l.attention.as_ref());
        let source = later.filter_map(|a| a.keys_of).find(|&source| source < layer)?;
        Some(format!(
            "later layers use the keys and values of layer {source}, which has to run first"
        ))
    }

    /// True if the residual stream is read through LayerNorm, so that its mean over `d_model` means nothing.
    pub fn reads_through_layer_norm(&self) -> bool {
        self.layers.iter().any(|l| l.before_attention.as_ref().is_some_and(|n| n.kind.centres()))
    }

    /// True if what a layer writes is read through LayerNorm by the layers of its stream.
    pub fn writes_to_layer_norm(&self, layer: usize) -> bool {
        let stream = |l: &Layer| self.stacks.get(l.stack).map(|stack| stack.stream);
        let own = self.layers.get(layer).and_then(stream);
        let mut readers = self.layers.iter().filter(|l| stream(l) == own);
        readers.any(|l| l.before_attention.as_ref().is_some_and(|n| n.kind.centres()))
    }

    /// True if the norm stands in front of the attention, so that it can be folded into the reading weights.
    pub fn folds_norms(&self) -> bool {
        self.layers.iter().any(|l| l.before_attention.is_some())
    }
}

//! What a transformer is made of, fully resolved: every tensor's name, every layer's settings, nothing left to guess.
//!
//! A family's file says how its tensors are called; [`super::resolve`] checks that against the tensors that are there and fills
//! this in. Everything after it (heads, patterns, the forward pass, the page) reads only this.

use serde::Serialize;

pub use super::activation::Activation;
pub use super::parts::{
    Attention, FusedOrder, Linear, Norm, NormKind, Orientation, Projection, QkNorm, Qkv, Sizes,
};
pub use super::rope::{Pairing, Rope};

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
    },
    /// As `Gated`, with gate and up stacked in one matrix, gate first (Phi-3).
    GatedFused {
        /// `d_model` to `2 d_mlp`.
        gate_up: Linear,
        /// `d_mlp` to `d_model`.
        down: Linear,
    },
    /// Not understood here (a mixture of experts): heads can be seen, the model cannot be run.
    Unsupported,
}

/// One layer: `x += on_attention(attention(before_attention(x)))`, `x = after_attention(x)`, and the same for the MLP.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Layer {
    /// The attention.
    pub attention: Attention,
    /// The MLP.
    pub mlp: Mlp,
    /// The MLP's non-linearity.
    pub activation: Activation,
    /// Attention and MLP read the same residual stream and are added together.
    pub parallel: bool,
    /// Norm of what the attention reads.
    pub before_attention: Option<Norm>,
    /// Norm of what the attention writes, before it is added (Gemma 2 and 3, OLMo 2).
    pub on_attention: Option<Norm>,
    /// Norm of the residual stream after the attention was added (BERT, OPT-350M).
    pub after_attention: Option<Norm>,
    /// Norm of what the MLP reads.
    pub before_mlp: Option<Norm>,
    /// Norm of what the MLP writes, before it is added.
    pub on_mlp: Option<Norm>,
    /// Norm of the residual stream after the MLP was added.
    pub after_mlp: Option<Norm>,
}

/// How a table of absolute positions is read.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Positions {
    /// Name of the table, `[n_positions, d_model]`.
    pub table: String,
    /// Row of position 0.
    pub offset: usize,
    /// Tokens with this id do not advance the position and get the row before the first (RoBERTa's padding).
    pub skipped_token: Option<u32>,
}

/// How an image becomes vectors.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Patches {
    /// The convolution, `[d_model, channels, patch, patch]`.
    pub projection: Linear,
    /// Name of the vector that stands before the patches.
    pub class_token: String,
}

/// What makes the first residual stream.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Embedding {
    /// Name of `W_E`, `[d_vocab, d_embed]`.
    pub tokens: Option<String>,
    /// Factor on the token embeddings (√d_model in the Gemma families).
    pub scale: f64,
    /// From `d_embed` to `d_model`, where they differ (OPT-350M).
    pub project: Option<Linear>,
    /// Absolute positions.
    pub positions: Option<Positions>,
    /// Name of the table of token types; every token is of type 0.
    pub token_types: Option<String>,
    /// Norm of the sum (BERT, BLOOM, CLIP's vision side).
    pub norm: Option<Norm>,
    /// The image side, instead of tokens.
    pub patches: Option<Patches>,
}

/// What turns the last residual stream into logits.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Unembedding {
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
    /// Number of layers.
    pub n_layers: usize,
    /// Width of the residual stream.
    pub d_model: usize,
    /// Number of query heads.
    pub n_heads: usize,
    /// Number of key/value heads.
    pub n_kv_heads: usize,
    /// Width of a head.
    pub d_head: usize,
    /// Rows of the token embedding.
    pub d_vocab: Option<usize>,
    /// The head count is a guess or the reader's, not the file's.
    pub heads_assumed: bool,
    /// A destination sees only sources up to itself.
    pub causal: bool,
    /// The field's default: put the beginning-of-sequence token in front of a prompt.
    pub prepend_bos: bool,
    /// The layers.
    pub layers: Vec<Layer>,
    /// Tokens or pixels to vectors.
    pub embedding: Embedding,
    /// ALiBi, where positions enter only the score.
    pub alibi: Option<Alibi>,
    /// Norm after the last layer.
    pub final_norm: Option<Norm>,
    /// The library reports the last hidden state after the final norm; if not, it reports the bare stream.
    pub last_hidden_is_normed: bool,
    /// Vectors to logits.
    pub unembedding: Option<Unembedding>,
    /// Why the model cannot be run here, if it cannot.
    pub cannot_run: Option<String>,
}

impl Architecture {
    /// The sizes that lay out a head's matrices.
    pub fn sizes(&self) -> Sizes {
        Sizes {
            d_model: self.d_model,
            n_heads: self.n_heads,
            n_kv_heads: self.n_kv_heads,
            d_head: self.d_head,
        }
    }

    /// The key/value head that a query head reads.
    pub fn kv_head(&self, head: usize) -> usize {
        self.sizes().kv_head(head)
    }

    /// True if the residual stream is read through LayerNorm, so that its mean over `d_model` means nothing.
    pub fn reads_through_layer_norm(&self) -> bool {
        self.layers
            .first()
            .and_then(|l| l.before_attention.as_ref())
            .is_some_and(|n| n.kind == NormKind::Layer)
    }

    /// True if the norm stands in front of the attention, so that it can be folded into the reading weights.
    pub fn folds_norms(&self) -> bool {
        self.layers.first().is_some_and(|l| l.before_attention.is_some())
    }
}

impl Layer {
    /// Names of the tensors that the layer's heads need.
    pub fn head_tensors(&self) -> Vec<&str> {
        let mut names: Vec<&str> = self.attention.output.tensors().collect();
        match &self.attention.qkv {
            Qkv::Fused { linear, .. } => names.extend(linear.tensors()),
            Qkv::Separate { q, k, v } => {
                names.extend(q.tensors().chain(k.tensors()).chain(v.tensors()))
            }
        }
        match &self.attention.qk_norm {
            Some(QkNorm::Shared { q, k } | QkNorm::Together { q, k }) => {
                names.extend(q.tensors().chain(k.tensors()))
            }
            Some(QkNorm::Each { q, k }) => names.extend(q.iter().chain(k).flat_map(Norm::tensors)),
            None => {}
        }
        names.extend(self.before_attention.iter().flat_map(Norm::tensors));
        names
    }

    /// Names of all the layer's tensors.
    pub fn tensors(&self) -> Vec<&str> {
        let mut names = self.head_tensors();
        match &self.mlp {
            Mlp::Plain { up, down } => names.extend(up.tensors().chain(down.tensors())),
            Mlp::Gated { gate, up, down } => {
                names.extend(gate.tensors().chain(up.tensors()).chain(down.tensors()))
            }
            Mlp::GatedFused { gate_up, down } => {
                names.extend(gate_up.tensors().chain(down.tensors()))
            }
            Mlp::Unsupported => {}
        }
        let norms = [
            &self.on_attention,
            &self.after_attention,
            &self.before_mlp,
            &self.on_mlp,
            &self.after_mlp,
        ];
        names.extend(norms.into_iter().flatten().flat_map(Norm::tensors));
        names
    }
}

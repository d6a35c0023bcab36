//! What the attention of a resolved layer is made of, and where each head's rows lie.

use serde::{Deserialize, Serialize};

use super::grid_rope::GridRope;
use super::latent::Latent;
use super::parts::{Linear, Norm};
use super::relative::Relative;
use super::rope::Rope;
use super::stacks::Source;
use crate::math::order::distinct;

/// The order of heads in a fused query-key-value matrix.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum FusedOrder {
    /// All queries, then all keys, then all values (GPT-2, Phi-3, Falcon-7B).
    Blocks,
    /// Per key/value head: its queries, its key, its value (GPT-NeoX, BLOOM, Falcon-40B).
    Groups,
    /// So many slices, and in each a share of the queries, of the values, of the keys, in this order (CodeGen).
    Slices(usize),
}

/// Where queries, keys and values come from.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Qkv {
    /// Three matrices.
    Separate {
        /// Queries, `n_heads * d_head` outputs; twice as many where the attention is gated.
        q: Linear,
        /// Keys, `n_kv_heads * d_head` outputs.
        k: Linear,
        /// Values, `n_kv_heads * d_value` outputs.
        v: Linear,
    },
    /// One matrix with `(n_heads + 2 n_kv_heads) * d_head` outputs.
    Fused {
        /// The matrix.
        linear: Linear,
        /// The order of the heads in it.
        order: FusedOrder,
    },
    /// Out of latents (DeepSeek).
    Latent(Box<Latent>),
}

/// One of the three projections.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Projection {
    /// Queries.
    Query,
    /// Keys.
    Key,
    /// Values.
    Value,
}

/// The norm of queries and keys.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum QkNorm {
    /// One set of `d_head` gains for all heads; each head normed by itself (Qwen3, Gemma 3, Phi).
    Shared {
        /// For queries.
        q: Norm,
        /// For keys.
        k: Norm,
    },
    /// All heads concatenated and normed together, `n_heads * d_head` gains (OLMo 2).
    Together {
        /// For queries.
        q: Norm,
        /// For keys.
        k: Norm,
    },
    /// Gains of its own for each head; each head normed by itself (StableLM 2 12B).
    Each {
        /// For queries, one per head.
        q: Vec<Norm>,
        /// For keys, one per key/value head.
        k: Vec<Norm>,
    },
    /// As `Each`, the gains of all heads in one matrix with a row per head (Command R+).
    Rows {
        /// For queries, `[n_heads, d_head]`.
        q: Norm,
        /// For keys, `[n_kv_heads, d_head]`.
        k: Norm,
    },
}

/// Which sources a destination can see beside what causality allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Window {
    /// This many of the latest, itself included: `j > i − w`.
    Last(usize),
    /// Those at most this far away, on both sides: `|i − j| ≤ w` (ModernBERT).
    Around(usize),
    /// Those of its own block of this many: `⌊j / w⌋ = ⌊i / w⌋` (Llama 4).
    Block(usize),
}

impl Window {
    /// The sources that `dest` sees in a prompt of `n`, causality aside.
    pub fn visible(self, dest: usize, n: usize) -> std::ops::Range<usize> {
        match self {
            Self::Around(reach) => {
                dest.saturating_sub(reach)..n.min(dest.saturating_add(reach + 1))
            }
            Self::Last(width) => (dest + 1).saturating_sub(width)..n,
            Self::Block(width) => {
                let start = dest / width.max(1) * width.max(1);
                start..n.min(start + width.max(1))
            }
        }
    }
}

/// A factor on queries that grows with the position: `1 + scale · ln(1 + ⌊(position + 1) / floor⌋)` (Llama 4).
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Temperature {
    /// What the logarithm is multiplied with.
    pub scale: f64,
    /// Positions in a step.
    pub floor: f64,
}

impl Temperature {
    /// The factor at a position.
    pub fn at(&self, position: usize) -> f64 {
        1.0 + self.scale * (((position + 1) as f64 / self.floor).floor()).ln_1p()
    }
}

/// Fixed factors of a layer's attention; 1 but in Granite and Falcon-H1. They stay outside Ω and OV.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Factors {
    /// On what queries, keys and values read.
    pub input: f64,
    /// On keys.
    pub key: f64,
}

/// The attention of one layer.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Attention {
    /// Its sizes.
    pub sizes: Sizes,
    /// Queries, keys, values.
    pub qkv: Qkv,
    /// Another stream that keys and values read, where it is not the one of the queries: cross-attention.
    pub source: Option<Source>,
    /// A destination sees only sources up to itself.
    pub causal: bool,
    /// The layer whose keys and values are used, where it is not its own (the last layers of Gemma 3n and 4): `k`, `v` and the
    /// norm of keys are that layer's.
    pub keys_of: Option<usize>,
    /// `W_O` of all heads: `n_heads * d_value` inputs, `d_model` outputs.
    pub output: Linear,
    /// After each head's `d_head` rows of queries come as many of a gate, whose sigmoid multiplies what the head writes into `W_O`.
    pub gated: bool,
    /// Queries, keys and values are clamped to ± this before anything else.
    pub clip: Option<f64>,
    /// Norm of queries and keys.
    pub qk_norm: Option<QkNorm>,
    /// They are normed after they have turned, not before.
    pub turns_before_norm: bool,
    /// ε of an RMS norm of each value, without gains.
    pub value_norm: Option<f64>,
    /// Factor on `q · k`.
    pub score_scale: f64,
    /// Factors on inputs and keys.
    pub factors: Factors,
    /// Factor on queries by position.
    pub temperature: Option<Temperature>,
    /// Soft-cap `c`: the score becomes `c tanh(score / c)`.
    pub score_cap: Option<f64>,
    /// Name of one more logit per head, `[n_heads]`, whose share of the softmax is dropped: rows sum to less than 1.
    pub sinks: Option<String>,
    /// What can be seen.
    pub window: Option<Window>,
    /// Rotary embedding.
    pub rope: Option<Rope>,
    /// Rotary embedding on an image's grid.
    pub grid_rope: Option<GridRope>,
    /// What distances add to the score.
    pub relative: Option<Relative>,
}

/// The sizes of an attention.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Sizes {
    /// Width of the residual stream.
    pub d_model: usize,
    /// Number of query heads.
    pub n_heads: usize,
    /// Number of key/value heads.
    pub n_kv_heads: usize,
    /// Width of a head's queries and keys.
    pub d_head: usize,
    /// Width of a head's values.
    pub d_value: usize,
}

impl Sizes {
    /// The key/value head that a query head reads.
    pub fn kv_head(&self, head: usize) -> usize {
        head / (self.n_heads / self.n_kv_heads.max(1)).max(1)
    }

    /// Heads of a projection.
    pub fn heads(&self, projection: Projection) -> usize {
        if projection == Projection::Query { self.n_heads } else { self.n_kv_heads }
    }

    /// Width of one head of a projection.
    pub fn width(&self, projection: Projection) -> usize {
        if projection == Projection::Value { self.d_value } else { self.d_head }
    }
}

impl Attention {
    /// First output of a head in its projection's matrix; `head` counts key/value heads for keys and values.
    pub fn head_start(&self, projection: Projection, head: usize) -> usize {
        let Sizes { n_heads, n_kv_heads, d_head, .. } = self.sizes;
        let group = n_heads / n_kv_heads.max(1);
        let unit = match (self.qkv.order(), projection) {
            (None, Projection::Query) if self.gated => 2 * head,
            (None, Projection::Value) => return head * self.sizes.d_value,
            (None, _) | (Some(FusedOrder::Blocks), Projection::Query) => head,
            (Some(FusedOrder::Blocks), Projection::Key) => n_heads + head,
            (Some(FusedOrder::Blocks), Projection::Value) => n_heads + n_kv_heads + head,
            (Some(FusedOrder::Groups), Projection::Query) => {
                head / group * (group + 2) + head % group
            }
            (Some(FusedOrder::Groups), Projection::Key) => head * (group + 2) + group,
            (Some(FusedOrder::Groups), Projection::Value) => head * (group + 2) + group + 1,
            (Some(FusedOrder::Slices(slices)), projection) => {
                let share = (n_heads / slices.max(1)).max(1);
                let third = match projection {
                    Projection::Query => 0,
                    Projection::Value => 1,
                    Projection::Key => 2,
                };
                head / share * 3 * share + third * share + head % share
            }
        };
        unit * d_head
    }

    /// Outputs of the matrix that holds a projection.
    pub fn outputs(&self, projection: Projection) -> usize {
        let Sizes { n_heads, n_kv_heads, d_head, .. } = self.sizes;
        match (&self.qkv, projection) {
            (Qkv::Fused { .. }, _) => (n_heads + 2 * n_kv_heads) * d_head,
            (Qkv::Separate { .. }, Projection::Query) if self.gated => 2 * n_heads * d_head,
            (Qkv::Separate { .. } | Qkv::Latent(_), _) => {
                self.sizes.heads(projection) * self.sizes.width(projection)
            }
        }
    }

    /// Names of the tensors that its heads need.
    pub fn tensors(&self) -> Vec<&str> {
        let mut names: Vec<&str> = self.output.tensors().collect();
        match &self.qkv {
            Qkv::Fused { linear, .. } => names.extend(linear.tensors()),
            Qkv::Separate { q, k, v } => {
                names.extend(q.tensors().chain(k.tensors()).chain(v.tensors()));
            }
            Qkv::Latent(latent) => names.extend(latent.tensors()),
        }
        match &self.qk_norm {
            Some(QkNorm::Shared { q, k } | QkNorm::Together { q, k } | QkNorm::Rows { q, k }) => {
                names.extend(q.tensors().chain(k.tensors()));
            }
            Some(QkNorm::Each { q, k }) => names.extend(q.iter().chain(k).flat_map(Norm::tensors)),
            None => {}
        }
        names.extend(self.sinks.as_deref());
        let source = self.source.iter().filter_map(|source| source.norm.as_ref());
        names.extend(source.flat_map(Norm::tensors));
        distinct(names)
    }
}

impl Qkv {
    /// The latents that it comes out of, if it does.
    pub fn latent(&self) -> Option<&Latent> {
        match self {
            Self::Latent(latent) => Some(latent),
            _ => None,
        }
    }

    /// The order of heads, where the three share a matrix.
    pub fn order(&self) -> Option<FusedOrder> {
        match self {
            Self::Separate { .. } | Self::Latent(_) => None,
            Self::Fused { order, .. } => Some(*order),
        }
    }

    /// The matrix that holds a projection; of latent attention, the one behind the latent.
    pub fn linear(&self, projection: Projection) -> &Linear {
        match (self, projection) {
            (Self::Fused { linear, .. }, _) => linear,
            (Self::Separate { q, .. }, Projection::Query) => q,
            (Self::Separate { k, .. }, Projection::Key) => k,
            (Self::Separate { v, .. }, Projection::Value) => v,
            (Self::Latent(latent), Projection::Query) => &latent.q,
            (Self::Latent(latent), _) => &latent.kv,
        }
    }
}

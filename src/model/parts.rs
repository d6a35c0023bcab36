//! The parts of a resolved layer: maps, norms, and how the heads share them.

use serde::Serialize;

use super::rope::Rope;

/// How a two-dimensional weight lies in the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Orientation {
    /// `[d_out, d_in]`: torch's `Linear`, `y = x Wᵀ + b`.
    OutIn,
    /// `[d_in, d_out]`: GPT-2's `Conv1D`, `y = x W + b`.
    InOut,
}

/// A linear map in the file.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Linear {
    /// Name of the weight.
    pub weight: String,
    /// Name of the bias, where there is one.
    pub bias: Option<String>,
    /// Which axis is which.
    pub orientation: Orientation,
}

/// What a norm does to one vector.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum NormKind {
    /// `(x − mean) / √(var + ε) · w + b`.
    Layer,
    /// `x / √(mean x² + ε) · w`.
    Rms,
    /// `x / √(mean x² + ε) · (1 + w)`: the Gemma families.
    RmsPlusOne,
}

/// A norm in the file.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Norm {
    /// What it does.
    pub kind: NormKind,
    /// Name of the gains.
    pub weight: String,
    /// Name of the bias, where there is one.
    pub bias: Option<String>,
    /// The constant inside the square root.
    pub eps: f64,
}

/// The order of heads in a fused query-key-value matrix.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum FusedOrder {
    /// All queries, then all keys, then all values (GPT-2, Phi-3, Falcon-7B).
    Blocks,
    /// Per key/value head: its queries, its key, its value (GPT-NeoX, BLOOM, Falcon-40B).
    Groups,
}

/// Where queries, keys and values come from.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Qkv {
    /// Three matrices.
    Separate {
        /// Queries, `n_heads * d_head` outputs.
        q: Linear,
        /// Keys, `n_kv_heads * d_head` outputs.
        k: Linear,
        /// Values, `n_kv_heads * d_head` outputs.
        v: Linear,
    },
    /// One matrix with `(n_heads + 2 n_kv_heads) * d_head` outputs.
    Fused {
        /// The matrix.
        linear: Linear,
        /// The order of the heads in it.
        order: FusedOrder,
    },
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

/// The norm of queries and keys, before rotation.
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
}

/// The attention of one layer.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Attention {
    /// Queries, keys, values.
    pub qkv: Qkv,
    /// `W_O` of all heads: `n_heads * d_head` inputs, `d_model` outputs.
    pub output: Linear,
    /// Norm of queries and keys.
    pub qk_norm: Option<QkNorm>,
    /// Factor on `q · k`.
    pub score_scale: f64,
    /// Soft-cap `c`: the score becomes `c tanh(score / c)`.
    pub score_cap: Option<f64>,
    /// Sliding window: destination `i` sees sources `j > i − window`.
    pub window: Option<usize>,
    /// Rotary embedding.
    pub rope: Option<Rope>,
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
    /// Width of a head.
    pub d_head: usize,
}

impl Sizes {
    /// The key/value head that a query head reads.
    pub fn kv_head(&self, head: usize) -> usize {
        head / (self.n_heads / self.n_kv_heads)
    }

    /// First output of a head in its projection's matrix; `order` is `None` for a matrix of its own, and `head` counts key/value
    /// heads for keys and values.
    pub fn head_start(
        &self,
        order: Option<FusedOrder>,
        projection: Projection,
        head: usize,
    ) -> usize {
        let group = self.n_heads / self.n_kv_heads;
        let unit = match (order, projection) {
            (None, _) | (Some(FusedOrder::Blocks), Projection::Query) => head,
            (Some(FusedOrder::Blocks), Projection::Key) => self.n_heads + head,
            (Some(FusedOrder::Blocks), Projection::Value) => self.n_heads + self.n_kv_heads + head,
            (Some(FusedOrder::Groups), Projection::Query) => {
                head / group * (group + 2) + head % group
            }
            (Some(FusedOrder::Groups), Projection::Key) => head * (group + 2) + group,
            (Some(FusedOrder::Groups), Projection::Value) => head * (group + 2) + group + 1,
        };
        unit * self.d_head
    }
}

impl Qkv {
    /// The order of heads, where the three share a matrix.
    pub fn order(&self) -> Option<FusedOrder> {
        match self {
            Self::Separate { .. } => None,
            Self::Fused { order, .. } => Some(*order),
        }
    }

    /// The matrix that holds a projection.
    pub fn linear(&self, projection: Projection) -> &Linear {
        match (self, projection) {
            (Self::Fused { linear, .. }, _) => linear,
            (Self::Separate { q, .. }, Projection::Query) => q,
            (Self::Separate { k, .. }, Projection::Key) => k,
            (Self::Separate { v, .. }, Projection::Value) => v,
        }
    }
}

impl Linear {
    /// Names of its tensors.
    pub fn tensors(&self) -> impl Iterator<Item = &str> {
        std::iter::once(self.weight.as_str()).chain(self.bias.as_deref())
    }
}

impl Norm {
    /// Its gains, `1 +` included where the family adds it, and its bias; `read` gives a tensor's numbers.
    pub(crate) fn values<E>(
        &self,
        read: impl Fn(&str) -> Result<Vec<f64>, E>,
    ) -> Result<(Vec<f64>, Option<Vec<f64>>), E> {
        let mut gains = read(&self.weight)?;
        if self.kind == NormKind::RmsPlusOne {
            gains.iter_mut().for_each(|g| *g += 1.0);
        }
        Ok((gains, self.bias.as_deref().map(read).transpose()?))
    }

    /// Names of its tensors.
    pub fn tensors(&self) -> impl Iterator<Item = &str> {
        std::iter::once(self.weight.as_str()).chain(self.bias.as_deref())
    }
}

//! The parts of a recipe: paths of matrices and norms, factors, positions, and the kinds that there are.

use super::activation::Activation;
use super::architecture::{FusedOrder, Orientation, Pairing, RouterScores, Routing};
use super::relative::Buckets;
use super::rope::RopeConfig;

/// A value that is the same in all layers, or one per layer.
#[derive(Debug, Clone, PartialEq)]
pub enum PerLayer<T> {
    /// The same everywhere.
    All(T),
    /// One per layer.
    Each(Vec<T>),
}

impl<T: Clone> PerLayer<T> {
    /// The value in a layer; past the end of a list, its last.
    pub fn at(&self, layer: usize) -> Option<T> {
        match self {
            Self::All(value) => Some(value.clone()),
            Self::Each(values) => values.get(layer).or(values.last()).cloned(),
        }
    }
}

/// Paths of queries, keys and values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum QkvPaths {
    /// Three matrices: q, k, v.
    Separate(&'static str, &'static str, &'static str),
    /// One matrix.
    Fused(&'static str, FusedOrder),
    /// Out of latents.
    Latent(LatentPaths),
}

/// Paths of latent attention.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LatentPaths {
    /// Queries straight from the stream, in checkpoints without a latent for them.
    pub q: &'static str,
    /// Into the latent of queries, its norm, and out of it.
    pub q_latent: [&'static str; 3],
    /// Into the latent of keys and values and the rotary key, the latent's norm, and out of it.
    pub kv_latent: [&'static str; 3],
}

/// Paths of the norms of queries and keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum QkNormPaths {
    /// One set of gains for all heads: q, k.
    Shared(&'static str, &'static str),
    /// All heads together: q, k.
    Together(&'static str, &'static str),
    /// Per head; `{i}` is the head.
    Each(&'static str, &'static str),
    /// Per head, all heads' gains in one matrix, a row per head: q, k.
    Rows(&'static str, &'static str),
    /// Each head by itself, without gains.
    Bare,
}

/// Paths of the MLP.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MlpPaths {
    /// Up, down.
    Plain(&'static str, &'static str),
    /// Gate, up, down.
    Gated(&'static str, &'static str, &'static str),
    /// Gate and up in one, down.
    GatedFused(&'static str, &'static str),
    /// Gate, up, down; the bias that is called up's is added to their product.
    GatedThenBiased(&'static str, &'static str, &'static str),
    /// There is none.
    None,
}

impl MlpPaths {
    /// The gated MLP of the families that call it `feed_forward`.
    pub const FEED_FORWARD: Self =
        Self::Gated("feed_forward.gate_proj", "feed_forward.up_proj", "feed_forward.down_proj");
}

/// Paths of an attention whose keys and values read another stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CrossPaths {
    /// Queries, keys, values.
    pub qkv: QkvPaths,
    /// `W_O`.
    pub output: &'static str,
    /// Norm in front of the queries.
    pub before: Option<&'static str>,
    /// Norm after what it writes was added.
    pub after: Option<&'static str>,
}

/// Paths of what distances add to the score: inside a layer, else outside, else inside the first layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RelativePaths {
    /// A table of buckets.
    Buckets {
        /// The table's name.
        table: &'static str,
        /// How distances fall into buckets.
        buckets: Buckets,
    },
    /// A table of steps on an image's grid.
    Grid {
        /// The table's name.
        table: &'static str,
    },
    /// Vectors of distances that queries and keys meet.
    Disentangled {
        /// The vectors' name.
        table: &'static str,
        /// Their norm.
        norm: Option<&'static str>,
        /// What makes keys of them.
        keys: Option<&'static str>,
        /// What makes queries of them.
        queries: Option<&'static str>,
        /// Buckets, and the longest distance.
        log_buckets: Option<(usize, usize)>,
    },
}

/// Paths of what a model reads instead of tokens.
#[derive(Debug, Clone, PartialEq)]
pub enum FrontPaths {
    /// An image.
    Patches {
        /// The convolution.
        projection: &'static str,
        /// Names of the vectors in front of the patches; those that are not in the file are passed over.
        before: &'static [&'static str],
    },
    /// A spectrogram: two convolutions.
    Mel {
        /// The first.
        first: &'static str,
        /// The second.
        second: &'static str,
    },
    /// Samples of a wave.
    Wave {
        /// Path of a convolution, `{l}` being its number.
        layer: &'static str,
        /// Steps of each.
        strides: Vec<usize>,
        /// Norms are over time.
        over_time: bool,
        /// What follows each.
        activation: Activation,
        /// Norm over the last one's channels.
        norm: &'static str,
        /// To the residual stream.
        project: &'static str,
        /// Convolution that makes positions.
        positions: &'static str,
    },
}

/// Positions that are sines and cosines, and not in the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sinusoids {
    /// The last frequency is 1/10000, not the one after it.
    pub ends_at_slowest: bool,
    /// Position of the first token.
    pub offset: usize,
}

impl MlpPaths {
    /// The first matrix that reads the stream.
    pub(super) fn first(&self) -> Option<&'static str> {
        match self {
            Self::Plain(first, _)
            | Self::Gated(first, ..)
            | Self::GatedFused(first, _)
            | Self::GatedThenBiased(first, ..) => Some(first),
            Self::None => None,
        }
    }
}

/// A mixture of experts, in the layers that have its router.
#[derive(Debug, Clone, PartialEq)]
pub struct MixturePaths {
    /// Where the mixture may be in a layer; the following paths are relative to it.
    pub homes: &'static [&'static str],
    /// The router.
    pub router: &'static str,
    /// What is added to the scores for the choice alone.
    pub correction: Option<&'static str>,
    /// How experts are chosen; `None` where nothing says it.
    pub routing: Option<Routing>,
    /// Gate, up, down of one expert, behind `experts.{e}.`.
    pub experts: [&'static str; 3],
    /// Gate and up, down of all experts in one tensor each, where the file has those instead.
    pub stacked: [&'static str; 2],
    /// How their matrices lie where both sides are equally long.
    pub lies: Orientation,
    /// Gate and up lie in turns in the stack, and are clamped at this.
    pub limit: Option<f64>,
    /// An expert that every position uses.
    pub shared: Option<SharedPaths>,
    /// The same outside the mixture: gate and up in one, down.
    pub beside: Option<(&'static str, &'static str)>,
}

/// An expert that every position uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SharedPaths {
    /// What stands before `gate_proj`, `up_proj`, `down_proj`.
    pub path: &'static str,
    /// Map to its weight's logit.
    pub gate: Option<&'static str>,
}

/// A mixture beside the MLP.
#[derive(Debug, Clone, PartialEq)]
pub struct BesidePaths {
    /// It.
    pub mixture: MixturePaths,
    /// Name of the gains of what the router reads.
    pub before_router: &'static str,
    /// Name of the experts' own factors.
    pub scale: &'static str,
    /// Norms of what experts read and write, and of what the MLP writes.
    pub norms: [&'static str; 3],
}

impl Default for MixturePaths {
    /// Qwen's names.
    fn default() -> Self {
        Self {
            homes: &["mlp"],
            router: "gate",
            correction: None,
            routing: None,
            experts: ["gate_proj", "up_proj", "down_proj"],
            stacked: ["experts.gate_up_proj", "experts.down_proj"],
            lies: Orientation::OutIn,
            limit: None,
            shared: None,
            beside: None,
        }
    }
}

/// Routing by a softmax over all experts, whose weights are divided by their sum if `normalised`; `None` without a `top_k`.
pub fn softmax_routing(top_k: Option<usize>, normalised: bool) -> Option<Routing> {
    Some(Routing {
        top_k: top_k?,
        scores: RouterScores::Softmax,
        groups: None,
        normalised: normalised.then_some(0.0),
        factor: 1.0,
        on_input: false,
    })
}

/// Factor on `q · k`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Scale {
    /// `1 / √d_head`.
    HeadWidth,
    /// `1 / √(x d_head)`.
    HeadWidthTimes(f64),
    /// `1 / √x`.
    RootOf(f64),
    /// This number.
    Is(f64),
    /// `1 / (√d_head (layer + 1))`.
    HeadWidthAndDepth,
    /// `1 / (layer + 1)`.
    Depth,
}

/// How many dimensions of a head turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rotary {
    /// The config's share of `d_head`, rounded down.
    Fraction,
    /// This many.
    Dimensions(usize),
    /// This many, or all that there are: a family's usual number, where nothing says it.
    AtMost(usize),
}

/// A rotary embedding before `d_head` is known.
#[derive(Debug, Clone, PartialEq)]
pub struct RopeRecipe {
    /// How dimensions are paired.
    pub pairing: Pairing,
    /// How many turn.
    pub rotary: Rotary,
    /// Base and stretching.
    pub config: RopeConfig,
}

/// ALiBi's two forms.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AlibiKind {
    /// Added after the score is scaled (BLOOM).
    Plain,
    /// As `Plain`; where the head count is no power of two, slopes are picked in another order (MPT).
    Mpt,
    /// Rounded to bf16 and scaled with the score (Falcon).
    RoundedAndScaled,
}

/// Positions in a table: path, row of position 0, padding token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PositionPaths {
    /// Path of the table, `.weight` included if it has it.
    pub table: &'static str,
    /// Row of position 0.
    pub offset: usize,
    /// Padding token that does not advance the position.
    pub skipped_token: Option<u32>,
}

impl PositionPaths {
    /// Row `p` for position `p`, whatever the tokens are.
    pub fn from_zero(table: &'static str) -> Self {
        Self { table, offset: 0, skipped_token: None }
    }
}

impl RopeRecipe {
    /// Pairs `(i, i + d/2)`, the config's share of `d_head` turning.
    pub fn half(config: RopeConfig) -> Self {
        Self { pairing: Pairing::Half, rotary: Rotary::Fraction, config }
    }

    /// Pairs `(2i, 2i + 1)`, the config's share of `d_head` turning.
    pub fn adjacent(config: RopeConfig) -> Self {
        Self { pairing: Pairing::Adjacent, rotary: Rotary::Fraction, config }
    }
}

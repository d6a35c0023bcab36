//! What a family's file writes down: paths and settings, with everything common left to the default.
//!
//! Paths inside a layer are relative to `layer`, the others to the prefix; `.weight` and `.bias` are added. Whether there is a
//! bias is read off the file, never off the config.

use super::ModelError;
use super::activation::Activation;
use super::architecture::{FusedOrder, NormKind, Orientation, Pairing};
use super::config::Config;
use super::names::Names;
use super::rope::RopeConfig;

/// A family of checkpoints.
pub struct Family {
    /// Short name, the file's ("gpt2").
    pub id: &'static str,
    /// Name for people ("GPT-2").
    pub title: &'static str,
    /// The `model_type`s of `config.json` that are read as this family.
    pub model_types: &'static [&'static str],
    /// How well tensor names fit, 0 for not at all; the best fit wins where there is no `config.json`.
    pub fit: fn(&Names) -> u32,
    /// The recipe for one checkpoint.
    pub recipe: fn(&Survey<'_>) -> Result<Recipe, ModelError>,
}

/// What a family may look at when it writes its recipe.
pub struct Survey<'a> {
    /// The tensors.
    pub names: &'a Names,
    /// The config: of the file, or of the table of well-known checkpoints, or empty.
    pub config: &'a Config,
    /// Number of layers.
    pub n_layers: usize,
}

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
}

/// Factor on `q · k`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Scale {
    /// `1 / √d_head`.
    HeadWidth,
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

/// One checkpoint, as its family reads it.
#[derive(Debug, Clone)]
pub struct Recipe {
    /// Path of a layer, `{l}` being its number, with the dot at its end.
    pub layer: &'static str,
    /// How the layer's matrices lie.
    pub orientation: Orientation,
    /// Queries, keys, values.
    pub qkv: QkvPaths,
    /// `W_O`.
    pub output: &'static str,
    /// Norm of queries and keys.
    pub qk_norm: Option<(QkNormPaths, NormKind)>,
    /// Width of a head, where the family fixes it.
    pub d_head: Option<usize>,
    /// Kind of all other norms.
    pub norm: NormKind,
    /// Their ε.
    pub eps: f64,
    /// Norm in front of the attention.
    pub before_attention: Option<&'static str>,
    /// Norm of what the attention writes.
    pub on_attention: Option<&'static str>,
    /// Norm after the attention was added.
    pub after_attention: Option<&'static str>,
    /// Norm in front of the MLP.
    pub before_mlp: Option<&'static str>,
    /// Norm of what the MLP writes.
    pub on_mlp: Option<&'static str>,
    /// Norm after the MLP was added.
    pub after_mlp: Option<&'static str>,
    /// Attention and MLP side by side.
    pub parallel: bool,
    /// The MLP.
    pub mlp: MlpPaths,
    /// Its non-linearity.
    pub activation: Activation,
    /// Factor on the score.
    pub score_scale: Scale,
    /// Soft-cap of the score.
    pub score_cap: Option<f64>,
    /// Sliding window.
    pub window: PerLayer<Option<usize>>,
    /// Rotary embedding.
    pub rope: Option<PerLayer<RopeRecipe>>,
    /// ALiBi.
    pub alibi: Option<AlibiKind>,
    /// Only the past is seen.
    pub causal: bool,
    /// Token embedding.
    pub embed: &'static str,
    /// Factor √d_model on the embeddings.
    pub embed_times_root_width: bool,
    /// From the embeddings' width to `d_model`.
    pub embed_project: Option<&'static str>,
    /// Absolute positions.
    pub positions: Option<PositionPaths>,
    /// Token types.
    pub token_types: Option<&'static str>,
    /// Norm of the embeddings.
    pub embed_norm: Option<&'static str>,
    /// Image patches: convolution, class token.
    pub patches: Option<(&'static str, &'static str)>,
    /// Norm after the last layer.
    pub final_norm: Option<&'static str>,
    /// The library reports the last hidden state after the final norm.
    pub last_hidden_is_normed: bool,
    /// Unembedding, the first that is there; tied to `embed` if none is and `tied` allows it.
    pub unembed: &'static [&'static str],
    /// Without a matrix of its own, the token embedding unembeds.
    pub tied: bool,
    /// From `d_model` to the unembedding's width.
    pub unembed_project: Option<&'static str>,
    /// BERT's layer before the unembedding: linear, norm.
    pub unembed_transform: Option<(&'static str, &'static str)>,
    /// Name of the unembedding's bias where it does not follow from the weight's.
    pub unembed_bias: Option<&'static str>,
    /// Soft-cap of the logits.
    pub logits_cap: Option<f64>,
    /// The field's default for the beginning-of-sequence token.
    pub prepend_bos: bool,
}

impl Default for Recipe {
    /// Llama's names, RMS norm in front, serial, causal, no positions: the form that most families share.
    fn default() -> Self {
        Self {
            layer: "layers.{l}.",
            orientation: Orientation::OutIn,
            qkv: QkvPaths::Separate("self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj"),
            output: "self_attn.o_proj",
            qk_norm: None,
            d_head: None,
            norm: NormKind::Rms,
            eps: 1e-6,
            before_attention: Some("input_layernorm"),
            on_attention: None,
            after_attention: None,
            before_mlp: Some("post_attention_layernorm"),
            on_mlp: None,
            after_mlp: None,
            parallel: false,
            mlp: MlpPaths::Gated("mlp.gate_proj", "mlp.up_proj", "mlp.down_proj"),
            activation: Activation::Silu,
            score_scale: Scale::HeadWidth,
            score_cap: None,
            window: PerLayer::All(None),
            rope: None,
            alibi: None,
            causal: true,
            embed: "embed_tokens.weight",
            embed_times_root_width: false,
            embed_project: None,
            positions: None,
            token_types: None,
            embed_norm: None,
            patches: None,
            final_norm: Some("norm"),
            last_hidden_is_normed: true,
            unembed: &["lm_head"],
            tied: true,
            unembed_project: None,
            unembed_transform: None,
            unembed_bias: None,
            logits_cap: None,
            prepend_bos: true,
        }
    }
}

impl RopeRecipe {
    /// Pairs `(i, i + d/2)`, the config's share of `d_head` turning.
    pub fn half(config: RopeConfig) -> Self {
        Self { pairing: Pairing::Half, rotary: Rotary::Fraction, config }
    }
}

impl Survey<'_> {
    /// The same rotary embedding in all layers, as the config says.
    pub fn rope(&self, default_fraction: f64) -> Option<PerLayer<RopeRecipe>> {
        let config = self.config.rope("full_attention", 10_000.0, default_fraction);
        Some(PerLayer::All(RopeRecipe::half(config)))
    }

    /// A window in the layers that are sliding, none in the others.
    pub fn windows(
        &self,
        window: Option<usize>,
        otherwise: impl Fn(usize) -> bool,
    ) -> PerLayer<Option<usize>> {
        let sliding = self.config.sliding_layers(self.n_layers, otherwise);
        PerLayer::Each(sliding.into_iter().map(|s| window.filter(|_| s)).collect())
    }
}

//! What a family's file writes down: paths and settings, with everything common left to the default.
//!
//! Paths inside a layer are relative to `layer`, the others to the prefix; `.weight` and `.bias` are added. Whether there is a
//! bias is read off the file, never off the config.

use super::ModelError;
use super::activation::Activation;
use super::architecture::{NormKind, Orientation, Temperature, Window};
use super::names::Names;
use super::stacks::StackKind;

pub use super::mixers::{MambaFactors, MixerPaths};
pub use super::recipe_parts::*;
pub use super::side_streams::{AltUpPaths, LayerInputPaths};
pub use super::survey::{Survey, windows_in};

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

/// One checkpoint, as its family reads it.
#[derive(Debug, Clone)]
pub struct Recipe {
    /// Which stream this is.
    pub stream: StackKind,
    /// Streams of the same files that run before this one.
    pub others: Vec<Recipe>,
    /// The part of the config that describes this stream.
    pub part: Option<&'static str>,
    /// End of the prefix in front of its names, where two streams' names are alike.
    pub within: Option<&'static str>,
    /// Number of heads, where the config has one for each stream.
    pub n_heads: Option<usize>,
    /// Number of layers, likewise.
    pub n_layers: Option<usize>,
    /// Path of a layer, `{l}` being its number, with the dot at its end.
    pub layer: &'static str,
    /// Path of every layer in the order in which they run, where some share their tensors.
    pub layer_paths: Option<Vec<String>>,
    /// Attention to another stream, the last of `others`, between a layer's own and its MLP.
    pub cross: Option<CrossPaths>,
    /// How the layer's matrices lie.
    pub orientation: Orientation,
    /// Queries, keys, values.
    pub qkv: QkvPaths,
    /// `W_O`.
    pub output: &'static str,
    /// Norm of queries and keys.
    pub qk_norm: PerLayer<Option<(QkNormPaths, NormKind)>>,
    /// Queries and keys turn before they are normed.
    pub turns_before_norm: bool,
    /// Values are RMS-normed without gains.
    pub value_norm: bool,
    /// Queries, keys and values are clamped to ± this.
    pub clip: Option<f64>,
    /// Queries come with a gate on what the head writes.
    pub gated: bool,
    /// Vector of one more logit per head.
    pub sinks: Option<&'static str>,
    /// Factor on queries by position.
    pub temperature: PerLayer<Option<Temperature>>,
    /// Width of a head, where the family fixes it.
    pub d_head: Option<usize>,
    /// Layers differ in it.
    pub widths_vary: bool,
    /// Which layers have an attention.
    pub attends: PerLayer<bool>,
    /// The layer whose keys and values a layer uses, where it has none.
    pub keys_of: PerLayer<Option<usize>>,
    /// Norms have neither gains nor biases in the file.
    pub bare_norms: bool,
    /// Kind of all other norms.
    pub norm: NormKind,
    /// Their ε.
    pub eps: f64,
    /// Norm in front of the attention; the first layer has none if `first_is_normed`.
    pub before_attention: Option<&'static str>,
    /// The norm of the embeddings stands for that of the first layer.
    pub first_is_normed: bool,
    /// Gains on what the attention and the MLP add to the stream.
    pub layer_scale: Option<(&'static str, &'static str)>,
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
    /// What passes along the prompt instead of attention, or beside it, in the layers that have it.
    pub mixer: Option<MixerPaths>,
    /// A mixture of experts, in the layers that have one instead.
    pub mixture: Option<MixturePaths>,
    /// A mixture beside the MLP, in the layers that have its router.
    pub beside_mlp: Option<BesidePaths>,
    /// The MLP's non-linearity, and that of experts.
    pub activation: Activation,
    /// Where that has parameters in the file: what stands before their names.
    pub activation_parameters: Option<&'static str>,
    /// Share of the gates of a layer that is cut off, 0 for none.
    pub gates_cut: PerLayer<f64>,
    /// Inputs of every layer's own.
    pub layer_inputs: Option<LayerInputPaths>,
    /// Several streams at once.
    pub altup: Option<AltUpPaths>,
    /// One number that the stream behind a layer is multiplied with.
    pub layer_scalar: Option<&'static str>,
    /// What was taken because config.json does not say it, to be said wherever that is so.
    pub unsaid: Option<&'static str>,
    /// What tensors without config.json leave open, to be said then.
    pub doubt: Option<&'static str>,
    /// Factor on the score.
    pub score_scale: Scale,
    /// Soft-cap of the score.
    pub score_cap: Option<f64>,
    /// Factor on what queries, keys and values read.
    pub input_factor: f64,
    /// Factor on keys.
    pub key_factor: f64,
    /// Factor on what the attention adds to the stream.
    pub attention_factor: f64,
    /// Factor on what the MLP adds to the stream.
    pub mlp_factor: f64,
    /// What a destination can see.
    pub window: PerLayer<Option<Window>>,
    /// Rotary embedding.
    pub rope: PerLayer<Option<RopeRecipe>>,
    /// Base of a rotary embedding on an image's grid.
    pub grid_rope: Option<f64>,
    /// ALiBi.
    pub alibi: Option<AlibiKind>,
    /// What distances add to the score.
    pub relative: Option<RelativePaths>,
    /// Only the past is seen.
    pub causal: bool,
    /// Token embedding.
    pub embed: &'static str,
    /// Factor √d_model on the embeddings.
    pub embed_times_root_width: bool,
    /// Factor on the embeddings, beside that one.
    pub embed_factor: f64,
    /// From the embeddings' width to `d_model`.
    pub embed_project: Option<&'static str>,
    /// That map comes after the embeddings' norm.
    pub projects_last: bool,
    /// Absolute positions.
    pub positions: Option<PositionPaths>,
    /// Absolute positions that are not in the file.
    pub sinusoids: Option<Sinusoids>,
    /// Token types.
    pub token_types: Option<&'static str>,
    /// Norm of the embeddings.
    pub embed_norm: Option<&'static str>,
    /// What is read instead of tokens.
    pub front: Option<FrontPaths>,
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
    /// Factor on the logits.
    pub logits_factor: f64,
    /// Soft-cap of the logits.
    pub logits_cap: Option<f64>,
    /// The field's default for the beginning-of-sequence token.
    pub prepend_bos: bool,
    /// Why prompts cannot be run, where they cannot.
    pub cannot_run: Option<String>,
}

impl Default for Recipe {
    /// Llama's names, RMS norm in front, serial, causal, no positions: the form that most families share.
    fn default() -> Self {
        Self {
            stream: StackKind::Only,
            others: Vec::new(),
            part: None,
            within: None,
            n_heads: None,
            n_layers: None,
            layer: "layers.{l}.",
            layer_paths: None,
            cross: None,
            orientation: Orientation::OutIn,
            qkv: QkvPaths::Separate("self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj"),
            output: "self_attn.o_proj",
            qk_norm: PerLayer::All(None),
            turns_before_norm: false,
            value_norm: false,
            clip: None,
            gated: false,
            sinks: None,
            temperature: PerLayer::All(None),
            d_head: None,
            widths_vary: false,
            attends: PerLayer::All(true),
            keys_of: PerLayer::All(None),
            bare_norms: false,
            norm: NormKind::Rms,
            eps: 1e-6,
            before_attention: Some("input_layernorm"),
            first_is_normed: false,
            layer_scale: None,
            on_attention: None,
            after_attention: None,
            before_mlp: Some("post_attention_layernorm"),
            on_mlp: None,
            after_mlp: None,
            parallel: false,
            mlp: MlpPaths::Gated("mlp.gate_proj", "mlp.up_proj", "mlp.down_proj"),
            mixer: None,
            mixture: None,
            beside_mlp: None,
            activation: Activation::Silu,
            activation_parameters: None,
            gates_cut: PerLayer::All(0.0),
            layer_inputs: None,
            altup: None,
            layer_scalar: None,
            unsaid: None,
            doubt: None,
            score_scale: Scale::HeadWidth,
            score_cap: None,
            input_factor: 1.0,
            key_factor: 1.0,
            attention_factor: 1.0,
            mlp_factor: 1.0,
            window: PerLayer::All(None),
            rope: PerLayer::All(None),
            grid_rope: None,
            alibi: None,
            relative: None,
            causal: true,
            embed: "embed_tokens.weight",
            embed_times_root_width: false,
            embed_factor: 1.0,
            embed_project: None,
            projects_last: false,
            positions: None,
            sinusoids: None,
            token_types: None,
            embed_norm: None,
            front: None,
            final_norm: Some("norm"),
            last_hidden_is_normed: true,
            unembed: &["lm_head"],
            tied: true,
            unembed_project: None,
            unembed_transform: None,
            unembed_bias: None,
            logits_factor: 1.0,
            logits_cap: None,
            prepend_bos: true,
            cannot_run: None,
        }
    }
}

//! One layer of a resolved architecture.

use serde::Serialize;

use super::architecture::{Activation, AltUp, Attention, BesideMlp, LayerInput, Mixer, Mlp, Norm};
use crate::math::order::distinct;

/// One layer: `x += f · on_attention(attention(before_attention(x)))`, `x = after_attention(x)`, and the same for the MLP.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Layer {
    /// The stack that it belongs to, an index into [`Architecture::stacks`].
    pub stack: usize,
    /// Its number in that stack, which its name shows.
    pub number: usize,
    /// The first layer with the same tensors, where that is an earlier one (ALBERT).
    pub same_as: Option<usize>,
    /// The attention; not every layer of a hybrid has one.
    pub attention: Option<Attention>,
    /// What passes along the prompt instead of it, or beside it (hybrids).
    pub mixer: Option<Mixer>,
    /// Factor on what the attention adds to the stream (Granite, Falcon-H1).
    pub attention_factor: f64,
    /// Factor on what the MLP adds to the stream.
    pub mlp_factor: f64,
    /// Name of the gains, `[d_model]`, on what the attention adds to the stream: a fixed linear map, and so a part of OV (DINO, BEiT).
    pub attention_gain: Option<String>,
    /// Name of the gains on what the MLP adds to the stream.
    pub mlp_gain: Option<String>,
    /// The MLP.
    pub mlp: Mlp,
    /// A mixture of experts beside it.
    pub beside_mlp: Option<Box<BesideMlp>>,
    /// The MLP's non-linearity.
    pub activation: Activation,
    /// Where its parameters are in the file: what stands before `alpha_p`, `alpha_n`, `beta`, `eps` (Apertus).
    pub activation_parameters: Option<String>,
    /// So many standard deviations above a position's mean gate what is below is cut off (Gemma 3n).
    pub gate_cutoff: Option<f64>,
    /// What it does with its own input, after the MLP.
    pub input: Option<LayerInput>,
    /// How it moves several streams.
    pub altup: Option<AltUp>,
    /// Name of one number that the whole stream is multiplied with at the end (Gemma 4).
    pub scalar: Option<String>,
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

impl Layer {
    /// True if the stream behind it is more than the one in front and what attention and MLP wrote.
    pub fn moves_more_than_one_stream(&self) -> bool {
        self.input.is_some() || self.altup.is_some() || self.scalar.is_some()
    }

    /// Names of the tensors that the layer's heads need; none where it has no attention.
    pub fn head_tensors(&self) -> Vec<&str> {
        let Some(attention) = &self.attention else { return Vec::new() };
        let mut names = attention.tensors();
        names.extend(self.before_attention.iter().flat_map(Norm::tensors));
        names.extend(self.attention_gain.as_deref());
        names
    }

    /// Names of all the layer's tensors.
    pub fn tensors(&self) -> Vec<&str> {
        let mut names: Vec<&str> = self.attention.iter().flat_map(Attention::tensors).collect();
        names.extend(self.mixer.iter().flat_map(Mixer::tensors));
        names.extend(self.mlp.tensors());
        names.extend(self.beside_mlp.iter().flat_map(|beside| beside.tensors()));
        let norms = [
            &self.before_attention,
            &self.on_attention,
            &self.after_attention,
            &self.before_mlp,
            &self.on_mlp,
            &self.after_mlp,
        ];
        names.extend(norms.into_iter().flatten().flat_map(Norm::tensors));
        let named = [&self.attention_gain, &self.mlp_gain, &self.scalar];
        names.extend(named.into_iter().flatten().map(String::as_str));
        names.extend(self.input.iter().flat_map(LayerInput::tensors));
        names.extend(self.altup.iter().flat_map(AltUp::tensors));
        distinct(names)
    }
}

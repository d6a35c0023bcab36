//! What a model that does not read tokens begins with: patches of an image, or convolutions over sound.

use serde::Serialize;

use super::activation::Activation;
use super::parts::{Linear, Norm};

/// How an input that is not made of tokens becomes vectors.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Front {
    /// An image, cut into patches.
    Patches {
        /// The convolution, `[d_model, channels, patch, patch]`.
        projection: Linear,
        /// Names of the vectors that stand before the patches: class token, distillation token, registers.
        before: Vec<String>,
    },
    /// Frames of a spectrogram, `[mels, frames]`, through two convolutions with a GELU each (Whisper).
    Mel {
        /// Three frames wide, `[d_model, mels, 3]`.
        first: Linear,
        /// Three frames wide, every other one, `[d_model, d_model, 3]`.
        second: Linear,
    },
    /// Samples of a wave (wav2vec 2.0, HuBERT).
    Wave(Box<Wave>),
}

/// A tower of convolutions over samples.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Wave {
    /// The convolutions, the first one over a single channel.
    pub layers: Vec<WaveLayer>,
    /// What follows each of them.
    pub activation: Activation,
    /// Norm over the last one's channels, where there is one.
    pub norm: Option<Norm>,
    /// From channels to `d_model`.
    pub project: Linear,
    /// The convolution whose output, through the activation, is added as positions.
    pub positions: PositionConvolution,
}

/// One convolution over time.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct WaveLayer {
    /// `[channels out, channels in, width]`.
    pub convolution: Linear,
    /// Samples from one window to the next.
    pub stride: usize,
    /// Norm of its output.
    pub norm: Option<Norm>,
    /// The norm is over time, one channel at a time, not over channels.
    pub over_time: bool,
}

/// A grouped convolution with its weights normed: `w = g v / ‖v‖`, one norm per tap.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PositionConvolution {
    /// Name of `g`, `[1, 1, width]`.
    pub gain: String,
    /// Name of `v`, `[d_model, d_model / groups, width]`.
    pub direction: String,
    /// Name of the bias.
    pub bias: Option<String>,
}

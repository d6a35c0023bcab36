//! The Heads page's questions: spectra of a layer, the vectors of one head, and what tokens they point at.

use serde::{Deserialize, Serialize};

use super::gpu::GpuChoice;
use crate::circuits::{head_statistics::HeadStatistics, omega::Circuit};
use crate::model::Weights;

/// A question about heads.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Ask {
    /// Singular values of QK and OV of every head of one layer; each head is told as it is finished.
    Spectra {
        /// The layer.
        layer: usize,
        /// Which convention.
        weights: Weights,
    },
    /// The same for many layers on the GPU, one after the other, in the order given.
    SpectraOnGpu {
        /// The layers.
        layers: Vec<usize>,
        /// Which convention.
        weights: Weights,
        /// How the device is chosen.
        choice: GpuChoice,
    },
    /// Singular vectors of one head, and the tokens nearest to them.
    Vectors {
        /// Which head.
        at: HeadAt,
        /// Tokens at each end.
        top: usize,
        /// Whether the direction common to all tokens is projected out first.
        remove_mean: bool,
    },
    /// The singular vectors of one head as a safetensors file.
    ExportVectors(HeadAt),
}

/// Who computed a spectrum.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum By {
    /// The CPU, in f64.
    #[default]
    Cpu,
    /// The GPU, in f32, and its certificate passed.
    Gpu,
    /// The CPU, in f64, after the GPU's certificate failed.
    Repair,
}

/// One circuit of one head under one convention.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct HeadAt {
    /// The layer.
    pub layer: usize,
    /// The head.
    pub head: usize,
    /// QK or OV.
    pub circuit: Circuit,
    /// Which convention.
    pub weights: Weights,
}

/// Part of an answer about heads.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Tell {
    /// One head's spectra.
    Spectrum(HeadSpectra),
    /// One head that could not be decomposed; the others are not affected.
    Broken {
        /// The layer.
        layer: usize,
        /// The head.
        head: usize,
        /// What is wrong with it.
        why: String,
    },
    /// The singular vectors of one head; arrays: `u` then `v`, each `[d_head, d_model]` row-major, one vector a row.
    Vectors {
        /// Which head.
        at: HeadAt,
        /// Singular values, descending.
        sigma: Vec<f64>,
        /// Python that reads this head's matrices from the reader's own files.
        python: String,
    },
    /// The tokens nearest to each direction, best first, over the rows read so far.
    Nearest {
        /// Which head.
        at: HeadAt,
        /// One entry per shown pair.
        pairs: Vec<PairTokens>,
        /// Rows of the dictionary seen so far.
        rows: usize,
        /// Rows in all.
        of: usize,
    },
    /// A finished file.
    File {
        /// A name for it.
        name: String,
        /// Its bytes.
        #[serde(with = "serde_bytes")]
        bytes: Vec<u8>,
    },
}

/// Both circuits of one head.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct HeadSpectra {
    /// The layer.
    pub layer: usize,
    /// The head.
    pub head: usize,
    /// `Ω = W_Q W_Kᵀ`.
    pub qk: CircuitSpectrum,
    /// `W_V W_O`.
    pub ov: CircuitSpectrum,
}

/// One circuit's singular values with their certificate.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CircuitSpectrum {
    /// Singular values, descending, `[d_head]`.
    pub sigma: Vec<f64>,
    /// `‖A Bᵀ − U S Vᵀ‖_F / ‖A Bᵀ‖_F`.
    pub residual: f64,
    /// Largest entry of `|UᵀU − I|` and `|VᵀV − I|`.
    pub orthogonality: f64,
    /// Numbers that describe the spectrum.
    pub statistics: HeadStatistics,
    /// Who computed it.
    #[serde(default)]
    pub by: By,
}

/// The tokens at both ends of both sides of one singular pair.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PairTokens {
    /// Which pair.
    pub k: usize,
    /// The destination (QK) or read (OV) side.
    pub left: SideTokens,
    /// The source (QK) or written (OV) side.
    pub right: SideTokens,
}

/// The tokens at both ends of one direction.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct SideTokens {
    /// Largest cosine first.
    pub plus: Vec<TokenCosine>,
    /// Smallest cosine first.
    pub minus: Vec<TokenCosine>,
}

/// A token and its cosine with a direction.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TokenCosine {
    /// Its row in the embedding.
    pub id: usize,
    /// The token as text, spaces kept; `#id` without a tokenizer.
    pub text: String,
    /// The cosine, signed.
    pub cosine: f32,
}

//! The Heads page's questions: spectra of a layer, the vectors of one head, and what tokens they point at.

use serde::{Deserialize, Serialize};

use super::gpu::GpuChoice;
use crate::model::Weights;
pub use crate::study::spectra::{BrokenHead, By, CircuitSpectrum, HeadSpectra};
pub use crate::study::vectors::{HeadAt, PairTokens, SideTokens, TokenCosine};

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

/// Part of an answer about heads.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Tell {
    /// One head's spectra.
    Spectrum(HeadSpectra),
    /// One head that could not be decomposed; the others are not affected.
    Broken(BrokenHead),
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

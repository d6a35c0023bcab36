//! The Heads page's questions: spectra of a layer, the vectors of one head, and what tokens they point at.

use serde::{Deserialize, Serialize};

use super::model::ModelSummary;
use super::question::questions;
use super::{Ask as AnyAsk, Plan, Question};
use crate::circuits::alignment::IsotropicLevel;
use crate::model::Weights;
pub use crate::study::spectra::{BrokenHead, By, CircuitSpectrum, HeadSpectra};
pub use crate::study::vectors::{HeadAt, PairTokens, SideTokens, TokenCosine};

/// Milliseconds that one core takes for both spectra of a head of GPT-2 small, and what that is `d_model d_head²` of.
const ONE_HEAD: [f64; 2] = [12.0, 3.1e6];

/// Singular values of QK and OV of every head of some layers, in the order given; each head is told as it is finished.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Spectra {
    /// The layers.
    pub layers: Vec<usize>,
    /// The weights as they are in the file, or with norms folded in.
    pub weights: Weights,
}

impl Spectra {
    /// About how long one worker would take on the CPU, in milliseconds.
    pub fn cpu_ms(&self, model: &ModelSummary) -> f64 {
        let [ms, operations] = ONE_HEAD;
        let one = (model.d_model * model.d_head * model.d_head) as f64 / operations * ms;
        (self.layers.len() * model.n_heads) as f64 * one
    }
}

impl Plan for Spectra {
    fn steps(&self) -> Option<usize> {
        Some(self.layers.len())
    }

    fn shares(&self, _workers: usize) -> Vec<AnyAsk> {
        let share = |&layer: &usize| Self { layers: vec![layer], ..*self }.ask();
        self.layers.iter().map(share).collect()
    }

    fn rest(&self, layers: &[usize]) -> Option<AnyAsk> {
        Some(Self { layers: layers.to_vec(), ..*self }.ask())
    }
}

/// Singular vectors of one head, and the tokens nearest to them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Vectors {
    /// Which head.
    pub at: HeadAt,
    /// Tokens at each end.
    pub top: usize,
    /// Whether the direction common to all tokens is projected out first.
    pub remove_mean: bool,
}

impl Plan for Vectors {}

/// The singular vectors of one head as a safetensors file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExportVectors {
    /// Which head.
    pub at: HeadAt,
}

impl Plan for ExportVectors {}

/// The QK spectrum of a rotary head at every distance up to [`crate::study::distance::FARTHEST`] tokens; an empty answer where positions do
/// not turn it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AtDistances {
    /// Which head; of its QK whatever the circuit.
    pub at: HeadAt,
}

impl Plan for AtDistances {}

questions! { Heads:
    Spectra => HeadOutcome,
    Vectors => VectorsPart,
    ExportVectors => File,
    AtDistances => Vec<Vec<f64>>,
}

/// What came of one head of [`Spectra`]; one that is broken does not affect the others.
pub type HeadOutcome = Result<HeadSpectra, BrokenHead>;

/// Part of the answer to [`Vectors`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum VectorsPart {
    /// The singular vectors of one head; arrays: `u` then `v`, each `[d_head, d_model]` row-major, one vector a row.
    Vectors {
        /// Which head.
        at: HeadAt,
        /// Singular values, descending.
        sigma: Vec<f64>,
        /// Residual and orthogonality of these very vectors.
        certificate: [f64; 2],
        /// Python that reads this head's matrices from the reader's own files.
        python: String,
    },
    /// Where the model has position embeddings: the cosines of each with both sides of every pair; arrays: left then right, each
    /// `[d_head, n]` row-major, empty for a side that reads another stream.
    Positions {
        /// Which head.
        at: HeadAt,
        /// Positions.
        n: usize,
        /// The |cosine| that a random direction exceeds with some position once in twenty.
        critical: f64,
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
        /// Why the tokens are ids, where a tokenizer is there that cannot be used.
        wordless: Option<String>,
        /// What a random direction's best |cosine| is by chance, left and right; `None` where no closed form holds.
        chance: [Option<IsotropicLevel>; 2],
    },
}

/// A finished file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct File {
    /// A name for it.
    pub name: String,
    /// Its bytes.
    #[serde(with = "serde_bytes")]
    pub bytes: Vec<u8>,
}

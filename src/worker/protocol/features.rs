//! The Features page's questions: sides of heads against a dictionary.

use serde::{Deserialize, Serialize};

use crate::circuits::alignment::{AlignmentReport, FeatureHit};
use crate::circuits::dictionary::{Builtin, FileChoice};
use crate::model::Weights;

/// Which dictionary.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Source {
    /// A part of the open model.
    Model(Builtin),
    /// The reader's own files, which travel beside the question.
    Own(FileChoice),
}

/// A question about alignment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Ask {
    /// Compare both circuits of some heads with a dictionary.
    Align {
        /// Which dictionary.
        source: Source,
        /// Layer and head of each.
        heads: Vec<(usize, usize)>,
        /// Which convention.
        weights: Weights,
        /// Whether the common direction is projected out.
        remove_mean: bool,
        /// Features kept at each end.
        top: usize,
        /// Random rotations of each subspace.
        rotations: usize,
    },
    /// The inverse question: which directions of all heads of a layer point at one feature?
    Find {
        /// Which dictionary.
        source: Source,
        /// The feature's label, or its row after `#`.
        feature: String,
        /// The layer to search.
        layer: usize,
        /// Which convention.
        weights: Weights,
        /// Whether the common direction is projected out.
        remove_mean: bool,
    },
}

/// Part of an answer about alignment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Tell {
    /// What the dictionary is.
    About {
        /// Its name.
        name: String,
        /// Features in it.
        n_features: usize,
        /// Rows that are zero or not finite, left out.
        n_skipped: usize,
        /// Mean cosine between features: how anisotropic it is.
        mean_cosine: f64,
        /// What the reader should know.
        notes: Vec<String>,
    },
    /// A finished comparison.
    Report(Box<AlignmentReport>),
    /// Directions that point at the feature, nearest first.
    Hits {
        /// The feature's label.
        label: String,
        /// The directions.
        hits: Vec<FeatureHit>,
    },
}

//! The Features page's questions: sides of heads against a dictionary.

use serde::{Deserialize, Serialize};

use super::Failure;
use super::gpu::GpuChoice;
use crate::circuits::alignment::{AlignmentReport, FeatureHit, Side};
use crate::circuits::composition::Channel;
use crate::circuits::matching::Pair;
use crate::model::Weights;
pub use crate::study::dictionary::{AboutDictionary, Comparing, Source};

/// A question about alignment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Ask {
    /// Compare both circuits of some heads, layer and head of each, with a dictionary.
    Align(Comparing, Vec<(usize, usize)>),
    /// The same for every head of some layers on the GPU; a report for each head.
    AlignOnGpu(Comparing, Vec<usize>, GpuChoice),
    /// Every cosine of one side of one head with a dictionary of at most 4096 features, and their one-to-one matching.
    Cosines {
        /// Which dictionary.
        source: Source,
        /// Layer and head.
        head: (usize, usize),
        /// Which side.
        side: Side,
        /// Which convention.
        weights: Weights,
        /// Whether the common direction is projected out.
        remove_mean: bool,
    },
    /// Which earlier heads write what one head reads, vector by vector; told an earlier layer at a time.
    Channels {
        /// Layer and head that reads.
        into: (usize, usize),
        /// Which convention.
        weights: Weights,
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
    About(Box<AboutDictionary>),
    /// A finished comparison.
    Report(Box<AlignmentReport>),
    /// A head that could not be compared; the others are not affected.
    Broken(Failure),
    /// Every cosine; one array: `[n_directions, n_features]` row-major.
    Cosines {
        /// Features of the dictionary.
        n_features: usize,
        /// The best one-to-one matching, with the features' labels.
        matching: Vec<(Pair, String)>,
    },
    /// Channels from the heads of one earlier layer.
    Channels(Vec<Channel>),
    /// Directions that point at the feature, nearest first.
    Hits {
        /// The feature's label.
        label: String,
        /// The directions.
        hits: Vec<FeatureHit>,
    },
}

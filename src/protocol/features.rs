//! The Features page's questions: sides of heads against a dictionary.

use serde::{Deserialize, Serialize};

use super::question::questions;
use super::{Ask as AnyAsk, Failure, Plan, Question};
use crate::circuits::alignment::{AlignmentReport, FeatureHit, Side};
use crate::circuits::matching::{MatchingNull, Pair};
use crate::model::Weights;
use crate::study::channels::Found;
pub use crate::study::dictionary::{AboutDictionary, Comparing, Source};

/// Compare both circuits of some heads, layer and head of each, with a dictionary: one report on all of them, or several on a
/// part each where workers or layers share the work.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Align {
    /// With what, and how.
    pub how: Comparing,
    /// The heads. What is offered to the GPU names every head of a layer.
    pub heads: Vec<(usize, usize)>,
}

impl Plan for Align {
    fn steps(&self) -> Option<usize> {
        Some(self.heads.len())
    }

    fn shares(&self, _workers: usize) -> Vec<AnyAsk> {
        let share = |&head| Self { how: self.how.clone(), heads: vec![head] }.ask();
        self.heads.iter().map(share).collect()
    }

    fn rest(&self, layers: &[usize]) -> Option<AnyAsk> {
        let left = self.heads.iter().filter(|(layer, _)| layers.contains(layer));
        Some(Self { how: self.how.clone(), heads: left.copied().collect() }.ask())
    }
}

/// Every cosine of one side of one head with a dictionary of at most 4096 features, and their one-to-one matching.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Cosines {
    /// Which dictionary.
    pub source: Source,
    /// Layer and head.
    pub head: (usize, usize),
    /// Which side.
    pub side: Side,
    /// The weights as they are in the file, or with norms folded in.
    pub weights: Weights,
    /// Whether the common direction is projected out.
    pub remove_mean: bool,
}

impl Plan for Cosines {}

/// Which earlier heads write what one head reads, vector by vector; told an earlier layer at a time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChannelsInto {
    /// Layer and head that reads.
    pub into: (usize, usize),
    /// The weights as they are in the file, or with norms folded in.
    pub weights: Weights,
}

impl Plan for ChannelsInto {}

/// The inverse question: which directions of all heads of a layer point at one feature?
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Find {
    /// Which dictionary.
    pub source: Source,
    /// The feature's label, or its row after `#`.
    pub feature: String,
    /// The layer to search.
    pub layer: usize,
    /// The weights as they are in the file, or with norms folded in.
    pub weights: Weights,
    /// Whether the common direction is projected out.
    pub remove_mean: bool,
}

impl Plan for Find {}

questions! { Features:
    Align => AlignPart,
    Cosines => CosinesFound,
    ChannelsInto => Found,
    Find => Hits,
}

/// Part of the answer to [`Align`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum AlignPart {
    /// What the dictionary is.
    About(Box<AboutDictionary>),
    /// A finished comparison.
    Report(Box<AlignmentReport>),
    /// A head that could not be compared; the others are not affected.
    Broken(Failure),
}

/// The answer to [`Cosines`]; one array: `[n_directions, n_features]` row-major.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CosinesFound {
    /// Features of the dictionary.
    pub n_features: usize,
    /// The best one-to-one matching, with the features' labels.
    pub matching: Vec<(Pair, String)>,
    /// What random bases of the same subspace match.
    pub null: Option<MatchingNull>,
}

/// The answer to [`Find`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Hits {
    /// The feature's label.
    pub label: String,
    /// Directions that point at the feature, nearest first.
    pub hits: Vec<FeatureHit>,
}

//! The Compare page's questions: a second model beside the open one, what became of every head, what a change is about.
//!
//! The second model's files travel beside every question; heads came from it, and became those of the open model.

use serde::{Deserialize, Serialize};

use super::attention::Prompt;
use super::model::Hints;
use super::question::questions;
use super::{Ask as AnyAsk, Plan, Question};
use crate::circuits::alignment::SideAlignment;
use crate::circuits::convention::Convention;
use crate::circuits::omega::Circuit;
use crate::model::Weights;
pub use crate::study::compare::{
    Common, HeadChange, HeadOnPrompt, NextToken, NormChange, OnPrompt,
};
use crate::study::spectra::BrokenHead;

/// Opens the second model and says what can be compared.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Beside {
    /// What its reader knows it as.
    pub name: String,
    /// The weights as they are in the file, or with norms folded in.
    pub weights: Weights,
}

impl Plan for Beside {}

/// What became of every head of some layers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Compare {
    /// The layers.
    pub layers: Vec<usize>,
    /// The weights as they are in the file, or with norms folded in.
    pub weights: Weights,
    /// Heads belong together by likeness, not by number.
    pub match_heads: bool,
}

impl Plan for Compare {
    fn steps(&self) -> Option<usize> {
        Some(self.layers.len())
    }

    fn shares(&self, _workers: usize) -> Vec<AnyAsk> {
        let share = |&layer: &usize| Self { layers: vec![layer], ..*self }.ask();
        self.layers.iter().map(share).collect()
    }
}

/// The leading singular pairs of one head's change against the tokens of the open model.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Words {
    /// What its reader knows the second model as.
    pub name: String,
    /// The layer.
    pub layer: usize,
    /// The head of the second model.
    pub head: usize,
    /// QK or OV.
    pub circuit: Circuit,
    /// The weights as they are in the file, or with norms folded in.
    pub weights: Weights,
    /// As in [`Compare`].
    pub match_heads: bool,
    /// Tokens at each end.
    pub top: usize,
}

impl Plan for Words {}

/// What became of every head between two models that are both in the files beside the question: two steps of a series,
/// or the way to a third model.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Between {
    /// So many files are the first model's, the rest the second's.
    pub n_before: usize,
    /// What the reader said of either, where the files do not.
    pub hints: [Hints; 2],
    /// The weights as they are in the file, or with norms folded in.
    pub weights: Weights,
    /// As in [`Compare`].
    pub match_heads: bool,
}

impl Plan for Between {}

/// Runs a prompt through both models.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Together {
    /// The prompt, in the words of the open model.
    pub prompt: Prompt,
}

impl Plan for Together {
    fn prompt(&self) -> Option<&Prompt> {
        Some(&self.prompt)
    }

    fn steps(&self) -> Option<usize> {
        None
    }
}

/// One head of both models on a prompt, and one of its scores taken apart. The answer's arrays are the patterns of the two,
/// `[n, n]`: before, now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScoreAt {
    /// What its reader knows the second model as.
    pub name: String,
    /// The prompt, in the words of the open model.
    pub prompt: Prompt,
    /// The layer.
    pub layer: usize,
    /// The head of the second model.
    pub head: usize,
    /// The weights that the singular pairs are of: as they are in the file, or with norms folded in.
    pub weights: Weights,
    /// As in [`Compare`].
    pub match_heads: bool,
    /// The position that looks; with none, and no source, the pair whose attention changed most.
    pub dest: Option<usize>,
    /// The position looked at.
    pub src: Option<usize>,
}

impl Plan for ScoreAt {
    fn prompt(&self) -> Option<&Prompt> {
        Some(&self.prompt)
    }
}

questions! { Compare:
    Beside => Box<BothModels>,
    Compare => ComparePart,
    Between => ComparePart,
    Words => About,
    Together => Box<OnPrompt>,
    ScoreAt => Box<Scored>,
}

/// The answer to [`ScoreAt`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Scored {
    /// What was found.
    pub found: HeadOnPrompt,
    /// Python that makes the split again from the files of both models.
    pub python: String,
}

/// The answer to [`Words`].
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct About {
    /// Both sides of the leading pairs of the change; none without token embeddings.
    pub sides: Vec<SideAlignment>,
    /// Python that makes the change again from the files of both models.
    pub python: String,
}

/// The answer to [`Beside`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BothModels {
    /// Conventions of the second model, from which heads came, and of the open one.
    pub conventions: [Convention; 2],
    /// What can be compared.
    pub common: Common,
}

/// Part of the answer to [`Compare`] or [`Between`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum ComparePart {
    /// One head.
    Head(Box<HeadChange>),
    /// One head that cannot be compared; the others are not affected.
    Broken(BrokenHead),
    /// The norms in front of one layer's attention.
    Norm(NormChange),
    /// Something that the reader should know.
    Note(String),
}

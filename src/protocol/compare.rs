//! The Compare page's questions: a second model beside the open one, what became of every head, what a change is about.
//!
//! The second model's files travel beside every question; heads came from it, and became those of the open model.

use serde::{Deserialize, Serialize};

use super::question::questions;
use super::{Ask as AnyAsk, Plan, Question};
use crate::circuits::alignment::SideAlignment;
use crate::circuits::convention::Convention;
use crate::circuits::omega::Circuit;
use crate::model::Weights;
pub use crate::study::compare::{Common, HeadChange, NormChange};
use crate::study::spectra::BrokenHead;

/// Opens the second model and says what can be compared.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Beside {
    /// What its reader knows it as.
    pub name: String,
    /// Which convention.
    pub weights: Weights,
}

impl Plan for Beside {}

/// What became of every head of some layers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Compare {
    /// The layers.
    pub layers: Vec<usize>,
    /// Which convention.
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
    /// Which convention.
    pub weights: Weights,
    /// As in [`Compare`].
    pub match_heads: bool,
    /// Tokens at each end.
    pub top: usize,
}

impl Plan for Words {}

questions! { Compare:
    Beside => Box<Known>,
    Compare => ComparePart,
    Words => About,
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
pub struct Known {
    /// Conventions of the second model, from which heads came, and of the open one.
    pub conventions: [Convention; 2],
    /// What can be compared.
    pub common: Common,
}

/// Part of the answer to [`Compare`].
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

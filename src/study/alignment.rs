//! The sides of heads against a dictionary, a block of features at a time; one feature against all heads.

use super::StudyError;
use super::dictionary::{Comparing, Surveyed};
use crate::circuits::alignment::{
    Alignment, AlignmentReport, FeatureHit, FeatureSearch, HeadSide, Side,
};
use crate::circuits::omega::Circuit;
use crate::model::{AttentionLayer, Model, Weights};

/// The sides of one head that are asked for, both circuits in order.
///
/// # Errors
/// What reading its matrices or decomposing them says.
pub fn head_sides(
    attention: &AttentionLayer,
    head: usize,
    weights: Weights,
    wanted: impl Fn(Side) -> bool,
) -> Result<Vec<HeadSide>, StudyError> {
    let matrices = attention.head(head, weights)?;
    let asked = |circuit: &Circuit| Side::of(*circuit).into_iter().any(&wanted);
    let mut sides = Vec::new();
    for circuit in [Circuit::Qk, Circuit::Ov].into_iter().filter(asked) {
        let both = HeadSide::both(attention.layer(), head, circuit, &matrices)?;
        sides.extend(both.into_iter().filter(|side| wanted(side.side)));
    }
    Ok(sides)
}

/// Sides on their way through a dictionary.
pub struct Comparison<'a> {
    surveyed: &'a Surveyed,
    alignment: Alignment,
    remove_mean: bool,
    done: usize,
}

impl<'a> Comparison<'a> {
    /// Ready for the first block.
    ///
    /// # Errors
    /// What [`Surveyed::alignment`] says.
    pub fn new(
        surveyed: &'a Surveyed,
        sides: Vec<HeadSide>,
        how: &Comparing,
    ) -> Result<Self, StudyError> {
        let alignment = surveyed.alignment(sides, how)?;
        Ok(Self { surveyed, alignment, remove_mean: how.remove_mean, done: 0 })
    }

    /// Compares with the next block: rows done and rows in all; `None` after the last.
    ///
    /// # Errors
    /// What reading says.
    pub fn step(&mut self, model: &Model) -> Result<Option<(usize, usize)>, StudyError> {
        let Some(block) = self.surveyed.block(model, self.done, self.remove_mean)? else {
            return Ok(None);
        };
        self.alignment.step(&block)?;
        self.done += block.len();
        Ok(Some(self.alignment.progress()))
    }

    /// What was found; features are not yet called by name.
    pub fn finish(self) -> AlignmentReport {
        self.alignment.report()
    }
}

/// Which directions of the heads of a layer point at one feature, a side at a time.
pub struct Search {
    /// Row of the feature.
    pub row: usize,
    search: FeatureSearch,
}

impl Search {
    /// Prepares feature `row` of a dictionary.
    ///
    /// # Errors
    /// What reading it says.
    pub fn new(
        surveyed: &Surveyed,
        model: &Model,
        row: usize,
        remove_mean: bool,
    ) -> Result<Self, StudyError> {
        let block = surveyed.feature(model, row, remove_mean)?;
        Ok(Self { row, search: FeatureSearch::new(surveyed.frame(remove_mean), block) })
    }

    /// Takes the directions of one side.
    pub fn step(&mut self, side: &HeadSide) {
        self.search.step(side);
    }

    /// The best direction of every side, the nearest first: all of them, so that searches of several layers can be corrected as one.
    pub fn finish(self) -> Vec<FeatureHit> {
        self.search.hits()
    }
}

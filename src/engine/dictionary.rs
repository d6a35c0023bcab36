//! Dictionaries of the open model, surveyed once: what the Heads and the Features page compare directions with.

use std::collections::HashMap;

use super::Engine;
use crate::checkpoint::ByteSource;
use crate::circuits::CircuitError;
use crate::circuits::alignment::{AlignOptions, Alignment, AlignmentReport, HeadSide};
use crate::circuits::dictionary::{
    Builtin, Dictionary, DictionaryError, DictionarySurvey, FileChoice, Frame, Survey, UnitBlock,
};
use crate::circuits::matching::{CosineMatrix, LARGEST};
use crate::circuits::whitening::{Anisotropy, Gram};
use crate::model::{Model, Weights};
use crate::protocol::features::{Comparing, Source};
use crate::protocol::{Failure, Question};

/// Rows of a dictionary in memory at a time.
const BLOCK: usize = 2048;

/// A dictionary with what is known about all of it.
pub(super) struct Surveyed {
    pub(super) dictionary: Dictionary,
    pub(super) survey: DictionarySurvey,
    /// `Σ_X` in the frame with the common direction removed, or kept, whichever was asked for last.
    gram: Option<(bool, Gram, Anisotropy)>,
    /// Whether features and directions are centred, as the norm in front of the attention does.
    pub(super) centre: bool,
    d_model: usize,
}

/// Dictionaries that were surveyed.
#[derive(Default)]
pub(super) struct Shelf {
    builtin: HashMap<(Builtin, Weights), Surveyed>,
    /// The reader's own, by the name of its first file.
    own: Option<(String, Surveyed)>,
}

impl Surveyed {
    fn of(dictionary: Dictionary, model: &Model, weights: Weights) -> Result<Self, Failure> {
        let d_model = model.arch.d_model;
        let centre = weights == Weights::Folded && model.arch.reads_through_layer_norm();
        let plain = Frame::plain(d_model, centre);
        let mut survey = Survey::default();
        for range in dictionary.blocks(BLOCK) {
            survey.step(&dictionary.block(Some(&model.checkpoint), range, &plain)?);
        }
        Ok(Self { dictionary, survey: survey.finish(), gram: None, centre, d_model })
    }

    /// What is taken out of features and directions alike.
    pub(super) fn frame(&self, remove_mean: bool) -> Frame {
        Frame::after(&self.survey, self.d_model, self.centre, remove_mean)
    }

    /// One feature, prepared.
    pub(super) fn feature(
        &self,
        model: &Model,
        row: usize,
        remove_mean: bool,
    ) -> Result<UnitBlock, Failure> {
        Ok(self.dictionary.block(
            Some(&model.checkpoint),
            row..row + 1,
            &self.frame(remove_mean),
        )?)
    }

    /// How the features spread, once `Σ_X` is known.
    pub(super) fn anisotropy(&self) -> Option<Anisotropy> {
        self.gram.as_ref().map(|(_, _, anisotropy)| *anisotropy)
    }

    /// Every feature of a small dictionary beside one side: all cosines.
    pub(super) fn cosines(
        &self,
        model: &Model,
        side: &HeadSide,
        remove_mean: bool,
    ) -> Result<CosineMatrix, Failure> {
        let frame = self.frame(remove_mean);
        let n_rows = self.dictionary.about.n_rows;
        // Refused before it is read.
        if n_rows > LARGEST {
            let what = "rows of a dictionary for the whole cosine matrix";
            return Err(CircuitError::TooMany { what, found: n_rows, limit: LARGEST }.into());
        }
        let block = self.dictionary.block(Some(&model.checkpoint), 0..n_rows, &frame)?;
        Ok(CosineMatrix::new(side, &frame, &[block])?)
    }

    /// A comparison that has not seen a feature yet.
    pub(super) fn alignment(
        &self,
        sides: Vec<HeadSide>,
        how: &Comparing,
    ) -> Result<Alignment, Failure> {
        let gram = self.gram.as_ref().filter(|_| how.whiten).map(|(_, gram, _)| gram);
        let options = AlignOptions { top: how.top, rotations: how.rotations, seed: 0 };
        let n_rows = self.dictionary.about.n_rows;
        Ok(Alignment::new(sides, self.frame(how.remove_mean), n_rows, gram, options)?)
    }

    /// All features in their order, prepared, a block at a time.
    pub(super) fn blocks(
        &self,
        model: &Model,
        remove_mean: bool,
    ) -> impl Iterator<Item = Result<UnitBlock, Failure>> {
        let frame = self.frame(remove_mean);
        let block =
            move |range| Ok(self.dictionary.block(Some(&model.checkpoint), range, &frame)?);
        self.dictionary.blocks(BLOCK).map(block)
    }

    /// Compares sides with every feature; `tell` hears rows done and rows in all after each block.
    pub(super) fn align(
        &self,
        model: &Model,
        sides: Vec<HeadSide>,
        how: &Comparing,
        mut tell: impl FnMut(usize, usize),
    ) -> Result<AlignmentReport, Failure> {
        let mut alignment = self.alignment(sides, how)?;
        for block in self.blocks(model, how.remove_mean) {
            alignment.step(&block?)?;
            let (done, of) = alignment.progress();
            tell(done, of);
        }
        Ok(alignment.report())
    }
}

impl Engine {
    /// One of the model's own dictionaries, surveyed.
    pub(super) fn builtin(&mut self, which: Builtin, weights: Weights) -> Result<(), Failure> {
        if !self.shelf.builtin.contains_key(&(which, weights)) {
            let model = self.model()?;
            let surveyed =
                Surveyed::of(Dictionary::of_model(model, which, weights)?, model, weights)?;
            self.shelf.builtin.insert((which, weights), surveyed);
        }
        Ok(())
    }

    /// A dictionary that [`Engine::builtin`] made ready.
    pub(super) fn ready(&self, which: Builtin, weights: Weights) -> Result<&Surveyed, Failure> {
        self.shelf
            .builtin
            .get(&(which, weights))
            .ok_or_else(|| Failure::new("the dictionary is not ready"))
    }

    /// Makes `Σ_X` of a dictionary that is ready; `tell` hears rows done and rows in all.
    pub(super) fn whiten(
        &mut self,
        source: &Source,
        weights: Weights,
        remove_mean: bool,
        tell: &mut dyn FnMut(usize, usize),
    ) -> Result<(), Failure> {
        let surveyed = match source {
            Source::Model(which) => self.shelf.builtin.get_mut(&(*which, weights)),
            Source::Own(_) => self.shelf.own.as_mut().map(|(_, surveyed)| surveyed),
        };
        let (Some(surveyed), Some(model)) = (surveyed, self.model.as_ref()) else { return Ok(()) };
        if surveyed.gram.as_ref().is_some_and(|(removed, ..)| *removed == remove_mean) {
            return Ok(());
        }
        let mut gram = Gram::new(surveyed.d_model);
        let n_rows = surveyed.dictionary.about.n_rows;
        for block in surveyed.blocks(model, remove_mean) {
            let block = block?;
            gram.step(&block);
            tell(block.first + block.len(), n_rows);
        }
        let anisotropy = gram.anisotropy(&surveyed.frame(remove_mean));
        surveyed.gram = Some((remove_mean, gram, anisotropy));
        Ok(())
    }

    /// The reader's own dictionary, once [`Engine::own`] has it.
    pub(super) fn ready_own(&self) -> Result<&Surveyed, Failure> {
        self.shelf
            .own
            .as_ref()
            .map(|(_, s)| s)
            .ok_or_else(|| Failure::new("no dictionary file was given"))
    }

    /// The reader's own dictionary, from files that came with the question, or the one that came last.
    pub(super) fn own(
        &mut self,
        sources: Vec<Box<dyn ByteSource>>,
        choice: &FileChoice,
        weights: Weights,
    ) -> Result<&Surveyed, Failure> {
        if let Some(name) = sources.first().map(|s| s.name().to_owned()) {
            let model = self.model()?;
            let dictionary =
                Dictionary::of_files(model, sources, choice, weights).map_err(ask_back)?;
            let surveyed = Surveyed::of(dictionary, model, weights)?;
            self.shelf.own = Some((name, surveyed));
        }
        self.shelf
            .own
            .as_ref()
            .map(|(_, s)| s)
            .ok_or_else(|| Failure::new("no dictionary file was given"))
    }
}

/// The failure, with the question that the reader may answer.
fn ask_back(error: DictionaryError) -> Failure {
    let failure = Failure::new(error.to_string());
    let question = match error {
        DictionaryError::SeveralMatrices { names, .. } => Some(Question::Matrix(names)),
        DictionaryError::RowsOrColumns { .. } => Some(Question::RowsOrColumns),
        _ => None,
    };
    Failure { question, ..failure }
}

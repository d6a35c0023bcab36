//! A dictionary with what is known about all of it: surveyed once, whitened where that is wanted, its rows called by name.

use serde::{Deserialize, Serialize};

use super::StudyError;
use crate::checkpoint::ByteSource;
use crate::circuits::CircuitError;
use crate::circuits::alignment::{AlignOptions, Alignment, HeadSide, RotationCount, Side};
use crate::circuits::dictionary::{
    Builtin, Dictionary, DictionarySurvey, FileChoice, Frame, Hook, Survey, UnitBlock,
};
use crate::circuits::matching::{CosineMatrix, LARGEST, MatchingNull};
use crate::circuits::omega::Circuit;
use crate::circuits::whitening::{Anisotropy, Gram};
use crate::model::tokenizer::Tokenizer;
use crate::model::{Model, Weights};

/// Rows of a dictionary in memory at a time.
const BLOCK: usize = 2048;

/// Which dictionary.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Source {
    /// A part of the open model.
    Model(Builtin),
    /// The reader's own files, which travel beside the question.
    Own(FileChoice),
    /// Singular vectors of one circuit of all heads of a layer; a head of that layer is compared with those of the others.
    Heads {
        /// The layer.
        layer: usize,
        /// The circuit.
        circuit: Circuit,
    },
}

impl Source {
    /// Whether its rows are the tokens of the vocabulary.
    fn is_tokens(&self) -> bool {
        matches!(self, Self::Model(Builtin::Embed | Builtin::Unembed))
    }
}

/// What heads are compared with, and how.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Comparing {
    /// Which dictionary.
    pub source: Source,
    /// The weights as they are in the file, or with norms folded in.
    pub weights: Weights,
    /// Whether the common direction is projected out.
    pub remove_mean: bool,
    /// Features kept at each end.
    pub top: usize,
    /// Random rotations of each subspace.
    pub rotations: RotationCount,
    /// Their seed.
    pub seed: u32,
    /// Whether `Σ_X u` is compared instead of `u` (Theorem 1).
    pub whiten: bool,
}

impl Comparing {
    /// A comparison as it opens: common direction removed, ten features at each end, as many rotations as the width asks for, seed 0.
    pub fn with(source: Source, weights: Weights) -> Self {
        let AlignOptions { top, rotations, seed } = AlignOptions::default();
        Self { source, weights, remove_mean: true, top, rotations, seed, whiten: false }
    }
}

/// A dictionary on its way to being [`Surveyed`], a block of rows at a time.
pub struct Surveying {
    dictionary: Dictionary,
    plain: Frame,
    survey: Survey,
    done: usize,
}

impl Surveying {
    /// Opens a dictionary of the model, or of files of the reader.
    ///
    /// # Errors
    /// What opening says.
    pub fn new(
        model: &Model,
        source: &Source,
        files: Vec<Box<dyn ByteSource>>,
        weights: Weights,
    ) -> Result<Self, StudyError> {
        let dictionary = match source {
            Source::Model(which) => Dictionary::of_model(model, *which, weights)?,
            Source::Own(choice) => Dictionary::of_files(model, files, choice, weights)?,
            Source::Heads { layer, circuit } => {
                Dictionary::of_heads(model, *layer, *circuit, weights)?
            }
        };
        let centre = weights == Weights::Folded && model.arch.reads_through_layer_norm();
        let plain = Frame::plain(model.arch.d_model, centre);
        Ok(Self { dictionary, plain, survey: Survey::default(), done: 0 })
    }

    /// Reads the next rows; false after the last.
    ///
    /// # Errors
    /// What reading says.
    pub fn step(&mut self, model: &Model) -> Result<bool, StudyError> {
        let to = (self.done + BLOCK).min(self.dictionary.about.n_rows);
        if self.done == to {
            return Ok(false);
        }
        let block = self.dictionary.block(Some(&model.checkpoint), self.done..to, &self.plain)?;
        self.survey.step(&block);
        self.done = to;
        Ok(true)
    }

    /// The dictionary with what was seen.
    pub fn finish(self) -> Surveyed {
        let Frame { d_model, centre, .. } = self.plain;
        let survey = self.survey.finish();
        let survey = if self.dictionary.is_of_heads() { survey.of_either_sign() } else { survey };
        Surveyed { dictionary: self.dictionary, survey, gram: None, centre, d_model }
    }
}

/// A dictionary with what is known about all of it.
pub struct Surveyed {
    /// Its rows.
    pub dictionary: Dictionary,
    /// What one pass over them found.
    pub survey: DictionarySurvey,
    /// Whether features and directions are centred, as the norm in front of the attention does.
    pub centre: bool,
    /// `Σ_X` in the frame with the common direction removed, or kept, whichever was asked for last.
    gram: Option<(bool, Gram, Anisotropy)>,
    d_model: usize,
}

/// `Σ_X` of a surveyed dictionary on its way, a block of rows at a time.
pub struct Whitening {
    gram: Gram,
    remove_mean: bool,
    done: usize,
}

impl Whitening {
    /// Ready for the first block; `None` where `Σ_X` in this frame is known.
    pub fn new(surveyed: &Surveyed, remove_mean: bool) -> Option<Self> {
        let known = surveyed.gram.as_ref().is_some_and(|(removed, ..)| *removed == remove_mean);
        let gram = Gram::new(surveyed.d_model);
        (!known).then_some(Self { gram, remove_mean, done: 0 })
    }

    /// Takes the next rows: rows done and rows in all; `None` after the last.
    ///
    /// # Errors
    /// What reading says.
    pub fn step(
        &mut self,
        surveyed: &Surveyed,
        model: &Model,
    ) -> Result<Option<(usize, usize)>, StudyError> {
        let Some(block) = surveyed.block(model, self.done, self.remove_mean)? else {
            return Ok(None);
        };
        self.gram.step(&block);
        self.done += block.len();
        Ok(Some((self.done, surveyed.n_rows())))
    }

    /// Gives the dictionary its `Σ_X`.
    pub fn finish(self, surveyed: &mut Surveyed) {
        let anisotropy = self.gram.anisotropy(&surveyed.frame(self.remove_mean));
        surveyed.gram = Some((self.remove_mean, self.gram, anisotropy));
    }
}

impl Surveyed {
    /// Prepares for what is asked of one head: see [`Dictionary::leave_out`]. The survey stays that of all.
    pub fn leave_out(&mut self, model: &Model, head: Option<(usize, usize)>) {
        if self.dictionary.leave_out(model, head) {
            self.gram = None;
        }
    }

    /// Rows of the dictionary.
    pub fn n_rows(&self) -> usize {
        self.dictionary.about.n_rows
    }

    /// What is taken out of features and directions alike.
    pub fn frame(&self, remove_mean: bool) -> Frame {
        Frame::after(&self.survey, self.d_model, self.centre, remove_mean)
    }

    /// The rows from `first` on, prepared; `None` past the end.
    ///
    /// # Errors
    /// What reading says.
    pub fn block(
        &self,
        model: &Model,
        first: usize,
        remove_mean: bool,
    ) -> Result<Option<UnitBlock>, StudyError> {
        let to = (first + BLOCK).min(self.n_rows());
        if first >= to {
            return Ok(None);
        }
        let frame = self.frame(remove_mean);
        Ok(Some(self.dictionary.block(Some(&model.checkpoint), first..to, &frame)?))
    }

    /// All rows in their order, prepared, a block at a time.
    pub fn blocks(
        &self,
        model: &Model,
        remove_mean: bool,
    ) -> impl Iterator<Item = Result<UnitBlock, StudyError>> {
        let frame = self.frame(remove_mean);
        let block =
            move |range| Ok(self.dictionary.block(Some(&model.checkpoint), range, &frame)?);
        self.dictionary.blocks(BLOCK).map(block)
    }

    /// One feature, prepared.
    ///
    /// # Errors
    /// What reading says.
    pub fn feature(
        &self,
        model: &Model,
        row: usize,
        remove_mean: bool,
    ) -> Result<UnitBlock, StudyError> {
        let frame = self.frame(remove_mean);
        Ok(self.dictionary.block(Some(&model.checkpoint), row..row + 1, &frame)?)
    }

    /// A comparison that has not seen a feature yet. Sides may be shared out: each share sees every block.
    ///
    /// # Errors
    /// What [`Alignment::new`] says.
    pub fn alignment(
        &self,
        sides: Vec<HeadSide>,
        how: &Comparing,
    ) -> Result<Alignment, StudyError> {
        let gram = self.gram.as_ref().filter(|_| how.whiten).map(|(_, gram, _)| gram);
        let options = AlignOptions { top: how.top, rotations: how.rotations, seed: how.seed };
        Ok(Alignment::new(sides, self.frame(how.remove_mean), self.n_rows(), gram, options)?)
    }

    /// Every feature of a small dictionary beside one side: all cosines, and what random bases of the side match.
    ///
    /// # Errors
    /// [`CircuitError::TooMany`] for a large one, before it is read; or what reading says.
    pub fn cosines(
        &self,
        model: &Model,
        side: &HeadSide,
        remove_mean: bool,
    ) -> Result<(CosineMatrix, Option<MatchingNull>), StudyError> {
        let n_rows = self.n_rows();
        if n_rows > LARGEST {
            let what = "rows of a dictionary for the whole cosine matrix";
            return Err(CircuitError::TooMany { what, found: n_rows, limit: LARGEST }.into());
        }
        let frame = self.frame(remove_mean);
        let block = self.dictionary.block(Some(&model.checkpoint), 0..n_rows, &frame)?;
        let found = CosineMatrix::new(side, &frame, &[block])?;
        let null = found.null(side, &frame, 0);
        Ok((found, null))
    }

    /// What stands above a comparison: the dictionary's name, size, spread, and what does not fit `side` of `layer`.
    pub fn about(&self, model: &Model, layer: usize, side: Option<Side>) -> AboutDictionary {
        let (about, survey) = (&self.dictionary.about, &self.survey);
        let mut notes = about.notes.clone();
        notes.extend(side.map(|side| about.warnings_for(layer, side)).unwrap_or_default());
        let of_heads = about.hook.as_ref().is_some_and(Hook::is_z);
        AboutDictionary {
            name: about.name.clone(),
            n_features: survey.n_features,
            n_skipped: survey.n_rows - survey.n_features,
            mean_cosine: survey.mean_cosine,
            anisotropy: self.gram.as_ref().map(|(.., anisotropy)| *anisotropy),
            neuronpedia: about.neuronpedia.clone(),
            n_parts: if of_heads { model.arch.n_heads } else { 0 },
            python: String::new(),
            notes,
        }
    }

    /// A row's name: the token for dictionaries with one row a token.
    pub fn label(&self, source: &Source, tokenizer: Option<&Tokenizer>, row: usize) -> String {
        match (source.is_tokens(), tokenizer) {
            (true, Some(tokenizer)) => tokenizer.label(row as u32),
            (true, None) => format!("#{row}"),
            (false, _) => self.dictionary.label(row),
        }
    }

    /// The row that the reader means: `#12`, a token, or a label.
    ///
    /// # Errors
    /// [`StudyError::NoFeature`].
    pub fn find(
        &self,
        source: &Source,
        tokenizer: Option<&Tokenizer>,
        feature: &str,
    ) -> Result<usize, StudyError> {
        let n = self.n_rows();
        let number = || feature.strip_prefix('#')?.parse().ok();
        let of_tokens = tokenizer.filter(|_| source.is_tokens());
        let single = |text: &str| of_tokens?.single(text).map(|id| id as usize);
        let token = || single(feature).or_else(|| single(&format!(" {feature}")));
        let spelt = |row: &usize| self.label(source, tokenizer, *row).trim() == feature.trim();
        number()
            .filter(|row| *row < n)
            .or_else(|| token().filter(|row| *row < n))
            .or_else(|| (0..n).find(spelt))
            .ok_or_else(|| StudyError::NoFeature { name: feature.to_owned() })
    }
}

/// What is known of a dictionary as a whole.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AboutDictionary {
    /// Its name.
    pub name: String,
    /// Features in it.
    pub n_features: usize,
    /// Rows that are zero or not finite, left out.
    pub n_skipped: usize,
    /// Mean cosine between features: how anisotropic it is.
    pub mean_cosine: f64,
    /// More about that, where `Σ_X` was computed.
    pub anisotropy: Option<Anisotropy>,
    /// Neuronpedia's id of the set, if it has one.
    pub neuronpedia: Option<String>,
    /// Heads whose part of it may be picked; 0 where it is not made of heads' outputs.
    pub n_parts: usize,
    /// Python that finds the same nearest features; empty where the dictionary is not one plain tensor.
    pub python: String,
    /// What the reader should know, a sentence each.
    pub notes: Vec<String>,
}

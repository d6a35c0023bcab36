//! Layer 5, the protocol: what the page asks and what a worker tells, as plain values, one file per page.
//!
//! A message is a small header by clone and big arrays by transfer; every answer names its question, so that a late
//! answer to an old question can be dropped.

use serde::{Deserialize, Serialize};

use crate::checkpoint::CheckpointError;
use crate::circuits::CircuitError;
use crate::circuits::dictionary::DictionaryError;
use crate::math::MathError;
use crate::model::ModelError;
use crate::model::tokenizer::TokenizerError;
use crate::study::StudyError;
use crate::toy::ToyError;

pub mod attention;
pub mod features;
pub mod gpu;
pub mod heads;
pub mod model;
pub mod self_test;
pub mod toy;

/// A question's number; answers carry it back.
pub type JobId = u32;

/// A question to a worker.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Ask {
    /// Open the files that travel beside this message.
    Open(model::Hints),
    /// Spectra, vectors and their nearest tokens.
    Heads(heads::Ask),
    /// Attention on a prompt.
    Attention(attention::Ask),
    /// Alignment with a dictionary; the reader's own travels beside this message.
    Features(features::Ask),
    /// GPU against CPU on this machine.
    SelfTest(self_test::SelfTestOf),
    /// The toy lab's run.
    Toy(toy::Ask),
    /// The same question about the files that travel beside this message; the open model stays.
    Elsewhere(Box<Ask>),
}

/// What a worker tells while it works on a question.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Tell {
    /// The files were opened.
    Opened(Box<model::ModelSummary>),
    /// Part of an answer about heads.
    Heads(heads::Tell),
    /// Part of an answer about attention.
    Attention(attention::Tell),
    /// Part of an answer about alignment.
    Features(features::Tell),
    /// What the self-test found.
    SelfTest(Box<self_test::SelfTest>),
    /// Part of an answer about a toy.
    Toy(toy::Tell),
    /// A layer of a job on the GPU is finished.
    Layer,
    /// What the GPU made of the job that it was offered.
    Gpu(gpu::GpuReport),
    /// How far the work is; `done` of `total` steps.
    Progress {
        /// Steps finished.
        done: usize,
        /// Steps in all.
        total: usize,
    },
    /// The question is answered in full.
    Done,
    /// The question cannot be answered.
    Failed(Failure),
}

/// Why a question could not be answered, in words for the reader.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// What happened.
    pub what: String,
    /// What to try.
    pub hint: String,
    /// What the reader may answer, where a file does not speak for itself.
    pub question: Option<Question>,
}

/// What a file leaves open.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Question {
    /// How many heads a layer has; counts that would fit.
    HeadCount(Vec<usize>),
    /// Which of these matrices is the dictionary.
    Matrix(Vec<String>),
    /// Whether the rows or the columns of a square matrix are features.
    RowsOrColumns,
}

impl Failure {
    /// A failure without further advice.
    pub fn new(what: impl Into<String>) -> Self {
        Self { what: what.into(), hint: String::new(), question: None }
    }
}

impl From<StudyError> for Failure {
    fn from(error: StudyError) -> Self {
        let question = match &error {
            StudyError::Dictionary(DictionaryError::SeveralMatrices { names, .. }) => {
                Some(Question::Matrix(names.clone()))
            }
            StudyError::Dictionary(DictionaryError::RowsOrColumns { .. }) => {
                Some(Question::RowsOrColumns)
            }
            _ => None,
        };
        Self { what: error.to_string(), hint: error.hint().to_owned(), question }
    }
}

/// The errors below the studies, as a study would tell them.
macro_rules! told_as_a_study_would {
    ($($error:ty),*) => {
        $(impl From<$error> for Failure {
            fn from(error: $error) -> Self {
                StudyError::from(error).into()
            }
        })*
    };
}

told_as_a_study_would!(
    CheckpointError,
    MathError,
    ModelError,
    CircuitError,
    DictionaryError,
    TokenizerError
);

impl From<ToyError> for Failure {
    fn from(error: ToyError) -> Self {
        Self::new(error.to_string())
    }
}

/// Where an engine puts its answers: the header and the arrays that travel with it by transfer.
pub type Out<'a> = &'a mut dyn FnMut(Tell, Vec<Vec<f32>>);

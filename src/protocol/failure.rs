//! Why a question could not be answered, and what a file leaves open.

use serde::{Deserialize, Serialize};

use crate::checkpoint::CheckpointError;
use crate::circuits::CircuitError;
use crate::circuits::dictionary::DictionaryError;
use crate::math::MathError;
use crate::model::ModelError;
use crate::model::tokenizer::TokenizerError;
use crate::study::StudyError;
use crate::toy::ToyError;

/// Why a question could not be answered, in words for the reader.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// What happened.
    pub what: String,
    /// What to try.
    pub hint: String,
    /// What the reader may answer, where a file does not speak for itself.
    pub unclear: Option<Unclear>,
}

/// What a file leaves open.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Unclear {
    /// How many heads a layer has; counts that would fit.
    HeadCount(Vec<usize>),
    /// Which of several models is meant; their names.
    Model(Vec<String>),
    /// Which model an adapter is for. Until that is there: each head, or module, the matrix, and the singular values that it adds.
    Base(Vec<[String; 3]>),
    /// Which family the tensors are to be read as: the id and the title of each that is known.
    Family(Vec<(String, String)>),
    /// Which of these matrices is the dictionary.
    Matrix(Vec<String>),
    /// Whether the rows or the columns of a square matrix are features.
    RowsOrColumns,
}

impl Failure {
    /// A failure without further advice.
    pub fn new(what: impl Into<String>) -> Self {
        Self { what: what.into(), hint: String::new(), unclear: None }
    }

    /// The failure with what to try.
    #[must_use]
    pub fn try_this(self, hint: impl Into<String>) -> Self {
        Self { hint: hint.into(), ..self }
    }
}

impl From<StudyError> for Failure {
    fn from(error: StudyError) -> Self {
        let unclear = match &error {
            StudyError::Dictionary(DictionaryError::SeveralMatrices { names, .. }) => {
                Some(Unclear::Matrix(names.clone()))
            }
            StudyError::Dictionary(DictionaryError::RowsOrColumns { .. }) => {
                Some(Unclear::RowsOrColumns)
            }
            _ => None,
        };
        let hint = error.hint();
        // The advice is a sentence of its own behind it.
        let stop = if hint.is_empty() { "" } else { "." };
        Self { what: format!("{error}{stop}"), hint: hint.to_owned(), unclear }
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

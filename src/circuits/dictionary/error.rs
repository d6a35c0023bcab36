//! What can go wrong between a file and a dictionary; every message says what happened and what to try.

use crate::checkpoint::CheckpointError;
use crate::model::ModelError;

/// An error of the dictionaries.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum DictionaryError {
    /// The bytes could not be read.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// The model could not give what the dictionary needs.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// The model has no such dictionary.
    #[error("this model has no {what}: {reason}")]
    Absent {
        /// Which dictionary.
        what: &'static str,
        /// Why.
        reason: String,
    },
    /// Neither side of the matrix is the model's width.
    #[error(
        "{name} has the shape {shape:?}: no side is {width}, the width that features of this model have"
    )]
    WrongWidth {
        /// The tensor or file.
        name: String,
        /// Its shape.
        shape: Vec<usize>,
        /// Width of a feature.
        width: usize,
    },
    /// Both sides are the model's width.
    #[error(
        "{name} has the shape [{width}, {width}], so its features could be rows or columns: say which"
    )]
    RowsOrColumns {
        /// The tensor or file.
        name: String,
        /// The width of both sides.
        width: usize,
    },
    /// A file without a matrix that could be a dictionary.
    #[error("{file} holds no two-dimensional tensor with a side of {width}; it holds {found}")]
    NoMatrix {
        /// The file.
        file: String,
        /// Width of a feature.
        width: usize,
        /// What is in it instead.
        found: String,
    },
    /// A file with several matrices that could be the dictionary.
    #[error(
        "{file} holds {} matrices with a side of {width} ({}): say which is the dictionary",
        names.len(), names.iter().take(8).map(String::as_str).collect::<Vec<_>>().join(", ")
    )]
    SeveralMatrices {
        /// The file.
        file: String,
        /// Width of a feature.
        width: usize,
        /// Their names.
        names: Vec<String>,
    },
    /// A numpy file that cannot be used.
    #[error("{file}: {reason}")]
    Npy {
        /// The file.
        file: String,
        /// What is wrong, and what to do about it.
        reason: String,
    },
    /// A table of text that cannot be used.
    #[error("{file}, line {line}: {reason}")]
    Csv {
        /// The file.
        file: String,
        /// Line, from 1.
        line: usize,
        /// What is wrong, and what to do about it.
        reason: String,
    },
    /// A text file too large to be parsed into memory.
    #[error(
        "{file} has {size} bytes of text; up to {cap} are read. Save it as .npy or .safetensors, which are read in pieces"
    )]
    TooLarge {
        /// The file.
        file: String,
        /// Its size, bytes.
        size: u64,
        /// The largest that is read, bytes.
        cap: u64,
    },
    /// A file of a kind that holds no dictionary.
    #[error("{file} is no dictionary: .safetensors, .npy and .csv (or .tsv) are read")]
    UnknownKind {
        /// The file.
        file: String,
    },
    /// Rows past the end.
    #[error("rows {start}..{end} were asked for, the dictionary has {n_rows}")]
    Rows {
        /// First row.
        start: usize,
        /// One past the last row.
        end: usize,
        /// How many there are.
        n_rows: usize,
    },
    /// Vectors that cannot encode a residual stream.
    #[error("{name} cannot encode a residual stream: {reason}")]
    NoEncoder {
        /// The dictionary.
        name: String,
        /// Why.
        reason: String,
    },
    /// A dictionary inside the model was read without the model.
    #[error("this dictionary lies in the model's own files, which were not given")]
    ModelNeeded,
}

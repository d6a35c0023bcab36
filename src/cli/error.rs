//! What a subcommand can say instead of a result.

use crate::checkpoint::CheckpointError;
use crate::study::StudyError;

/// An error of the command line: one clear sentence, exit code 2.
#[derive(Debug, thiserror::Error)]
pub enum CliError {
    /// The files are no checkpoint, or cannot be read.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// Standard output or an output file could not be written.
    #[error("the result could not be written: {0}")]
    Write(#[from] std::io::Error),
    /// The result could not be put into JSON.
    #[error("the result could not be written as JSON: {0}")]
    Json(#[from] serde_json::Error),
    /// A study could not be finished.
    #[error("{}{}", .0, advice(.0))]
    Study(#[from] StudyError),
    /// Arguments that do not fit the model; the sentence says which.
    #[error("{0}")]
    Usage(String),
    /// An error of a layer above the checkpoint.
    #[error(transparent)]
    Work(Box<dyn std::error::Error + Send + Sync>),
}

/// What may help, as it stands behind the error on one line.
fn advice(error: &StudyError) -> String {
    match error.hint() {
        "" => String::new(),
        hint => format!(". {hint}"),
    }
}

impl CliError {
    /// Wraps the error of another layer.
    pub fn work(error: impl std::error::Error + Send + Sync + 'static) -> CliError {
        CliError::Work(Box::new(error))
    }

    /// Python that converts the file, where that is the way out.
    pub(super) fn script(&self) -> Option<String> {
        match self {
            CliError::Checkpoint(error) => error.script(),
            _ => None,
        }
    }

    /// Whether the reader of our output went away (`omega spectra … | head`), which is no error.
    pub(super) fn is_closed_pipe(&self) -> bool {
        match self {
            CliError::Write(error) => error.kind() == std::io::ErrorKind::BrokenPipe,
            CliError::Json(error) => error.io_error_kind() == Some(std::io::ErrorKind::BrokenPipe),
            _ => false,
        }
    }
}

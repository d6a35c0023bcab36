//! What can go wrong with a toy; every variant carries the numbers.

use crate::math::MathError;

/// An error of the toy layer.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ToyError {
    /// A setting outside what the model can be.
    #[error("{setting} is {found}, and must be {needed}")]
    Setting {
        /// Name of the setting.
        setting: &'static str,
        /// What was asked for.
        found: String,
        /// What would do.
        needed: String,
    },
    /// Numbers that do not fit the model they were given to.
    #[error("{what} holds {found} number(s), and this model needs {expected}")]
    Length {
        /// Which array.
        what: &'static str,
        /// How many were needed.
        expected: usize,
        /// How many came.
        found: usize,
    },
    /// The decomposition failed.
    #[error("the head of the toy could not be decomposed: {0}")]
    Math(#[from] MathError),
    /// The run could not be written down.
    #[error("the run could not be written: {0}")]
    Export(String),
}

//! What can go wrong between a head's weights and what is said about it; every variant carries the numbers.

use crate::math::MathError;
use crate::model::ModelError;

/// An error of the circuits layer.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum CircuitError {
    /// The numerics underneath failed.
    #[error(transparent)]
    Math(#[from] MathError),
    /// The model's tensors could not be read.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// A residual stream that is no sum of its writers.
    #[error("{reason}")]
    Unsplittable {
        /// Why.
        reason: String,
    },
    /// Two operands do not fit together.
    #[error("{what}: expected {expected:?}, got {found:?}")]
    Shape {
        /// Which operand.
        what: &'static str,
        /// The shape that was needed, rows first.
        expected: (usize, usize),
        /// The shape that came.
        found: (usize, usize),
    },
    /// An index points outside what it indexes.
    #[error("{what} {index} does not exist: there are {count}")]
    OutOfRange {
        /// What is indexed: a position, a singular vector, a head.
        what: &'static str,
        /// The index that was asked for.
        index: usize,
        /// How many there are.
        count: usize,
    },
    /// Text that should name singular vectors.
    #[error("“{text}” names no singular vectors: write numbers and ranges, such as 0, 3, 5-8")]
    NotAList {
        /// What was written.
        text: String,
    },
    /// Too little of something that the question needs.
    #[error("{what}: {found} found, {needed} needed")]
    TooFew {
        /// What is missing, in words.
        what: String,
        /// How many there are.
        found: usize,
        /// How many are needed.
        needed: usize,
    },
    /// More of something than can be taken at once.
    #[error("{what}: {found} found, at most {limit} are taken")]
    TooMany {
        /// What there is too much of, in words.
        what: &'static str,
        /// How many there are.
        found: usize,
        /// How many are taken.
        limit: usize,
    },
}

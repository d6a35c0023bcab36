//! What can go wrong in the numerics; every variant carries the numbers.

/// An error of the numerics layer.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum MathError {
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
    /// An iteration did not settle.
    #[error("{what} did not converge in {sweeps} sweeps (largest cosine left {cosine:.1e})")]
    NoConvergence {
        /// Which iteration.
        what: &'static str,
        /// How many sweeps were made.
        sweeps: usize,
        /// How far from converged it was.
        cosine: f64,
    },
    /// The input holds NaN or an infinity.
    #[error(
        "{what} holds {count} value(s) that are not finite, the first at row {row}, column {column}"
    )]
    NotFinite {
        /// Which operand.
        what: &'static str,
        /// How many such values.
        count: usize,
        /// Row of the first.
        row: usize,
        /// Column of the first.
        column: usize,
    },
}

//! Layer 0, numerics: nothing here knows what a transformer is.

pub mod layout;

mod error;

pub use error::MathError;
pub use layout::Mat;

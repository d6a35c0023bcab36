//! Layer 0, numerics: nothing here knows what a transformer is.

pub mod layout;
pub mod random;
pub mod special;
pub mod statistics;

mod error;

pub use error::MathError;
pub use layout::Mat;

//! Layer 3, circuits: Ω and OV, and what their singular vectors mean.

pub mod alignment;
pub mod biases;
pub mod compare;
pub mod composition;
pub mod convention;
pub mod dictionary;
pub mod distribution;
mod error;
pub mod head_statistics;
pub mod matching;
pub mod null;
pub mod omega;
pub mod pairs;
pub mod positional;
pub mod prompts;
pub mod roles;
pub mod sad;
pub mod series;
pub mod spectrum;
pub mod trace;
pub mod whitening;

pub use error::CircuitError;

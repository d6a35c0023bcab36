//! Layer 3, circuits: Ω and OV, and what their singular vectors mean.

pub mod alignment;
pub mod attribution;
pub mod components;
pub mod components_builder;
pub mod components_model;
pub mod composition;
pub mod controls;
pub mod convention;
pub mod dictionary;
pub mod distribution;
mod error;
pub mod head_statistics;
pub mod intervention;
pub mod matching;
pub mod null;
pub mod omega;
pub mod prompts;
mod prompts_words;
pub mod relative_attention;
pub mod sad;
pub mod sad_event;
pub mod sad_run;
pub mod sad_set;
pub mod series;
pub mod spectrum;
pub mod variance_shares;
pub mod whitening;

pub use error::CircuitError;

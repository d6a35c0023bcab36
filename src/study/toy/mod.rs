//! What is read off a trained toy with the means of a whole model: its score decomposed, and a checkpoint that the page opens.

mod export;
mod sad;

pub use export::{feature_labels, feature_words, to_config_json, to_safetensors};
pub use sad::{Means, ToyEvent, ToySad, toy_sad};

//! What can go wrong between tensors and a transformer; every message says what happened and what to try.

use crate::checkpoint::CheckpointError;

/// An error of the model layer.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ModelError {
    /// The bytes could not be read.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// `config.json` is there but cannot be used.
    #[error("config.json {reason}")]
    Config {
        /// What is wrong with it, to follow the file's name.
        reason: String,
    },
    /// No family fits.
    #[error(
        "{reason}. If it is built exactly like one of the known families, name that one: {known}"
    )]
    UnknownFamily {
        /// What was looked at.
        reason: String,
        /// The families, comma separated.
        known: String,
    },
    /// The names of several families fit, and nothing in the files tells them apart.
    #[error(
        "{silent}, and the tensor names are Llama's and Gemma's alike: a norm's gain is w in one and 1 + w in the other, which the numbers \
         do not tell. Add its config.json, or name the family: {}", among.iter().map(|(id, _)| *id).collect::<Vec<_>>().join(", ")
    )]
    FamilyNeeded {
        /// What does not say it.
        silent: &'static str,
        /// Families that fit: ids and titles.
        among: Vec<(&'static str, &'static str)>,
    },
    /// The head count cannot be read off the tensors, and nothing else says it.
    #[error(
        "the number of heads of this {family} model is not in its tensors (d_model {d_model}, all heads together \
         {inner}): add its config.json, or give the head count; likely ones: {suggestions:?}"
    )]
    HeadCountNeeded {
        /// The family.
        family: &'static str,
        /// Width of the residual stream.
        d_model: usize,
        /// `n_heads * d_head`, which the tensors do say.
        inner: usize,
        /// Head counts that give a usual `d_head` (64, 128, 80, 96, 256, 32), most likely first.
        suggestions: Vec<usize>,
    },
    /// Two sources disagree, or a size does not divide.
    #[error("{what}: {first} against {second}")]
    Mismatch {
        /// What was compared.
        what: String,
        /// The first value, with its source.
        first: String,
        /// The second value, with its source.
        second: String,
    },
    /// A tensor that the family needs is not in the files.
    #[error("tensor {name} is not in the files{}", if *shards > 0 { format!(" ({shards} shard(s) are missing)") } else { String::new() })]
    MissingTensor {
        /// Its name.
        name: String,
        /// How many shards of the checkpoint were not given.
        shards: usize,
    },
    /// The same, of a checkpoint whose family is only what something says.
    #[error("tensor {name} is not in the files, which are read as {title} by {by}{looks}")]
    Incomplete {
        /// Its name.
        name: String,
        /// The family, for people.
        title: &'static str,
        /// What says so.
        by: &'static str,
        /// What its names look like, as the end of a sentence; empty where they look like nothing that is known.
        looks: String,
    },
    /// Files of features, not of a transformer.
    #[error(
        "these files hold {what}, a dictionary of features and no model: open the model that it was made for, and then these files on the \
         page Features, or with `omega align MODEL --dictionary FILE`"
    )]
    Dictionary {
        /// What kind, and for which model.
        what: String,
    },
    /// A tensor has another shape than the family needs.
    #[error("tensor {name} has the shape {found:?}, but this {family} model needs {expected:?}")]
    Shape {
        /// Its name.
        name: String,
        /// The family.
        family: &'static str,
        /// The shape that is needed.
        expected: Vec<usize>,
        /// The shape in the file.
        found: Vec<usize>,
    },
    /// An index past the end.
    #[error("{what} {index} does not exist: there are {count}")]
    OutOfRange {
        /// "layer", "head", "token id", "position".
        what: &'static str,
        /// The index that was asked for.
        index: usize,
        /// How many there are.
        count: usize,
    },
    /// A layer of a hybrid without heads.
    #[error("layer {layer} has no attention, so no heads; layers with heads: {others:?}")]
    NoAttention {
        /// The layer.
        layer: usize,
        /// The layers that have heads.
        others: Vec<usize>,
    },
    /// A prompt without a token.
    #[error("prompt {prompt} has no token")]
    EmptyPrompt {
        /// Its index in the batch.
        prompt: usize,
    },
    /// Weights that are NaN or infinite.
    #[error("{count} value(s) of {name} are not finite")]
    NotFinite {
        /// The tensor.
        name: String,
        /// How many.
        count: usize,
    },
    /// This model cannot be run here; its matrices still can be seen.
    #[error("this model cannot be run here: {reason}. Its spectra can still be computed")]
    CannotRun {
        /// Why.
        reason: String,
    },
}

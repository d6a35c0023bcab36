//! Why a study cannot be finished, and what may help.

use crate::checkpoint::CheckpointError;
use crate::circuits::CircuitError;
use crate::circuits::dictionary::DictionaryError;
use crate::math::MathError;
use crate::model::tokenizer::TokenizerError;
use crate::model::{Head, ModelError};

/// An error of the studies.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StudyError {
    /// A file could not be read or written.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// The model's tensors could not be read, or its forward pass cannot run.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// The circuits layer refused.
    #[error(transparent)]
    Circuit(#[from] CircuitError),
    /// The numerics underneath failed.
    #[error(transparent)]
    Math(#[from] MathError),
    /// The dictionary cannot be used, or leaves something open.
    #[error(transparent)]
    Dictionary(#[from] DictionaryError),
    /// The tokenizer cannot be used.
    #[error(transparent)]
    Tokenizer(#[from] TokenizerError),
    /// A prompt that is longer than the model's positions.
    #[error("the prompt has {n} tokens, and this model reads at most {most}")]
    TooLong {
        /// Tokens of the prompt.
        n: usize,
        /// Positions of the model.
        most: usize,
    },
    /// A prompt whose attention takes more memory than there is.
    #[error("the prompt has {n} tokens: this model's attention to them takes {} MB, and at most {most} tokens fit", .bytes / 1_000_000)]
    TooLarge {
        /// Tokens of the prompt.
        n: usize,
        /// Bytes that it would take.
        bytes: u64,
        /// Tokens that fit.
        most: usize,
    },
    /// A word in a list of token ids.
    #[error("“{word}” is not a token id")]
    NotAnId {
        /// The word.
        word: String,
    },
    /// A file that holds nothing that a model reads.
    #[error(
        "the file has none of input_ids, decoder_input_ids, pixel_values, input_values, input_features"
    )]
    NoInput,
    /// An input whose axes are not those that its name promises.
    #[error("{name} has the shape {found:?}, not [{expected}]")]
    InputShape {
        /// The tensor.
        name: &'static str,
        /// Its sizes.
        found: Vec<usize>,
        /// The axes that it must have.
        expected: &'static str,
    },
    /// Numbers that cannot be token ids.
    #[error("{name} holds {dtype} numbers that are no token ids: whole, from 0, of 32 or 64 bits")]
    InputIds {
        /// The tensor.
        name: &'static str,
        /// Its type.
        dtype: String,
    },
    /// A prompt without a token.
    #[error("the prompt is empty: type at least one word")]
    EmptyPrompt,
    /// A set without a prompt.
    #[error("the set has no prompts")]
    EmptySet,
    /// A set of words for a model without a tokenizer.
    #[error("these prompts are words, and there is no tokenizer to read them")]
    WordsWithoutTokenizer,
    /// A name that no row of the dictionary has.
    #[error("no feature is called “{name}”")]
    NoFeature {
        /// What the reader typed.
        name: String,
    },
    /// An answer in words that the tokenizer makes more or less than one token of.
    #[error("“{word}” is not one token")]
    NotOneToken {
        /// What the reader typed.
        word: String,
    },
    /// A vocabulary without the tokens that a trace needs.
    #[error("there are not enough tokens to trace an answer, or to hold one against another")]
    NoOther,
    /// Odds that are multiplied by less than nothing.
    #[error("the odds of a reading cannot be multiplied by {factor}: it must be 0 or more")]
    NoOdds {
        /// By what.
        factor: f64,
    },
    /// A head without a decomposition, or a prompt without a trace of its layer.
    #[error("{} cannot be decomposed", Head::new(*layer, *head))]
    NotDecomposed {
        /// The layer.
        layer: usize,
        /// The head.
        head: usize,
    },
    /// A source that a destination does not look at.
    #[error("position {dest} does not see position {src}, so there is no score to take apart")]
    Hidden {
        /// The destination.
        dest: usize,
        /// The source.
        src: usize,
    },
    /// A dictionary of a later stream than the one that is read.
    #[error(
        "the dictionary was made in front of layer {made}, and this head reads in front of layer {front}"
    )]
    MadeLater {
        /// The layer that the dictionary's stream enters.
        made: usize,
        /// The layer that reads.
        front: usize,
    },
    /// Two models whose heads read and write spaces of different width.
    #[error(
        "the residual streams of the two models are {a} and {b} wide, so no head of one can be compared with a head of the other"
    )]
    OtherWidth {
        /// `d_model` of the first.
        a: usize,
        /// `d_model` of the second.
        b: usize,
    },
    /// Two models without a layer whose attention can be read in both.
    #[error("there is no layer whose attention can be read in both models")]
    NoCommonLayer,
    /// A prompt that the tokenizers of two models cut into different tokens.
    #[error(
        "the two models cut this prompt into different tokens, from position {at} on, so their attention is not over the same positions"
    )]
    OtherTokens {
        /// The first position that differs.
        at: usize,
    },
    /// A position that a destination does not see, or that the prompt does not have.
    #[error("position {dest} does not see position {src} in both models, of {n} in the prompt")]
    NotSeen {
        /// The position that looks.
        dest: usize,
        /// The position looked at.
        src: usize,
        /// Positions of the prompt.
        n: usize,
    },
}

impl StudyError {
    /// What the reader may try; empty where there is nothing to say.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::TooLong { .. } | Self::TooLarge { .. } => {
                "Shorten it; the start token counts too."
            }
            Self::NotAnId { .. } => {
                "Without a tokenizer a prompt is a list of numbers, such as 1 2 3. Load tokenizer.json together with the \
                 model to use words."
            }
            Self::NotOneToken { .. } => {
                "Type a token as the model spells it (a space in front is part of it), or its id."
            }
            Self::WordsWithoutTokenizer => {
                "Load tokenizer.json together with the model, or use repeated random tokens."
            }
            Self::NoFeature { .. } => {
                "Type a single token as the model spells it, or a row such as #12."
            }
            Self::MadeLater { .. } => {
                "Take a head of that layer or a later one, or a dictionary made earlier."
            }
            Self::OtherWidth { .. } => {
                "Compare two models of one geometry: a base and its fine-tuned copy, two steps, two seeds."
            }
            Self::OtherTokens { .. } => {
                "Write the prompt as token ids: then both models read the same numbers."
            }
            _ => "",
        }
    }
}

//! The Attention page's questions: a prompt run through the model, its scores taken apart, what happens without a part.
//!
//! Every question carries its prompt, so that any worker can answer it; a worker remembers the last run.

use serde::{Deserialize, Serialize};

use super::heads::HeadOutcome;
use super::model::ModelSummary;
use super::question::questions;
use super::{Ask as AnyAsk, Plan, Question};
use crate::circuits::sad::intervention::Intervention;
use crate::circuits::sad::run::{HeadSad, Look};
use crate::circuits::sad::set::HeadEvents;
pub use crate::study::attribution::{Asking, Attributed, Writes};
pub use crate::study::cell::{Cell, CellAt, Part, Rules};
pub use crate::study::change::Changed;
pub use crate::study::input::Given;
pub use crate::study::prompt::{Guess, Prompt, Ran};
pub use crate::study::prompt_set::{SetSpec, SetTask, Share};

/// Characters of a token, roughly; tokens of a generated prompt; multiplications and additions of one core in a millisecond.
const CHARACTERS: usize = 4;
const TOKENS: usize = 16;
const OPERATIONS: f64 = 2e7;

/// Prompts that a share has at least: every share reads the whole file.
const WORTH_A_SHARE: usize = 32;

/// About how long one core takes to run `positions` tokens through a model, in milliseconds: twelve squares of d_model a
/// layer.
fn forward_ms(model: &ModelSummary, positions: usize) -> f64 {
    let weights = 12.0 * (model.n_layers * model.d_model * model.d_model) as f64;
    2.0 * weights * positions as f64 / OPERATIONS
}

/// Run a prompt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Run {
    /// The prompt.
    pub prompt: Prompt,
}

impl Run {
    /// About how long one worker would take on the CPU, in milliseconds.
    pub fn cpu_ms(&self, model: &ModelSummary) -> f64 {
        forward_ms(model, self.prompt.text.len() / CHARACTERS)
    }
}

impl Plan for Run {
    fn prompt(&self) -> Option<&Prompt> {
        Some(&self.prompt)
    }

    fn steps(&self) -> Option<usize> {
        None
    }
}

/// Decompose every head's look from one destination; one answer a layer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Looks {
    /// The prompt.
    pub prompt: Prompt,
    /// From where.
    pub look: Look,
}

impl Plan for Looks {
    fn prompt(&self) -> Option<&Prompt> {
        Some(&self.prompt)
    }
}

/// Everything about one cell of one head's pattern.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Explain {
    /// The prompt.
    pub prompt: Prompt,
    /// The cell.
    pub at: CellAt,
}

impl Plan for Explain {
    fn prompt(&self) -> Option<&Prompt> {
        Some(&self.prompt)
    }
}

/// Rerun a prompt without, or with a changed, part of one head's score.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Rerun {
    /// The prompt.
    pub prompt: Prompt,
    /// The cell whose score is changed.
    pub at: CellAt,
    /// What is changed.
    pub intervention: Intervention,
}

impl Plan for Rerun {
    fn prompt(&self) -> Option<&Prompt> {
        Some(&self.prompt)
    }
}

/// Split an answer over the components that write it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attribute {
    /// The prompt.
    pub prompt: Prompt,
    /// Which answer.
    pub asking: Asking,
}

impl Plan for Attribute {
    fn prompt(&self) -> Option<&Prompt> {
        Some(&self.prompt)
    }
}

/// Split what a head writes by reading one token over the singular pairs of its OV.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WritesOf {
    /// The prompt.
    pub prompt: Prompt,
    /// Which head, from where to where.
    pub at: CellAt,
    /// The answer that it is held against.
    pub answer: u32,
    /// Its opponent; `None`: the mean of all tokens.
    pub wrong: Option<u32>,
}

impl Plan for WritesOf {
    fn prompt(&self) -> Option<&Prompt> {
        Some(&self.prompt)
    }
}

questions! { Attention:
    Run => RunPart,
    Attribute => Box<Attributed>,
    WritesOf => Box<Writes>,
    Looks => Vec<HeadSad>,
    Explain => Box<Cell>,
    Rerun => Changed,
    SetSpec => SetPart,
}

impl SetSpec {
    /// About how long one worker would take on the CPU, in milliseconds.
    pub fn cpu_ms(&self, model: &ModelSummary) -> f64 {
        forward_ms(model, self.n * TOKENS)
    }
}

impl Plan for SetSpec {
    fn steps(&self) -> Option<usize> {
        Some(self.share.of_prompts(self.n).len())
    }

    fn shares(&self, workers: usize) -> Vec<AnyAsk> {
        let of = workers.min(self.n.div_ceil(WORTH_A_SHARE)).max(1);
        let share = |index| Self { share: Share { index, of }, ..self.clone() }.ask();
        (0..of).map(share).collect()
    }

    /// The GPU takes a set whole or not at all.
    fn rest(&self, _layers: &[usize]) -> Option<AnyAsk> {
        Some(self.clone().ask())
    }
}

/// Part of the answer to [`Run`]: tokens, each layer's patterns as they come, then the predictions.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum RunPart {
    /// The prompt as the model sees it.
    Ran(Ran),
    /// One layer's patterns are in the array beside this, `[n_heads, n, n]`.
    Pattern {
        /// The layer.
        layer: usize,
        /// Positions.
        n: usize,
    },
    /// What the model expects after the last token, likeliest first; empty without an unembedding.
    Next(Vec<Guess>),
}

/// Part of the answer to [`SetSpec`]: every head, then how the model did, then the spectra where they were asked for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum SetPart {
    /// What one head showed on the prompts.
    Head {
        /// The layer.
        layer: usize,
        /// The head.
        head: usize,
        /// Everything, to join with other shares.
        seen: Box<HeadEvents>,
    },
    /// How the model did on the prompts.
    Answered {
        /// Prompts run.
        n: usize,
        /// Prompts whose answer was the likeliest token; `None` where there is no answer to check.
        correct: Option<usize>,
        /// One of the prompts, to show.
        example: String,
    },
    /// Spectra of one head of a checkpoint of a series.
    Spectra(Box<HeadOutcome>),
}

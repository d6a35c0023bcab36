//! The Attention page's questions: a prompt run through the model, its scores taken apart, what happens without a part.
//!
//! Every question carries its prompt, so that any worker can answer it; a worker remembers the last run.

use serde::{Deserialize, Serialize};

use crate::circuits::sad::intervention::Intervention;
use crate::circuits::sad::run::{HeadSad, Look};
use crate::circuits::sad::set::HeadEvents;
use crate::protocol::gpu::GpuChoice;
pub use crate::study::cell::{Cell, CellAt, Part, Rules};
pub use crate::study::change::Changed;
pub use crate::study::prompt::{Guess, Prompt, Ran};
pub use crate::study::prompt_set::{SetSpec, SetTask, Share};

/// A question about attention.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Ask {
    /// Run the prompt; tell its tokens, then each layer's patterns as they come, then the predictions.
    Run(Prompt),
    /// Decompose every head's look from one destination; one answer per layer.
    Looks(Prompt, Look),
    /// Everything about one cell of one head's pattern.
    Cell(Prompt, CellAt),
    /// Rerun without, or with a changed, part of one head's score.
    Change(Prompt, CellAt, Intervention),
    /// Run a set of prompts and measure every head.
    Set(SetSpec),
    /// As `Run`, its products offered to the GPU.
    RunOnGpu(Prompt, GpuChoice),
    /// As `Set`, its products offered to the GPU; if that is not to have them, the set is left to the CPU whole.
    SetOnGpu(SetSpec, GpuChoice),
}

impl Ask {
    /// The prompt that the question is about; a worker that has run it answers without running it again.
    pub fn prompt(&self) -> Option<&Prompt> {
        match self {
            Self::Run(prompt)
            | Self::RunOnGpu(prompt, _)
            | Self::Looks(prompt, _)
            | Self::Cell(prompt, _)
            | Self::Change(prompt, ..) => Some(prompt),
            Self::Set(_) | Self::SetOnGpu(..) => None,
        }
    }
}

/// Part of an answer about attention.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Tell {
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
    /// Every head of one layer.
    Looks(Vec<HeadSad>),
    /// One cell.
    Cell(Box<Cell>),
    /// After a change.
    Changed(Changed),
    /// What one head showed on the prompts.
    SetHead {
        /// The layer.
        layer: usize,
        /// The head.
        head: usize,
        /// Everything, to join with other shares.
        seen: Box<HeadEvents>,
    },
    /// How the model did on the prompts.
    SetDone {
        /// Prompts run.
        n: usize,
        /// Prompts whose answer was the likeliest token; `None` where there is no answer to check.
        correct: Option<usize>,
        /// One of the prompts, to show.
        example: String,
    },
}

//! The Attention page's questions: a prompt run through the model, its scores taken apart, what happens without a part.
//!
//! Every question carries its prompt, so that any worker can answer it; a worker remembers the last run.

use serde::{Deserialize, Serialize};

use crate::circuits::prompts::Task;
use crate::circuits::sad::attribution::Removal;
use crate::circuits::sad::components::Component;
use crate::circuits::sad::event::SadEvent;
use crate::circuits::sad::intervention::Intervention;
use crate::circuits::sad::run::{HeadSad, Look};
use crate::circuits::sad::set::{HeadEvents, SetOptions};
use crate::protocol::gpu::GpuChoice;

/// A prompt as the reader gave it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Prompt {
    /// Text; or token ids separated by spaces or commas, where there is no tokenizer or `ids` says so.
    pub text: String,
    /// Whether the beginning-of-sequence token stands in front; `None`: as is usual for the family.
    pub bos: Option<bool>,
    /// The text is a list of ids.
    pub ids: bool,
}

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

/// One cell of one head's pattern.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
pub struct CellAt {
    /// The layer.
    pub layer: usize,
    /// The head.
    pub head: usize,
    /// The position that looks.
    pub dest: usize,
    /// The position looked at.
    pub src: usize,
}

/// A set of prompts to measure.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SetSpec {
    /// Which task.
    pub task: SetTask,
    /// How many prompts at most.
    pub n: usize,
    /// Seed of the prompts.
    pub seed: u32,
    /// Which events count, and how controls are drawn.
    pub options: SetOptions,
    /// It is one checkpoint of a series: both spectra of every head are told as well.
    pub series: bool,
    /// The part of the prompts that is meant.
    pub share: Share,
}

/// One of several equal parts of a set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Share {
    /// Which.
    pub index: usize,
    /// Of how many.
    pub of: usize,
}

impl Share {
    /// All of it.
    pub const WHOLE: Self = Self { index: 0, of: 1 };

    /// Which of `n` prompts are in it.
    pub fn of_prompts(self, n: usize) -> std::ops::Range<usize> {
        let at = |index: usize| (index * n / self.of.max(1)).min(n);
        at(self.index)..at(self.index + 1)
    }
}

/// Where the prompts of a set come from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum SetTask {
    /// One of the tasks with a known answer.
    Task(Task),
    /// The same random tokens twice.
    Repeated,
    /// The reader's lines.
    Own(String),
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

/// A prompt as the model sees it.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Ran {
    /// The ids.
    pub ids: Vec<u32>,
    /// The tokens as text.
    pub tokens: Vec<String>,
    /// Whether the beginning-of-sequence token is in front.
    pub bos: bool,
    /// What changes a score after the bilinear part, named: soft-cap, ALiBi, window, query-key norm, rotation.
    pub named: Vec<String>,
}

/// A token and its probability.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Guess {
    /// The id.
    pub id: u32,
    /// The token as text.
    pub text: String,
    /// Its probability.
    pub probability: f64,
}

/// Everything about one cell.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Cell {
    /// Which cell.
    pub at: CellAt,
    /// Singular values of the head's Ω.
    pub sigma: Vec<f64>,
    /// The score's terms with their controls; `None` where the destination sees one source only.
    pub event: Option<SadEvent>,
    /// The terms of relative attention in one random basis, drawn with the first seed: what chance looks like.
    pub control_terms: Vec<f64>,
    /// Each token's coefficient on each destination-side vector, `[n, d_head]`.
    pub dest_coefficients: Vec<f32>,
    /// Each token's coefficient on each source-side vector, `[n, d_head]`.
    pub src_coefficients: Vec<f32>,
    /// The singular vectors that the rules of earlier work keep.
    pub rules: Rules,
    /// How far the terms are from adding up: largest remainder over largest score.
    pub remainder_share: f64,
    /// Where the terms come from, destination side; empty with a reason in `unsplit`.
    pub dest_parts: Vec<Part>,
    /// Where the terms come from, source side.
    pub src_parts: Vec<Part>,
    /// Why there are no parts.
    pub unsplit: Option<String>,
}

impl Cell {
    /// One past the last position that `dest` can see: itself in a causal model, the end of the prompt in one that sees both
    /// ways.
    pub fn seen_from(&self, dest: usize) -> usize {
        let visible = self.event.as_ref().map_or(0, |event| event.relative.n_visible);
        if visible > dest + 1 { visible } else { dest + 1 }
    }
}

/// Which singular vectors the rules of earlier work call the explanation of a score.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Rules {
    /// The 2024 rule: the shortest descending prefix whose sum exceeds the score.
    pub prefix_2024: Vec<usize>,
    /// ACC++: vectors removed in the order of their integrated gradients until attention falls under a threshold. The number
    /// after the last vector stands for what no vector carries.
    pub removal: Option<Removal>,
}

/// What one upstream component contributes to the relative attention of a cell.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Part {
    /// Which component.
    pub component: Component,
    /// Its contribution, all singular vectors together.
    pub total: f64,
    /// Its contribution through each singular vector, `[d_head]`.
    pub terms: Vec<f64>,
}

/// Before and after a change.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Changed {
    /// The attention of the destination at the head, before.
    pub attention_before: Vec<f32>,
    /// And after.
    pub attention_after: Vec<f32>,
    /// Next tokens before.
    pub next_before: Vec<Guess>,
    /// The same tokens, and the new likeliest, after.
    pub next_after: Vec<Guess>,
}

//! The Trace page's questions: from the answer to a prompt to the circuit behind it, and what that circuit is worth.
//!
//! Every question carries its prompt, so that any worker can answer it; a worker remembers the last run.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::Plan;
use super::question::questions;
pub use crate::circuits::pairs::meeting::MeetingOptions;
pub use crate::circuits::trace::directions::{DirectionOptions, Directions};
pub use crate::circuits::trace::rows::Row;
use crate::circuits::trace::{Circuit, TraceOptions};
pub use crate::study::cell::CellAt;
pub use crate::study::pairs::Meetings;
pub use crate::study::prompt::{Prompt, Ran};
pub use crate::study::prompt_set::SetSpec;
pub use crate::study::trace::consensus::ChanceOptions;
pub use crate::study::trace::run::TracedObjective;
pub use crate::study::trace::set::TracedSet;
pub use crate::study::trace::{Alone, AloneOptions, Changing, Effect, Question, Traced};

/// Trace an answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Trace {
    /// The prompt.
    pub prompt: Prompt,
    /// Which answer, under which rules.
    pub question: Question,
}

impl Plan for Trace {
    fn prompt(&self) -> Option<&Prompt> {
        Some(&self.prompt)
    }

    fn steps(&self) -> Option<usize> {
        None
    }
}

/// Run the model with some rows of attention alone, beside random ones, and see what becomes of what was asked.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunAlone {
    /// The prompt.
    pub prompt: Prompt,
    /// What was traced.
    pub asked: TracedObjective,
    /// The circuit's rows.
    pub rows: BTreeSet<Row>,
    /// The random circuits.
    pub options: AloneOptions,
}

/// It does not use what the worker remembers of a prompt, so any worker may have it.
impl Plan for RunAlone {
    fn steps(&self) -> Option<usize> {
        None
    }
}

/// Run the model with one edge or one reading changed, and see what becomes of what was asked.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunChanged {
    /// The prompt.
    pub prompt: Prompt,
    /// What was traced.
    pub asked: Box<TracedObjective>,
    /// What is changed.
    pub part: Changing,
    /// By what it is multiplied.
    pub factor: f64,
    /// The rules of the trace that found it.
    pub rules: TraceOptions,
}

impl Plan for RunChanged {
    fn prompt(&self) -> Option<&Prompt> {
        Some(&self.prompt)
    }

    fn steps(&self) -> Option<usize> {
        None
    }
}

/// Hold the singular vectors of a circuit against random directions of the same subspaces.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunDirections {
    /// The prompt.
    pub prompt: Prompt,
    /// The circuit.
    pub circuit: Box<Circuit>,
    /// The rules of the trace that found it.
    pub rules: TraceOptions,
    /// The random bases.
    pub options: DirectionOptions,
}

impl Plan for RunDirections {
    fn prompt(&self) -> Option<&Prompt> {
        Some(&self.prompt)
    }

    fn steps(&self) -> Option<usize> {
        None
    }
}

/// Trace every prompt of a set, and count how often each edge is found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TraceSet {
    /// The set.
    pub spec: SetSpec,
    /// The rules; each prompt brings its own answer.
    pub rules: Question,
    /// The sets in which heads have no names.
    pub chance: ChanceOptions,
}

impl Plan for TraceSet {
    fn steps(&self) -> Option<usize> {
        None
    }
}

/// Split one score into pairs of features of the dictionary in the files beside it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SplitScore {
    /// The prompt.
    pub prompt: Prompt,
    /// Which score.
    pub at: CellAt,
    /// The rotations beside which its features are put.
    pub options: MeetingOptions,
}

impl Plan for SplitScore {
    fn prompt(&self) -> Option<&Prompt> {
        Some(&self.prompt)
    }
}

questions! { Trace:
    Trace => Box<Answer>,
    RunAlone => Alone,
    RunChanged => Effect,
    SplitScore => Box<Meetings>,
    RunDirections => Box<Directions>,
    TraceSet => Box<TracedSet>,
}

/// A circuit with the prompt that it was traced on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Answer {
    /// The prompt as the model saw it.
    pub ran: Ran,
    /// Its tokens are words, not ids.
    pub words: bool,
    /// The circuit.
    pub traced: Traced,
}

//! Layer 5, the protocol: what the page asks and what a worker tells, as plain values, one file per page.
//!
//! A question is a type, and names the type of its answer: [`Question::Answer`]. Beside it stands how it may be asked, its
//! [`Plan`]: what it is about, how workers may share it, how many steps the reader sees. On the wire the questions of a page
//! are one enum and their answers another; the macro `questions!` writes both. A message is a small header by clone and big
//! arrays by transfer; every answer carries the number of its question.
//!
//! # To add a question
//! 1. `protocol/PAGE.rs`: the question, its answer, a line in `questions!`, and an `impl Plan`, which may be empty.
//! 2. `engine/PAGE.rs`: the arm that answers it. What is computed lives below, in `study`.
//! 3. `ui/memory/PAGE.rs`: where the answer is remembered; `ui::memory::reply` does for one that comes whole.
//! 4. `ui/pages/PAGE`: `session.jobs.ask(Request::new(question), …)`, or `use_asking` where there is a reply; and what is drawn.
//!
//! A question that a GPU may answer says in its plan how it is shared ([`Plan::shares`]) and what is left of it when the GPU
//! leaves some layers ([`Plan::rest`]), and has a fifth file that does the work of one layer on a device. Nothing else knows
//! of the GPU: the offer travels in [`Asked`], and `worker::jobs` makes it, falls back, counts and cancels.

use serde::{Deserialize, Serialize};

use attention::Prompt;

mod failure;
mod question;

pub mod attention;
pub mod compare;
pub mod features;
pub mod gpu;
pub mod heads;
pub mod model;
pub mod self_test;
pub mod toy;
pub mod trace;

pub use failure::{Failure, Unclear};
pub use question::{Plan, Question};

/// A question's number; answers carry it back.
pub type QuestionId = u32;

/// The number of a set of files, the same wherever they travel: what was read of them once need not be read again.
pub type FilesId = u32;

/// A question to a worker, with what it needs to know to answer it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Asked {
    /// The question.
    pub ask: Ask,
    /// How it is offered to the GPU; `None` if it is the CPU's.
    pub gpu: Option<gpu::GpuChoice>,
    /// The number of the files that travel beside it, if any do.
    pub files: Option<FilesId>,
    /// What the reader said of a model in those files that does not say it itself.
    pub hints: model::Hints,
    /// It is about the model in those files, and the open model stays.
    pub other_model: bool,
}

impl<Q: Question> From<Q> for Asked {
    fn from(question: Q) -> Self {
        Self {
            ask: question.ask(),
            gpu: None,
            files: None,
            hints: model::Hints::default(),
            other_model: false,
        }
    }
}

/// Any question, as it travels.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Ask {
    /// Opening files.
    Model(model::Ask),
    /// Spectra, vectors and their nearest tokens.
    Heads(heads::Ask),
    /// Attention on a prompt.
    Attention(attention::Ask),
    /// The circuit behind an answer.
    Trace(trace::Ask),
    /// Alignment with a dictionary.
    Features(features::Ask),
    /// Two models, head by head.
    Compare(compare::Ask),
    /// GPU against CPU on this machine.
    SelfTest(self_test::Ask),
    /// The toy lab and the theorem bench.
    Toy(toy::Ask),
}

impl Ask {
    /// How the question may be asked.
    pub fn plan(&self) -> &dyn Plan {
        match self {
            Self::Model(ask) => ask.plan(),
            Self::Heads(ask) => ask.plan(),
            Self::Attention(ask) => ask.plan(),
            Self::Trace(ask) => ask.plan(),
            Self::Features(ask) => ask.plan(),
            Self::Compare(ask) => ask.plan(),
            Self::SelfTest(ask) => ask.plan(),
            Self::Toy(ask) => ask.plan(),
        }
    }

    /// The prompt that the question is about; a worker that has run it answers without running it again.
    pub fn prompt(&self) -> Option<&Prompt> {
        self.plan().prompt()
    }
}

/// What a worker tells while it works on a question.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Tell {
    /// The worker is there: the first message of all, with the build that it belongs to.
    Ready {
        /// [`BUILD`] of the worker.
        build: String,
    },
    /// Part of an answer about files.
    Model(model::Tell),
    /// Part of an answer about heads.
    Heads(heads::Tell),
    /// Part of an answer about attention.
    Attention(attention::Tell),
    /// Part of an answer about a circuit.
    Trace(trace::Tell),
    /// Part of an answer about alignment.
    Features(features::Tell),
    /// Part of an answer about two models.
    Compare(compare::Tell),
    /// What the self-test found.
    SelfTest(self_test::Tell),
    /// Part of an answer about a toy.
    Toy(toy::Tell),
    /// What the GPU made of the question that it was offered.
    Gpu(gpu::GpuReport),
    /// How far the work is; `done` of `total` steps.
    Progress {
        /// Steps finished.
        done: usize,
        /// Steps in all.
        total: usize,
    },
    /// The question is answered in full.
    Done,
    /// The question cannot be answered.
    Failed(Failure),
}

/// What this build was made of, in sixteen hexadecimal digits: the page and its workers must have the same.
pub const BUILD: &str = env!("OMEGA_BUILD");

/// Where an engine puts its answers: the header and the arrays that travel with it by transfer.
pub type Out<'a> = &'a mut dyn FnMut(Tell, Vec<Vec<f32>>);

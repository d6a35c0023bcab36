//! What a page asks of the workers, and what it hears.

use std::marker::PhantomData;
use std::rc::Rc;
use std::sync::atomic::{AtomicU32, Ordering};

use super::offer::Compute;
use crate::protocol::gpu::GpuReport;
use crate::protocol::model::Hints;
use crate::protocol::{Ask, Asked, Failure, FilesId, Question, Tell};

/// A job's number.
pub type JobId = u32;

/// Files of the reader that travel together, `F` as the transport takes them. They have a number of their own, by which a
/// worker knows them again; clones share it, and the same files given a second time have another one.
#[derive(Debug, Clone)]
pub struct Files<F> {
    pub(super) id: FilesId,
    list: Rc<[F]>,
    hints: Hints,
}

impl<F> Files<F> {
    /// Files, under a new number.
    pub fn new(list: impl Into<Rc<[F]>>) -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(1);
        let id = NEXT.fetch_add(1, Ordering::Relaxed);
        Self { id, list: list.into(), hints: Hints::default() }
    }

    /// The same files and what the reader says of them besides, under a new number: they are another model now.
    #[must_use]
    pub fn said(&self, hints: Hints) -> Self {
        Self { hints: hints.or(self.hints.clone()), ..Self::new(self.list.clone()) }
    }

    /// What the reader said of them.
    pub fn hints(&self) -> &Hints {
        &self.hints
    }

    /// The files.
    pub fn list(&self) -> &[F] {
        &self.list
    }
}

impl<F> PartialEq for Files<F> {
    fn eq(&self, other: &Self) -> bool {
        self.id == other.id
    }
}

impl<F> Default for Files<F> {
    fn default() -> Self {
        Self::new(Vec::new())
    }
}

/// One question of a job, and the files that travel beside it.
#[derive(Debug, Clone)]
pub(super) struct Part<F> {
    pub(super) asked: Asked,
    pub(super) files: Option<Files<F>>,
}

impl<F: Clone> Part<F> {
    fn beside(&mut self, files: &Files<F>) {
        self.asked.files = Some(files.id);
        self.asked.hints = files.hints.clone();
        self.files = Some(files.clone());
    }
}

impl<F> PartialEq for Part<F> {
    fn eq(&self, other: &Self) -> bool {
        (&self.asked, &self.files) == (&other.asked, &other.files)
    }
}

/// A request without the type of its answer: one inner function serves every question.
#[derive(Debug, Clone)]
pub(super) struct Wish<F> {
    pub(super) owner: Option<&'static str>,
    pub(super) parts: Vec<Part<F>>,
    /// The workers may share a question out.
    pub(super) shared: bool,
    /// It goes before all that waits.
    pub(super) urgent: bool,
    /// Under which name the reader sees it among what is being computed.
    pub(super) listed: Option<String>,
    /// The reader sees questions counted, not their steps.
    pub(super) one_step_each: bool,
    pub(super) as_told: bool,
    /// What the reader wants to compute it, and about how long one worker of the CPU would take, in milliseconds.
    pub(super) offer: Option<(Compute, f64)>,
}

impl<F> Wish<F> {
    /// Whether the answer would be the same, and from the same.
    pub(super) fn asks_the_same(&self, other: &Self) -> bool {
        let compute = |wish: &Self| wish.offer.map(|(compute, _)| compute);
        let moves_on = |part: &Part<F>| part.asked.ask.plan().moves_on();
        self.parts == other.parts
            && compute(self) == compute(other)
            && !self.parts.iter().any(moves_on)
    }
}

/// Questions of one type that belong together, and how they are to be asked.
pub struct Request<Q, F> {
    pub(super) wish: Wish<F>,
    answers: PhantomData<fn(Q)>,
}

impl<Q: Question, F: Clone> Request<Q, F> {
    /// One question.
    pub fn new(question: Q) -> Self {
        Self::many([(question, None)])
    }

    /// Several, with the files that travel beside each.
    pub fn many(questions: impl IntoIterator<Item = (Q, Option<Files<F>>)>) -> Self {
        let part = |(question, files): (Q, Option<Files<F>>)| {
            let mut part = Part { asked: Asked::from(question), files: None };
            files.iter().for_each(|files| part.beside(files));
            part
        };
        let parts = questions.into_iter().map(part).collect();
        let wish = Wish {
            owner: None,
            parts,
            shared: false,
            urgent: false,
            listed: None,
            one_step_each: false,
            as_told: false,
            offer: None,
        };
        Self { wish, answers: PhantomData }
    }

    /// Several about the open model.
    pub fn each(questions: impl IntoIterator<Item = Q>) -> Self {
        Self::many(questions.into_iter().map(|question| (question, None)))
    }

    /// Files that travel beside every question.
    pub fn beside(mut self, files: &Files<F>) -> Self {
        self.wish.parts.iter_mut().for_each(|part| part.beside(files));
        self
    }

    /// The questions are about the model in the files beside them; the open model stays, and another one changes nothing.
    pub fn about_other_models(mut self) -> Self {
        self.wish.parts.iter_mut().for_each(|part| part.asked.other_model = true);
        self
    }

    /// What it is for: an owner has one job at a time. The same request again joins the job under way, another one takes
    /// its place. Owners are named `page/purpose`.
    pub fn owner(mut self, owner: &'static str) -> Self {
        self.wish.owner = Some(owner);
        self
    }

    /// It goes before all that waits: what the reader is looking at.
    pub fn urgent(mut self) -> Self {
        self.wish.urgent = true;
        self
    }

    /// The reader sees it among what is being computed, with its progress, and may cancel it.
    pub fn listed(mut self, what: &str) -> Self {
        self.wish.listed = Some(what.to_owned());
        self
    }

    /// The reader sees questions counted, not the steps of each.
    pub fn one_step_each(mut self) -> Self {
        self.wish.one_step_each = true;
        self
    }

    /// The reader sees what the answer tells of its progress counted, whatever the plan's steps.
    pub fn counted_as_told(mut self) -> Self {
        self.wish.as_told = true;
        self
    }

    /// The workers share each question out, as its plan says.
    pub fn shared(mut self) -> Self {
        self.wish.shared = true;
        self
    }

    /// The GPU may have it. `cpu_ms`: about how long one worker of the CPU would take, in milliseconds.
    pub fn offered(mut self, compute: Compute, cpu_ms: f64) -> Self {
        self.wish.offer = Some((compute, cpu_ms));
        self
    }
}

/// What the asker of a job is told, in this order: that it began, parts of the answer, that it is done or was stopped. After
/// that, nothing: whatever comes too late is dropped before it gets here.
#[derive(Debug, Clone, PartialEq)]
pub enum JobEvent<A> {
    /// The job begins; or begins again from nothing, where a worker was lost with what it had told.
    Begun,
    /// Part of the answer to one of the job's questions; `part` counts questions, and the shares that they were divided into.
    Part {
        /// To which.
        part: usize,
        /// The answer.
        answer: A,
        /// The arrays that travelled beside it.
        arrays: Vec<Vec<f32>>,
    },
    /// What the GPU made of what it was offered.
    Gpu(GpuReport),
    /// One question cannot be answered; the job goes on with the others.
    Failed {
        /// Which.
        part: usize,
        /// Why.
        failure: Failure,
    },
    /// Every question has been answered or has failed.
    Done,
    /// The job ended before that: the reader cancelled it, its model was closed, or its owner asked for something else.
    Stopped,
}

impl<A> JobEvent<A> {
    /// The same with what `keep` makes of the answer and of the arrays beside it.
    pub fn map<B>(self, keep: impl FnOnce(A, Vec<Vec<f32>>) -> B) -> JobEvent<B> {
        match self {
            Self::Begun => JobEvent::Begun,
            Self::Part { part, answer, arrays } => {
                JobEvent::Part { part, answer: keep(answer, arrays), arrays: Vec::new() }
            }
            Self::Gpu(report) => JobEvent::Gpu(report),
            Self::Failed { part, failure } => JobEvent::Failed { part, failure },
            Self::Done => JobEvent::Done,
            Self::Stopped => JobEvent::Stopped,
        }
    }
}

impl JobEvent<Tell> {
    /// The same with the answer to a question of type `Q`; an answer to another question is a failure in words.
    pub(super) fn to<Q: Question>(self) -> JobEvent<Q::Answer> {
        match self {
            Self::Begun => JobEvent::Begun,
            Self::Part { part, answer, arrays } => match Q::answer(answer) {
                Some(answer) => JobEvent::Part { part, answer, arrays },
                None => JobEvent::Failed {
                    part,
                    failure: Failure::new("a worker answered another question than it was asked"),
                },
            },
            Self::Gpu(report) => JobEvent::Gpu(report),
            Self::Failed { part, failure } => JobEvent::Failed { part, failure },
            Self::Done => JobEvent::Done,
            Self::Stopped => JobEvent::Stopped,
        }
    }
}

/// Who hears of a job.
pub(super) type Listener = Rc<dyn Fn(JobEvent<Tell>)>;

/// A job as the reader sees it.
#[derive(Debug, Clone, PartialEq)]
pub struct Running {
    /// Which, to cancel it.
    pub id: JobId,
    /// What is being computed.
    pub what: String,
    /// Steps that were finished when it began.
    pub from: usize,
    /// Steps finished.
    pub done: usize,
    /// Steps in all.
    pub total: usize,
    /// When it began, in milliseconds of the page's clock.
    pub since: f64,
    /// Whether a page's own worker computes it; that page shows its progress as well.
    pub own: bool,
}

/// What the reader should know of the workers themselves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trouble {
    /// One stopped; `again` if what it was on is asked once more.
    Stopped {
        /// What it said.
        why: String,
        /// Whether its question is asked again.
        again: bool,
    },
    /// They belong to another version of the page, and nothing is asked of them.
    OtherVersion,
    /// Too many died before they were ready; no more are started.
    CannotStart {
        /// What the last one said.
        why: String,
    },
    /// Their program could not be loaded.
    NotLoaded {
        /// What the host or the browser answers.
        why: String,
    },
}

impl Trouble {
    /// Why a question cannot be answered at all, where no worker is left.
    pub fn failure(&self) -> Failure {
        match self {
            Self::OtherVersion => Failure::new(
                "The page and its workers are of different versions, so nothing can be computed",
            )
            .try_this("Reload the page: the address keeps your place."),
            Self::CannotStart { why } | Self::Stopped { why, .. } => {
                Failure::new(format!("No worker could be started ({why})"))
                    .try_this("Close other tabs, then reload the page.")
            }
            Self::NotLoaded { why } => Failure::new(format!(
                "The program of the page's workers could not be loaded: {why}."
            ))
            .try_this("Open the model again, or reload the page: the address keeps your place."),
        }
    }
}

/// The questions of a wish as they would be shared among `workers` of the CPU.
pub(super) fn shares<F: Clone>(part: &Part<F>, workers: usize) -> Vec<Part<F>> {
    let shares = part.asked.ask.plan().shares(workers);
    if shares.is_empty() {
        return vec![Part { asked: part.asked.clone(), files: part.files.clone() }];
    }
    let share =
        |ask: Ask| Part { asked: Asked { ask, ..part.asked.clone() }, files: part.files.clone() };
    shares.into_iter().map(share).collect()
}

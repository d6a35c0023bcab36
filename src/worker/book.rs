//! The book of jobs: which questions a job has, who may have them, how far it is, and what comes too late.
//!
//! Decides and does nothing: every decision is a [`Deed`], which [`super::jobs`] does in order. So all of it runs in a test.

use std::collections::VecDeque;

use super::offer::Compute;
use super::request::{JobEvent, JobId, Listener, Part, Running, Wish, shares};
use crate::protocol::gpu::GpuReport;
use crate::protocol::{Asked, Failure, QuestionId, Tell, model};

/// The number under which a worker says that it is there, or that it died: no question has it.
pub(super) const NO_QUESTION: QuestionId = 0;

/// What is to be done.
pub(super) enum Deed<F> {
    /// Have a question answered.
    Ask { id: QuestionId, part: Part<F>, urgent: bool },
    /// Drop a question; `at_once` if the worker that is on it is not worth waiting for.
    Drop { id: QuestionId, at_once: bool },
    /// Tell somebody.
    Tell(JobId, Listener, JobEvent<Tell>),
}

/// Every job that is under way.
pub(super) struct Book<F> {
    jobs: Vec<Job<F>>,
    next_job: JobId,
    next_question: QuestionId,
    /// What is to be done, first things first.
    deeds: VecDeque<Deed<F>>,
    /// Whether the list that the reader sees is another one than when it was taken last.
    changed: bool,
}

struct Job<F> {
    id: JobId,
    wish: Wish<F>,
    listener: Listener,
    since: f64,
    open: Vec<Open<F>>,
}

/// A question of a job; answered ones stay, for what they count.
struct Open<F> {
    id: QuestionId,
    part: Part<F>,
    steps: Option<usize>,
    done: usize,
    answered: bool,
}

impl<F> Open<F> {
    fn total(&self) -> usize {
        self.steps.unwrap_or(1)
    }
}

impl<F> Job<F> {
    /// Whether another model makes it pointless.
    fn about_model(&self) -> bool {
        let about = |asked: &Asked| !asked.other_model && asked.ask.plan().about_model();
        self.wish.parts.iter().any(|part| about(&part.asked))
    }

    /// Whether what a worker is on can take long: then it is not waited for when nobody wants the answer any more. One of
    /// many shares is soon done, and ending its worker would lose what it remembers.
    fn is_long(&self) -> bool {
        self.wish.listed.is_some() && self.open.len() == 1
    }

    fn running(&self) -> Option<Running> {
        let what = self.wish.listed.clone()?;
        let total = self.open.iter().map(Open::total).sum();
        let done = self.open.iter().map(|open| open.done).sum();
        Some(Running { id: self.id, what, from: 0, done, total, since: self.since, own: false })
    }
}

impl<F: Clone> Book<F> {
    pub(super) fn new() -> Self {
        Self {
            jobs: Vec::new(),
            next_job: 1,
            next_question: NO_QUESTION + 1,
            deeds: VecDeque::new(),
            changed: false,
        }
    }

    /// What is to be done next.
    pub(super) fn next_deed(&mut self) -> Option<Deed<F>> {
        self.deeds.pop_front()
    }

    /// Whether what the reader sees has changed since this was asked last.
    pub(super) fn changed(&mut self) -> bool {
        std::mem::take(&mut self.changed)
    }

    /// What the reader sees.
    pub(super) fn running(&self) -> Vec<Running> {
        self.jobs.iter().filter_map(Job::running).collect()
    }

    /// Begins a job; or joins the one of its owner that asks the same.
    pub(super) fn begin(
        &mut self,
        wish: Wish<F>,
        listener: Listener,
        workers: usize,
        has_gpu: bool,
        now: f64,
    ) -> JobId {
        if let Some(owner) = wish.owner {
            let own = self.jobs.iter().position(|job| job.wish.owner == Some(owner));
            if let Some(at) = own {
                if self.jobs[at].wish.asks_the_same(&wish) {
                    return self.jobs[at].id;
                }
                self.end(at);
            }
        }
        let (id, urgent) = (self.next_job, wish.urgent);
        self.next_job = id.wrapping_add(1).max(1);
        let shared: Vec<Part<F>> = if wish.shared {
            wish.parts.iter().flat_map(|part| shares(part, workers)).collect()
        } else {
            wish.parts.clone()
        };
        let offer = |(compute, cpu_ms): (Compute, f64)| {
            compute.choice(cpu_ms, workers.min(shared.len()), has_gpu)
        };
        let gpu = wish.offer.and_then(offer);
        let parts = match gpu {
            Some(_) => {
                let offered = |part: &Part<F>| Part {
                    asked: Asked { gpu, ..part.asked.clone() },
                    files: part.files.clone(),
                };
                wish.parts.iter().map(offered).collect()
            }
            None => shared,
        };
        self.jobs.push(Job { id, wish, listener, since: now, open: Vec::new() });
        let at = self.jobs.len() - 1;
        self.tell(at, JobEvent::Begun);
        self.ask(at, parts, urgent);
        self.finish(at);
        id
    }

    /// Hears what a worker told of a question; of one that nobody asks any more, nothing comes.
    pub(super) fn hear(
        &mut self,
        id: QuestionId,
        tell: Tell,
        arrays: Vec<Vec<f32>>,
        workers: usize,
    ) {
        let Some((at, part)) = self.find(id) else { return };
        match tell {
            Tell::Progress { done, total } => {
                let open = &mut self.jobs[at].open[part];
                let steps = *open.steps.get_or_insert(total);
                open.done =
                    open.done.max((done * steps).checked_div(total).unwrap_or(0).min(steps));
                self.changed |= self.jobs[at].wish.listed.is_some();
            }
            Tell::Gpu(report) => {
                if let GpuReport::LeftToCpu { layers, .. } = &report
                    && !layers.is_empty()
                {
                    self.leave_to_cpu(at, part, layers, workers);
                }
                self.tell(at, JobEvent::Gpu(report));
            }
            Tell::Done => self.answered(at, part),
            Tell::Failed(failure) => {
                self.tell(at, JobEvent::Failed { part, failure });
                self.answered(at, part);
            }
            // Only the workers' own first message.
            Tell::Ready { .. } => {}
            answer => {
                let opened = matches!(answer, Tell::Model(model::Tell::Open(_)));
                self.tell(at, JobEvent::Part { part, answer, arrays });
                if opened {
                    self.model_opened();
                }
            }
        }
    }

    /// Hears that a question cannot be answered because worker after worker died of it. What was the GPU's, and the drivers',
    /// the CPU does from the beginning.
    pub(super) fn died(&mut self, id: QuestionId, failure: Failure, workers: usize) {
        let Some((at, part)) = self.find(id) else { return };
        if self.jobs[at].open[part].part.asked.gpu.is_none() {
            return self.hear(id, Tell::Failed(failure), Vec::new(), workers);
        }
        self.tell(at, JobEvent::Begun);
        let report = GpuReport::LeftToCpu { layers: Vec::new(), why: failure.what, ms: None };
        self.tell(at, JobEvent::Gpu(report));
        let job = &mut self.jobs[at];
        job.open.clear();
        let parts = job.wish.parts.iter().flat_map(|part| shares(part, workers)).collect();
        self.ask(at, parts, false);
    }

    /// Ends a job that the reader cancelled: the memory that it took is given back.
    pub(super) fn cancel(&mut self, id: JobId) {
        if let Some(at) = self.jobs.iter().position(|job| job.id == id) {
            self.end_by(at, true);
        }
    }

    /// Ends the jobs whose owner's name begins so: nobody wants their answers any more.
    pub(super) fn stop(&mut self, owner: &str) {
        self.end_where(|job| job.wish.owner.is_some_and(|name| name.starts_with(owner)));
    }

    /// Another model is open: the jobs about the old one end, and no others.
    fn model_opened(&mut self) {
        self.end_where(Job::about_model);
    }

    fn end_where(&mut self, which: impl Fn(&Job<F>) -> bool) {
        while let Some(at) = self.jobs.iter().position(&which) {
            self.end(at);
        }
    }

    fn end(&mut self, at: usize) {
        self.end_by(at, self.jobs[at].is_long());
    }

    fn end_by(&mut self, at: usize, at_once: bool) {
        let job = self.jobs.remove(at);
        self.changed |= job.wish.listed.is_some();
        // What it was still to be told comes too late, and what it was still to ask is not asked.
        self.deeds.retain(|deed| match deed {
            Deed::Tell(id, ..) => *id != job.id,
            Deed::Ask { id, .. } => job.open.iter().all(|open| open.id != *id),
            Deed::Drop { .. } => true,
        });
        for open in job.open.iter().filter(|open| !open.answered) {
            self.deeds.push_back(Deed::Drop { id: open.id, at_once });
        }
        self.deeds.push_back(Deed::Tell(job.id, job.listener, JobEvent::Stopped));
    }

    /// The GPU keeps what it has done of a question, and the CPU's workers share what is left.
    fn leave_to_cpu(&mut self, at: usize, part: usize, layers: &[usize], workers: usize) {
        let open = &mut self.jobs[at].open[part];
        let rest = open.part.asked.ask.plan().rest(layers);
        open.steps = Some(open.done);
        let Some(ask) = rest else { return };
        let asked = Asked { ask, gpu: None, ..open.part.asked.clone() };
        let rest = Part { asked, files: open.part.files.clone() };
        self.ask(at, shares(&rest, workers), false);
    }

    fn ask(&mut self, at: usize, parts: Vec<Part<F>>, urgent: bool) {
        let job = &mut self.jobs[at];
        self.changed |= job.wish.listed.is_some();
        let first = job.open.len();
        for part in parts {
            let id = self.next_question;
            self.next_question = id.wrapping_add(1).max(NO_QUESTION + 1);
            let steps = match &job.wish {
                Wish { as_told: true, .. } => None,
                Wish { one_step_each: true, .. } => Some(1),
                _ => part.asked.ask.plan().steps(),
            };
            job.open.push(Open { id, part, steps, done: 0, answered: false });
        }
        let ask = |open: &Open<F>| Deed::Ask { id: open.id, part: open.part.clone(), urgent };
        let new = job.open[first..].iter();
        // The last to come first is the first in the queue.
        if urgent {
            self.deeds.extend(new.rev().map(ask));
        } else {
            self.deeds.extend(new.map(ask));
        }
    }

    fn answered(&mut self, at: usize, part: usize) {
        let open = &mut self.jobs[at].open[part];
        (open.answered, open.done) = (true, open.total());
        self.changed |= self.jobs[at].wish.listed.is_some();
        self.finish(at);
    }

    /// Ends a job that has no question left.
    fn finish(&mut self, at: usize) {
        if self.jobs[at].open.iter().all(|open| open.answered) {
            let job = self.jobs.remove(at);
            self.changed |= job.wish.listed.is_some();
            self.deeds.push_back(Deed::Tell(job.id, job.listener, JobEvent::Done));
        }
    }

    fn tell(&mut self, at: usize, event: JobEvent<Tell>) {
        let job = &self.jobs[at];
        self.deeds.push_back(Deed::Tell(job.id, job.listener.clone(), event));
    }

    fn find(&self, id: QuestionId) -> Option<(usize, usize)> {
        self.jobs.iter().enumerate().find_map(|(at, job)| {
            let part = job.open.iter().position(|open| open.id == id && !open.answered)?;
            Some((at, part))
        })
    }
}

//! What pages compute in workers of their own, as it stands in the list among the jobs: a line that comes once the work has taken a
//! while, tells how far it is, and cancels it.

use std::cell::Cell;
use std::rc::Rc;

use super::jobs::Jobs;
use super::request::{JobId, Running};

/// Milliseconds between two changes of a line: a training has sixty frames a second, and many end before they are worth a line.
const LISTED_MS: f64 = 500.0;

/// A page's line in the list, for one piece of work at a time; it goes with its owner.
pub struct Listed<F: Clone + 'static> {
    jobs: Jobs<F>,
    what: &'static str,
    id: Cell<Option<JobId>>,
}

impl<F: Clone + 'static> Listed<F> {
    /// A line that calls the work `what`, in the list of `jobs`; it is not there yet.
    pub fn new(jobs: Jobs<F>, what: &'static str) -> Self {
        Self { jobs, what, id: Cell::new(None) }
    }

    /// The work is at step `done` of `total`. If it has only begun, `cancel` is what the reader's button calls.
    pub fn at(&self, done: usize, total: usize, cancel: impl Fn() + 'static) {
        match self.id.get() {
            Some(id) => self.jobs.own_progress(id, done, total),
            None => self.id.set(Some(self.jobs.own_begun(self.what, done, total, Rc::new(cancel)))),
        }
    }

    /// The work has ended, or was stopped.
    pub fn ended(&self) {
        if let Some(id) = self.id.take() {
            self.jobs.own_ended(id);
        }
    }
}

impl<F: Clone + 'static> Drop for Listed<F> {
    fn drop(&mut self) {
        self.ended();
    }
}

/// What the button of a line calls.
pub(super) type Cancel = Rc<dyn Fn()>;

/// The lines that are there, or will be when their work takes long enough.
#[derive(Default)]
pub(super) struct OwnJobs {
    jobs: Vec<OwnJob>,
    begun: u32,
    changed: bool,
}

struct OwnJob {
    running: Running,
    cancel: Cancel,
    /// When it was listed last; when it began, if never.
    listed_at: f64,
}

impl OwnJob {
    fn is_listed(&self) -> bool {
        self.listed_at > self.running.since
    }
}

impl OwnJobs {
    pub(super) fn begun(
        &mut self,
        what: &str,
        (from, total): (usize, usize),
        cancel: Cancel,
        now: f64,
    ) -> JobId {
        // Numbers from the other end than those of the jobs.
        self.begun = self.begun.wrapping_add(1);
        let id = JobId::MAX - self.begun;
        let what = what.to_owned();
        let running = Running { id, what, from, done: from, total, since: now, own: true };
        self.jobs.push(OwnJob { running, cancel, listed_at: now });
        id
    }

    pub(super) fn progress(&mut self, id: JobId, (done, total): (usize, usize), now: f64) {
        let Some(job) = self.jobs.iter_mut().find(|job| job.running.id == id) else { return };
        (job.running.done, job.running.total) = (done, total);
        if now - job.listed_at >= LISTED_MS {
            job.listed_at = now;
            self.changed = true;
        }
    }

    /// Takes a line off the list; what its button calls, if it was there.
    pub(super) fn ended(&mut self, id: JobId) -> Option<Cancel> {
        let at = self.jobs.iter().position(|job| job.running.id == id)?;
        let job = self.jobs.remove(at);
        self.changed |= job.is_listed();
        Some(job.cancel)
    }

    /// Whether the list is another one than when this was asked last.
    pub(super) fn changed(&mut self) -> bool {
        std::mem::take(&mut self.changed)
    }

    pub(super) fn running(&self) -> impl Iterator<Item = Running> + '_ {
        self.jobs.iter().filter(|job| job.is_listed()).map(|job| job.running.clone())
    }
}

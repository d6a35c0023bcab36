//! Jobs: the one way to ask. A page says what it wants to know; who computes it, in which shares, what becomes of it when a
//! device or a worker goes, how far it is, and that nothing comes too late, is decided here once.
//!
//! [`super::book`] keeps the jobs, [`super::queue`] the workers; both only decide. Here is done what they decide, one thing
//! after the other, with nothing borrowed while a listener is called: it may ask again. What is generic is one line.

use std::cell::RefCell;
use std::rc::{Rc, Weak};

use super::book::{Book, Deed};
use super::own::{Cancel, OwnJobs};
use super::queue::{Order, Queue};
use super::request::{Files, JobEvent, JobId, Listener, Request, Running, Trouble, Wish};
use crate::protocol::{Asked, Question, QuestionId, Tell};

/// Workers as jobs need them: started, and sent questions.
pub trait Workers<F> {
    /// Starts a worker in `slot`, in place of the one that is there.
    ///
    /// # Errors
    /// What the browser said, if it starts none.
    fn start(&self, slot: usize) -> Result<(), String>;

    /// Sends a question to the worker in `slot`.
    ///
    /// # Errors
    /// Why it cannot be sent.
    fn post(
        &self,
        slot: usize,
        id: QuestionId,
        asked: &Asked,
        files: Option<&Files<F>>,
    ) -> Result<(), String>;

    /// Whether a GPU may be there.
    fn has_gpu(&self) -> bool;

    /// Milliseconds since some moment in the past.
    fn now(&self) -> f64;
}

/// A handle to the jobs and their workers; clones share them.
pub struct Jobs<F>(Rc<Inner<F>>);

/// Whom the page has told of its jobs as a whole.
pub struct Notify {
    /// Hears of the list of what is being computed, whenever it changes.
    pub list: Box<dyn Fn(Vec<Running>)>,
    /// Hears of trouble with the workers themselves.
    pub trouble: Box<dyn Fn(Trouble)>,
}

struct Inner<F> {
    book: RefCell<Book<F>>,
    queue: RefCell<Queue<F>>,
    own: RefCell<OwnJobs>,
    workers: Box<dyn Workers<F>>,
    notify: Notify,
}

/// What the transport tells the jobs; it keeps nothing alive.
pub struct Handle<F>(Weak<Inner<F>>);

impl<F> Clone for Handle<F> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<F> Clone for Jobs<F> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<F> PartialEq for Jobs<F> {
    fn eq(&self, other: &Self) -> bool {
        Rc::ptr_eq(&self.0, &other.0)
    }
}

impl<F: Clone + 'static> Jobs<F> {
    /// Jobs over `n` workers, which are started at once; `workers` is given the handle by which to tell what it hears.
    pub fn new<W: Workers<F> + 'static>(
        n: usize,
        notify: Notify,
        workers: impl FnOnce(Handle<F>) -> W,
    ) -> Self {
        let jobs = Self(Rc::new_cyclic(|inner| Inner {
            book: RefCell::new(Book::new()),
            queue: RefCell::new(Queue::new(n)),
            own: RefCell::default(),
            workers: Box::new(workers(Handle(inner.clone()))),
            notify,
        }));
        jobs.settle();
        jobs
    }

    /// How many workers there are.
    pub fn size(&self) -> usize {
        self.0.queue.borrow().size()
    }

    /// Asks. `hear` is told of the job as [`JobEvent`] says, beginning now.
    pub fn ask<Q: Question>(
        &self,
        request: Request<Q, F>,
        hear: impl Fn(JobEvent<Q::Answer>) + 'static,
    ) -> JobId {
        self.begin(request.wish, Rc::new(move |event| hear(event.to::<Q>())))
    }

    fn begin(&self, wish: Wish<F>, listener: Listener) -> JobId {
        let (workers, has_gpu) = (self.size(), self.0.workers.has_gpu());
        let now = self.0.workers.now();
        let id = self.0.book.borrow_mut().begin(wish, listener, workers, has_gpu, now);
        self.settle();
        id
    }

    /// Cancels a job, and gives the memory that it took back; or has the page whose own it is stop it.
    pub fn cancel(&self, id: JobId) {
        let own = self.0.own.borrow_mut().ended(id);
        match own {
            Some(cancel) => cancel(),
            None => self.0.book.borrow_mut().cancel(id),
        }
        self.settle();
    }

    /// A page's own worker begins with what is listed so, from step `from` of `total` on.
    pub(super) fn own_begun(&self, what: &str, from: usize, total: usize, cancel: Cancel) -> JobId {
        let now = self.0.workers.now();
        self.0.own.borrow_mut().begun(what, (from, total), cancel, now)
    }

    /// It is at step `done` of `total` now.
    pub(super) fn own_progress(&self, id: JobId, done: usize, total: usize) {
        let now = self.0.workers.now();
        self.0.own.borrow_mut().progress(id, (done, total), now);
        self.settle();
    }

    /// It has ended.
    pub(super) fn own_ended(&self, id: JobId) {
        self.0.own.borrow_mut().ended(id);
        self.settle();
    }

    /// Stops the jobs whose owner's name begins so: nobody wants their answers any more.
    pub fn stop(&self, owner: &str) {
        self.0.book.borrow_mut().stop(owner);
        self.settle();
    }

    /// Does what was decided, and what that leads to.
    fn settle(&self) {
        loop {
            let deed = self.0.book.borrow_mut().next_deed();
            if let Some(deed) = deed {
                self.act(deed);
                continue;
            }
            let order = self.0.queue.borrow_mut().next_order();
            let Some(order) = order else { break };
            self.carry_out(order);
        }
        let changed = self.0.book.borrow_mut().changed() | self.0.own.borrow_mut().changed();
        if changed {
            let mut list = self.0.book.borrow().running();
            list.extend(self.0.own.borrow().running());
            (self.0.notify.list)(list);
        }
    }

    fn act(&self, deed: Deed<F>) {
        match deed {
            Deed::Ask { id, part, urgent } => self.0.queue.borrow_mut().take(id, part, urgent),
            Deed::Drop { id, at_once } => self.0.queue.borrow_mut().drop(id, at_once),
            Deed::Tell(_, listener, event) => listener(event),
        }
    }

    fn carry_out(&self, order: Order<F>) {
        let (inner, workers) = (&self.0, self.size());
        match order {
            Order::Start(slot) => {
                if let Err(why) = inner.workers.start(slot) {
                    inner.queue.borrow_mut().died(slot, &why);
                }
            }
            Order::Post { slot, id, part } => {
                if let Err(why) = inner.workers.post(slot, id, &part.asked, part.files.as_ref()) {
                    inner.queue.borrow_mut().unreadable(slot, &why);
                }
            }
            Order::Told { id, tell, arrays } => {
                inner.book.borrow_mut().hear(id, tell, arrays, workers);
            }
            Order::Died { id, failure } => inner.book.borrow_mut().died(id, failure, workers),
            Order::Say(trouble) => (inner.notify.trouble)(trouble),
        }
    }
}

impl<F: Clone + 'static> Handle<F> {
    fn with(&self, hear: impl FnOnce(&mut Queue<F>)) {
        if let Some(inner) = self.0.upgrade() {
            hear(&mut inner.queue.borrow_mut());
            Jobs(inner).settle();
        }
    }

    /// The worker in `slot` told something of question `id`.
    pub fn heard(&self, slot: usize, id: QuestionId, tell: Tell, arrays: Vec<Vec<f32>>) {
        self.with(|queue| queue.heard(slot, id, tell, arrays));
    }

    /// A message of the worker in `slot` cannot be read.
    pub fn unreadable(&self, slot: usize, why: &str) {
        self.with(|queue| queue.unreadable(slot, why));
    }

    /// The worker in `slot` died.
    pub fn died(&self, slot: usize, why: &str) {
        self.with(|queue| queue.died(slot, why));
    }

    /// The program of the worker in `slot` could not be loaded.
    pub fn not_loaded(&self, slot: usize, why: &str) {
        self.with(|queue| queue.not_loaded(slot, why));
    }
}

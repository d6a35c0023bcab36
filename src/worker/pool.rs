//! The page's side: a few plain workers, a queue, and the promise that no question is lost.
//!
//! Each worker has its own engine and opens the same files lazily, before its first question about them. Cancelling ends
//! the worker that is on the question: that is the only way to give WebAssembly memory back. A worker that dies is
//! replaced and its question asked once more.
//!
//! Longer than most files: queue, slots and restarts are one state machine, and half of it would not be readable.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::{Rc, Weak};

use js_sys::{Array, Object, Reflect};
use wasm_bindgen::{JsCast, JsValue, closure::Closure};
use web_sys::{Blob, ErrorEvent, MessageEvent, Worker, WorkerOptions, WorkerType};

use super::serve::NO_JOB;
use super::transport::{Envelope, pack, unpack};
use crate::protocol::attention::Prompt;
use crate::protocol::{Ask, Failure, JobId, Tell, model::Hints};

/// A file that the reader gave: its path as dropped, and its bytes, not read yet.
#[derive(Clone, PartialEq)]
pub struct Dropped {
    /// Path or name.
    pub name: String,
    /// Where the bytes are.
    pub blob: Blob,
}

/// Called with each part of an answer: the header and the arrays beside it.
pub type OnTell = Rc<dyn Fn(Tell, Vec<Vec<f32>>)>;

/// How often a question is asked again when its worker dies.
const RETRIES: u8 = 1;

/// How many workers may die before they are ready until no more are started.
const MAX_FAILED_STARTS: usize = 8;

/// A handle to the workers; clones share them.
#[derive(Clone)]
pub struct Pool(Rc<RefCell<Inner>>);

struct Inner {
    slots: Vec<Slot>,
    queue: VecDeque<Job>,
    next_id: JobId,
    /// The files that every worker should have open, and how many times they changed.
    opened: Option<(JsValue, Hints)>,
    epoch: u32,
    /// Workers that died before they were ready; past a few, starting more is pointless.
    failed_starts: usize,
    /// Told when a worker dies: what it said, and whether its question is asked again.
    on_death: Option<Rc<dyn Fn(String, bool)>>,
}

struct Slot {
    worker: Worker,
    state: State,
    epoch: u32,
    /// The prompt that this worker was asked about last: it remembers the run.
    prompt: Option<Prompt>,
    _closures: Listeners,
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.worker.terminate();
    }
}

/// Kept for as long as the worker may call them.
type Listeners = (Closure<dyn FnMut(MessageEvent)>, Closure<dyn FnMut(ErrorEvent)>);

enum State {
    Starting,
    Idle,
    /// Opening the pool's files before the question that needs them.
    Opening(Job),
    Busy(Job),
}

struct Job {
    id: JobId,
    ask: Ask,
    arrays: Vec<Vec<f32>>,
    files: Option<JsValue>,
    on_tell: OnTell,
    tries: u8,
    /// What it asks about, where only the newest question about it counts.
    topic: Option<&'static str>,
}

impl PartialEq for Pool {
    fn eq(&self, other: &Self) -> bool {
        Rc::ptr_eq(&self.0, &other.0)
    }
}

impl Pool {
    /// A pool of `n` workers, started at once.
    pub fn new(n: usize) -> Self {
        let pool = Self(Rc::new(RefCell::new(Inner {
            slots: Vec::new(),
            queue: VecDeque::new(),
            next_id: NO_JOB + 1,
            opened: None,
            epoch: 0,
            failed_starts: 0,
            on_death: None,
        })));
        for index in 0..n.max(1) {
            if let Ok(slot) = start(&pool, index) {
                pool.0.borrow_mut().slots.push(slot);
            }
        }
        pool
    }

    /// As many workers as the machine has cores to spare: at least 1, at most 8.
    pub fn default_size() -> usize {
        let cores = web_sys::window().map_or(2.0, |w| w.navigator().hardware_concurrency());
        (cores as usize).saturating_sub(1).clamp(1, 8)
    }

    /// How many workers there are.
    pub fn size(&self) -> usize {
        self.0.borrow().slots.len().max(1)
    }

    /// Sets who is told when a worker dies.
    pub fn on_death(&self, tell: impl Fn(String, bool) + 'static) {
        self.0.borrow_mut().on_death = Some(Rc::new(tell));
    }

    /// Tries new files. Until they are open, and if they cannot be opened, the old ones stay.
    pub fn open(&self, files: &[Dropped], hints: Hints, on_tell: OnTell) -> JobId {
        self.enqueue_at(Ask::Open(hints), Vec::new(), Some(list_of(files)), on_tell, true)
    }

    /// Asks a question about other files than the open ones.
    pub fn ask_about(&self, files: &[Dropped], ask: Ask, on_tell: OnTell) -> JobId {
        self.enqueue_at(ask, Vec::new(), Some(list_of(files)), on_tell, false)
    }
}

/// Whether a question is about the open model.
fn needs_model(ask: &Ask) -> bool {
    !matches!(ask, Ask::Open(_) | Ask::Elsewhere(_) | Ask::SelfTest(_) | Ask::Toy(_))
}

/// The prompt that a question is about.
fn prompt(ask: &Ask) -> Option<&Prompt> {
    match ask {
        Ask::Attention(ask) => ask.prompt(),
        _ => None,
    }
}

/// Whether an idle worker should take a question. One about a prompt is for the worker that has run it, and waits while that
/// worker is busy with the same prompt; anything else is for anybody.
fn suits(slots: &[Slot], index: usize, job: &Job) -> bool {
    let Some(wanted) = prompt(&job.ask) else { return true };
    let on_it = |slot: &Slot| match &slot.state {
        State::Idle => slot.prompt.as_ref() == Some(wanted),
        State::Busy(job) | State::Opening(job) => prompt(&job.ask) == Some(wanted),
        State::Starting => false,
    };
    on_it(&slots[index]) || !slots.iter().any(on_it)
}

/// The files as workers take them.
fn list_of(files: &[Dropped]) -> JsValue {
    let list = Array::new();
    for file in files {
        let entry = Object::new();
        // Setting a property of a fresh object cannot fail.
        let _ = Reflect::set(&entry, &"name".into(), &file.name.as_str().into());
        let _ = Reflect::set(&entry, &"blob".into(), &file.blob);
        list.push(&entry);
    }
    list.into()
}

impl Pool {
    /// Asks a question; `on_tell` hears every part of the answer, the last one being `Done` or `Failed`.
    pub fn ask(&self, ask: Ask, on_tell: OnTell) -> JobId {
        self.enqueue_at(ask, Vec::new(), None, on_tell, false)
    }

    /// Asks a question that comes with arrays.
    pub fn ask_with(&self, ask: Ask, arrays: Vec<Vec<f32>>, on_tell: OnTell) -> JobId {
        self.enqueue_at(ask, arrays, None, on_tell, false)
    }

    /// Asks a question ahead of everything that waits: what the reader is looking at.
    pub fn ask_first(&self, ask: Ask, on_tell: OnTell) -> JobId {
        self.enqueue_at(ask, Vec::new(), None, on_tell, true)
    }

    /// Asks like [`Pool::ask_first`] in place of the last question about `topic`: one that waits is never asked, one
    /// under way is answered to nobody, so that no older answer comes after a newer one.
    pub fn ask_latest(&self, topic: &'static str, ask: Ask, on_tell: OnTell) -> JobId {
        {
            let mut inner = self.0.borrow_mut();
            inner.queue.retain(|job| job.topic != Some(topic));
            for slot in &mut inner.slots {
                if let State::Busy(job) | State::Opening(job) = &mut slot.state
                    && job.topic == Some(topic)
                {
                    job.on_tell = Rc::new(|_, _| {});
                }
            }
        }
        let id = self.next_id();
        let job =
            Job { id, ask, arrays: Vec::new(), files: None, on_tell, tries: 0, topic: Some(topic) };
        self.enqueue(job, true);
        id
    }

    /// Drops every question that no worker has begun.
    pub fn cancel_queued(&self) {
        self.0.borrow_mut().queue.clear();
    }

    /// Drops a question: it is never answered, and the memory that it took is given back.
    pub fn cancel(&self, id: JobId) {
        self.cancel_where(|job| job == id);
    }

    /// Drops every question.
    pub fn cancel_all(&self) {
        self.cancel_where(|_| true);
    }

    fn cancel_where(&self, which: impl Fn(JobId) -> bool) {
        let running: Vec<usize> = {
            let mut inner = self.0.borrow_mut();
            inner.queue.retain(|job| !which(job.id));
            let busy = |slot: &Slot| matches!(&slot.state, State::Busy(job) | State::Opening(job) if which(job.id));
            (0..inner.slots.len()).filter(|&i| busy(&inner.slots[i])).collect()
        };
        for index in running {
            self.restart(index);
        }
        self.pump();
    }

    fn enqueue_at(
        &self,
        ask: Ask,
        arrays: Vec<Vec<f32>>,
        files: Option<JsValue>,
        on_tell: OnTell,
        first: bool,
    ) -> JobId {
        let id = self.next_id();
        self.enqueue(Job { id, ask, arrays, files, on_tell, tries: 0, topic: None }, first);
        id
    }

    fn next_id(&self) -> JobId {
        let mut inner = self.0.borrow_mut();
        let id = inner.next_id;
        inner.next_id = id.wrapping_add(1).max(NO_JOB + 1);
        id
    }

    fn enqueue(&self, job: Job, first: bool) {
        {
            let queue = &mut self.0.borrow_mut().queue;
            if first { queue.push_front(job) } else { queue.push_back(job) }
        }
        self.pump();
    }

    /// Hands queued questions to idle workers.
    fn pump(&self) {
        let mut inner = self.0.borrow_mut();
        let inner = &mut *inner;
        for index in 0..inner.slots.len() {
            if !matches!(inner.slots[index].state, State::Idle) {
                continue;
            }
            let next = inner.queue.iter().position(|job| suits(&inner.slots, index, job));
            let Some(job) = next.and_then(|at| inner.queue.remove(at)) else { continue };
            let slot = &mut inner.slots[index];
            if let Some(prompt) = prompt(&job.ask) {
                slot.prompt = Some(prompt.clone());
            }
            match (&inner.opened, slot.epoch != inner.epoch && needs_model(&job.ask)) {
                (Some((files, hints)), true) => {
                    post(&slot.worker, job.id, &Ask::Open(hints.clone()), &[], files);
                    slot.state = State::Opening(job);
                }
                _ => {
                    let files = job.files.clone().unwrap_or(JsValue::UNDEFINED);
                    post(&slot.worker, job.id, &job.ask, &job.arrays, &files);
                    slot.state = State::Busy(job);
                }
            }
        }
    }

    fn restart(&self, index: usize) {
        if let Ok(fresh) = start(self, index) {
            let old = std::mem::replace(&mut self.0.borrow_mut().slots[index], fresh);
            // It ends with its slot. We may be inside one of its listeners: let that return before it is dropped.
            wasm_bindgen_futures::spawn_local(async move { drop(old) });
        }
    }

    fn heard(&self, index: usize, message: Envelope<Tell>) {
        if message.id == NO_JOB {
            match message.header {
                Tell::Failed(failure) => self.died(index, &failure.what),
                _ => {
                    self.0.borrow_mut().slots[index].state = State::Idle;
                    self.pump();
                }
            }
            return;
        }
        let last = matches!(message.header, Tell::Done | Tell::Failed(_));
        let listener = {
            let mut inner = self.0.borrow_mut();
            let inner = &mut *inner;
            let slot = &mut inner.slots[index];
            match std::mem::replace(&mut slot.state, State::Idle) {
                State::Opening(job) if job.id == message.id => match message.header {
                    Tell::Done => {
                        slot.epoch = inner.epoch;
                        let files = job.files.clone().unwrap_or(JsValue::UNDEFINED);
                        post(&slot.worker, job.id, &job.ask, &job.arrays, &files);
                        slot.state = State::Busy(job);
                        None
                    }
                    Tell::Failed(_) => Some(job.on_tell),
                    _ => {
                        slot.state = State::Opening(job);
                        None
                    }
                },
                State::Busy(job) if job.id == message.id => {
                    if let (Tell::Opened(_), Some(files), Ask::Open(hints)) =
                        (&message.header, &job.files, &job.ask)
                    {
                        inner.epoch += 1;
                        slot.epoch = inner.epoch;
                        inner.opened = Some((files.clone(), hints.clone()));
                    }
                    let listener = job.on_tell.clone();
                    if !last {
                        slot.state = State::Busy(job);
                    }
                    Some(listener)
                }
                // A late answer to a question that nobody asks any more.
                other => {
                    slot.state = other;
                    None
                }
            }
        };
        if let Some(listener) = listener {
            listener(message.header, message.arrays);
        }
        if last {
            self.pump();
        }
    }

    /// A worker panicked or could not start: its question goes back to the front of the queue, once.
    fn died(&self, index: usize, why: &str) {
        let state = std::mem::replace(&mut self.0.borrow_mut().slots[index].state, State::Starting);
        let mut again = false;
        if matches!(state, State::Starting) {
            let mut inner = self.0.borrow_mut();
            inner.failed_starts += 1;
            if inner.failed_starts > MAX_FAILED_STARTS {
                return;
            }
        }
        if let State::Busy(mut job) | State::Opening(mut job) = state {
            if job.tries < RETRIES {
                job.tries += 1;
                again = true;
                self.0.borrow_mut().queue.push_front(job);
            } else {
                let mut failure = Failure::new(format!("a worker stopped twice on this: {why}"));
                failure.hint = "Everything computed so far is still here. Please report this with the file's family.".into();
                (job.on_tell)(Tell::Failed(failure), Vec::new());
            }
        }
        let listener = self.0.borrow().on_death.clone();
        if let Some(listener) = listener {
            listener(why.to_owned(), again);
        }
        self.restart(index);
    }
}

fn post(worker: &Worker, id: JobId, ask: &Ask, arrays: &[Vec<f32>], extra: &JsValue) {
    if let Ok((message, transfer)) = pack(id, ask, arrays, extra) {
        // Fails only if a buffer is already detached, and ours are fresh.
        let _ = worker.post_message_with_transfer(&message, &transfer);
    }
}

/// Where the worker's program is: the page names the one that was built with it.
///
/// Each worker has a query of its own: of several workers with one address that start at once, WebKit takes all but the first past
/// the service worker.
fn program(index: usize) -> String {
    let named = web_sys::window()
        .and_then(|window| window.document())
        .and_then(|page| page.query_selector("meta[name=omega-worker]").ok().flatten())
        .and_then(|meta| meta.get_attribute("content"));
    format!("{}?{index}", named.as_deref().unwrap_or("./worker_loader.js"))
}

fn start(pool: &Pool, index: usize) -> Result<Slot, JsValue> {
    let options = WorkerOptions::new();
    options.set_type(WorkerType::Module);
    let worker = Worker::new_with_options(&program(index), &options)?;
    let weak: Weak<RefCell<Inner>> = Rc::downgrade(&pool.0);
    // A worker that was replaced may still speak: only the one now in the slot is heard.
    let current = {
        let worker = worker.clone();
        move || {
            let inner = weak.upgrade()?;
            let mine = inner.borrow().slots.get(index).is_some_and(|slot| slot.worker == worker);
            mine.then_some(Pool(inner))
        }
    };
    let hears = current.clone();
    let on_message = Closure::<dyn FnMut(MessageEvent)>::new(move |event: MessageEvent| {
        if let (Some(pool), Ok(message)) = (hears(), unpack::<Tell>(&event.data())) {
            pool.heard(index, message);
        }
    });
    let on_error = Closure::<dyn FnMut(ErrorEvent)>::new(move |event: ErrorEvent| {
        if let Some(pool) = current() {
            event.prevent_default();
            // Of a program that does not load, the event has no message, and the typed getter would throw.
            let message = Reflect::get(&event, &"message".into()).ok();
            let said = message.and_then(|message| message.as_string());
            pool.died(index, &said.unwrap_or_else(|| "its program could not be loaded".to_owned()));
        }
    });
    worker.set_onmessage(Some(on_message.as_ref().unchecked_ref()));
    worker.set_onerror(Some(on_error.as_ref().unchecked_ref()));
    let closures = (on_message, on_error);
    Ok(Slot { worker, state: State::Starting, epoch: 0, prompt: None, _closures: closures })
}

//! The queue: which worker answers which question, and the promise that no question is lost.
//!
//! Each worker has its own engine and opens the same files lazily, before its first question about them. Ending a worker is
//! the only way to give WebAssembly memory back, and to stop what it is on. One that dies is replaced and its question asked
//! once more. Decides and does nothing, as [`super::book`].

use std::collections::VecDeque;

use super::book::NO_QUESTION;
use super::request::{Files, Part, Trouble};
use crate::protocol::attention::Prompt;
use crate::protocol::model::{self, Hints, Open};
use crate::protocol::{Ask, Asked, BUILD, Failure, QuestionId, Tell};

/// How often a question is asked again when its worker dies.
const RETRIES: u8 = 1;

/// How many workers may die one after the other before they are there, until no more are started.
const MAX_FAILED_STARTS: usize = 8;

/// What is to be done, or to be heard.
pub(super) enum Order<F> {
    /// Start a worker in this slot, and end the one that is there.
    Start(usize),
    /// Send a question to the worker in a slot.
    Post { slot: usize, id: QuestionId, part: Part<F> },
    /// Something was told of a question.
    Told { id: QuestionId, tell: Tell, arrays: Vec<Vec<f32>> },
    /// A question's workers died of it.
    Died { id: QuestionId, failure: Failure },
    /// The reader should know of the workers themselves.
    Say(Trouble),
}

/// Workers, and the questions that wait for one.
pub(super) struct Queue<F> {
    slots: Vec<Slot<F>>,
    waiting: VecDeque<Question<F>>,
    /// The files that every worker should have open, and how many times they changed.
    opened: Option<(Files<F>, Hints)>,
    epoch: u32,
    failed_starts: usize,
    orders: VecDeque<Order<F>>,
}

struct Slot<F> {
    state: State<F>,
    /// Which of the pool's files the worker has open; 0: none of them, or not known.
    epoch: u32,
    /// The prompt that it was asked about last: it remembers the run.
    prompt: Option<Prompt>,
}

enum State<F> {
    Starting,
    Idle,
    /// Opening the pool's files before the question that needs them.
    Opening(Question<F>),
    Busy(Question<F>),
    /// No worker is to be had here.
    Lost(Trouble),
}

struct Question<F> {
    id: QuestionId,
    part: Part<F>,
    tries: u8,
    /// Nobody wants the answer any more; the worker finishes it all the same.
    dropped: bool,
}

/// Whether a question is about the model that the workers have open.
fn needs_model(asked: &Asked) -> bool {
    !asked.other_model && asked.ask.plan().about_model()
}

/// Whether an idle worker should take a question. One about a prompt is for the worker that has run it, and waits while that
/// worker is busy with the same prompt; anything else is for any.
fn suits<F>(slots: &[Slot<F>], index: usize, question: &Question<F>) -> bool {
    let Some(wanted) = question.part.asked.ask.prompt() else { return true };
    let on_it = |slot: &Slot<F>| match &slot.state {
        State::Idle => slot.prompt.as_ref() == Some(wanted),
        State::Busy(on) | State::Opening(on) => {
            !on.dropped && on.part.asked.ask.prompt() == Some(wanted)
        }
        State::Starting | State::Lost(_) => false,
    };
    on_it(&slots[index]) || !slots.iter().any(on_it)
}

impl<F: Clone> Queue<F> {
    /// `n` workers, which are to be started.
    pub(super) fn new(n: usize) -> Self {
        let slot = || Slot { state: State::Starting, epoch: 0, prompt: None };
        Self {
            slots: (0..n).map(|_| slot()).collect(),
            waiting: VecDeque::new(),
            opened: None,
            epoch: 0,
            failed_starts: 0,
            orders: (0..n).map(Order::Start).collect(),
        }
    }

    /// How many workers there are.
    pub(super) fn size(&self) -> usize {
        self.slots.len()
    }

    /// What is to be done next.
    pub(super) fn next_order(&mut self) -> Option<Order<F>> {
        self.orders.pop_front()
    }

    /// Takes a question in.
    pub(super) fn take(&mut self, id: QuestionId, part: Part<F>, urgent: bool) {
        let opens = matches!(part.asked.ask, Ask::Model(model::Ask::Open(_)));
        for index in 0..self.slots.len() {
            // The host that lacked the workers' program may be well by now.
            if opens && matches!(self.slots[index].state, State::Lost(Trouble::NotLoaded { .. })) {
                self.failed_starts = 0;
                self.restart(index);
            }
        }
        let question = Question { id, part, tries: 0, dropped: false };
        if urgent {
            self.waiting.push_front(question)
        } else {
            self.waiting.push_back(question)
        }
        self.pump();
    }

    /// Drops a question. If a worker is on it, that one is ended `at_once`, or answers it to nobody.
    pub(super) fn drop(&mut self, id: QuestionId, at_once: bool) {
        self.waiting.retain(|question| question.id != id);
        for index in 0..self.slots.len() {
            let (State::Busy(on) | State::Opening(on)) = &mut self.slots[index].state else {
                continue;
            };
            if on.id == id {
                on.dropped = true;
                if at_once {
                    self.restart(index);
                }
            }
        }
        self.pump();
    }

    /// Hands waiting questions to idle workers; where no worker is to be had any more, says so of each.
    fn pump(&mut self) {
        for index in 0..self.slots.len() {
            if !matches!(self.slots[index].state, State::Idle) {
                continue;
            }
            let next = self.waiting.iter().position(|question| suits(&self.slots, index, question));
            if let Some(question) = next.and_then(|at| self.waiting.remove(at)) {
                self.hand(index, question);
            }
        }
        let lost = |slot: &Slot<F>| match &slot.state {
            State::Lost(why) => Some(why.failure()),
            _ => None,
        };
        if let Some(failures) = self.slots.iter().map(lost).collect::<Option<Vec<_>>>() {
            let failure = failures.into_iter().next().unwrap_or_else(|| {
                Trouble::CannotStart { why: "the browser starts none".into() }.failure()
            });
            for Question { id, .. } in self.waiting.drain(..) {
                let tell = Tell::Failed(failure.clone());
                self.orders.push_back(Order::Told { id, tell, arrays: Vec::new() });
            }
        }
    }

    fn hand(&mut self, index: usize, question: Question<F>) {
        let slot = &mut self.slots[index];
        let (id, asked) = (question.id, &question.part.asked);
        if let Some(prompt) = asked.ask.prompt() {
            slot.prompt = Some(prompt.clone());
        }
        match &self.opened {
            Some((files, hints)) if slot.epoch != self.epoch && needs_model(asked) => {
                let asked = Asked::from(Open { hints: hints.clone() });
                let part = Part { asked, files: Some(files.clone()) };
                slot.state = State::Opening(question);
                self.orders.push_back(Order::Post { slot: index, id, part });
            }
            _ => self.post(index, question),
        }
    }

    fn post(&mut self, index: usize, question: Question<F>) {
        let slot = &mut self.slots[index];
        if matches!(question.part.asked.ask, Ask::Model(_)) {
            // Until it is open it may turn out to be the old model, or one that nobody wants any more.
            slot.epoch = 0;
        }
        let (id, part) = (question.id, question.part.clone());
        slot.state = State::Busy(question);
        self.orders.push_back(Order::Post { slot: index, id, part });
    }

    fn restart(&mut self, index: usize) {
        self.slots[index] = Slot { state: State::Starting, epoch: 0, prompt: None };
        self.orders.push_back(Order::Start(index));
    }

    /// Hears a message of the worker in a slot.
    pub(super) fn heard(
        &mut self,
        index: usize,
        id: QuestionId,
        tell: Tell,
        arrays: Vec<Vec<f32>>,
    ) {
        if id == NO_QUESTION {
            return match tell {
                Tell::Failed(failure) => self.died(index, &failure.what),
                Tell::Ready { build } if build == BUILD => self.is_there(index),
                _ => self.lose(index, Trouble::OtherVersion),
            };
        }
        let last = matches!(tell, Tell::Done | Tell::Failed(_));
        let slot = &mut self.slots[index];
        match std::mem::replace(&mut slot.state, State::Idle) {
            State::Opening(question) if question.id == id => match tell {
                Tell::Done => {
                    slot.epoch = self.epoch;
                    if !question.dropped {
                        self.post(index, question);
                    }
                }
                Tell::Failed(_) if !question.dropped => self.tell(id, tell, arrays),
                Tell::Failed(_) => {}
                _ => slot.state = State::Opening(question),
            },
            State::Busy(question) if question.id == id => {
                let asked = &question.part.asked.ask;
                if let (Tell::Model(_), Some(files), Ask::Model(model::Ask::Open(open)), false) =
                    (&tell, &question.part.files, asked, question.dropped)
                {
                    self.epoch += 1;
                    slot.epoch = self.epoch;
                    self.opened = Some((files.clone(), open.hints.clone()));
                }
                let dropped = question.dropped;
                if !last {
                    slot.state = State::Busy(question);
                }
                if !dropped {
                    self.tell(id, tell, arrays);
                }
            }
            // A late answer to a question that the worker was taken off.
            other => slot.state = other,
        }
        if last {
            self.pump();
        }
    }

    fn tell(&mut self, id: QuestionId, tell: Tell, arrays: Vec<Vec<f32>>) {
        self.orders.push_back(Order::Told { id, tell, arrays });
    }

    fn is_there(&mut self, index: usize) {
        self.failed_starts = 0;
        self.slots[index].state = State::Idle;
        self.pump();
    }

    /// A message of the worker in a slot, or one to it, cannot be read: what it is on fails in words, and since nothing is
    /// known of the worker any more, another one takes its place.
    pub(super) fn unreadable(&mut self, index: usize, why: &str) {
        let state = std::mem::replace(&mut self.slots[index].state, State::Starting);
        match state {
            State::Busy(question) | State::Opening(question) => {
                if !question.dropped {
                    let what =
                        format!("a message between the page and a worker cannot be read ({why})");
                    let failure = Failure::new(what).try_this(
                        "Ask again; if that does not help, reload the page: the address keeps your place.",
                    );
                    self.tell(question.id, Tell::Failed(failure), Vec::new());
                }
                self.restart(index);
            }
            State::Lost(why) => self.slots[index].state = State::Lost(why),
            State::Starting | State::Idle => self.died(index, why),
        }
        self.pump();
    }

    /// The worker in a slot panicked or could not start: its question goes back to the front of the queue, once.
    pub(super) fn died(&mut self, index: usize, why: &str) {
        let mut again = false;
        match std::mem::replace(&mut self.slots[index].state, State::Starting) {
            State::Starting => {
                self.failed_starts += 1;
                if self.failed_starts > MAX_FAILED_STARTS {
                    return self.lose(index, Trouble::CannotStart { why: why.to_owned() });
                }
            }
            State::Lost(why) => {
                self.slots[index].state = State::Lost(why);
                return;
            }
            State::Busy(mut question) | State::Opening(mut question) if !question.dropped => {
                if question.tries < RETRIES {
                    question.tries += 1;
                    again = true;
                    self.waiting.push_front(question);
                } else {
                    let what = format!("a worker stopped twice on this: {why}");
                    let failure = Failure::new(what).try_this(
                        "Everything computed so far is still here. Please report this with the file's family.",
                    );
                    self.orders.push_back(Order::Died { id: question.id, failure });
                }
            }
            State::Busy(_) | State::Opening(_) | State::Idle => {}
        }
        self.orders.push_back(Order::Say(Trouble::Stopped { why: why.to_owned(), again }));
        self.restart(index);
        self.pump();
    }

    /// The program of the worker in a slot could not be loaded: it is tried a few times, and only then said.
    pub(super) fn not_loaded(&mut self, index: usize, why: &str) {
        if !matches!(self.slots[index].state, State::Starting) {
            return self.died(index, why);
        }
        self.failed_starts += 1;
        if self.failed_starts > MAX_FAILED_STARTS {
            return self.lose(index, Trouble::NotLoaded { why: why.to_owned() });
        }
        self.restart(index);
    }

    fn lose(&mut self, index: usize, trouble: Trouble) {
        // Said once, however many workers it is true of.
        if !self.slots.iter().any(|slot| matches!(&slot.state, State::Lost(_))) {
            self.orders.push_back(Order::Say(trouble.clone()));
        }
        self.slots[index].state = State::Lost(trouble);
        self.pump();
    }
}

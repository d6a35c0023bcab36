//! A run on the page: its worker, its frames, and the loop that asks for the next one.
//!
//! The worker trains while the page draws: when a frame arrives it waits for the display, the next steps are asked for, and
//! then it is drawn. So a picture is never more than one frame behind the numbers, and all parts of it show the same step.
//!
//! Longer than most files: what is known of a run, the hands that move it, and the loop between the two.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::rc::Rc;

use js_sys::Uint8Array;
use wasm_bindgen::{JsCast, closure::Closure};
use wasm_bindgen_futures::{JsFuture, spawn_local};
use yew::prelude::*;

use crate::circuits::sad::controls::ControlOptions;
use crate::protocol::Question;
use crate::protocol::heads::File;
use crate::protocol::toy::{Files, Frame, Known, LookBack, Start, TakeApart, Train};
use crate::toy::{Config, Outcome, Point, Snapshot, ToySad};
use crate::ui::app::use_app;
use crate::ui::browser::fetch::fetch;
use crate::ui::browser::time::now;
use crate::ui::lessons::stored;
use crate::worker::pool::Jobs;
use crate::worker::request::{self, Request};
use crate::worker::sources::Dropped;

/// Longest time that a worker may train for one frame; with the drawing, 30 frames a second.
const BUDGET: f64 = 16.0;
/// The same while a link is on its way to its step.
const HURRY: f64 = 200.0;

/// Random rotations per event of a decomposition, and events at most.
const DRAWS: usize = 8;
const EVENTS: usize = 60;

/// How the controls of a decomposition are drawn.
pub(crate) fn drawn(seed: u32) -> ControlOptions {
    ControlOptions { draws: DRAWS, seed }
}

/// Frames over which the frame rate is measured.
const MEASURED: usize = 30;

/// What the page knows of a run.
#[derive(Clone, PartialEq, Default)]
pub(crate) struct Lab {
    /// The step in view.
    pub(crate) frame: Option<Rc<Snapshot>>,
    /// Measures of that step.
    pub(crate) outcome: Option<Rc<Outcome>>,
    /// Measures along the run.
    pub(crate) points: Vec<Rc<Point>>,
    /// Steps that can be looked at again.
    pub(crate) kept: Vec<usize>,
    /// Steps trained.
    pub(crate) trained: usize,
    /// Whether the run has had all its steps.
    pub(crate) done: bool,
    /// Whether the step in view was known before it was trained, and is still being trained.
    pub(crate) known: bool,
    /// Whether it is being trained.
    pub(crate) running: bool,
    /// Frames a second while it was trained last, and the longest time between two.
    pub(crate) pace: Option<(f64, f64)>,
    /// The head taken apart on sampled tokens.
    pub(crate) sad: Option<(usize, Rc<ToySad>)>,
    /// Why there is nothing more to see.
    pub(crate) failed: Option<String>,
}

/// What changes it.
pub(crate) enum Heard {
    /// Another run begins.
    Fresh,
    /// A step, while training or at its end; whether it goes on, and the pace.
    Step(Box<Frame>, bool, Option<(f64, f64)>),
    /// The end, before it is trained.
    Known(Box<Frame>),
    /// An earlier step.
    Look(Box<Frame>),
    /// Training was stopped.
    Stopped,
    /// The head was taken apart.
    Sad(usize, Box<ToySad>),
    /// Something went wrong.
    Failed(String),
}

impl Reducible for Lab {
    type Action = Heard;

    fn reduce(self: Rc<Self>, heard: Heard) -> Rc<Self> {
        let mut next = (*self).clone();
        match heard {
            Heard::Fresh => next = Self::default(),
            Heard::Step(frame, running, pace) => {
                let frame = *frame;
                next.points.extend(frame.points.into_iter().map(Rc::new));
                next.kept.extend(frame.kept);
                (next.trained, next.done) = (frame.snapshot.step, frame.done);
                (next.running, next.pace) = (running, pace.or(next.pace));
                // The end that was known stays in view until it is reached.
                next.known &= !frame.done && running;
                if !next.known {
                    next.frame = Some(Rc::new(frame.snapshot));
                    next.outcome = Some(Rc::new(frame.outcome));
                }
            }
            Heard::Known(frame) => {
                next.known = true;
                next.frame = Some(Rc::new(frame.snapshot));
                next.outcome = Some(Rc::new(frame.outcome));
            }
            Heard::Look(frame) => {
                next.known = false;
                next.frame = Some(Rc::new(frame.snapshot));
                next.outcome = Some(Rc::new(frame.outcome));
            }
            Heard::Stopped => (next.running, next.known) = (false, false),
            Heard::Sad(step, sad) => next.sad = Some((step, Rc::from(sad))),
            Heard::Failed(why) => (next.failed, next.running) = (Some(why), false),
        }
        Rc::new(next)
    }
}

impl Lab {
    /// The step in view.
    pub(crate) fn step(&self) -> usize {
        self.frame.as_ref().map_or(0, |f| f.step)
    }

    /// Whether the step in view is the end of the run, where verdicts are final.
    pub(crate) fn at_end(&self) -> bool {
        self.done && self.step() == self.trained
    }
}

/// What a reader's hands can do to a run.
pub(crate) struct Hands {
    jobs: Jobs,
    lab: UseReducerDispatcher<Lab>,
    running: Cell<bool>,
    /// Steps a frame, and the step at which to stop.
    speed: Cell<usize>,
    until: Cell<usize>,
    trained: Cell<usize>,
    /// Whether a frame was asked for and is not drawn yet: there is never more than one.
    asked: Cell<bool>,
    /// Whether a link asked for a step: then only the time of a frame counts.
    hurry: Cell<bool>,
    /// Counts the runs begun.
    begun: Cell<u32>,
    /// The frame that waits for the display.
    waiting: RefCell<Option<Box<Frame>>>,
    drawn: RefCell<VecDeque<f64>>,
}

/// A run in a worker of its own.
#[hook]
pub(crate) fn use_run() -> (UseReducerHandle<Lab>, Rc<Hands>) {
    let lab = use_reducer(Lab::default);
    let dispatcher = lab.dispatcher();
    let session = use_app().session;
    let jobs = use_memo((), move |()| session.own_worker(|_| {}));
    let jobs = (*jobs).clone();
    let hands = use_memo((), move |()| Hands {
        jobs,
        lab: dispatcher,
        running: Cell::new(false),
        speed: Cell::new(1),
        until: Cell::new(0),
        trained: Cell::new(0),
        asked: Cell::new(false),
        hurry: Cell::new(false),
        begun: Cell::new(0),
        waiting: RefCell::default(),
        drawn: RefCell::default(),
    });
    (lab, hands)
}

impl Hands {
    /// Starts a run from its beginning, and trains on to step `until`.
    pub(crate) fn start(self: &Rc<Self>, config: &Config, until: usize) {
        self.jobs.stop("toy/");
        self.waiting.take();
        self.lab.dispatch(Heard::Fresh);
        if let Err(error) = config.check() {
            self.running.set(false);
            return self.lab.dispatch(Heard::Failed(format!("This cannot be: {error}.")));
        }
        self.until.set(until);
        self.hurry.set(true);
        self.running.set(until > 0);
        self.drawn.borrow_mut().clear();
        self.asked.set(true);
        self.begun.set(self.begun.get() + 1);
        let start = Start { config: Box::new(config.clone()) };
        let Some(name) = stored::name(config, until) else {
            return self.ask("toy/frame", start, Self::wait);
        };
        // What is known is shown before the first step is trained. A file that is out of reach only costs the waiting.
        let (hands, begun) = (self.clone(), self.begun.get());
        spawn_local(async move {
            let stored = match fetch(&name).await {
                Ok(blob) => JsFuture::from(blob.array_buffer()).await.ok(),
                Err(_) => None,
            };
            if hands.begun.get() != begun {
                return;
            }
            if let Some(bytes) = stored {
                let params = Uint8Array::new(&bytes).to_vec();
                hands.ask(
                    "toy/known",
                    Known { config: start.config.clone(), params },
                    |hands, frame| {
                        hands.lab.dispatch(Heard::Known(frame));
                    },
                );
            }
            hands.ask("toy/frame", start, Self::wait);
        });
    }

    /// Trains on until step `until`.
    pub(crate) fn train(self: &Rc<Self>, until: usize) {
        self.hurry.set(false);
        self.go_on(until);
    }

    /// Trains on until step `until`, as fast as frames can be drawn.
    pub(crate) fn hurry(self: &Rc<Self>, until: usize) {
        self.hurry.set(true);
        self.go_on(until);
    }

    fn go_on(self: &Rc<Self>, until: usize) {
        self.until.set(until);
        self.drawn.borrow_mut().clear();
        self.running.set(true);
        // A frame that is under way goes on by itself.
        if !self.asked.get() {
            self.next();
        }
    }

    /// Stops after the frame that is under way.
    pub(crate) fn pause(&self) {
        self.running.set(false);
        self.lab.dispatch(Heard::Stopped);
    }

    /// Sets how many steps a frame has at most.
    pub(crate) fn set_speed(&self, steps: usize) {
        self.speed.set(steps.max(1));
    }

    /// Shows the recorded step nearest to `step`.
    pub(crate) fn look(self: &Rc<Self>, step: usize) {
        self.ask("toy/look", LookBack { step }, |hands, frame| {
            // A frame of the training that still waits for the display comes before.
            hands.draw();
            hands.lab.dispatch(Heard::Look(frame));
        });
    }

    /// Takes the head of a recorded step apart.
    pub(crate) fn take_apart(self: &Rc<Self>, step: usize) {
        let hands = self.clone();
        let request = Request::new(TakeApart { step, draws: DRAWS, most: EVENTS });
        self.hear(request.owner("toy/sad"), move |sad, _| {
            hands.lab.dispatch(Heard::Sad(step, sad));
        });
    }

    /// Asks for the run as files.
    pub(crate) fn files(self: &Rc<Self>, step: usize, give: impl Fn(Vec<File>) + 'static) {
        self.hear(Request::new(Files { step }), move |files, _| give(files));
    }

    fn next(self: &Rc<Self>) {
        let left = self.until.get().saturating_sub(self.trained.get());
        let steps = if self.hurry.get() { left } else { left.min(self.speed.get()) };
        // Drawing takes a core from the worker: who waits for the end of a run sees it grow in few frames.
        let milliseconds = if self.hurry.get() { HURRY } else { BUDGET };
        self.asked.set(true);
        self.ask("toy/frame", Train { steps, milliseconds }, Self::wait);
    }

    fn ask<Q: Question<Answer = Box<Frame>>>(
        self: &Rc<Self>,
        owner: &'static str,
        question: Q,
        on_frame: impl Fn(&Rc<Self>, Box<Frame>) + 'static,
    ) {
        let hands = self.clone();
        self.hear(Request::new(question).owner(owner), move |mut frame, arrays| {
            frame.snapshot.put_arrays(arrays);
            on_frame(&hands, frame);
        });
    }

    fn hear<Q: Question>(
        self: &Rc<Self>,
        request: Request<Q, Dropped>,
        on_answer: impl Fn(Q::Answer, Vec<Vec<f32>>) + 'static,
    ) {
        let hands = self.clone();
        self.jobs.ask(request, move |heard| match heard {
            request::Heard::Part { answer, arrays, .. } => on_answer(answer, arrays),
            request::Heard::Failed { failure, .. } => {
                hands.running.set(false);
                hands.asked.set(false);
                hands.lab.dispatch(Heard::Failed(failure.what));
            }
            _ => {}
        });
    }

    /// Keeps a frame until the display is ready for it.
    fn wait(self: &Rc<Self>, frame: Box<Frame>) {
        *self.waiting.borrow_mut() = Some(frame);
        let hands = self.clone();
        let draw = Closure::once_into_js(move || hands.draw());
        if let Some(window) = web_sys::window() {
            // Without a display there is nothing to draw on.
            let _ = window.request_animation_frame(draw.unchecked_ref());
        }
    }

    fn draw(self: &Rc<Self>) {
        let Some(frame) = self.waiting.take() else { return };
        self.asked.set(false);
        self.trained.set(frame.snapshot.step);
        let on = self.running.get() && !frame.done && frame.snapshot.step < self.until.get();
        self.running.set(on);
        if on {
            self.next();
        }
        let pace = self.pace();
        self.lab.dispatch(Heard::Step(frame, on, pace));
    }

    /// Frames a second over the last ones, and the longest time between two of them.
    fn pace(&self) -> Option<(f64, f64)> {
        let mut drawn = self.drawn.borrow_mut();
        drawn.push_back(now());
        if drawn.len() > MEASURED + 1 {
            drawn.pop_front();
        }
        let (first, last) = (drawn.front()?, drawn.back()?);
        let gaps = drawn.iter().zip(drawn.iter().skip(1)).map(|(a, b)| b - a);
        let longest = gaps.fold(0.0, f64::max);
        (drawn.len() > 3).then(|| (1000.0 * (drawn.len() - 1) as f64 / (last - first), longest))
    }
}

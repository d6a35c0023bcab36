//! A run on the page: its worker, its frames, and the loop that asks for the next one.
//!
//! The worker trains while the page draws: when a frame arrives it waits for the display, the next steps are asked for, and
//! then it is drawn. So a picture is never more than one frame behind the numbers, and all parts of it show the same step.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::rc::Rc;

use wasm_bindgen::{JsCast, closure::Closure};
use wasm_bindgen_futures::spawn_local;
use yew::prelude::*;

use crate::circuits::sad::controls::ControlOptions;
use crate::protocol::Question;
use crate::protocol::heads::File;
use crate::protocol::toy::{Files, Frame, KnownEnd, LookBack, Start, TakeApart, Train};
use crate::toy::{Config, Dial, Turn, steps_in_all, with_turn};
use crate::ui::address::turns::MOST;
use crate::ui::app::use_app;
use crate::ui::browser::fetch::{bytes, fetch};
use crate::ui::browser::time::now;
use crate::ui::lessons::stored;
use crate::ui::memory::toy::{ToyNews, ToyRun};
use crate::ui::remembered::{Remembered, use_memory};
use crate::ui::words::toy as words;
use crate::worker::own::Listed;
use crate::worker::pool::Jobs;
use crate::worker::request::{JobEvent, Request};
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

/// Milliseconds between two turns of dials while it trains: each is in the link, and a drag has a hundred events.
const BETWEEN: f64 = 250.0;

/// What a reader can do to a run: start, stop, turn, look back.
pub(crate) struct Controls {
    jobs: Jobs,
    /// Its line in the list of what is being computed, while it is trained.
    listed: Listed<Dropped>,
    lab: UseReducerDispatcher<Remembered<ToyRun>>,
    running: Cell<bool>,
    /// Steps a frame, and the step at which to stop.
    speed: Cell<usize>,
    until: Cell<usize>,
    trained: Cell<usize>,
    /// The settings of the beginning, what was turned since, what waits to be turned, and when something was turned last.
    config: RefCell<Config>,
    turns: RefCell<Rc<Vec<Turn>>>,
    turning: RefCell<Vec<Dial>>,
    turned_at: Cell<f64>,
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

/// A run in a worker of its own, listed as `what` while it is trained.
#[hook]
pub(crate) fn use_run(what: &'static str) -> (UseReducerHandle<Remembered<ToyRun>>, Rc<Controls>) {
    let (lab, session) = (use_memory::<ToyRun>(), use_app().session);
    let dispatcher = lab.dispatcher();
    let controls = use_memo((), move |()| Controls {
        jobs: session.own_worker(|_| {}),
        listed: Listed::new(session.jobs, what),
        lab: dispatcher,
        running: Cell::new(false),
        speed: Cell::new(1),
        until: Cell::new(0),
        trained: Cell::new(0),
        config: RefCell::default(),
        turns: RefCell::default(),
        turning: RefCell::default(),
        turned_at: Cell::new(0.0),
        asked: Cell::new(false),
        hurry: Cell::new(false),
        begun: Cell::new(0),
        waiting: RefCell::default(),
        drawn: RefCell::default(),
    });
    (lab, controls)
}

impl Controls {
    /// Starts a run from its beginning, and trains on to step `until`, turning dials where they were turned.
    pub(crate) fn start(self: &Rc<Self>, config: &Config, turns: Vec<Turn>, until: usize) {
        self.jobs.stop("toy/");
        self.waiting.take();
        self.turning.take();
        let turns = Rc::new(turns);
        self.turns.replace(turns.clone());
        self.config.replace(config.clone());
        self.trained.set(0);
        self.lab.dispatch(ToyNews::Fresh(Box::new(config.clone()), turns.clone()));
        self.listed.ended();
        if let Err(error) = config.check() {
            self.running.set(false);
            return self.lab.dispatch(ToyNews::Failed(words::this_cannot_be(&error)));
        }
        self.until.set(until);
        self.hurry.set(true);
        self.running.set(until > 0);
        self.drawn.borrow_mut().clear();
        self.asked.set(true);
        self.begun.set(self.begun.get() + 1);
        let start = Start { config: Box::new(config.clone()), turns: turns.to_vec() };
        let known = stored::name(config, until).filter(|_| turns.is_empty());
        let Some(name) = known else {
            return self.ask("toy/frame", start, Self::wait);
        };
        // What is known is shown before the first step is trained. A file that is out of reach only costs the waiting.
        let (controls, begun) = (self.clone(), self.begun.get());
        spawn_local(async move {
            let stored = match fetch(&name).await {
                Ok(blob) => bytes(&blob).await.ok(),
                Err(_) => None,
            };
            if controls.begun.get() != begun {
                return;
            }
            if let Some(params) = stored {
                controls.ask(
                    "toy/known",
                    KnownEnd { config: start.config.clone(), params },
                    |controls, frame| {
                        controls.lab.dispatch(ToyNews::KnownEnd(frame));
                    },
                );
            }
            controls.ask("toy/frame", start, Self::wait);
        });
    }

    /// Starts the run anew, nothing turned.
    pub(crate) fn reset(self: &Rc<Self>) {
        let config = self.config.borrow().clone();
        self.start(&config, Vec::new(), 0);
    }

    /// What was turned so far.
    pub(crate) fn turns(&self) -> Rc<Vec<Turn>> {
        self.turns.borrow().clone()
    }

    /// Turns a dial of the run as it goes: from its last step on it trains the same weights for something else.
    pub(crate) fn turn(self: &Rc<Self>, dial: Dial) {
        self.turning.borrow_mut().push(dial);
        if !self.asked.get() {
            self.stay();
        }
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

    /// Trains on until step `until`, or stops if it does: whatever is drawn, for the next frame may not be there yet.
    pub(crate) fn toggle(self: &Rc<Self>, until: usize) {
        if self.running.get() { self.pause() } else { self.train(until) }
    }

    /// Stops after the frame that is under way.
    pub(crate) fn pause(&self) {
        self.running.set(false);
        self.listed.ended();
        self.lab.dispatch(ToyNews::Stopped);
    }

    /// Sets how many steps a frame has at most.
    pub(crate) fn set_speed(&self, steps: usize) {
        self.speed.set(steps.max(1));
    }

    /// Shows the recorded step nearest to `step`.
    pub(crate) fn look(self: &Rc<Self>, step: usize) {
        self.ask("toy/look", LookBack { step }, |controls, frame| {
            // A frame of the training that still waits for the display comes before.
            controls.draw();
            controls.lab.dispatch(ToyNews::Look(frame));
        });
    }

    /// Takes the head of a recorded step apart.
    pub(crate) fn take_apart(self: &Rc<Self>, step: usize) {
        let controls = self.clone();
        let request = Request::new(TakeApart { step, draws: DRAWS, most: EVENTS });
        self.hear(request.owner("toy/sad"), move |sad, _| {
            controls.lab.dispatch(ToyNews::Sad(step, sad));
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
        let turned =
            if now() - self.turned_at.get() < BETWEEN { Vec::new() } else { self.turned() };
        self.asked.set(true);
        self.ask("toy/frame", Train { steps, milliseconds, turned }, Self::wait);
    }

    /// Turns what waits to be turned, and trains no step.
    fn stay(self: &Rc<Self>) {
        let turned = self.turned();
        self.asked.set(true);
        self.ask("toy/frame", Train { steps: 0, milliseconds: 0.0, turned }, Self::wait);
    }

    /// What waits to be turned is turned at the last step, as far as the list of turns has room.
    fn turned(&self) -> Vec<Dial> {
        let mut dials = self.turning.take();
        if dials.is_empty() || self.turns.borrow().len() >= MOST {
            return Vec::new();
        }
        // Of a dial that was dragged only its last place counts.
        let step = self.trained.get();
        let turn = |turns: Vec<Turn>, dial: &Dial| with_turn(&turns, Turn { step, dial: *dial });
        let turns = dials.iter().fold(self.turns.borrow().to_vec(), turn);
        dials.retain(|dial| turns.iter().any(|turn| turn.step == step && turn.dial == *dial));
        let steps = steps_in_all(&self.config.borrow(), &turns);
        let turns = Rc::new(turns);
        self.turns.replace(turns.clone());
        self.turned_at.set(now());
        if self.running.get() {
            self.until.set(steps);
        }
        self.lab.dispatch(ToyNews::Turned(turns, steps));
        dials
    }

    fn ask<Q: Question<Answer = Box<Frame>>>(
        self: &Rc<Self>,
        owner: &'static str,
        question: Q,
        on_frame: impl Fn(&Rc<Self>, Box<Frame>) + 'static,
    ) {
        let controls = self.clone();
        self.hear(Request::new(question).owner(owner), move |mut frame, arrays| {
            frame.snapshot.put_arrays(arrays);
            on_frame(&controls, frame);
        });
    }

    fn hear<Q: Question>(
        self: &Rc<Self>,
        request: Request<Q, Dropped>,
        on_answer: impl Fn(Q::Answer, Vec<Vec<f32>>) + 'static,
    ) {
        let controls = self.clone();
        self.jobs.ask(request, move |event| match event {
            JobEvent::Part { answer, arrays, .. } => on_answer(answer, arrays),
            JobEvent::Failed { failure, .. } => {
                controls.running.set(false);
                controls.listed.ended();
                controls.asked.set(false);
                controls.lab.dispatch(ToyNews::Failed(failure.what));
            }
            _ => {}
        });
    }

    /// Keeps a frame until the display is ready for it.
    fn wait(self: &Rc<Self>, frame: Box<Frame>) {
        *self.waiting.borrow_mut() = Some(frame);
        let controls = self.clone();
        let draw = Closure::once_into_js(move || controls.draw());
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
            let controls = self.clone();
            self.listed.at(self.trained.get(), self.until.get(), move || controls.pause());
            self.next();
        } else {
            self.listed.ended();
            if !self.turning.borrow().is_empty() {
                self.stay();
            }
        }
        let pace = self.pace();
        self.lab.dispatch(ToyNews::Step(frame, on, pace));
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

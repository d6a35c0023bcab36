//! The page's hands: turns what the reader did into questions, and answers into actions.

use std::cell::RefCell;
use std::rc::Rc;

use wasm_bindgen_futures::spawn_local;
use yew::UseReducerDispatcher;

use super::app::Store;
use super::browser::fetch::fetch;
use super::browser::time::{now, pause};
use super::memory::state::{Action, Nearest, Vectors, Work};
use crate::protocol::heads::{self, HeadAt};
use crate::protocol::model::Hints;
use crate::protocol::{Ask, Failure, JobId, Tell};
use crate::worker::pool::{Dropped, OnTell, Pool};

/// Milliseconds between drawings of many small results.
pub(super) const DRAWING_MS: f64 = 200.0;

/// Where the built-in model's files lie.
const BUILT_IN: &str = "models/names";

/// The steps of its training at which the built-in model was saved.
pub const BUILT_IN_STEPS: [u32; 14] =
    [0, 32, 64, 125, 180, 250, 350, 500, 700, 1000, 1400, 2000, 2800, BUILT_IN_STEP];

/// The built-in model's last step.
pub const BUILT_IN_STEP: u32 = 4000;

/// The workers, and where their answers go.
#[derive(Clone, PartialEq)]
pub struct Session {
    /// The workers.
    pub pool: Pool,
    dispatch: UseReducerDispatcher<Store>,
    /// The files that were tried last, to try again with the reader's word on what they do not say.
    tried: Rc<RefCell<Vec<Dropped>>>,
    /// Small results that wait for the next drawing, and when the last one was.
    soon: Rc<RefCell<(Vec<Action>, f64)>>,
}

impl Session {
    /// A session over fresh workers.
    pub fn new(dispatch: UseReducerDispatcher<Store>) -> Self {
        let pool = Pool::new(Pool::default_size());
        let tell = dispatch.clone();
        pool.on_death(move |why, again| {
            let hint = if again {
                "Its work is being done again by a fresh one."
            } else {
                "Everything else still works."
            };
            web_sys::console::warn_1(&why.as_str().into());
            tell.dispatch(
                Action::Note("A worker stopped unexpectedly.".into(), hint.into()).into(),
            );
        });
        Self { pool, dispatch, tried: Rc::default(), soon: Rc::default() }
    }

    /// Dispatches an action.
    pub fn act(&self, action: Action) {
        self.dispatch.dispatch(action.into());
    }

    /// Dispatches one of many small results: the first at once, then what has come, every [`DRAWING_MS`]. Drawing the page
    /// for every head would take the workers' cores from them.
    pub fn act_soon(&self, action: Action) {
        let wait = {
            let mut soon = self.soon.borrow_mut();
            let (waiting, last) = &mut *soon;
            let wait = *last + DRAWING_MS - now();
            if waiting.is_empty() && wait <= 0.0 {
                *last = now();
                drop(soon);
                return self.act(action);
            }
            waiting.push(action);
            if waiting.len() > 1 {
                return;
            }
            wait.max(0.0)
        };
        let session = self.clone();
        spawn_local(async move {
            pause(wait).await;
            let waiting = {
                let mut soon = session.soon.borrow_mut();
                soon.1 = now();
                std::mem::take(&mut soon.0)
            };
            session.act(Action::Many(waiting));
        });
    }

    /// Opens the built-in model at one of its training steps.
    pub fn open_built_in(&self, step: u32) {
        let session = self.clone();
        self.act(Action::Opening("the built-in model".into()));
        spawn_local(async move {
            let weights = format!("step-{step:05}.safetensors");
            let names = [weights.as_str(), "config.json", "tokenizer.json"];
            let mut files = Vec::new();
            for name in names {
                match fetch(&format!("{BUILT_IN}/{name}")).await {
                    Ok(blob) => files.push(Dropped { name: name.to_owned(), blob }),
                    Err(why) => {
                        let mut failure =
                            Failure::new(format!("The built-in model could not be loaded: {why}."));
                        failure.hint = "Drop a checkpoint of your own, or reload the page.".into();
                        return session.act(Action::OpenFailed(failure));
                    }
                }
            }
            session.open_as(
                format!("built-in model, step {step}"),
                Some(step),
                files,
                Hints::default(),
            );
        });
    }

    /// Opens files of the reader.
    pub fn open(&self, files: Vec<Dropped>, hints: Hints) {
        let checkpoint =
            files.iter().find(|f| f.name.ends_with(".safetensors")).or_else(|| files.first());
        let Some(first) = checkpoint else { return };
        let name = first.name.rsplit('/').next().unwrap_or_default().to_owned();
        let folder = first.name.split('/').next().filter(|f| *f != first.name).map(str::to_owned);
        self.open_as(folder.unwrap_or(name), None, files, hints);
    }

    /// Opens the files that were tried last, now that the reader has said how many heads they have.
    pub fn open_again(&self, hints: Hints) {
        let files = self.tried.borrow().clone();
        self.open(files, hints);
    }

    fn open_as(&self, name: String, built_in: Option<u32>, files: Vec<Dropped>, hints: Hints) {
        self.act(Action::Opening(name.clone()));
        self.tried.replace(files.clone());
        let (session, called) = (self.clone(), name.clone());
        let on_tell: OnTell = Rc::new(move |tell, _| match tell {
            Tell::Opened(summary) => {
                session.pool.cancel_queued();
                session.act(Action::Opened { name: name.clone(), built_in, summary });
            }
            Tell::Failed(failure) => session.act(Action::OpenFailed(failure)),
            _ => {}
        });
        self.pool.open(&files, Hints { name: Some(called), ..hints }, on_tell);
    }

    /// Asks for the vectors of the head in view and the tokens they point at; ahead of everything queued.
    pub fn vectors(&self, generation: u32, at: HeadAt, remove_mean: bool) {
        let session = self.clone();
        let on_tell: OnTell = Rc::new(move |tell, arrays| match tell {
            Tell::Heads(heads::Tell::Vectors { at, sigma, python }) => {
                let mut arrays = arrays.into_iter();
                let (u, v) = (arrays.next().unwrap_or_default(), arrays.next().unwrap_or_default());
                session.act(Action::Vectors(
                    generation,
                    Box::new(Vectors { at, sigma, u, v, python }),
                ));
            }
            Tell::Heads(heads::Tell::Nearest { at, pairs, rows, of }) => {
                session.act(Action::Nearest(generation, Box::new(Nearest { at, pairs, rows, of })));
            }
            Tell::Failed(failure) => session.act(Action::Note(failure.what, failure.hint)),
            _ => {}
        });
        let ask = Ask::Heads(heads::Ask::Vectors { at, top: 10, remove_mean });
        self.pool.ask_latest("vectors", ask, on_tell);
    }

    /// Saves the vectors of one head as a safetensors file.
    pub fn export_vectors(&self, at: HeadAt) {
        let session = self.clone();
        let on_tell: OnTell = Rc::new(move |tell, _| match tell {
            Tell::Heads(heads::Tell::File { name, bytes }) => {
                let saved =
                    crate::ui::browser::export::save(&name, "application/octet-stream", &bytes);
                if saved.is_err() {
                    session.act(Action::Note(
                        "The browser refused the download.".into(),
                        String::new(),
                    ));
                }
            }
            Tell::Failed(failure) => session.act(Action::Note(failure.what, failure.hint)),
            _ => {}
        });
        self.pool.ask_first(Ask::Heads(heads::Ask::ExportVectors(at)), on_tell);
    }

    /// Shows a computation as under way: `total` steps, made by `jobs`, which the reader may cancel.
    pub fn begin(&self, what: &str, total: usize, jobs: Vec<JobId>) {
        let what = what.to_owned();
        self.act(Action::Begin(Work { what, done: 0, total, since: now(), jobs }));
    }

    /// Cancels a computation and gives its memory back.
    pub fn cancel(&self, jobs: &[JobId]) {
        for &job in jobs {
            self.pool.cancel(job);
        }
        self.soon.borrow_mut().0.retain(|action| !matches!(action, Action::Step));
        self.act(Action::End);
    }
}

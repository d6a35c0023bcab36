//! The page's hands: turns what the reader did into questions, and answers into actions.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;

use wasm_bindgen_futures::spawn_local;
use yew::UseReducerDispatcher;

use super::address::{keys, said};
use super::app::{Store, here, replace};
use super::browser::export::save;
use super::browser::fetch::beside;
use super::browser::{kept, recent, remote};
use super::drawing::Drawing;
use super::memory::positions::PositionCurves;
use super::memory::state::{Action, AppState, Nearest, Vectors};
use super::words::text;
use crate::checkpoint::remote::reference::Reference;
use crate::math::order::sort_by_key;
use crate::protocol::Failure;
use crate::protocol::gpu::GpuReport;
use crate::protocol::heads::{self, ExportVectors, HeadAt, Spectra, VectorsPart};
use crate::protocol::model::{Hints, Open};
use crate::worker::offer::Compute;
use crate::worker::pool::{self, Files, Jobs};
use crate::worker::request::{JobEvent, Request, Running};
use crate::worker::sources::Dropped;

/// Where the built-in model's files lie.
const BUILT_IN: &str = "models/names";

/// The steps of its training at which the built-in model was saved.
pub const BUILT_IN_STEPS: [u32; 14] =
    [0, 32, 64, 125, 180, 250, 350, 500, 700, 1000, 1400, 2000, 2800, BUILT_IN_STEP];

/// The built-in model's last step.
pub const BUILT_IN_STEP: u32 = 4000;

/// Tokens at each end of a direction.
const TOP: usize = 10;

/// The jobs, and where their answers go.
#[derive(Clone, PartialEq)]
pub struct Session {
    /// The one way to ask.
    pub jobs: Jobs,
    store: Drawing,
    /// What was tried last and what was said of it, to try again with the reader's word on what its files do not say.
    tried: Rc<RefCell<(Tried, Hints)>>,
    /// Counts what was opened: what is still being fetched when something else is opened comes too late.
    openings: Rc<Cell<u32>>,
    /// The built-in model's files by training step, once they are here.
    built_in: Rc<RefCell<HashMap<u32, Files>>>,
    /// Whose failures stand among the notices.
    pub(super) failed: Rc<RefCell<Vec<&'static str>>>,
}

/// What is being opened.
#[derive(Clone, PartialEq, Default)]
struct Tried {
    files: Files,
    /// What the reader calls it.
    name: String,
    /// The training step, of the built-in model.
    built_in: Option<u32>,
    /// What it was named as in the address, where it came from elsewhere.
    named: Option<String>,
}

impl Session {
    /// A session over fresh workers.
    pub fn new(dispatch: UseReducerDispatcher<Store>) -> Self {
        let store = Drawing::new(dispatch);
        let list = store.clone();
        let notify = store.notify(move |running| list.act_soon(Action::Running(running)));
        let jobs = pool::start(pool::default_size(), notify);
        let (tried, openings, built_in) = Default::default();
        Self { jobs, store, tried, openings, built_in, failed: Rc::default() }
    }

    /// A worker of a page's own; `list` hears of what it computes.
    pub fn own_worker(&self, list: impl Fn(Vec<Running>) + 'static) -> Jobs {
        pool::start(1, self.store.notify(list))
    }

    /// Dispatches an action.
    pub fn act(&self, action: Action) {
        self.store.act(action);
    }

    /// Dispatches one of many small results. Drawing the page for every head would take the workers' cores from them.
    pub fn act_soon(&self, action: Action) {
        self.store.act_soon(action);
    }

    /// Tells the reader of a failure.
    pub fn note(&self, failure: Failure) {
        self.act(Action::Note(failure.what, failure.hint));
    }

    /// Offers `bytes` to the reader as a file, and tells where the browser refuses.
    pub fn save(&self, name: &str, mime: &str, bytes: &[u8]) {
        if save(name, mime, bytes).is_err() {
            self.note(Failure::new(text::NO_DOWNLOAD));
        }
    }

    /// Tells the reader what became of a job on the GPU, where there is something to tell.
    pub fn note_gpu(&self, report: &GpuReport) {
        if let Some((what, hint)) = text::gpu_note(report) {
            self.act(Action::Note(what, hint));
        }
    }

    /// The built-in model's files at one of its training steps; fetched once.
    ///
    /// # Errors
    /// What the browser or the server said.
    pub async fn built_in(&self, step: u32) -> Result<Files, String> {
        let known = self.built_in.borrow().get(&step).cloned();
        if let Some(files) = known {
            return Ok(files);
        }
        let names = [&format!("step-{step:05}.safetensors"), "config.json", "tokenizer.json"];
        let files = beside(BUILT_IN, &names).await?;
        // Somebody else may have fetched them meanwhile; the same files have one number.
        let mut built_in = self.built_in.borrow_mut();
        Ok(built_in.entry(step).or_insert_with(|| Files::new(files)).clone())
    }

    /// Opens the built-in model at one of its training steps.
    pub fn open_built_in(&self, step: u32) {
        let session = self.clone();
        self.act(Action::Opening(text::BUILT_IN.into()));
        let opening = self.next_opening();
        spawn_local(async move {
            let name = text::builtin_model_step(&step);
            let fetched = session.built_in(step).await;
            if session.openings.get() != opening {
                return;
            }
            match fetched {
                Ok(files) => {
                    let tried = Tried { files, name, built_in: Some(step), named: None };
                    session.open_as(tried, Hints::default());
                }
                Err(why) => {
                    let failure = Failure::new(text::no_built_in(&why));
                    session.act(Action::OpenFailed(failure.try_this(text::NO_BUILT_IN_HINT)));
                }
            }
        });
    }

    /// Opens files of the reader.
    pub fn open(&self, files: Vec<Dropped>, hints: Hints) {
        self.act(Action::Forget);
        let is_checkpoint = |file: &&Dropped| file.name.ends_with(".safetensors");
        let Some(first) = files.iter().find(is_checkpoint).or_else(|| files.first()) else {
            return;
        };
        let name = first.name.rsplit('/').next().unwrap_or_default().to_owned();
        let folder = first.name.split('/').next().filter(|f| *f != first.name).map(str::to_owned);
        let name = folder.unwrap_or(name);
        self.next_opening();
        self.open_as(Tried { files: Files::new(files), name, ..Tried::default() }, hints);
    }

    /// Opens what lies elsewhere, by what it is named as; `instead` is opened where that fails.
    pub fn open_named(&self, named: String, instead: Option<u32>) {
        let reference = match Reference::parse(&named) {
            Ok(reference) => reference,
            Err(why) => return self.act(Action::OpenFailed(Failure::new(why))),
        };
        self.act(Action::Forget);
        let name = reference.name();
        self.act(Action::Opening(name.clone()));
        let (session, opening) = (self.clone(), self.next_opening());
        spawn_local(async move {
            let found = files(&reference, &named).await;
            if session.openings.get() != opening {
                return;
            }
            match found {
                Ok(files) => {
                    let (files, named) = (Files::new(files), Some(named));
                    let tried = Tried { files, name, built_in: None, named };
                    session.open_as(tried, Hints::default());
                }
                Err(failure) => {
                    session.act(Action::OpenFailed(failure));
                    if let Some(step) = instead {
                        session.open_built_in(step);
                    }
                }
            }
        });
    }

    /// The files of the open model, where it came from what the address names.
    pub fn files_of(&self, named: &str) -> Option<Files> {
        let tried = &self.tried.borrow().0;
        (tried.named.as_deref() == Some(named)).then(|| tried.files.clone())
    }

    /// Opens the files that were tried last, now that the reader has said what they leave open; earlier answers still hold.
    pub fn open_again(&self, hints: Hints) {
        let (tried, before) = self.tried.borrow().clone();
        self.next_opening();
        self.open_as(tried, hints.or(before));
    }

    fn next_opening(&self) -> u32 {
        self.openings.set(self.openings.get() + 1);
        self.openings.get()
    }

    fn open_as(&self, tried: Tried, hints: Hints) {
        self.act(Action::Opening(tried.name.clone()));
        self.tried.replace((tried.clone(), hints.clone()));
        let called = match &hints.model {
            Some(model) => format!("{}, {model}", tried.name),
            None => tried.name.clone(),
        };
        let asked = Hints { name: Some(called.clone()), ..hints.clone() };
        let request =
            Request::new(Open { hints: asked }).beside(&tried.files).owner("open").urgent();
        let session = self.clone();
        self.jobs.ask(request, move |event| match event {
            JobEvent::Part { answer: summary, .. } => {
                if tried.built_in.is_none() {
                    let route = here();
                    let answered = said::written(route.clone(), &hints);
                    if answered != route {
                        replace(&session, answered);
                    }
                }
                let Tried { built_in, named, files, name } = tried.clone();
                if built_in.is_none() && named.is_none() {
                    spawn_local(async move { recent::remember(&name, files.list()).await });
                }
                session.act(Action::Opened { name: called.clone(), built_in, named, summary });
            }
            JobEvent::Failed { failure, .. } => {
                let unclear = failure.unclear.as_ref();
                match unclear.and_then(|unclear| said::answer(&here(), unclear, &hints)) {
                    Some(hints) => session.open_as(tried.clone(), hints),
                    None => session.act(Action::OpenFailed(failure)),
                }
            }
            _ => {}
        });
    }

    /// Asks for the spectra of every head, the layers nearest to `near` first.
    pub fn spectra(&self, state: &AppState, near: usize) {
        let Some(model) = &state.model else { return };
        let mut layers = model.summary.own_layers();
        sort_by_key(&mut layers, |layer| layer.abs_diff(near));
        let question = Spectra { layers, weights: state.weights() };
        let cpu_ms = question.cpu_ms(&model.summary);
        let request = Request::new(question).owner("heads/spectra").shared();
        let request = request.listed(text::SPECTRA).offered(compute(state), cpu_ms);
        let session = self.clone();
        self.jobs.ask(request, move |event| match event {
            JobEvent::Part { answer: Ok(spectra), .. } => {
                session.act_soon(Action::Spectrum(Box::new(spectra)));
            }
            JobEvent::Part { answer: Err(broken), .. } => session.act_soon(Action::Broken(broken)),
            JobEvent::Gpu(report) => session.act(Action::Gpu(report)),
            JobEvent::Failed { failure, .. } => session.failed("heads/spectra", failure),
            JobEvent::Begun => session.answered("heads/spectra"),
            JobEvent::Done | JobEvent::Stopped => {}
        });
    }

    /// Asks for the vectors of the head in view and the tokens they point at; of none, if none is.
    pub fn vectors(&self, at: Option<HeadAt>, remove_mean: bool) {
        let Some(at) = at else { return self.jobs.stop("heads/vectors") };
        let question = heads::Vectors { at, top: TOP, remove_mean };
        let request = Request::new(question).owner("heads/vectors").urgent();
        let session = self.clone();
        self.jobs.ask(request, move |event| match event {
            JobEvent::Part {
                answer: VectorsPart::Vectors { at, sigma, certificate, python },
                arrays,
                ..
            } => {
                let mut arrays = arrays.into_iter();
                let (u, v) = (arrays.next().unwrap_or_default(), arrays.next().unwrap_or_default());
                let vectors = Vectors { at, sigma, certificate, u, v, python };
                session.act(Action::Vectors(Box::new(vectors)));
            }
            JobEvent::Part {
                answer: VectorsPart::Positions { at, n, critical }, arrays, ..
            } => {
                let mut arrays = arrays.into_iter();
                let sides = [(); 2].map(|()| arrays.next().unwrap_or_default());
                let curves = PositionCurves { at, n, critical, sides };
                session.act(Action::Positions(Box::new(curves)));
            }
            JobEvent::Part {
                answer: VectorsPart::Nearest { at, pairs, rows, of, wordless, chance },
                ..
            } => {
                let nearest = Nearest { at, pairs, rows, of, wordless, chance };
                session.act(Action::Nearest(Box::new(nearest)));
            }
            JobEvent::Failed { failure, .. } => session.failed("heads/vectors", failure),
            JobEvent::Begun => session.answered("heads/vectors"),
            _ => {}
        });
    }

    /// Saves the vectors of one head as a safetensors file.
    pub fn export_vectors(&self, at: HeadAt) {
        let session = self.clone();
        self.jobs.ask(Request::new(ExportVectors { at }).urgent(), move |event| match event {
            JobEvent::Part { answer: file, .. } => {
                session.save(&file.name, "application/octet-stream", &file.bytes);
            }
            JobEvent::Failed { failure, .. } => session.note(failure),
            _ => {}
        });
    }
}

/// The files of what is named: those that are kept on this machine, else from where they lie. What lies beside the page may have changed
/// since it was kept, and costs nobody's word: there it is the other way about.
async fn files(reference: &Reference, named: &str) -> Result<Vec<Dropped>, Failure> {
    if matches!(reference, Reference::Beside(_)) {
        let found = remote::files(reference).await;
        return match (&found, kept::files(named).await) {
            (Err(_), Some(kept)) => Ok(kept),
            _ => found,
        };
    }
    match kept::files(named).await {
        Some(kept) => Ok(kept),
        None => remote::files(reference).await,
    }
}

/// What the reader wants to compute, by the address.
pub fn compute(state: &AppState) -> Compute {
    state.route.read(&keys::COMPUTE)
}

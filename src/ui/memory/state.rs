//! The page's memory: one value, and the one function that changes it. Knows no browser.
//!
//! Longer than most files: one value, one function, and the tests of both.

use std::collections::HashMap;
use std::rc::Rc;

use super::Memory;
use super::notebook::{Notebook, Pin};
use super::positions::PositionCurves;
use super::roles::PromptRoles;
use super::token_chance::Compared;
use crate::circuits::alignment::{IsotropicLevel, RotatedDirection};
use crate::circuits::null::IsotropicNull;
use crate::circuits::omega::Circuit;
use crate::model::architecture::StackKind;
use crate::model::{Head, Weights};
use crate::protocol::Failure;
use crate::protocol::gpu::GpuReport;
use crate::protocol::heads::{BrokenHead, HeadAt, HeadSpectra, PairTokens};
use crate::protocol::model::ModelSummary;
use crate::study::stamp::Stamp;
use crate::ui::address::checkpoint::Named;
use crate::ui::address::route::{Page, Route};
use crate::ui::address::{keys, lock};
use crate::ui::lessons::speech::Speech;
use crate::ui::lessons::texts::Texts;
use crate::worker::request::Running;

/// What Heads shows of the built-in model where the address names no head: layer, head and pair of OV. Of all heads it adds most to the
/// answer of the prompt that Attention opens with by reading the answer's own token, which `tests/logits.rs` measures; of its pairs this
/// one is the first whose two ends both stand out from chance, and they are the same name.
pub const STORY: (usize, usize, usize) = (0, 1, 1);

/// Everything the page knows.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct AppState {
    /// Where the reader is: the URL.
    pub route: Route,
    /// What the URL said when it was last read: it follows a route that has changed since.
    pub read: Route,
    /// The open model.
    pub model: Option<OpenModel>,
    /// The name of the files now being opened.
    pub opening: Option<String>,
    /// Files that need the reader's word before they open.
    pub asking: Option<Failure>,
    /// The spectra that are finished, under the convention of the route.
    pub spectra: Rc<Spectra>,
    /// The head in view.
    pub vectors: Option<Rc<Vectors>>,
    /// What its directions point at, as far as it has been read.
    pub nearest: Option<Rc<Nearest>>,
    /// How its directions lie to the model's positions.
    pub positions: Option<Rc<PositionCurves>>,
    /// What its heads did on the prompt that was run last.
    pub roles: Option<Rc<PromptRoles>>,
    /// What random directions of the sides that were compared with the model's tokens reach.
    pub rotated: Rc<HashMap<Compared, RotatedDirection>>,
    /// What the GPU made of this model's spectra, if it was asked.
    pub gpu: Option<GpuReport>,
    /// What the reader pinned.
    pub notebook: Rc<Notebook>,
    /// The texts of the language that was asked for last, if they have come.
    pub texts: Option<Rc<Texts>>,
    /// What is being computed, oldest first.
    pub running: Vec<Running>,
    /// Whether a newer version of the page waits to be used.
    pub update: bool,
    /// What the reader should know, newest last.
    pub notices: Vec<Notice>,
    next_notice: u32,
}

/// An open model and where it came from.
#[derive(Debug, Clone, PartialEq)]
pub struct OpenModel {
    /// Counts the models opened so far.
    pub generation: u32,
    /// A name for it: the file's, or "built-in model, step 4000".
    pub name: String,
    /// The built-in model's training step, where it is the built-in model.
    pub built_in: Option<u32>,
    /// What the address names it as, where it was not dropped: a name on the hub, an address, a path beside the page.
    pub named: Option<String>,
    /// What was found.
    pub summary: Rc<ModelSummary>,
}

/// Spectra of one model under one convention.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Spectra {
    /// Finished heads, by layer and head.
    pub heads: HashMap<(usize, usize), Rc<HeadSpectra>>,
    /// Heads that could not be decomposed, and why.
    pub broken: HashMap<(usize, usize), String>,
}

/// The singular vectors of the head in view.
#[derive(Debug, Clone, PartialEq)]
pub struct Vectors {
    /// Which head.
    pub at: HeadAt,
    /// Singular values, descending.
    pub sigma: Vec<f64>,
    /// Their residual and orthogonality.
    pub certificate: [f64; 2],
    /// Left vectors, `[n, d_model]` row-major.
    pub u: Vec<f32>,
    /// Right vectors, `[n, d_model]` row-major.
    pub v: Vec<f32>,
    /// Python that reads this head's matrices.
    pub python: String,
}

impl Vectors {
    /// The cosine of each pair's own two vectors, and what two random directions exceed once in twenty; `None` where the sides
    /// read streams of different widths.
    pub fn likeness(&self) -> Option<(Vec<f64>, f64)> {
        let n = self.sigma.len().max(1);
        let d = self.u.len() / n;
        if d < 2 || self.u.len() != self.v.len() {
            return None;
        }
        let pairs = self.u.chunks_exact(d).zip(self.v.chunks_exact(d));
        let cosine = |(u, v): (&[f32], &[f32])| {
            u.iter().zip(v).map(|(x, y)| f64::from(*x) * f64::from(*y)).sum::<f64>()
        };
        Some((pairs.map(cosine).collect(), IsotropicNull { d, n: 1 }.critical(0.05)))
    }
}

/// The tokens nearest to the directions of the head in view.
#[derive(Debug, Clone, PartialEq)]
pub struct Nearest {
    /// Which head.
    pub at: HeadAt,
    /// One entry per pair.
    pub pairs: Vec<PairTokens>,
    /// Dictionary rows read so far.
    pub rows: usize,
    /// Rows in all.
    pub of: usize,
    /// Why the tokens are ids, where a tokenizer is there that cannot be used.
    pub wordless: Option<String>,
    /// The chance level of the best |cosine|, left and right.
    pub chance: [Option<IsotropicLevel>; 2],
}

/// A line for the reader: what happened, what still works, what to try.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// Names it, for dismissing.
    pub id: u32,
    /// What happened.
    pub what: String,
    /// What to try; may be empty.
    pub hint: String,
    /// Whose question failed, where one did: its notice goes once it has an answer.
    pub of: &'static str,
}

/// Everything that can change the state.
#[derive(Debug, Clone, PartialEq)]
pub enum Action {
    /// The URL changed, or should.
    Go(Route),
    /// Files are being opened.
    Opening(String),
    /// They are open.
    Opened {
        /// A name for the model.
        name: String,
        /// The built-in model's step.
        built_in: Option<u32>,
        /// What the address named it as.
        named: Option<String>,
        /// What was found.
        summary: Box<ModelSummary>,
    },
    /// They could not be opened; what was open stays, and so does a question about these files whose answer did not do.
    OpenFailed(Failure),
    /// The reader needs no more asking.
    Forget,
    /// One head's spectra arrived.
    Spectrum(Box<HeadSpectra>),
    /// One head cannot be decomposed.
    Broken(BrokenHead),
    /// Vectors arrived.
    Vectors(Box<Vectors>),
    /// Nearest tokens arrived.
    Nearest(Box<Nearest>),
    /// Cosines with the positions arrived.
    Positions(Box<PositionCurves>),
    /// A prompt was run through every layer.
    Roles(Box<PromptRoles>),
    /// A view is pinned.
    Pin(Box<Pin>),
    /// A pin is taken away.
    Unpin(u32),
    /// The reader says something of a pin.
    Annotate(u32, String),
    /// Another notebook is opened.
    Notebook(Box<Notebook>),
    /// Rotations of sides were drawn.
    Rotated(Vec<(Compared, RotatedDirection)>),
    /// What is being computed, and how far it is.
    Running(Vec<Running>),
    /// What the GPU made of the spectra.
    Gpu(GpuReport),
    /// The texts of a language have come.
    Texts(Rc<Texts>),
    /// A newer version of the page is ready.
    Update,
    /// Several at once: one drawing.
    Many(Vec<Action>),
    /// Something to tell.
    Note(String, String),
    /// Whose question has no answer, and why.
    Failed(&'static str, Failure),
    /// Whose question has one now.
    Answered(&'static str),
    /// The reader has read it.
    Dismiss(u32),
}

impl AppState {
    /// A page that was just opened at `route`.
    pub fn at_route(route: Route) -> Self {
        Self { read: route.clone(), route, ..Self::default() }
    }
}

impl Memory for AppState {
    type News = Action;

    /// The state after `action`. Answers are to what is asked now: the jobs drop whatever comes too late.
    fn after(&self, action: Action) -> Self {
        let mut next = self.clone();
        match action {
            Action::Go(route) => {
                let to = route.clone();
                let route = lock::kept(&self.route, route);
                let computed = |route: &Route| route.read(&keys::COMPUTE);
                if route.read(&keys::WEIGHTS) != self.weights()
                    || computed(&route) != computed(&self.route)
                {
                    next.spectra = Rc::default();
                    next.gpu = None;
                }
                next.read = to;
                next.route = route;
                next.name_the_model();
            }
            Action::Opening(name) => {
                next.opening = Some(name);
            }
            Action::Opened { name, built_in, named, summary } => {
                let generation = next.model.as_ref().map_or(1, |m| m.generation + 1);
                next.open(OpenModel {
                    generation,
                    name,
                    built_in,
                    named,
                    summary: Rc::from(summary),
                });
            }
            Action::OpenFailed(failure) => {
                next.opening = None;
                if failure.unclear.is_some() {
                    next.asking = Some(failure);
                } else {
                    next.note(failure.what, failure.hint);
                }
            }
            Action::Forget => next.asking = None,
            Action::Spectrum(spectra) => {
                Rc::make_mut(&mut next.spectra)
                    .heads
                    .insert((spectra.layer, spectra.head), Rc::new(*spectra));
            }
            Action::Broken(BrokenHead { layer, head, why }) => {
                Rc::make_mut(&mut next.spectra).broken.insert((layer, head), why);
            }
            Action::Vectors(vectors) => next.vectors = Some(Rc::new(*vectors)),
            Action::Nearest(nearest) => next.nearest = Some(Rc::new(*nearest)),
            Action::Roles(roles) => next.roles = Some(Rc::new(*roles)),
            Action::Positions(curves) => next.positions = Some(Rc::new(*curves)),
            Action::Pin(pin) => {
                if !Rc::make_mut(&mut next.notebook).pin(*pin) {
                    next.note(crate::ui::words::notebook::FULL.into(), String::new());
                }
            }
            Action::Unpin(id) => Rc::make_mut(&mut next.notebook).unpin(id),
            Action::Annotate(id, note) => Rc::make_mut(&mut next.notebook).note(id, note),
            Action::Notebook(notebook) => next.notebook = Rc::from(notebook),
            Action::Rotated(levels) => Rc::make_mut(&mut next.rotated).extend(levels),
            Action::Running(running) => next.running = running,
            Action::Gpu(report) => {
                if let Some((what, hint)) = crate::ui::words::text::gpu_note(&report) {
                    next.note(what, hint);
                }
                // A resumed job is still on the GPU that kept it.
                if !matches!(report, GpuReport::Resumed { .. }) {
                    next.gpu = Some(report);
                }
            }
            Action::Texts(texts) => next.texts = Some(texts),
            Action::Update => next.update = true,
            Action::Many(actions) => {
                next = actions.into_iter().fold(next, |state, action| state.after(action));
            }
            Action::Note(what, hint) => next.note(what, hint),
            Action::Failed(of, failure) => {
                let known = next.notices.len();
                next.note(failure.what, failure.hint);
                next.notices.iter_mut().skip(known).for_each(|notice| notice.of = of);
            }
            Action::Answered(of) => next.notices.retain(|notice| notice.of != of),
            Action::Dismiss(id) => next.notices.retain(|notice| notice.id != id),
        }
        next
    }
}

impl AppState {
    fn open(&mut self, model: OpenModel) {
        // The first selection of a new model is its first head; the page and its settings stay. What a link wished for waits
        // for its own model. Another training step of the same model is the same heads.
        let another =
            self.model.as_ref().is_some_and(|m| m.built_in.is_none() || model.built_in.is_none());
        let by_name = model.named.is_some() && self.route.find(&keys::NAMED) == model.named;
        let wished = by_name
            || match self.named() {
                Some(named) => named.is(&Named::of(&model.name, &model.summary)),
                None => self.is_beyond_the_model(),
            };
        if another {
            let route = std::mem::take(&mut self.route).clear(&keys::CHECKPOINT);
            self.route = if wished { route } else { route.without_selection() };
            // What was said of the model that goes.
            self.notices.clear();
        }
        // The built-in model stands in for what a link names, until the reader has said yes to it.
        if model.built_in.is_none() {
            let route = std::mem::take(&mut self.route);
            self.route = match &model.named {
                Some(named) => route.put(&keys::NAMED, named.clone()),
                None => route.clear(&keys::NAMED),
            };
        }
        for note in &model.summary.notes {
            self.note(note.clone(), String::new());
        }
        self.model = Some(model);
        self.name_the_model();
        self.opening = None;
        self.asking = None;
        self.spectra = Rc::default();
        self.gpu = None;
        self.vectors = None;
        self.nearest = None;
        self.positions = None;
        self.roles = None;
        self.rotated = Rc::default();
    }

    fn note(&mut self, what: String, hint: String) {
        if self.notices.iter().any(|n| n.what == what) {
            return;
        }
        self.next_notice += 1;
        self.notices.push(Notice { id: self.next_notice, what, hint, of: "" });
    }

    /// Whether the open model has position embeddings that its heads were held against.
    pub fn has_positions(&self) -> bool {
        self.spectra.heads.values().any(|head| head.qk.statistics.positional.is_some())
    }

    /// The convention the reader chose.
    pub fn weights(&self) -> Weights {
        self.route.read(&keys::WEIGHTS)
    }

    /// The stamp of the open model's numbers.
    pub fn stamp(&self, weights: Weights) -> Stamp {
        let model = self.model.as_ref();
        model.map_or_else(
            || Stamp::new("no model is open", &()),
            |model| Stamp::of_model(model.summary.convention(weights)),
        )
    }

    /// The head in view, if there is a model.
    pub fn at(&self) -> Option<HeadAt> {
        let summary = &self.model.as_ref()?.summary;
        let first = summary.complete_layers.first().copied().unwrap_or(0);
        let last = summary.n_layers.saturating_sub(1);
        let story = self.story();
        // Where layers share their tensors, what is computed of them is computed once.
        let layer =
            self.route.find(&keys::LAYER).or(story.map(|at| at.0)).unwrap_or(first).min(last);
        let layer = summary.layers.tensors_of(layer);
        let last = summary.layers.n_heads(layer).saturating_sub(1);
        let head = story.map_or_else(|| self.route.read(&keys::HEAD), |at| at.1).min(last);
        let usual = if story.is_some() { Circuit::Ov } else { Circuit::Qk };
        let circuit = self.route.find(&keys::CIRCUIT).unwrap_or(usual);
        Some(HeadAt { layer, head, circuit, weights: self.weights() })
    }

    /// What is in view by itself.
    fn story(&self) -> Option<(usize, usize, usize)> {
        let built_in = self.model.as_ref().is_some_and(|model| model.built_in.is_some());
        let route = &self.route;
        let named = route.find(&keys::LAYER).or(route.find(&keys::HEAD)).is_some();
        (built_in && route.page == Page::Heads && !named).then_some(STORY)
    }

    /// The stack that a layer belongs to.
    pub fn stack(&self, layer: usize) -> StackKind {
        self.model.as_ref().map_or(StackKind::Only, |model| model.summary.layers.stack(layer))
    }

    /// A head's name: "L3H0", or "dec L3H0" in a model of several stacks.
    pub fn head_name(&self, layer: usize, head: usize) -> String {
        let model = self.model.as_ref();
        model.map_or_else(
            || Head::new(layer, head).to_string(),
            |model| model.summary.layers.head_name(layer, head),
        )
    }

    /// The same for names of files: "dec-L3H0".
    pub fn head_slug(&self, layer: usize, head: usize) -> String {
        self.head_name(layer, head).replace(' ', "-")
    }

    /// The singular pair in view.
    pub fn k(&self) -> usize {
        let d_head = self.model.as_ref().map_or(1, |m| m.summary.d_head);
        // The other circuit's pairs are others.
        let story = self.story().filter(|_| self.route.find(&keys::CIRCUIT).is_none());
        let usual = story.map_or(0, |story| story.2);
        self.route.find(&keys::K).unwrap_or(usual).min(d_head.saturating_sub(1))
    }

    /// The language that the address asks for; English until its texts have come.
    pub fn speech(&self) -> Speech {
        let wanted = self.route.read(&keys::LANG);
        Speech(self.texts.clone().filter(|texts| texts.language == wanted))
    }

    /// Where the reader is, as a path: `model › L1H2 › QK › k = 3`.
    pub fn path(&self) -> Vec<String> {
        let Some(model) = &self.model else { return Vec::new() };
        let mut path = vec![model.name.clone()];
        let about_a_head = match self.route.page {
            Page::Heads | Page::Features | Page::Compare | Page::Svd => true,
            // Without a choice in the URL that page shows the head that writes most of the answer.
            Page::Attention => self.route.find(&keys::LAYER).is_some(),
            _ => false,
        };
        if let (Some(at), true) = (self.at(), about_a_head) {
            path.push(self.head_name(at.layer, at.head));
            let chosen = self.route.find(&keys::K).map(|_| self.k());
            let (circuit, k) = match self.route.page {
                // Without a choice in the URL this page shows the largest term of the score in view.
                Page::Attention => (Some(Circuit::Qk.name().to_owned()), chosen),
                // And this one the side that surprises most.
                Page::Features => {
                    let side = self.route.find(&keys::SIDE);
                    (side.map(|s| format!("{} {}", s.circuit().name(), s.name())), side.and(chosen))
                }
                // A comparison is of all pairs at once.
                Page::Compare | Page::Svd => (Some(at.circuit.name().to_owned()), None),
                _ => (Some(at.circuit.name().to_owned()), Some(self.k())),
            };
            path.extend(circuit);
            path.extend(k.map(|k| format!("k = {k}")));
        }
        path
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Layers;
    use crate::model::architecture::StackKind;
    use crate::model::layers::LayerFace;

    fn opened(state: &AppState) -> AppState {
        let stack = StackKind::Only;
        let plain = |l| LayerFace { stack, number: l, n_heads: 4, tensors_of: l };
        let summary = ModelSummary {
            n_layers: 2,
            n_heads: 4,
            layers: Layers((0..2).map(plain).collect()),
            d_head: 8,
            complete_layers: vec![0, 1],
            ..Default::default()
        };
        state.after(Action::Opened {
            name: "m".into(),
            built_in: None,
            named: None,
            summary: Box::new(summary),
        })
    }

    #[test]
    fn files_that_do_not_open_leave_the_old_model() {
        let state = opened(&AppState::default()).after(Action::Opening("bad".into()));
        let after = state.after(Action::OpenFailed(Failure::new("not a checkpoint")));
        assert_eq!(after.model, state.model);
        assert_eq!(after.notices.len(), 1);
        assert!(after.opening.is_none());
    }

    #[test]
    fn a_failure_is_told_until_the_same_question_has_an_answer() {
        let failed = |of: &'static str, what: &str| Action::Failed(of, Failure::new(what));
        let told = |state: &AppState| {
            state.notices.iter().map(|notice| notice.what.clone()).collect::<Vec<_>>()
        };
        let state = AppState::default()
            .after(Action::Note("saved".into(), String::new()))
            .after(failed("set", "no prompts"))
            .after(failed("set", "no prompts"))
            .after(failed("series", "no such head"));
        assert_eq!(told(&state), ["saved", "no prompts", "no such head"]);
        let answered = state.after(Action::Answered("set"));
        assert_eq!(told(&answered), ["saved", "no such head"]);
        // What two questions fail by is told once, and is the first one's.
        let both = answered.after(failed("set", "no such head")).after(Action::Answered("set"));
        assert_eq!(told(&both), ["saved", "no such head"]);
    }

    #[test]
    fn a_selection_outside_the_model_is_clamped() {
        let mut state = opened(&AppState::default());
        state.route = Route::parse("#/heads?layer=9&head=9&k=99");
        let at = state.at().expect("a model is open");
        assert_eq!((at.layer, at.head, state.k()), (1, 3, 7));
    }

    #[test]
    fn another_convention_forgets_the_spectra_of_this_one() {
        let state = opened(&AppState::default());
        let state =
            state.after(Action::Broken(BrokenHead { layer: 0, head: 0, why: "NaN".into() }));
        assert_eq!(state.spectra.broken.len(), 1);
        let raw = state.after(Action::Go(state.route.clone().put(&keys::WEIGHTS, Weights::Raw)));
        assert!(raw.spectra.broken.is_empty());
    }
}

//! What the Features page has heard so far, as one value, and the questions that fill it.

use std::collections::HashMap;
use std::rc::Rc;

use yew::prelude::*;

use crate::circuits::alignment::{AlignmentReport, FeatureHit, Side};
use crate::circuits::composition::Channel;
use crate::circuits::dictionary::{Along, Builtin, FileChoice};
use crate::circuits::matching::Pair;
use crate::model::Weights;
use crate::ui::app::App;
use crate::ui::route::Route;
use crate::ui::session::now;
use crate::ui::spectra::Compute;
use crate::ui::state::{Action, Work};
use crate::ui::text::gpu_note;
use crate::worker::pool::{Dropped, OnTell};
use crate::worker::protocol::features::{
    AboutDictionary, Ask, Comparing, Source, Tell as FeatureTell,
};
use crate::worker::protocol::gpu::{GpuChoice, GpuReport};
use crate::worker::protocol::{Ask as AnyAsk, Failure, JobId, Tell};

/// Random rotations of each subspace.
const ROTATIONS: usize = 64;

/// Everything that an answer depends on, beside the head.
#[derive(Clone, PartialEq)]
pub(super) struct Setting {
    pub generation: Option<u32>,
    pub source: Source,
    pub weights: Weights,
    pub remove_mean: bool,
    pub whiten: bool,
    /// The reader's own dictionary.
    pub files: Rc<Vec<Dropped>>,
}

impl Setting {
    /// Whether there is something to compare with.
    pub(super) fn ready(&self) -> bool {
        let own = matches!(self.source, Source::Own(_));
        self.generation.is_some() && (!own || !self.files.is_empty())
    }
}

/// The dictionary of a name in the URL, with what the reader said of a file of their own.
pub(super) fn source_of(route: &Route, layer: usize) -> Source {
    match route.text("dictionary").unwrap_or_default() {
        "unembed" => Source::Model(Builtin::Unembed),
        "positions" => Source::Model(Builtin::Positions),
        "mlp-in" => Source::Model(Builtin::MlpIn { layer }),
        "mlp-out" => Source::Model(Builtin::MlpOut { layer }),
        "own" => Source::Own(FileChoice {
            tensor: route.text("matrix").map(str::to_owned),
            along: match route.text("features-are") {
                Some("rows") => Some(Along::Rows),
                Some("columns") => Some(Along::Columns),
                _ => None,
            },
            head: route.value("part"),
        }),
        _ => Source::Model(Builtin::Embed),
    }
}

/// Every cosine of one side with a small dictionary.
#[derive(Clone, PartialEq)]
pub(super) struct Cosines {
    pub head: (usize, usize),
    pub side: Side,
    pub n_features: usize,
    pub values: Rc<Vec<f32>>,
    pub matching: Vec<(Pair, String)>,
}

/// What is known about the dictionary and the heads.
#[derive(Clone, PartialEq, Default)]
pub(super) struct Known {
    pub about: Option<Rc<AboutDictionary>>,
    /// One report per head that was compared.
    pub reports: HashMap<(usize, usize), Rc<AlignmentReport>>,
    /// How long one head took, seconds.
    pub seconds: Option<f64>,
    /// What the GPU made of the last job that it was offered.
    pub gpu: Option<GpuReport>,
    pub cosines: Option<Cosines>,
    pub hits: Option<(String, Vec<FeatureHit>)>,
    pub failed: Option<Failure>,
}

/// What can change it.
pub(super) enum Heard {
    Fresh,
    FreshHits,
    Tell(FeatureTell),
    Cosines(Cosines),
    Took(f64),
    Gpu(GpuReport),
    Failed(Failure),
}

/// Whether rotations were drawn for any side.
fn has_null(report: &AlignmentReport) -> bool {
    report.sides.iter().any(|side| side.rotation_null.is_some())
}

impl Reducible for Known {
    type Action = Heard;

    fn reduce(self: Rc<Self>, heard: Heard) -> Rc<Self> {
        let mut next = (*self).clone();
        match heard {
            Heard::Fresh => next = Self::default(),
            Heard::FreshHits => next.hits = None,
            Heard::Tell(FeatureTell::About(about)) => next.about = Some(Rc::from(about)),
            Heard::Tell(FeatureTell::Report(report)) => {
                if let Some(side) = report.sides.first() {
                    let at = (side.layer, side.head);
                    // What has a null is not replaced by what has none.
                    if has_null(&report) || !next.reports.contains_key(&at) {
                        next.reports.insert(at, Rc::from(report));
                    }
                }
            }
            Heard::Tell(FeatureTell::Hits { label, hits }) => {
                let (_, mut all) = next.hits.take().unwrap_or_default();
                all.extend(hits);
                all.sort_by(|a, b| b.cos.abs().total_cmp(&a.cos.abs()));
                next.hits = Some((label, all));
            }
            Heard::Tell(FeatureTell::Broken(failure)) | Heard::Failed(failure) => {
                next.failed = Some(failure);
            }
            Heard::Tell(FeatureTell::Cosines { .. } | FeatureTell::Channels(_)) => {}
            Heard::Cosines(cosines) => next.cosines = Some(cosines),
            // A resumed job is still on the GPU that kept it.
            Heard::Gpu(GpuReport::Resumed { .. }) => {}
            Heard::Gpu(report) => next.gpu = Some(report),
            Heard::Took(seconds) => next.seconds = Some(seconds),
        }
        Rc::new(next)
    }
}

/// Where answers go.
#[derive(Clone)]
pub(super) struct Asker {
    pub app: App,
    pub known: UseReducerHandle<Known>,
    pub setting: Setting,
}

impl Asker {
    /// Hands a question over; the reader's files travel beside it where they are the dictionary.
    fn ask(&self, topic: Option<&'static str>, ask: Ask, on_tell: OnTell) -> JobId {
        let (pool, ask) = (&self.app.session.pool, AnyAsk::Features(ask));
        match (&self.setting.source, topic) {
            (Source::Own(_), _) => pool.ask_about(&self.setting.files, ask, on_tell),
            (Source::Model(_), Some(topic)) => pool.ask_latest(topic, ask, on_tell),
            (Source::Model(_), None) => pool.ask(ask, on_tell),
        }
    }

    /// What heads are compared with.
    pub(super) fn how(&self) -> Comparing {
        let Setting { source, weights, remove_mean, whiten, .. } = self.setting.clone();
        Comparing { source, weights, remove_mean, top: 10, rotations: ROTATIONS, whiten }
    }

    /// Compares the head in view, ahead of everything else: its features first, then its null, which takes several times as long.
    pub(super) fn head(&self, head: (usize, usize)) {
        if !self.known.reports.contains_key(&head) {
            let hears = self.known.dispatcher();
            let on_tell: OnTell = Rc::new(move |tell, _| match tell {
                Tell::Features(tell) => hears.dispatch(Heard::Tell(tell)),
                Tell::Failed(failure) => hears.dispatch(Heard::Failed(failure)),
                _ => {}
            });
            let features_only = Comparing { rotations: 0, ..self.how() };
            self.ask(Some("features"), Ask::Align(features_only, vec![head]), on_tell);
        }
        let (hears, since) = (self.known.dispatcher(), now());
        let on_tell: OnTell = Rc::new(move |tell, _| match tell {
            Tell::Features(tell) => hears.dispatch(Heard::Tell(tell)),
            Tell::Failed(failure) => hears.dispatch(Heard::Failed(failure)),
            Tell::Done => hears.dispatch(Heard::Took((now() - since) / 1000.0)),
            _ => {}
        });
        self.ask(Some("alignment"), Ask::Align(self.how(), vec![head]), on_tell);
    }

    /// Compares every head of some layers: on the GPU where that is wanted or likely to be faster, else a head a question.
    pub(super) fn layers(&self, layers: &[usize], n_heads: usize) {
        let (state, session) = (self.app.value(), &self.app.session);
        let total = layers.len() * n_heads;
        let cpu_ms = 1000.0 * self.known.seconds.unwrap_or(0.0) * total as f64;
        let compute = Compute::parse(state.route.text("compute"));
        let jobs = match compute.choice(cpu_ms / session.pool.size() as f64, &session.pool) {
            Some(choice) => vec![self.layers_on_gpu(layers.to_vec(), n_heads, choice)],
            None => self.layers_on_cpu(layers, n_heads),
        };
        let what = "heads compared with the dictionary".to_owned();
        session.act(Action::Begin(Work { what, done: 0, total, since: now(), jobs }));
    }

    fn layers_on_cpu(&self, layers: &[usize], n_heads: usize) -> Vec<JobId> {
        let ask = |head: (usize, usize)| {
            let (hears, session) = (self.known.dispatcher(), self.app.session.clone());
            let on_tell: OnTell = Rc::new(move |tell, _| match tell {
                Tell::Features(tell) => hears.dispatch(Heard::Tell(tell)),
                Tell::Failed(failure) => {
                    hears.dispatch(Heard::Failed(failure));
                    session.act(Action::Step);
                }
                Tell::Done => session.act(Action::Step),
                _ => {}
            });
            self.ask(None, Ask::Align(self.how(), vec![head]), on_tell)
        };
        layers.iter().flat_map(|&l| (0..n_heads).map(move |h| (l, h))).map(ask).collect()
    }

    fn layers_on_gpu(&self, layers: Vec<usize>, n_heads: usize, choice: GpuChoice) -> JobId {
        let (asker, all) = (self.clone(), layers.clone());
        let on_tell: OnTell = Rc::new(move |tell, _| match tell {
            Tell::Features(tell) => {
                if matches!(tell, FeatureTell::Report(_) | FeatureTell::Broken(_)) {
                    asker.app.session.act_soon(Action::Step);
                }
                asker.known.dispatch(Heard::Tell(tell));
            }
            Tell::Gpu(report) => {
                if let GpuReport::LeftToCpu { layers, .. } = &report {
                    let jobs = asker.layers_on_cpu(layers, n_heads);
                    asker.app.session.act(Action::Join(jobs));
                }
                if let Some((what, hint)) = gpu_note(&report) {
                    asker.app.session.act(Action::Note(what, hint));
                }
                asker.known.dispatch(Heard::Gpu(report));
            }
            // The dictionary cannot be read, or the worker itself is gone: the CPU says which.
            Tell::Failed(_) => {
                let jobs = asker.layers_on_cpu(&all, n_heads);
                asker.app.session.act(Action::Join(jobs));
            }
            _ => {}
        });
        self.ask(None, Ask::AlignOnGpu(self.how(), layers, choice), on_tell)
    }

    /// Every cosine of one side of a head.
    pub(super) fn cosines(&self, head: (usize, usize), side: Side) {
        let hears = self.known.dispatcher();
        let on_tell: OnTell = Rc::new(move |tell, arrays| match tell {
            Tell::Features(FeatureTell::Cosines { n_features, matching }) => {
                let values = Rc::new(arrays.into_iter().next().unwrap_or_default());
                hears.dispatch(Heard::Cosines(Cosines {
                    head,
                    side,
                    n_features,
                    values,
                    matching,
                }));
            }
            Tell::Failed(failure) => hears.dispatch(Heard::Failed(failure)),
            _ => {}
        });
        let Setting { source, weights, remove_mean, .. } = self.setting.clone();
        self.ask(
            Some("cosines"),
            Ask::Cosines { source, head, side, weights, remove_mean },
            on_tell,
        );
    }

    /// The inverse question, a layer at a time.
    pub(super) fn find(&self, layers: &[usize], feature: &str) {
        self.known.dispatch(Heard::FreshHits);
        for &layer in layers {
            let hears = self.known.dispatcher();
            let on_tell: OnTell = Rc::new(move |tell, _| match tell {
                Tell::Features(tell) => hears.dispatch(Heard::Tell(tell)),
                Tell::Failed(failure) => hears.dispatch(Heard::Failed(failure)),
                _ => {}
            });
            let Setting { source, weights, remove_mean, .. } = self.setting.clone();
            let feature = feature.to_owned();
            self.ask(None, Ask::Find { source, feature, layer, weights, remove_mean }, on_tell);
        }
    }
}

/// Which earlier heads write what `into` reads; `on_channels` hears an earlier layer at a time.
pub(super) fn channels(
    app: &App,
    into: &[(usize, usize)],
    weights: Weights,
    on_channels: Callback<Vec<Channel>>,
) {
    let ask = |&into: &(usize, usize)| {
        let (on_channels, session) = (on_channels.clone(), app.session.clone());
        let on_tell: OnTell = Rc::new(move |tell, _| match tell {
            Tell::Features(FeatureTell::Channels(channels)) => on_channels.emit(channels),
            Tell::Failed(failure) => {
                session.act(Action::Note(failure.what, failure.hint));
                session.act(Action::Step);
            }
            Tell::Done => session.act(Action::Step),
            _ => {}
        });
        app.session.pool.ask(AnyAsk::Features(Ask::Channels { into, weights }), on_tell)
    };
    let jobs: Vec<JobId> = into.iter().map(ask).collect();
    let what = "channels between heads".to_owned();
    app.session.act(Action::Begin(Work { what, done: 0, total: jobs.len(), since: now(), jobs }));
}

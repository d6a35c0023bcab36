//! The questions of the Features page, and where their answers go.

use std::rc::Rc;

use yew::prelude::*;

use super::known::{Cosines, Heard, Known, Setting};
use crate::circuits::alignment::Side;
use crate::circuits::composition::Channel;
use crate::model::Weights;
use crate::protocol::features::{Ask, Comparing, Source, Tell as FeatureTell};
use crate::protocol::gpu::{GpuChoice, GpuReport};
use crate::protocol::{Ask as AnyAsk, JobId, Tell};
use crate::ui::app::App;
use crate::ui::browser::time::now;
use crate::ui::compute::Compute;
use crate::ui::memory::state::Action;
use crate::ui::words::text::gpu_note;
use crate::worker::pool::OnTell;

/// What the comparison of many heads is called while it is under way.
const COMPARED: &str = "heads compared with the dictionary";

/// Where answers go, with the setting that they were asked under.
#[derive(Clone)]
pub(super) struct Hears {
    known: UseReducerDispatcher<Known>,
    setting: Setting,
}

impl Hears {
    pub(super) fn dispatch(&self, heard: Heard) {
        self.known.dispatch((self.setting.clone(), heard));
    }
}

/// Who asks.
#[derive(Clone)]
pub(super) struct Asker {
    pub app: App,
    pub known: UseReducerHandle<Known>,
    pub setting: Setting,
}

impl Asker {
    /// Where answers to what is asked now go.
    pub(super) fn hears(&self) -> Hears {
        Hears { known: self.known.dispatcher(), setting: self.setting.clone() }
    }

    /// Hands a question over; the reader's files travel beside it where they are the dictionary.
    fn ask(&self, topic: Option<&'static str>, ask: Ask, on_tell: OnTell) -> JobId {
        let (pool, ask) = (&self.app.session.pool, AnyAsk::Features(ask));
        match (&self.setting.source, topic) {
            (Source::Own(_), _) => pool.ask_about(&self.setting.files, ask, on_tell),
            (Source::Model(_), Some(topic)) => pool.ask_latest(topic, ask, on_tell),
            (Source::Model(_), None) => pool.ask(ask, on_tell),
        }
    }

    /// Begins afresh under this setting; a comparison of many heads under another one is of no use any more.
    pub(super) fn fresh(&self) {
        if let Some(work) = self.app.value().work.as_ref().filter(|work| work.what == COMPARED) {
            self.app.session.cancel(&work.jobs);
        }
        self.hears().dispatch(Heard::Fresh);
    }

    /// What heads are compared with.
    pub(super) fn how(&self) -> Comparing {
        let Setting { source, weights, remove_mean, whiten, .. } = self.setting.clone();
        Comparing { remove_mean, whiten, ..Comparing::with(source, weights) }
    }

    /// Compares the head in view, ahead of everything else: its features first, then its null, which takes several times as long.
    pub(super) fn head(&self, head: (usize, usize)) {
        if !self.known.has(&self.setting, head) {
            let hears = self.hears();
            let on_tell: OnTell = Rc::new(move |tell, _| match tell {
                Tell::Features(tell) => hears.dispatch(Heard::Tell(tell)),
                Tell::Failed(failure) => hears.dispatch(Heard::Failed(failure)),
                _ => {}
            });
            let features_only = Comparing { rotations: 0, ..self.how() };
            self.ask(Some("features"), Ask::Align(features_only, vec![head]), on_tell);
        }
        let (hears, since) = (self.hears(), now());
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
        let jobs = match compute.choice(cpu_ms / session.pool.size() as f64, session.pool.size()) {
            Some(choice) => vec![self.layers_on_gpu(layers.to_vec(), n_heads, choice)],
            None => self.layers_on_cpu(layers, n_heads),
        };
        session.begin(COMPARED, total, jobs);
    }

    fn layers_on_cpu(&self, layers: &[usize], n_heads: usize) -> Vec<JobId> {
        let ask = |head: (usize, usize)| {
            let (hears, session) = (self.hears(), self.app.session.clone());
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
                asker.hears().dispatch(Heard::Tell(tell));
            }
            Tell::Gpu(report) => {
                if let GpuReport::LeftToCpu { layers, .. } = &report {
                    let jobs = asker.layers_on_cpu(layers, n_heads);
                    asker.app.session.act(Action::Join(jobs));
                }
                if let Some((what, hint)) = gpu_note(&report) {
                    asker.app.session.act(Action::Note(what, hint));
                }
                asker.hears().dispatch(Heard::Gpu(report));
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
        let hears = self.hears();
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
        self.hears().dispatch(Heard::FreshHits);
        for &layer in layers {
            let hears = self.hears();
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
    app.session.begin("channels between heads", jobs.len(), jobs);
}

//! The questions of the Features page, and where their answers go.

use std::rc::Rc;

use yew::prelude::*;

use super::setting::{Answers, Setting};
use crate::circuits::alignment::{RotationCount, Side};
use crate::model::Weights;
use crate::protocol::Question;
use crate::protocol::features::{
    self as questions, Align, AlignPart, ChannelsInto, Comparing, Find, Source,
};
use crate::study::channels::Found;
use crate::ui::app::App;
use crate::ui::browser::time::now;
use crate::ui::memory::dictionary::{COSINES, Cosines, FIND, News};
use crate::ui::memory::state::Action;
use crate::ui::memory::token_chance::Compared;
use crate::ui::remembered::Remembered;
use crate::ui::session::compute;
use crate::ui::words::features as words;
use crate::worker::request::{JobEvent, Request};
use crate::worker::sources::Dropped;

/// What the comparison of many heads is called while it is under way.
const COMPARED: &str = words::HEADS_COMPARED_DICTIONARY;

/// What the null of the head in view is called while it is drawn.
pub(super) const DRAWN: &str = words::FEATURES_COMPARED_RANDOM_ROTATIONS;

/// Who asks.
#[derive(Clone)]
pub(super) struct Asker {
    pub app: App,
    pub answers: UseReducerHandle<Remembered<Answers>>,
    pub setting: Setting,
}

impl Asker {
    /// A question, beside the reader's files where they are the dictionary.
    fn request<Q: Question>(&self, question: Q) -> Request<Q, Dropped> {
        self.beside(Request::new(question))
    }

    fn beside<Q: Question>(&self, request: Request<Q, Dropped>) -> Request<Q, Dropped> {
        match self.setting.source {
            Source::Own(_) => request.beside(&self.setting.files),
            Source::Model(_) | Source::Heads { .. } => request,
        }
    }

    /// Begins afresh under this setting; what was asked under another one is of no use any more.
    pub(super) fn fresh(&self) {
        self.app.session.jobs.stop("features/");
        self.answers.dispatch(News::Fresh(self.setting.clone()));
    }

    /// What heads are compared with.
    pub(super) fn how(&self) -> Comparing {
        let Setting { source, weights, remove_mean, whiten, .. } = self.setting.clone();
        Comparing { remove_mean, whiten, ..Comparing::with(source, weights) }
    }

    /// Compares the head in view, ahead of everything else: its features first, then its null, which takes several times as long.
    pub(super) fn head(&self, head: (usize, usize)) {
        let jobs = &self.app.session.jobs;
        if !self.answers.has(&self.setting, head) {
            let how = Comparing { rotations: RotationCount::None, ..self.how() };
            let request = self.request(Align { how, heads: vec![head] });
            jobs.ask(request.owner("features/nearest").urgent(), self.aligned());
        }
        let (aligned, answers, since) = (self.aligned(), self.answers.dispatcher(), now());
        let request = self.request(Align { how: self.how(), heads: vec![head] });
        let request = request.listed(DRAWN).counted_as_told();
        jobs.ask(request.owner("features/null").urgent(), move |event| {
            if let JobEvent::Done = event {
                answers.dispatch(News::Took((now() - since) / 1000.0));
            }
            aligned(event);
        });
    }

    /// Compares every head of those of some layers that have one to compare: on the GPU where that is wanted or likely to be faster, else a
    /// head a question.
    pub(super) fn layers(&self, layers: &[usize]) {
        let state = self.app.value();
        let Some(model) = &state.model else { return };
        let heads = |layer: &usize| model.summary.heads_in(&[*layer]);
        let known = |head: &(usize, usize)| self.answers.has_null(&self.setting, *head);
        let left = layers.iter().map(heads).filter(|heads| !heads.iter().all(known));
        let heads: Vec<(usize, usize)> = left.flatten().collect();
        if heads.is_empty() {
            return;
        }
        // Each head of a layer has another dictionary of other heads, and a small one: nothing for the GPU.
        let small = matches!(self.setting.source, Source::Heads { .. });
        let seconds = self.answers.seconds.filter(|_| !small);
        let cpu_ms = 1000.0 * seconds.unwrap_or(0.0) * heads.len() as f64;
        let request = self.request(Align { how: self.how(), heads }).shared().listed(COMPARED);
        let request = request.owner("features/layers").offered(compute(self.app.value()), cpu_ms);
        let (aligned, session) = (self.aligned(), self.app.session.clone());
        session.clone().jobs.ask(request, move |event| {
            if let JobEvent::Gpu(report) = &event {
                session.note_gpu(report);
            }
            aligned(event);
        });
    }

    /// Remembers what is heard of a comparison.
    fn aligned(&self) -> impl Fn(JobEvent<AlignPart>) + 'static {
        let (answers, session) = (self.answers.dispatcher(), self.app.session.clone());
        let Setting { source, weights, remove_mean, whiten, .. } = self.setting.clone();
        move |event| match event {
            JobEvent::Part { answer, .. } => {
                // The Heads page has the same words, and wants the same chance beside them.
                if let (AlignPart::Report(report), Source::Model(dictionary), false) =
                    (&answer, &source, whiten)
                {
                    let levels = Compared::rotated(report, weights, *dictionary, remove_mean);
                    // A comparison of all heads sends one report a head; most first reports have no rotations yet.
                    if !levels.is_empty() {
                        session.act_soon(Action::Rotated(levels));
                    }
                }
                answers.dispatch(News::Aligned(answer));
            }
            JobEvent::Gpu(report) => answers.dispatch(News::Gpu(report)),
            JobEvent::Failed { failure, .. } => answers.dispatch(News::Failed("", failure)),
            _ => {}
        }
    }

    /// Every cosine of one side of a head.
    pub(super) fn cosines(&self, head: (usize, usize), side: Side) {
        let Setting { source, weights, remove_mean, .. } = self.setting.clone();
        let question = questions::Cosines { source, head, side, weights, remove_mean };
        let request = self.request(question).owner(COSINES).urgent();
        let answers = self.answers.dispatcher();
        self.app.session.jobs.ask(request, move |event| match event {
            JobEvent::Part { answer, arrays, .. } => {
                let questions::CosinesFound { n_features, matching, null } = answer;
                let values = Rc::new(arrays.into_iter().next().unwrap_or_default());
                let cosines = Cosines { head, side, n_features, values, matching, null };
                answers.dispatch(News::Cosines(cosines));
            }
            JobEvent::Failed { failure, .. } => answers.dispatch(News::Failed(COSINES, failure)),
            _ => {}
        });
    }

    /// The inverse question, a layer at a time.
    pub(super) fn find(&self, layers: &[usize], feature: &str) {
        let Setting { source, weights, remove_mean, .. } = self.setting.clone();
        let find = |&layer: &usize| {
            let (source, feature) = (source.clone(), feature.to_owned());
            Find { source, feature, layer, weights, remove_mean }
        };
        let request = self.beside(Request::each(layers.iter().map(find))).owner(FIND);
        let answers = self.answers.dispatcher();
        self.app.session.jobs.ask(request, move |event| match event {
            JobEvent::Begun => answers.dispatch(News::FreshHits),
            JobEvent::Part { answer, .. } => answers.dispatch(News::Hits(answer)),
            JobEvent::Failed { failure, .. } => answers.dispatch(News::Failed(FIND, failure)),
            _ => {}
        });
    }
}

/// Which earlier heads write what `into` reads; `on_channels` hears an earlier layer at a time.
pub(super) fn channels(
    app: &App,
    into: &[(usize, usize)],
    weights: Weights,
    on_channels: Callback<Found>,
) {
    let questions = into.iter().map(|&into| ChannelsInto { into, weights });
    let request = Request::each(questions).owner("channels").listed(words::CHANNELS_BETWEEN_HEADS);
    let session = app.session.clone();
    app.session.jobs.ask(request, move |event| match event {
        JobEvent::Begun => session.answered("channels"),
        JobEvent::Part { answer, .. } => on_channels.emit(answer),
        JobEvent::Failed { failure, .. } => session.failed("channels", failure),
        _ => {}
    });
}

//! One run of a prompt set: by the GPU, or in shares by the CPU's workers; the shares are joined here.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use yew::Callback;

use super::measured::MeasuredHead;
use crate::circuits::sad::set::HeadEvents;
use crate::protocol::attention::{Ask, SetSpec, Share, Tell as AttentionTell};
use crate::protocol::gpu::GpuReport;
use crate::protocol::{Ask as AnyAsk, JobId, Tell};
use crate::ui::app::App;
use crate::ui::compute::{Compute, forward_ms};
use crate::ui::memory::state::Action;
use crate::ui::session::Session;
use crate::ui::words::text;
use crate::worker::pool::OnTell;

/// Prompts that a share has at least: every share reads the whole file.
const WORTH_A_SHARE: usize = 32;

/// Tokens of a prompt, roughly.
const TOKENS: usize = 16;

/// What a set gave.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct SetOutcome {
    /// Every head, by its place.
    pub heads: Vec<MeasuredHead>,
    /// Prompts.
    pub n: usize,
    /// Prompts whose answer was the likeliest token, where there is an answer to check.
    pub correct: Option<usize>,
    /// One of the prompts.
    pub example: String,
    /// Who made the products, in words; empty where nobody was asked.
    pub by: String,
}

/// A run under way.
pub(super) struct SetRun {
    session: Session,
    spec: SetSpec,
    n_layers: usize,
    end: Callback<SetOutcome>,
    heard: RefCell<Shares>,
}

/// What has been heard so far.
#[derive(Default)]
struct Shares {
    /// Counts the times that workers were asked: an answer from before counts no more.
    round: usize,
    jobs: Vec<JobId>,
    /// Shares that are not done.
    waiting: usize,
    /// By head, then by share.
    heads: BTreeMap<(usize, usize), BTreeMap<usize, HeadEvents>>,
    outcome: SetOutcome,
}

impl SetRun {
    /// Runs a set on the open model; `end` hears of it once, unless it is cancelled or fails.
    pub(super) fn start(app: &App, spec: SetSpec, end: Callback<SetOutcome>) {
        let state = app.value();
        let Some(summary) = state.model.as_ref().map(|m| m.summary.clone()) else { return };
        let session = app.session.clone();
        let shares = Self::shares(&spec, session.pool.size());
        let cpu_ms = forward_ms(&summary, spec.n * TOKENS, shares);
        let compute = Compute::parse(state.route.text("compute"));
        let choice = compute.choice(cpu_ms, shares);
        let (n_layers, heard) = (summary.n_layers, RefCell::default());
        let run = Rc::new(Self { session, spec, n_layers, end, heard });
        match choice {
            Some(choice) => run.ask(vec![(0, Ask::SetOnGpu(run.spec.clone(), choice))]),
            None => run.on_cpu(shares),
        }
    }

    fn shares(spec: &SetSpec, workers: usize) -> usize {
        workers.min(spec.n.div_ceil(WORTH_A_SHARE)).max(1)
    }

    fn on_cpu(self: &Rc<Self>, shares: usize) {
        let share = |index| SetSpec { share: Share { index, of: shares }, ..self.spec.clone() };
        self.ask((0..shares).map(|index| (index, Ask::Set(share(index)))).collect());
    }

    fn ask(self: &Rc<Self>, asks: Vec<(usize, Ask)>) {
        let (waiting, round) = (asks.len(), self.heard.borrow().round + 1);
        *self.heard.borrow_mut() = Shares { round, waiting, ..Shares::default() };
        let mut jobs = Vec::with_capacity(waiting);
        for (share, ask) in asks {
            let run = self.clone();
            let on_tell: OnTell = Rc::new(move |tell, _| {
                if run.heard.borrow().round == round {
                    run.hear(share, tell);
                }
            });
            jobs.push(self.session.pool.ask(AnyAsk::Attention(ask), on_tell));
        }
        self.heard.borrow_mut().jobs.clone_from(&jobs);
        // Every share decomposes each layer's heads, then runs through it.
        let total = 2 * self.n_layers * waiting + 1;
        self.session.begin("the prompt set, layer by layer", total, jobs);
    }

    fn hear(self: &Rc<Self>, share: usize, tell: Tell) {
        match tell {
            Tell::Attention(AttentionTell::SetHead { layer, head, seen }) => {
                let heads = &mut self.heard.borrow_mut().heads;
                heads.entry((layer, head)).or_default().insert(share, *seen);
            }
            Tell::Attention(AttentionTell::SetDone { n, correct, example }) => {
                let outcome = &mut self.heard.borrow_mut().outcome;
                outcome.n += n;
                let both = outcome.correct.zip(correct).map(|(sum, more)| sum + more);
                outcome.correct = both.or(outcome.correct).or(correct);
                outcome.example = example;
            }
            Tell::Progress { .. } => self.session.act_soon(Action::Step),
            Tell::Gpu(report) => self.hear_of_gpu(&report),
            Tell::Done => self.share_done(),
            Tell::Failed(failure) => {
                let jobs = std::mem::take(&mut self.heard.borrow_mut().jobs);
                self.session.cancel(&jobs);
                self.session.act(Action::Note(failure.what, failure.hint));
            }
            _ => {}
        }
    }

    fn hear_of_gpu(self: &Rc<Self>, report: &GpuReport) {
        if let Some((what, hint)) = text::gpu_note(report) {
            self.session.act(Action::Note(what, hint));
        }
        match report {
            GpuReport::LeftToCpu { layers, .. } if !layers.is_empty() => {
                self.on_cpu(Self::shares(&self.spec, self.session.pool.size()));
            }
            _ => self.heard.borrow_mut().outcome.by = text::products_line(report),
        }
    }

    fn share_done(&self) {
        let mut heard = self.heard.borrow_mut();
        heard.waiting = heard.waiting.saturating_sub(1);
        if heard.waiting > 0 {
            return;
        }
        let Shares { heads, mut outcome, .. } = std::mem::take(&mut *heard);
        drop(heard);
        let joined = |(at, shares): ((usize, usize), BTreeMap<usize, HeadEvents>)| {
            let whole = shares.into_values().reduce(|mut whole, next| {
                whole.join(next);
                whole
            })?;
            Some(MeasuredHead::of(at, &whole))
        };
        outcome.heads = heads.into_iter().filter_map(joined).collect();
        self.session.act(Action::End);
        self.end.emit(outcome);
    }
}

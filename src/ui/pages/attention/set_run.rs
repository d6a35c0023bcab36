//! One run of a prompt set: by the GPU, or in shares by the CPU's workers; the shares are joined here.

use std::cell::RefCell;
use std::collections::BTreeMap;

use yew::Callback;

use super::measured::MeasuredHead;
use crate::circuits::sad::set::HeadEvents;
use crate::protocol::attention::{SetPart, SetSpec};
use crate::protocol::gpu::GpuReport;
use crate::ui::app::App;
use crate::ui::session::compute;
use crate::ui::words::attention as words;
use crate::ui::words::text;
use crate::worker::request::{Heard, Request};

/// Whose the set is.
const OWNER: &str = "set";

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

/// What has been heard so far.
#[derive(Default)]
struct Shares {
    /// By head, then by share.
    heads: BTreeMap<(usize, usize), BTreeMap<usize, HeadEvents>>,
    outcome: SetOutcome,
    failed: bool,
}

impl Shares {
    fn hear(&mut self, share: usize, answer: SetPart) {
        match answer {
            SetPart::Head { layer, head, seen } => {
                self.heads.entry((layer, head)).or_default().insert(share, *seen);
            }
            SetPart::Answered { n, correct, example } => {
                let outcome = &mut self.outcome;
                outcome.n += n;
                let both = outcome.correct.zip(correct).map(|(sum, more)| sum + more);
                outcome.correct = both.or(outcome.correct).or(correct);
                outcome.example = example;
            }
            // Only a checkpoint of a series brings its spectra along.
            SetPart::Spectra(_) => {}
        }
    }

    /// Every share's events joined, head by head.
    fn join(self) -> SetOutcome {
        let joined = |(at, shares): ((usize, usize), BTreeMap<usize, HeadEvents>)| {
            let whole = shares.into_values().reduce(|mut whole, next| {
                whole.join(next);
                whole
            })?;
            Some(MeasuredHead::of(at, &whole))
        };
        SetOutcome { heads: self.heads.into_iter().filter_map(joined).collect(), ..self.outcome }
    }
}

/// Runs a set on the open model; `end` hears of it once, unless it is cancelled or a share of it fails.
pub(super) fn run(app: &App, spec: SetSpec, end: Callback<SetOutcome>) {
    let Some(model) = &app.value().model else { return };
    let cpu_ms = spec.cpu_ms(&model.summary);
    let request = Request::new(spec).owner(OWNER).listed(words::PROMPTS_SET).shared();
    let request = request.offered(compute(app.value()), cpu_ms);
    let (session, shares) = (app.session.clone(), RefCell::new(Shares::default()));
    app.session.jobs.ask(request, move |heard| match heard {
        Heard::Begun => drop(shares.take()),
        Heard::Part { part, answer, .. } => shares.borrow_mut().hear(part, answer),
        Heard::Gpu(report) => {
            session.note_gpu(&report);
            // A set that goes back whole was the CPU's from the beginning.
            if !matches!(&report, GpuReport::LeftToCpu { layers, .. } if !layers.is_empty()) {
                shares.borrow_mut().outcome.by = text::products_line(&report);
            }
        }
        Heard::Failed { failure, .. } => {
            shares.borrow_mut().failed = true;
            session.jobs.stop(OWNER);
            session.note(failure);
        }
        Heard::Done => {
            let shares = shares.take();
            if !shares.failed {
                end.emit(shares.join());
            }
        }
        Heard::Stopped => {}
    });
}

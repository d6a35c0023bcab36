//! One head over a prompt set, as the tables and charts show it: real beside every control.

use crate::circuits::sad::set::{EventSummary, HeadEvents, Measures};
use crate::ui::words::chance::evidence;

/// One prompt of a set, as one head looked at it: real, basis control, subspace control, matched control.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct MeasuredEvent {
    /// Relative attention.
    pub relative: f64,
    /// Attention probability.
    pub attention: f64,
    /// S.
    pub sparseness: [Option<f64>; 4],
    /// N_recon at τ = 0.9; means over draws for the controls.
    pub n_recon_90: [Option<f64>; 4],
}

/// One head measured over a set of prompts: means, for the grid and the table, and the events behind them.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct MeasuredHead {
    /// The layer.
    pub layer: usize,
    /// The head.
    pub head: usize,
    /// Events that counted.
    pub n_events: usize,
    /// Mean attention of the events.
    pub attention: f64,
    /// Mean S: real, basis control, subspace control, matched control.
    pub sparseness: [Option<f64>; 4],
    /// Mean N_recon at τ = 1: real, basis, subspace, matched.
    pub n_recon: [Option<f64>; 4],
    /// Mean N_recon at τ = 0.9: real, basis, subspace, matched.
    pub n_recon_90: [Option<f64>; 4],
    /// p of "no sparser than the weakest control", over the prompts; `None` without an event.
    pub p: Option<f64>,
    /// Singular vectors that are most often among the main terms: k and share of events.
    pub recurring: Vec<(usize, f64)>,
    /// How often each k is the largest term.
    pub largest: Vec<usize>,
    /// Each k's share of the score variance.
    pub variance_shares: Vec<f64>,
    /// Every event, in the order of the prompts.
    pub events: Vec<MeasuredEvent>,
}

impl MeasuredHead {
    /// What the head showed on all prompts.
    pub(super) fn of((layer, head): (usize, usize), seen: &HeadEvents) -> Self {
        let report = seen.report();
        let four = |of: fn(&Measures) -> Option<f64>| {
            [&report.real, &report.basis, &report.subspace, &report.matched].map(of)
        };
        let n = report.events.len();
        Self {
            layer,
            head,
            n_events: n,
            attention: report.events.iter().map(|e| e.attention).sum::<f64>() / n.max(1) as f64,
            sparseness: four(|m| m.sparseness.map(|d| d.mean)),
            n_recon: four(|m| m.n_recon.map(|d| d.mean)),
            n_recon_90: four(|m| m.n_recon_90.map(|d| d.mean)),
            p: report.against_chance.map(|evidence| evidence.p),
            recurring: report.recurring.iter().take(5).map(|r| (r.k, r.share)).collect(),
            largest: report.largest,
            variance_shares: report.variance_shares,
            events: report.events.iter().map(MeasuredEvent::of).collect(),
        }
    }

    /// How clearly the head is sparser than chance, 0 for not at all; heads without an event come last.
    pub(super) fn clearness(&self) -> f64 {
        self.p.map_or(-1.0, evidence)
    }

    /// The same without its single events.
    pub(super) fn without_events(self) -> Self {
        Self { events: Vec::new(), ..self }
    }
}

impl MeasuredEvent {
    fn of(of: &EventSummary) -> Self {
        let (c, n_recon_90) = (&of.controls, of.sparsity.n_recon_90.map(|n| n as f64));
        let s = [c.basis.sparseness, c.subspace.sparseness, c.matched.sparseness];
        let n = [c.basis.n_recon_90, c.subspace.n_recon_90, c.matched.n_recon_90];
        Self {
            relative: of.relative,
            attention: of.attention,
            sparseness: [of.sparsity.sparseness, s[0], s[1], s[2]],
            n_recon_90: [n_recon_90, n[0], n[1], n[2]],
        }
    }
}

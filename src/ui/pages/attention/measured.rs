//! One head over a prompt set, as the tables and charts show it: real beside both controls.

use crate::circuits::sad::set::{EventSummary, HeadEvents, Measures};

/// One prompt of a set, as one head looked at it: real, basis control, subspace control.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct MeasuredEvent {
    /// Relative attention.
    pub relative: f64,
    /// Attention probability.
    pub attention: f64,
    /// S.
    pub sparseness: [Option<f64>; 3],
    /// N_recon at τ = 0.9; means over draws for the controls.
    pub n_recon_90: [Option<f64>; 3],
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
    /// Mean S: real, basis control, subspace control.
    pub sparseness: [Option<f64>; 3],
    /// Mean N_recon at τ = 1: real, basis, subspace.
    pub n_recon: [Option<f64>; 3],
    /// Mean N_recon at τ = 0.9: real, basis, subspace.
    pub n_recon_90: [Option<f64>; 3],
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
        let three = |of: fn(&Measures) -> Option<f64>| {
            [of(&report.real), of(&report.basis), of(&report.subspace)]
        };
        let n = report.events.len();
        Self {
            layer,
            head,
            n_events: n,
            attention: report.events.iter().map(|e| e.attention).sum::<f64>() / n.max(1) as f64,
            sparseness: three(|m| m.sparseness.map(|d| d.mean)),
            n_recon: three(|m| m.n_recon.map(|d| d.mean)),
            n_recon_90: three(|m| m.n_recon_90.map(|d| d.mean)),
            recurring: report.recurring.iter().take(5).map(|r| (r.k, r.share)).collect(),
            largest: report.largest,
            variance_shares: report.variance_shares,
            events: report.events.iter().map(MeasuredEvent::of).collect(),
        }
    }

    /// S against what a random basis gives: below 1 is sparser. Heads without an event come last.
    pub(super) fn gain(&self) -> f64 {
        self.sparseness[0].zip(self.sparseness[1]).map_or(f64::INFINITY, |(s, basis)| s / basis)
    }

    /// The same without its single events.
    pub(super) fn without_events(self) -> Self {
        Self { events: Vec::new(), ..self }
    }
}

impl MeasuredEvent {
    fn of(of: &EventSummary) -> Self {
        let (basis, subspace) = (&of.controls.basis, &of.controls.subspace);
        let n_recon_90 = of.sparsity.n_recon_90.map(|n| n as f64);
        Self {
            relative: of.relative,
            attention: of.attention,
            sparseness: [of.sparsity.sparseness, basis.sparseness, subspace.sparseness],
            n_recon_90: [n_recon_90, basis.n_recon_90, subspace.n_recon_90],
        }
    }
}

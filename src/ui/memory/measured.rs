//! Heads over a prompt set, as the tables and charts show them: real beside every control; of one model, or of every checkpoint of a
//! training. Knows no browser.

use std::rc::Rc;

use super::Memory;
use crate::circuits::sad::set::{EventSummary, HeadEvents, Measures};
use crate::protocol::heads::HeadSpectra;
use crate::ui::words::chance::evidence;
use crate::ui::words::table::{Cell, Table};

/// One prompt of a set, as one head looked at it: real, basis control, subspace control, matched control.
#[derive(Debug, Clone, PartialEq)]
pub struct MeasuredEvent {
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
pub struct MeasuredHead {
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
    pub fn of((layer, head): (usize, usize), seen: &HeadEvents) -> Self {
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
    pub fn clearness(&self) -> f64 {
        self.p.map_or(-1.0, evidence)
    }

    /// The same without its single events.
    pub fn without_events(self) -> Self {
        Self { events: Vec::new(), ..self }
    }
}

impl MeasuredEvent {
    /// What is measured of an event.
    pub const NAMES: [&str; 10] = [
        "|relative attention|",
        "attention",
        "S",
        "S basis",
        "S subspace",
        "S matched",
        "N.9",
        "N.9 basis",
        "N.9 subspace",
        "N.9 matched",
    ];

    /// It, in that order.
    pub fn values(&self) -> [Option<f64>; 10] {
        let [s, s_basis, s_subspace, s_matched] = self.sparseness;
        let [n, n_basis, n_subspace, n_matched] = self.n_recon_90;
        let (relative, attention) = (Some(self.relative.abs()), Some(self.attention));
        [relative, attention, s, s_basis, s_subspace, s_matched, n, n_basis, n_subspace, n_matched]
    }

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

/// Every event of every head, a row each: the head's name, what was measured, the head's p.
pub fn looks(heads: &[&MeasuredHead], name: impl Fn(&MeasuredHead) -> String) -> Table {
    let mut table = Table::new(MeasuredEvent::NAMES);
    table.header.insert(0, "head".to_owned());
    table.header.push("p".to_owned());
    for head in heads {
        for event in &head.events {
            let mut row = vec![name(head).into()];
            row.extend(event.values().map(Cell::from));
            row.push(head.p.into());
            table.rows.push(row);
        }
    }
    table
}

/// One checkpoint's measurements.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct MeasuredStep {
    /// Its training step.
    pub step: u32,
    /// Every head over the prompts.
    pub heads: Vec<MeasuredHead>,
    /// Every head's spectra.
    pub spectra: Vec<HeadSpectra>,
    /// Share of the prompts that were answered correctly.
    pub accuracy: Option<f64>,
}

/// The checkpoints of a training, by step.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct MeasuredSteps(pub Vec<Rc<MeasuredStep>>);

/// What is heard of them.
#[derive(Debug, Clone, PartialEq)]
pub enum StepNews {
    /// The measuring begins, or begins again.
    Fresh,
    /// What one head showed at a step.
    Head(u32, MeasuredHead),
    /// The spectra of one head at a step.
    Spectra(u32, HeadSpectra),
    /// The share of the prompts that a step answered correctly, where there is an answer to check.
    Accuracy(u32, Option<f64>),
}

impl Memory for MeasuredSteps {
    type News = StepNews;

    fn after(&self, news: StepNews) -> Self {
        let mut next = self.clone();
        match news {
            StepNews::Fresh => next.0.clear(),
            StepNews::Head(step, head) => next.at(step).heads.push(head),
            StepNews::Spectra(step, spectra) => next.at(step).spectra.push(spectra),
            StepNews::Accuracy(step, accuracy) => next.at(step).accuracy = accuracy,
        }
        next
    }
}

impl MeasuredSteps {
    /// The measurements of a step, at its place among the others.
    fn at(&mut self, step: u32) -> &mut MeasuredStep {
        let found = self.0.binary_search_by_key(&step, |s| s.step);
        let place = found.unwrap_or_else(|place| {
            self.0.insert(place, Rc::new(MeasuredStep { step, ..MeasuredStep::default() }));
            place
        });
        Rc::make_mut(&mut self.0[place])
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::circuits::head_statistics::HeadStatistics;

    fn head(head: usize) -> MeasuredHead {
        MeasuredHead {
            layer: 0,
            head,
            n_events: 1,
            attention: 0.9,
            sparseness: [None; 4],
            n_recon: [None; 4],
            n_recon_90: [None; 4],
            p: None,
            recurring: Vec::new(),
            largest: Vec::new(),
            variance_shares: Vec::new(),
            events: Vec::new(),
        }
    }

    fn spectra(head: usize) -> HeadSpectra {
        let circuit = json!({
            "sigma": [1.0], "residual": 0.0, "orthogonality": 0.0, "statistics": HeadStatistics::default()
        });
        let spectra = json!({ "layer": 0, "head": head, "qk": circuit, "ov": circuit });
        serde_json::from_value(spectra).expect("spectra")
    }

    #[test]
    fn all_that_is_heard_of_a_step_lies_at_its_place_whichever_came_first() {
        let parts = [
            StepNews::Head(200, head(0)),
            StepNews::Accuracy(0, Some(0.25)),
            StepNews::Spectra(200, spectra(0)),
            StepNews::Head(0, head(0)),
            StepNews::Accuracy(200, Some(0.75)),
            StepNews::Spectra(100, spectra(0)),
        ];
        let heard = |parts: Vec<StepNews>| {
            parts.into_iter().fold(MeasuredSteps::default(), |steps, news| steps.after(news))
        };
        let steps = heard(parts.to_vec());
        assert_eq!(heard(parts.into_iter().rev().collect()), steps);
        let found = steps.0.iter().map(|s| (s.step, s.heads.len(), s.spectra.len(), s.accuracy));
        let there = [(0, 1, 0, Some(0.25)), (100, 0, 1, None), (200, 1, 1, Some(0.75))];
        assert_eq!(found.collect::<Vec<_>>(), there);
        assert_eq!(steps.after(StepNews::Fresh), MeasuredSteps::default());
    }

    #[test]
    fn a_step_that_hears_nothing_new_is_not_copied() {
        let one = MeasuredSteps::default().after(StepNews::Head(0, head(0)));
        let two = one.after(StepNews::Head(100, head(0)));
        assert!(Rc::ptr_eq(&one.0[0], &two.0[0]));
        let more = two.after(StepNews::Head(100, head(1)));
        assert_eq!(more.0[1].heads.iter().map(|h| h.head).collect::<Vec<_>>(), [0, 1]);
        assert_eq!(two.0[1].heads.len(), 1);
    }
}

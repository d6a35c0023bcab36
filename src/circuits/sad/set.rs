//! One head over a set of prompts: how sparse its scores are against every control, and which singular vectors recur.

use serde::{Deserialize, Serialize};

use super::controls::{ControlOptions, ControlSparsity, Controls, Spread};
use super::event::{SadEvent, most_attended};
use super::evidence::{Evidence, HeadRanks};
use super::sparsity::{EventRule, RunningSum, Sparsity};
use super::terms::{HeadTerms, TermBasis, View};
use super::variance::VarianceShares;
use crate::circuits::distribution::Distribution;
use crate::circuits::error::CircuitError;
use crate::math::statistics::ranked;

/// How a set is measured; stamped on every result.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct SetOptions {
    /// Which pairs count as events.
    pub rule: EventRule,
    /// How the controls are drawn.
    pub controls: ControlOptions,
}

impl Default for SetOptions {
    fn default() -> Self {
        Self { rule: EventRule::default(), controls: ControlOptions::SET }
    }
}

/// What is remembered of one prompt.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EventSummary {
    /// Which prompt of the set.
    pub prompt: usize,
    /// The position that looks.
    pub dest: usize,
    /// The position looked at.
    pub src: usize,
    /// Attention probability.
    pub attention: f64,
    /// Relative attention.
    pub relative: f64,
    /// The real decomposition.
    pub sparsity: Sparsity,
    /// Its controls.
    pub controls: ControlSparsity,
    /// The singular vectors that make up nine tenths of the relative attention, largest first.
    pub directions: Vec<usize>,
}

/// What one head showed on some prompts: the parts of a set that were measured apart can be joined.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct HeadEvents {
    options: SetOptions,
    /// Singular values `[d_head]`.
    s: Vec<f64>,
    n_prompts: usize,
    events: Vec<EventSummary>,
    largest: Vec<usize>,
    shares: VarianceShares,
    ranks: HeadRanks,
}

/// Gathers one head's decompositions, prompt after prompt.
#[derive(Debug, Clone, PartialEq)]
pub struct HeadSet {
    basis: TermBasis,
    stream: u32,
    /// Drawn for the first event: many heads never have one.
    controls: Option<Controls>,
    seen: HeadEvents,
}

impl HeadSet {
    /// An empty set for a head; `stream` keeps the controls of different heads apart (for example their index).
    pub fn new(basis: TermBasis, options: SetOptions, stream: u32) -> Self {
        let d_head = basis.d_head();
        let seen = HeadEvents {
            options,
            s: basis.s.clone(),
            n_prompts: 0,
            events: Vec::new(),
            largest: vec![0; d_head],
            shares: VarianceShares::new(d_head),
            ranks: HeadRanks::default(),
        };
        Self { basis, stream, controls: None, seen }
    }

    /// Adds a prompt: queries and keys `[n, d_head]` as the forward pass multiplies them, and the attention they gave,
    /// `[n, n]`, all row-major. Looks at destination `dest` and source `src`, or the most attended one when `src` is `None`.
    /// Returns whether the pair was an event; every visible pair counts for the variance shares.
    ///
    /// # Errors
    /// [`CircuitError::Shape`] when the operands do not fit the head; [`CircuitError::OutOfRange`] for a position outside.
    pub fn add(
        &mut self,
        (q, k, pattern): (&[f32], &[f32], &[f32]),
        scale: f64,
        view: View,
        dest: usize,
        src: Option<usize>,
    ) -> Result<bool, CircuitError> {
        let head = HeadTerms::from_f32(&self.basis, q, k, scale)?;
        let found = (pattern.len(), 1);
        if pattern.len() != head.n_dest * head.n_src {
            let expected = (head.n_dest * head.n_src, 1);
            return Err(CircuitError::Shape { what: "attention pattern", expected, found });
        }
        let seen = &mut self.seen;
        let prompt = seen.n_prompts;
        seen.n_prompts += 1;
        (0..head.n_dest).for_each(|row| seen.shares.add(&head, row, view));
        let absent = |what, index, count| CircuitError::OutOfRange { what, index, count };
        let src = src.or_else(|| most_attended(pattern, head.n_src, view, dest));
        let src = src.ok_or(absent("destination", dest, head.n_dest))?;
        if dest >= head.n_dest || src >= head.n_src {
            return Err(absent("position", dest.max(src), head.n_src));
        }
        let relative = head.relative(dest, view.visible(dest, head.n_src), src);
        let attention = pattern.get(dest * head.n_src + src).copied().map_or(0.0, f64::from);
        if !relative.is_some_and(|r| seen.options.rule.accepts(attention, r.score)) {
            return Ok(false);
        }
        let draw = || Controls::new(&self.basis.s, seen.options.controls, self.stream);
        let controls = self.controls.get_or_insert_with(draw);
        let event = SadEvent::with_draws(&head, controls, pattern, view, dest, src);
        let Some((event, draws)) = event else { return Ok(false) };
        seen.ranks.add(&event.sparsity, &draws);
        let toward = event.relative.score;
        let mut directions = RunningSum::toward(&event.relative.terms, toward).order;
        directions.truncate(event.sparsity.n_recon_90.unwrap_or(0));
        let terms = event.relative.terms.iter().enumerate();
        let largest =
            terms.reduce(|best, next| if next.1.abs() > best.1.abs() { next } else { best });
        let count = largest.and_then(|(k, _)| seen.largest.get_mut(k));
        count.into_iter().for_each(|count| *count += 1);
        let (attention, relative) = (event.attention, event.relative.score);
        let (sparsity, controls) = (event.sparsity, event.controls);
        let summary =
            EventSummary { prompt, dest, src, attention, relative, sparsity, controls, directions };
        seen.events.push(summary);
        Ok(true)
    }

    /// Lets go of the rotations, which are the largest part by far, until the next event draws the same ones again.
    pub fn rest(&mut self) {
        self.controls = None;
    }

    /// What the head showed so far.
    pub fn seen(self) -> HeadEvents {
        self.seen
    }

    /// What the set says about the head so far.
    pub fn report(&self) -> HeadSetReport {
        self.seen.report()
    }
}

impl HeadEvents {
    /// Adds what the same head showed on the prompts that follow.
    pub fn join(&mut self, later: Self) {
        let first = self.n_prompts;
        let event = |e: EventSummary| EventSummary { prompt: first + e.prompt, ..e };
        self.events.extend(later.events.into_iter().map(event));
        self.n_prompts += later.n_prompts;
        self.largest.iter_mut().zip(later.largest).for_each(|(sum, n)| *sum += n);
        self.shares.join(&later.shares);
        self.ranks.join(later.ranks);
    }

    /// What the set says about the head.
    pub fn report(&self) -> HeadSetReport {
        let over = |of: &dyn Fn(&EventSummary) -> [Option<f64>; 3]| {
            let values: Vec<[Option<f64>; 3]> = self.events.iter().map(of).collect();
            let column = |at: usize| {
                Distribution::of(values.iter().filter_map(|v| v.get(at).copied().flatten()))
            };
            Measures { sparseness: column(0), n_recon: column(1), n_recon_90: column(2) }
        };
        let count = |n: Option<usize>| n.map(|n| n as f64);
        let of_spread = |c: &Spread| [c.sparseness, c.n_recon, c.n_recon_90];
        HeadSetReport {
            options: self.options,
            n_prompts: self.n_prompts,
            n_events: self.events.len(),
            real: over(&|e| {
                let s = &e.sparsity;
                [s.sparseness, count(s.n_recon), count(s.n_recon_90)]
            }),
            basis: over(&|e| of_spread(&e.controls.basis)),
            subspace: over(&|e| of_spread(&e.controls.subspace)),
            matched: over(&|e| of_spread(&e.controls.matched)),
            against_chance: self.ranks.evidence(),
            recurring: self.recurring(),
            largest: self.largest.clone(),
            variance_shares: self.shares.shares(),
            events: self.events.clone(),
        }
    }

    fn recurring(&self) -> Vec<Recurrence> {
        let mut counts = vec![0; self.s.len()];
        for k in self.events.iter().flat_map(|event| &event.directions) {
            counts.get_mut(*k).into_iter().for_each(|count| *count += 1);
        }
        let n_events = self.events.len().max(1) as f64;
        let recurring: Vec<Recurrence> = (counts.into_iter().zip(&self.s).enumerate())
            .filter(|(_, (count, _))| *count > 0)
            .map(|(k, (count, &sigma))| Recurrence { k, sigma, share: count as f64 / n_events })
            .collect();
        ranked(&recurring, |r| r.share)
    }
}

/// One head over a set of prompts. Read `real` only beside every control: a decaying spectrum, or small scores, look sparse by
/// themselves.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct HeadSetReport {
    /// How it was measured.
    pub options: SetOptions,
    /// Prompts looked at.
    pub n_prompts: usize,
    /// Pairs that met the rule.
    pub n_events: usize,
    /// The singular vectors' own basis.
    pub real: Measures,
    /// The control that keeps every score: means over draws, distributed over events.
    pub basis: Measures,
    /// The control with independent rotations.
    pub subspace: Measures,
    /// The control that keeps spectrum and score.
    pub matched: Measures,
    /// Whether all of them are beaten: prompts are the unit; correct over the heads that are shown. `None` without an event.
    pub against_chance: Option<Evidence>,
    /// Singular vectors by how often they are among those that make up nine tenths of the relative attention.
    pub recurring: Vec<Recurrence>,
    /// `[d_head]`: in how many events vector k has the largest |term|: where in the spectrum the work is done.
    pub largest: Vec<usize>,
    /// `[d_head]`: share of the variance of relative scores, over all visible pairs of all prompts; see
    /// [`VarianceShares`]. Empty while there is no variance.
    pub variance_shares: Vec<f64>,
    /// Every event, in the order of the prompts.
    pub events: Vec<EventSummary>,
}

/// The three measures over the events of a set.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Measures {
    /// Rolls–Tovee sparseness.
    pub sparseness: Option<Distribution>,
    /// Terms for the whole sum.
    pub n_recon: Option<Distribution>,
    /// Terms for nine tenths.
    pub n_recon_90: Option<Distribution>,
}

/// A singular vector that comes back from prompt to prompt.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Recurrence {
    /// Its index in the spectrum, 0 for the largest singular value.
    pub k: usize,
    /// Its singular value.
    pub sigma: f64,
    /// Share of the events in which it is among the main terms.
    pub share: f64,
}

#[cfg(test)]
mod tests {
    use std::ops::Range;

    use super::*;
    use crate::math::{Mat, layout::to_row_major_f32, random::Rng};

    const CAUSAL: View = View { causal: true, window: None };

    /// A head whose matches all run through the vector with the smallest singular value.
    fn planted(d_head: usize) -> TermBasis {
        let s: Vec<f64> = (0..d_head).map(|k| 2.0 - k as f64 / d_head as f64).collect();
        let g_dest = Mat::from_diagonal(&s.clone().into());
        let g_src = g_dest.map(|x| if x > 0.0 { 1.0 / x } else { 0.0 });
        TermBasis::new(g_dest, g_src, s).unwrap()
    }

    fn set_of(prompts: Range<usize>, options: SetOptions) -> HeadSet {
        let mut set = HeadSet::new(planted(8), options, 3);
        for prompt in prompts {
            let mut rng = Rng::of_stream(1, prompt as u32);
            let (mut q, mut k) = (rng.normal_matrix(6, 8) * 0.1, rng.normal_matrix(6, 8) * 0.1);
            let target = 1 + rng.below(4) as usize;
            (q[(5, 7)], k[(target, 7)]) = (3.0, 3.0);
            let mut pattern = vec![0.0_f32; 36];
            pattern[30 + target] = 0.9;
            let (q, k) = (to_row_major_f32(&q), to_row_major_f32(&k));
            assert!(set.add((&q, &k, &pattern), 0.5, CAUSAL, 5, None).unwrap());
        }
        set
    }

    #[test]
    fn the_vector_that_does_the_work_is_found_at_the_bottom_of_the_spectrum() {
        let report = set_of(0..12, SetOptions::default()).report();
        assert_eq!((report.n_prompts, report.n_events), (12, 12));
        assert_eq!(report.largest, [0, 0, 0, 0, 0, 0, 0, 12]);
        assert_eq!((report.recurring[0].k, report.recurring[0].share), (7, 1.0));
        assert!(report.variance_shares[7] > 0.9);
        assert!((report.variance_shares.iter().sum::<f64>() - 1.0).abs() < 1e-9);
        let s = |measures: &Measures| measures.sparseness.unwrap().quartiles[2];
        assert!(s(&report.real) < 0.2 && s(&report.basis) > 0.35, "{report:?}");
        assert_eq!(report.real.n_recon_90.unwrap().mean, 1.0);
    }

    #[test]
    fn parts_that_were_measured_apart_join_to_the_whole() {
        let whole = set_of(0..12, SetOptions::default());
        let mut joined = set_of(0..5, SetOptions::default()).seen();
        joined.join(set_of(5..12, SetOptions::default()).seen());
        let (whole, joined) = (whole.report(), joined.report());
        for (a, b) in whole.variance_shares.iter().zip(&joined.variance_shares) {
            // Sums of the same numbers in another order.
            assert!((a - b).abs() < 1e-12);
        }
        let p = |report: &HeadSetReport| report.against_chance.unwrap().p;
        assert!((p(&whole) - p(&joined)).abs() < 1e-9 * p(&whole));
        let (variance_shares, against_chance) =
            (whole.variance_shares.clone(), whole.against_chance);
        assert_eq!(HeadSetReport { variance_shares, against_chance, ..joined }, whole);
    }

    #[test]
    fn pairs_under_the_rule_are_not_events_and_wrong_operands_are_refused() {
        let rule = EventRule::Attention(0.95);
        let mut set = HeadSet::new(planted(2), SetOptions { rule, ..SetOptions::default() }, 0);
        let (q, pattern) = (vec![1.0_f32; 6], vec![0.1_f32; 9]);
        assert!(!set.add((&q, &q, &pattern), 1.0, CAUSAL, 2, None).unwrap());
        assert!(!set.add((&q, &q, &pattern), 1.0, CAUSAL, 0, Some(0)).unwrap(), "one source");
        assert_eq!(set.report().real.sparseness, None);
        assert!(set.report().variance_shares.is_empty(), "all scores are equal");
        assert!(set.add((&q[1..], &q, &pattern), 1.0, CAUSAL, 2, None).is_err());
        assert!(set.add((&q, &q, &pattern[1..]), 1.0, CAUSAL, 2, None).is_err());
        assert!(set.add((&q, &q, &pattern), 1.0, CAUSAL, 3, None).is_err());
        assert!(set.add((&q, &q, &pattern), 1.0, CAUSAL, 2, Some(3)).is_err());
    }
}

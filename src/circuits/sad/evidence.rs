//! Whether a head is sparser than chance over a set of prompts: its own basis among random ones, prompt by prompt.
//!
//! A prompt is the unit. On each, the own S takes a rank among those of the same R random bases; under chance every rank is as
//! likely. Two things could still make many low ranks: luck with the prompts, and luck with the basis, which prompts that
//! resemble each other repeat. So a control counts as beaten by the *larger* of two p-values:
//! - over prompts: the signed-rank test of the ranks against their middle, which is symmetric by construction;
//! - over bases: the mean S of the own basis against those of the random ones, whose spread holds whatever the prompts share,
//!   as one more draw from them (a t tail with R − 1 degrees of freedom). For prompts that are all alike the tail of S itself
//!   decides: simulated for flat and decaying spectra of 4 to 64 directions, `P(p < t) / t` is at most 1.5 down to 1e-4. (The
//!   tail of ln S is not: 20 at 1e-4.) The matched control chooses by weights, which differ from look to look: over 25 prompts that share
//!   most of what the head sees, it has 0.01 to 0.1 at 0.05, 0 to 0.04 at 0.01 and up to 0.02 at 0.001, where draws of each look's own
//!   had 0.3, 0.25 and 0.2.
//!
//! # Source
//! Wilcoxon, Biometrics Bulletin 1 (1945). All controls must be beaten, so the largest p is the test's (Berger,
//! Technometrics 24, 1982).

use serde::{Deserialize, Serialize};

use super::controls::ControlDraws;
use super::sparsity::Sparsity;
use crate::math::signed_rank::{doubled_mid_ranks, signed_rank_p};
use crate::math::special::student_tail;
use crate::math::statistics::mean_sd;

/// One head's ranks against each control, in the order of [`ControlDraws::each`].
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct HeadRanks([Ranks; 3]);

/// The own basis among those of one control.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
struct Ranks {
    /// Its rank on every prompt, between 0 (sparsest) and 1.
    own: Vec<f64>,
    /// The sum of its S over the prompts.
    sum: f64,
    /// The same of every random basis.
    random: Vec<f64>,
}

/// The p of "no sparser than chance" over a set of prompts.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Evidence {
    /// Against bases that keep every score.
    pub basis: f64,
    /// Against independent rotations of both sides.
    pub subspace: f64,
    /// Against directions that keep spectrum and score.
    pub matched: f64,
    /// The largest of them: all must be beaten.
    pub p: f64,
}

impl HeadRanks {
    /// Ranks one prompt.
    pub(super) fn add(&mut self, real: &Sparsity, draws: &ControlDraws) {
        for (ranks, draws) in self.0.iter_mut().zip(draws.each()) {
            ranks.add(real, draws);
        }
    }

    /// Adds what was ranked among the same random bases on other prompts.
    pub(super) fn join(&mut self, later: Self) {
        for (ranks, later) in self.0.iter_mut().zip(later.0) {
            ranks.own.extend(later.own);
            ranks.sum += later.sum;
            ranks.random.resize(ranks.random.len().max(later.random.len()), 0.0);
            ranks.random.iter_mut().zip(later.random).for_each(|(sum, more)| *sum += more);
        }
    }

    /// What they say; `None` without an event, or with fewer than two draws.
    pub(super) fn evidence(&self) -> Option<Evidence> {
        let [basis, subspace, matched] = &self.0;
        let (basis, subspace, matched) = (basis.p()?, subspace.p()?, matched.p()?);
        Some(Evidence { basis, subspace, matched, p: basis.max(subspace).max(matched) })
    }
}

impl Ranks {
    fn add(&mut self, real: &Sparsity, draws: &[Sparsity]) {
        let random = draws.iter().map(|draw| draw.sparseness);
        let Some(values) =
            std::iter::once(real.sparseness).chain(random).collect::<Option<Vec<_>>>()
        else {
            return;
        };
        let Some((own, random)) = values.split_first() else { return };
        let share = |rank: usize| (rank as f64 - 1.0) / (2.0 * values.len() as f64);
        self.own.extend(doubled_mid_ranks(&values).first().map(|&rank| share(rank)));
        self.sum += own;
        self.random.resize(draws.len(), 0.0);
        self.random.iter_mut().zip(random).for_each(|(sum, s)| *sum += s);
    }

    fn p(&self) -> Option<f64> {
        let n = self.random.len();
        if n < 2 || self.own.is_empty() {
            return None;
        }
        let (mean, sd) = mean_sd(&self.random);
        let t = (mean - self.sum) / (sd * (1.0 + 1.0 / n as f64).sqrt());
        // A single direction has no other basis: all of them are equal, up to rounding.
        let differ = sd > 1e-9 * mean;
        let over_bases = if differ { student_tail(t, n as f64 - 1.0) } else { 1.0 };
        let below: Vec<f64> = self.own.iter().map(|rank| 0.5 - rank).collect();
        Some(over_bases.max(signed_rank_p(&below)))
    }
}

//! Sparse attention decomposition: how few singular vectors make up a score.
//!
//! None of these numbers means anything without a control ([`crate::circuits::sad::controls`]): a small score is reached at once, so
//! random heads have a median N_recon of 2, and a 1/k spectrum alone gives S ≈ 0.17 without any alignment.
//!
//! # Source
//! Sparseness: E. T. Rolls and M. J. Tovee, J. Neurophysiol. 73 (1995). Relative attention and N_recon: Franco, Loughridge
//! and Crovella, arXiv:2602.13524.

use serde::{Deserialize, Serialize};

use crate::math::statistics::{largest_first, largest_reaching};

/// How far under its target a partial sum may stay and still count as having reached it, as a share of the target.
///
/// The authors' code rounds the cumulative fraction to five decimals; half a unit of the fifth decimal does the same.
pub const RECONSTRUCTION_SLACK: f64 = 5e-6;

/// Rolls–Tovee sparseness `S = (mean |v|)² / mean(v²)`, between `1/n` (one single term) and 1 (all equal): **lower is
/// sparser**. A random basis with a flat spectrum gives (2/π)² ≈ 0.405. `None` when all terms are zero.
pub fn sparseness(terms: &[f64]) -> Option<f64> {
    let n = terms.len() as f64;
    // The scale cancels in S; taking it out first keeps the squares of tiny terms from vanishing.
    let largest = terms.iter().fold(0.0_f64, |most, t| most.max(t.abs()));
    let (sum, squares) = terms.iter().fold((0.0, 0.0), |(sum, squares), t| {
        let t = (t / largest).abs();
        (sum + t, squares + t * t)
    });
    (largest > 0.0 && largest.is_finite()).then(|| sum * sum / (n * squares))
}

/// What a sum in the sign of `total` must come to for `tau` of it.
fn target(tau: f64, total: f64) -> f64 {
    (tau - RECONSTRUCTION_SLACK) * total.abs()
}

/// The smallest number of terms that add up to `tau` of the whole: the `n` largest in the sign of the sum.
///
/// No other choice of terms gets there with fewer. `None` when the terms sum to zero.
pub fn n_recon(terms: &[f64], tau: f64) -> Option<usize> {
    RunningSum::of(terms).reach(tau)
}

/// Terms ordered from the one that helps the sum most to the one that hinders it most, with their running sum.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunningSum {
    /// Indices of the terms in that order.
    pub order: Vec<usize>,
    /// `sums[n − 1]`: the sum of the first n terms in that order.
    pub sums: Vec<f64>,
    /// What is to be reached: the sum of all terms, and what no term carries where there is such a remainder.
    pub total: f64,
}

impl RunningSum {
    /// Orders the terms by their contribution in the sign of their sum; ties keep the order of the spectrum.
    pub fn of(terms: &[f64]) -> Self {
        Self::toward(terms, terms.iter().sum())
    }

    /// As [`RunningSum::of`], towards a score of which the terms are not all.
    pub fn toward(terms: &[f64], total: f64) -> Self {
        let keys: Vec<f64> = terms.iter().map(|t| t * total.signum()).collect();
        let order = largest_first(&keys);
        let add = |sum: &mut f64, &k: &usize| {
            *sum += terms[k];
            Some(*sum)
        };
        let sums = order.iter().scan(0.0, add).collect();
        Self { order, sums, total }
    }

    /// How many terms it takes to reach `(tau − 5·10⁻⁶) |total|`; `None` when the total is zero, or out of their reach.
    pub fn reach(&self, tau: f64) -> Option<usize> {
        let (sign, target) = (self.total.signum(), target(tau, self.total));
        let reached = || self.sums.iter().position(|sum| sum * sign >= target);
        (self.total != 0.0).then(reached).flatten().map(|at| at + 1)
    }
}

/// The three numbers of one decomposition; `None` where undefined (all terms zero, or a zero sum).
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Sparsity {
    /// Rolls–Tovee sparseness, lower is sparser.
    pub sparseness: Option<f64>,
    /// Terms needed for the whole sum.
    pub n_recon: Option<usize>,
    /// Terms needed for nine tenths of the sum: the whole counts crumbs.
    pub n_recon_90: Option<usize>,
}

impl Sparsity {
    /// Measures one set of terms against their own sum.
    pub fn of(terms: &[f64]) -> Self {
        Self::toward(terms, terms.iter().sum())
    }

    /// Measures the terms of a score that has a remainder: N_recon aims at the score.
    pub fn toward(terms: &[f64], total: f64) -> Self {
        let reach = [1.0, 0.9];
        let keys = terms.iter().map(|t| t * total.signum()).collect();
        // A look has a hundred draws of controls and more, each counted: no order is kept.
        let [n_recon, n_recon_90] = if total == 0.0 {
            [None; 2]
        } else {
            largest_reaching(keys, reach.map(|tau| target(tau, total)))
        };
        Self { sparseness: sparseness(terms), n_recon, n_recon_90 }
    }
}

/// The terms that the 2024 rule keeps: the shortest descending prefix whose sum *exceeds* the whole score, before the terms
/// of the other sign bring it back. All of them when no prefix does, because none has the other sign.
///
/// Unlike [`n_recon`] it was run on the score itself, not on relative attention, and it is strict: a single helping term
/// and no hindering one still keeps every term.
///
/// # Source
/// `gaabrielfranco/sparse-attention-decomposition`, `utils.py`, with `perc_contrib_thresh = 1.0`.
pub fn prefix_rule_2024(terms: &[f64]) -> Vec<usize> {
    let mut running = RunningSum::of(terms);
    let (sign, whole) = (running.total.signum(), running.total.abs());
    // Adding in another order leaves dust: without a margin the rule would depend on it.
    let dust = f64::EPSILON * terms.iter().map(|t| t.abs()).sum::<f64>();
    let exceeds = running.sums.iter().position(|sum| sum * sign > whole + dust);
    running.order.truncate(exceeds.map_or(terms.len(), |at| at + 1));
    running.order
}

/// Which pairs (dest, src) count as events. Small scores make every head look sparse, so a choice is always stated.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EventRule {
    /// Every pair that was asked for.
    Every,
    /// Attention above this probability; 0.5 is the usual choice.
    Attention(f64),
    /// |relative attention| above this.
    Relative(f64),
}

impl EventRule {
    /// In words, for the line under a figure and for exports.
    pub fn words(self) -> String {
        match self {
            Self::Every => "every look".to_owned(),
            Self::Attention(least) => format!("looks with attention over {least}"),
            Self::Relative(least) => format!("looks with |relative attention| over {least}"),
        }
    }

    /// Whether a pair with this attention probability and this relative attention is an event.
    pub fn accepts(self, attention: f64, relative: f64) -> bool {
        match self {
            Self::Every => true,
            Self::Attention(threshold) => attention > threshold,
            Self::Relative(threshold) => relative.abs() > threshold,
        }
    }
}

impl Default for EventRule {
    fn default() -> Self {
        Self::Attention(0.5)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_2024_rule_stops_where_the_prefix_first_exceeds_the_whole() {
        assert_eq!(prefix_rule_2024(&[1.0, 5.0, -2.0, 0.5]), [1]);
        assert_eq!(prefix_rule_2024(&[-1.0, -5.0, 2.0, -0.5]), [1]);
        assert_eq!(prefix_rule_2024(&[3.0, 2.0, -1.0]), [0, 1]);
        assert_eq!(prefix_rule_2024(&[0.1, 0.2, 0.7]), [2, 1, 0], "no term of the other sign");
    }

    #[test]
    fn a_remainder_is_part_of_what_is_to_be_reached() {
        let n = |total| {
            let found = Sparsity::toward(&[4.0, 3.0, 2.0], total);
            (found.n_recon, found.n_recon_90)
        };
        assert_eq!(n(9.0), (Some(3), Some(3)));
        // The remainder helps: fewer terms; it hinders: no number of terms is enough.
        assert_eq!(n(7.0), (Some(2), Some(2)));
        assert_eq!(n(9.9), (None, Some(3)));
        assert_eq!(Sparsity::of(&[4.0, 3.0, 2.0]), Sparsity::toward(&[4.0, 3.0, 2.0], 9.0));
    }

    #[test]
    fn counting_without_an_order_counts_the_same() {
        let mut rng = crate::math::random::Rng::new(2);
        for n in [0, 1, 2, 5, 64] {
            for scale in [1.0, -1.0, 0.0, f64::NAN] {
                let terms: Vec<f64> = (0..n).map(|_| scale * rng.normal()).collect();
                let total = 1.1 * terms.iter().sum::<f64>();
                let (counted, running) =
                    (Sparsity::toward(&terms, total), RunningSum::toward(&terms, total));
                assert_eq!(counted.n_recon, running.reach(1.0), "{terms:?}");
                assert_eq!(counted.n_recon_90, running.reach(0.9), "{terms:?}");
            }
        }
    }

    #[test]
    fn events_are_chosen_by_what_was_said() {
        assert!(EventRule::default().accepts(0.51, 0.0));
        assert!(!EventRule::default().accepts(0.5, 9.0));
        assert!(EventRule::Relative(2.0).accepts(0.0, -2.5));
        assert!(EventRule::Every.accepts(0.0, 0.0));
    }
}

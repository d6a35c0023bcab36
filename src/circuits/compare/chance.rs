//! What chance makes of a change: two null models in closed form, so that a p-value costs nothing and means what it says far out.
//!
//! **A random perturbation of equal norm.** `W_Q` and `W_K` (or `W_V` and `W_O`) moved by `‖dA‖_F` and `‖dB‖_F`. Had each moved
//! as far in a uniformly random direction, `ΔΩ = dA B'ᵀ + A dBᵀ` would have been a sum of two random terms whose energies inside
//! and outside the old subspaces have known means and variances ([`Split`]). Against it stand
//! - `change`: larger than chance means that the weights moved along what the head already does most, smaller that they moved
//!   without changing it (a change of basis inside the head is the extreme);
//! - `inside_left`, `inside_right`: larger than chance means that old directions were recombined, smaller that new ones were taken up.
//!
//! Both tests are two-sided. The null is one of isotropic change: rounding to fewer bits, which moves large weights further, is
//! not quite it.
//!
//! **Random subspaces of the same size.** Two independent uniform subspaces of `r_A` and `r_B` dimensions in `d` overlap by
//! `Σ cos²θ = r_A r_B / d` on average. `overlap_left`, `overlap_right`: the mean cos² of the angles against it, one-sided (closer
//! than chance). Fine-tuned models pass it by far; for two seeds it is the question.
//!
//! # Source
//! Ours for the perturbation; its tails are gamma (by E. B. Wilson & M. M. Hilferty, 1931) and beta with the null's mean and
//! variance. The overlap is Pillai's trace of two unrelated sets of variables; a beta of matched moments is K. C. S. Pillai's
//! (1955) and K. E. Muller's (1998) approximation, exact where one subspace is a line. Simulated in `tests.rs` beside this file.

use serde::{Deserialize, Serialize};

use super::{CircuitChange, Subspaces, norm, relative};
use crate::math::Mat;
use crate::math::joint::Joint;
use crate::math::products::transposed_times;
use crate::math::special::{ln_beta_inc, normal_tail};
use crate::math::statistics::benjamini_hochberg;

/// A number beside what chance would have made of it.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Evidence {
    /// The number.
    pub observed: f64,
    /// Its mean under the null.
    pub expected: f64,
    /// Its standard deviation under the null.
    pub sd: f64,
    /// How many standard deviations away it is.
    pub z: f64,
    /// How rarely chance is as far out.
    pub p: f64,
    /// [`Self::p`] corrected for every head and circuit of the comparison; `None` before [`correct`].
    pub q: Option<f64>,
}

/// The numbers of one circuit beside chance; `None` where the null says nothing: nothing changed, the answer is certain (a
/// change of `W_K` alone is inside on the left), a head without full rank, a subspace that fills the space.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct Chance {
    /// `change` under a random perturbation of equal norm.
    pub change: Option<Evidence>,
    /// `inside_left` under the same.
    pub inside_left: Option<Evidence>,
    /// `inside_right` under the same.
    pub inside_right: Option<Evidence>,
    /// Mean cos² of the left angles between random subspaces.
    pub overlap_left: Option<Evidence>,
    /// Mean cos² of the right angles.
    pub overlap_right: Option<Evidence>,
    /// `change` against that of a third model, see [`super::yardstick`]; `None` without one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub third_change: Option<Evidence>,
    /// Mean sin² of the left angles against that of the third model.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub third_left: Option<Evidence>,
    /// Mean sin² of the right angles.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub third_right: Option<Evidence>,
}

/// The dimensions in which both factors of one side live: `d_model`, less one where folding has taken the mean out of both.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Space(usize);

impl Space {
    pub(super) fn around(old: &Mat, new: &Mat) -> Self {
        let centred = |m: &Mat| {
            let limit = 1e-12 * m.norm() * (m.nrows() as f64).sqrt();
            m.column_iter().all(|column| sum(column.as_slice()).abs() <= limit)
        };
        Self(old.nrows() - usize::from(old.nrows() > 1 && centred(old) && centred(new)))
    }
}

impl Chance {
    pub(super) fn of(
        found: &CircuitChange,
        joint: &Joint,
        [a, b]: [&Subspaces; 2],
        [left, right]: [Space; 2],
    ) -> Self {
        let overlap = |angles: &[f64], space: Space| {
            overlap_evidence(angles, a.sigma.len(), b.sigma.len(), space.0)
        };
        let mut chance = Self {
            overlap_left: overlap(&found.angles_left, left),
            overlap_right: overlap(&found.angles_right, right),
            ..Self::default()
        };
        let moved = found.delta.first().is_some_and(|first| *first > 0.0);
        let (Some(inside_left), Some(inside_right), true) =
            (found.inside_left, found.inside_right, moved)
        else {
            return chance;
        };
        let perturbed = Perturbed::new(joint, a, [left, right]);
        let energy = joint.difference.norm_squared();
        let unit = relative(norm(&found.delta), norm(&found.sigma_a)).unwrap_or(f64::NAN);
        chance.change = perturbed.left.total(energy, unit);
        // With null directions the old subspace is smaller than what the factors span, and the split another.
        if a.sigma.len() == found.sigma_a.len() {
            chance.inside_left = perturbed.left.inside(inside_left);
            chance.inside_right = perturbed.right.inside(inside_right);
        }
        chance
    }

    fn each(&mut self) -> [&mut Option<Evidence>; 8] {
        [
            &mut self.change,
            &mut self.inside_left,
            &mut self.inside_right,
            &mut self.overlap_left,
            &mut self.overlap_right,
            &mut self.third_change,
            &mut self.third_left,
            &mut self.third_right,
        ]
    }
}

/// Fills in every q: one Benjamini–Hochberg for each kind of question (change, inside, overlap, change and turn beside a third model) over all that is compared, both
/// sides together. Together they would be too kind: where every overlap is far from chance, a twentieth of those discoveries
/// could be false ones about something else.
pub fn correct<'a>(all: impl IntoIterator<Item = &'a mut CircuitChange>) {
    let mut all: Vec<_> = all.into_iter().map(|circuit| circuit.chance.each()).collect();
    for kind in [0..1, 1..3, 3..5, 5..6, 6..8] {
        let of_kind = all.iter_mut().flat_map(|each| &mut each[kind.clone()]);
        let mut asked: Vec<&mut Evidence> = of_kind.filter_map(|found| found.as_mut()).collect();
        let p: Vec<f64> = asked.iter().map(|evidence| evidence.p).collect();
        for (evidence, q) in asked.iter_mut().zip(benjamini_hochberg(&p)) {
            evidence.q = Some(q);
        }
    }
}

/// The energies of ΔΩ inside and outside an old subspace under the null.
#[derive(Debug, Clone, Copy, Default)]
struct Split {
    inside: f64,
    outside: f64,
    inside_variance: f64,
    outside_variance: f64,
    covariance: f64,
}

struct Perturbed {
    left: Split,
    right: Split,
}

impl Perturbed {
    /// `ΔΩ = dA B'ᵀ + A dBᵀ` with `dA` and `dB` uniform on the spheres of their norms. On the left `A` lies inside and `dA` in all
    /// of the space; on the right `dB` does, and `B'` has a part inside and one outside.
    ///
    /// The product of the two terms has mean zero; its variance is taken with `dA` random and `dB` as it is, since `B'` holds it.
    fn new(joint: &Joint, a: &Subspaces, [left, right]: [Space; 2]) -> Self {
        let (old, step) = (&joint.left.old, &joint.right.change);
        let (fixed, h) = (&joint.right.new, old.ncols() as f64);
        let (d_left, d_right) = (left.0 as f64, right.0 as f64);
        let per_entry = |m: &Mat, d: f64| m.norm_squared() / (d * h);
        let (s_left, s_right) = (per_entry(&joint.left.change, d_left), per_entry(step, d_right));
        let r = a.sigma.len() as f64;
        let ([fixed_in, fixed_out], [step_in, step_out]) =
            (a.split_right(fixed), a.split_right(step));
        // The old factor comes first in its basis: past that its coordinates are zero.
        let old = old.rows(0, old.ncols().min(old.nrows())).into_owned();
        let [gram_in, gram_out, gram_old] =
            [&fixed_in, &fixed_out, &old].map(|m| transposed_times(m, m));
        let gram = &gram_in + &gram_out;
        let cross = |step: &Mat, fixed: &Mat| &old * transposed_times(step, fixed);
        let (cross_in, cross_out) = (cross(&step_in, &fixed_in), cross(&step_out, &fixed_out));
        let cross_all = &cross_in + &cross_out;
        let nothing = Mat::zeros(gram.nrows(), gram.ncols());
        let with_cross = |split: Split, [inside, outside, both]: [f64; 3]| Split {
            inside_variance: split.inside_variance + 4.0 * s_left * inside,
            outside_variance: split.outside_variance + 4.0 * s_left * outside,
            covariance: split.covariance + 4.0 * s_left * both,
            ..split
        };
        let own = Quadratic::new(s_left, h * d_left, [r, d_left - r], [&gram, &gram]);
        let other = Quadratic::new(s_right, h * d_right, [d_right; 2], [&gram_old, &nothing]);
        let left = with_cross(own.plus(&other), [cross_all.norm_squared(), 0.0, 0.0]);
        let own = Quadratic::new(s_right, h * d_right, [r, d_right - r], [&gram_old, &gram_old]);
        let other = Quadratic::new(s_left, h * d_left, [d_left; 2], [&gram_in, &gram_out]);
        let crossed = [cross_in.norm_squared(), cross_out.norm_squared(), cross_in.dot(&cross_out)];
        Self { left, right: with_cross(own.plus(&other), crossed) }
    }
}

/// Energies of one random `[d, h]` factor times a fixed one, inside and outside.
struct Quadratic(Split);

impl Quadratic {
    /// `x` of `n` entries, uniform on the sphere of radius² `s n`, in two quadratic forms `I_rows ⊗ Gram`. With different rows
    /// (`rows` differ and add up) the forms share no entry; with the same rows they share all.
    fn new(s: f64, n: f64, rows: [f64; 2], grams: [&Mat; 2]) -> Self {
        let trace = [rows[0] * grams[0].trace(), rows[1] * grams[1].trace()];
        // Gram matrices are symmetric: tr(G H) is the sum of products.
        let variance =
            |i: usize| 2.0 * s * s * (rows[i] * grams[i].norm_squared() - trace[i] * trace[i] / n);
        let shared = if rows[0] == rows[1] && !std::ptr::eq(grams[0], grams[1]) {
            rows[0] * grams[0].dot(grams[1])
        } else {
            0.0
        };
        Self(Split {
            inside: s * trace[0],
            outside: s * trace[1],
            inside_variance: variance(0),
            outside_variance: variance(1),
            covariance: 2.0 * s * s * (shared - trace[0] * trace[1] / n),
        })
    }

    fn plus(self, other: &Self) -> Split {
        let (one, other) = (self.0, other.0);
        Split {
            inside: one.inside + other.inside,
            outside: one.outside + other.outside,
            inside_variance: one.inside_variance + other.inside_variance,
            outside_variance: one.outside_variance + other.outside_variance,
            covariance: one.covariance + other.covariance,
        }
    }
}

impl Split {
    /// The energy of ΔΩ, told as the change of a head whose change is `unit` at `energy`.
    fn total(&self, energy: f64, unit: f64) -> Option<Evidence> {
        let mean = self.inside + self.outside;
        let variance = self.inside_variance + self.outside_variance + 2.0 * self.covariance;
        if !(mean > 0.0 && variance > 1e-20 * mean * mean && unit.is_finite()) {
            return None;
        }
        let spread = variance / (9.0 * mean * mean);
        let z = ((energy / mean).cbrt() - (1.0 - spread)) / spread.sqrt();
        let expected = unit * (mean / energy).sqrt();
        Some(Evidence {
            observed: unit,
            expected,
            sd: expected * 0.5 * (variance / (mean * mean)).sqrt(),
            z,
            p: (2.0 * normal_tail(z.abs())).min(1.0),
            q: None,
        })
    }

    /// The share of the energy that is inside.
    fn inside(&self, observed: f64) -> Option<Evidence> {
        let total = self.inside + self.outside;
        let expected = self.inside / total;
        let outside = self.outside / total;
        let variance = (outside * outside * self.inside_variance
            + expected * expected * self.outside_variance
            - 2.0 * expected * outside * self.covariance)
            / (total * total);
        beta_evidence(observed, expected, variance, true)
    }
}

/// The sum of a long column, four additions at a time.
fn sum(x: &[f64]) -> f64 {
    let (fours, rest) = x.as_chunks::<4>();
    let mut lanes = [0.0; 4];
    for four in fours {
        lanes.iter_mut().zip(four).for_each(|(lane, x)| *lane += x);
    }
    lanes.iter().chain(rest).sum()
}

fn overlap_evidence(angles: &[f64], r_a: usize, r_b: usize, d: usize) -> Option<Evidence> {
    if angles.is_empty() || r_a >= d || r_b >= d {
        return None;
    }
    let observed =
        angles.iter().map(|angle| angle.cos().powi(2)).sum::<f64>() / angles.len() as f64;
    let (least, n) = ((r_a + r_b).saturating_sub(d) as f64, angles.len() as f64);
    let (r_a, r_b, d) = (r_a as f64, r_b as f64, d as f64);
    let mean = r_a * r_b / d;
    let variance = 2.0 * mean * (d - r_a) * (d - r_b) / (d * (d - 1.0) * (d + 2.0));
    // Two subspaces that together are wider than the space share some directions for certain.
    let range = n - least;
    let on_unit = |sum: f64| (sum - least) / range;
    let found =
        beta_evidence(on_unit(observed * n), on_unit(mean), variance / (range * range), false)?;
    Some(Evidence { observed, expected: mean / n, sd: variance.sqrt() / n, ..found })
}

/// A share between 0 and 1 against a beta distribution of this mean and variance.
fn beta_evidence(observed: f64, mean: f64, variance: f64, two_sided: bool) -> Option<Evidence> {
    let size = mean * (1.0 - mean) / variance - 1.0;
    if !(mean > 0.0 && mean < 1.0 && variance > 0.0 && size > 0.0 && size < 1e12) {
        return None;
    }
    let (a, b) = (mean * size, (1.0 - mean) * size);
    let observed = observed.clamp(0.0, 1.0);
    let upper = ln_beta_inc(b, a, observed).exp();
    let lower = ln_beta_inc(a, b, 1.0 - observed).exp();
    let p = if two_sided { (2.0 * upper.min(lower)).min(1.0) } else { upper };
    let sd = variance.sqrt();
    Some(Evidence { observed, expected: mean, sd, z: (observed - mean) / sd, p, q: None })
}

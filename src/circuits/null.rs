//! The isotropic null: how large a cosine chance alone gives, in closed form, far into the tail.
//!
//! If `u` is a uniformly random unit vector of `R^d` and `w` any fixed one, `P(|cos| > t) = I_{1−t²}((d−1)/2, 1/2)`. Of `n`
//! independent features the best exceeds `t` with probability `1 − (1 − p₁)ⁿ`; by Boole this is conservative when the features
//! depend on each other. It is *not* valid for a `u` that lies where the dictionary's variance lies: that is what the
//! rotation null is for.
//!
//! # Source
//! Measured against 60-digit arithmetic and simulation; the table lies in `tests/golden/toy/null.json`.

use crate::math::special::{ln_beta, ln_beta_inc, ln_one_minus_exp};
use serde::{Deserialize, Serialize};
use std::f64::consts::FRAC_PI_2;

/// Nodes and weights of the 8-point Gauss–Legendre rule on `[−1, 1]`, positive half.
const GAUSS: [(f64, f64); 4] = [
    (0.183_434_642_495_649_8, 0.362_683_783_378_362),
    (0.525_532_409_916_329, 0.313_706_645_877_887_27),
    (0.796_666_477_413_626_7, 0.222_381_034_453_374_48),
    (0.960_289_856_497_536_3, 0.101_228_536_290_376_26),
];

/// The best |cosine| of a random direction in `d` dimensions with `n` independent unit features.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct IsotropicNull {
    /// Dimensions in which directions and features live: d_model, less one for centring, less one for mean removal.
    pub d: usize,
    /// Number of features searched.
    pub n: usize,
}

impl IsotropicNull {
    /// `ln P(|cos| > t)` with one feature. `t` is clamped to `[0, 1]`; needs `d ≥ 2` (below, every |cos| is 1).
    pub fn ln_p_single(&self, t: f64) -> f64 {
        ln_p_subspace(self.d, 1, t)
    }

    /// `ln P(max |cos| > t)`, exact where the probability itself would underflow.
    pub fn ln_p(&self, t: f64) -> f64 {
        ln_p_of_best(self.ln_p_single(t), self.n)
    }

    /// `P(max |cos| > t)`; zero only below the smallest `f64`, about 1e-308.
    pub fn p(&self, t: f64) -> f64 {
        self.ln_p(t).exp()
    }

    /// Density of the best |cosine| at `t`, what a chart draws behind an observed value.
    pub fn density(&self, t: f64) -> f64 {
        if !(0.0..1.0).contains(&t) || self.n == 0 || self.d < 2 {
            return 0.0;
        }
        let half = (self.d as f64 - 1.0) / 2.0;
        let ln_single =
            std::f64::consts::LN_2 + (half - 1.0) * (-t * t).ln_1p() - ln_beta(half, 0.5);
        let others = (self.n as f64 - 1.0) * ln_one_minus_exp(self.ln_p_single(t));
        self.n as f64 * (ln_single + if self.n == 1 { 0.0 } else { others }).exp()
    }

    /// Mean and standard deviation of the best |cosine|: the chance level that belongs beside every cosine.
    ///
    /// `E[max] = ∫ P(max > t) dt` and `E[max²] = ∫ 2t P(max > t) dt`, over the angle `t = sin θ`, where the integrand is smooth
    /// even in two dimensions. Good to about 1e-10.
    pub fn moments(&self) -> (f64, f64) {
        let sure = self.solve_angle(-1e-17);
        let never = self.solve_angle(-45.0);
        let panels = 24;
        let width = (never - sure) / f64::from(panels);
        let (mut first, mut second) = (sure.sin(), sure.sin().powi(2));
        for panel in 0..panels {
            let middle = sure + (f64::from(panel) + 0.5) * width;
            for (node, weight) in GAUSS.iter().flat_map(|&(x, w)| [(x, w), (-x, w)]) {
                let (t, cosine) = (middle + 0.5 * width * node).sin_cos();
                let mass = self.p(t) * cosine * weight * 0.5 * width;
                first += mass;
                second += 2.0 * t * mass;
            }
        }
        (first, (second - first * first).max(0.0).sqrt())
    }

    /// The |cosine| that chance exceeds with probability `alpha`.
    pub fn critical(&self, alpha: f64) -> f64 {
        self.solve_angle(alpha.ln()).sin()
    }

    /// The angle whose sine is exceeded with log-probability `ln_p`, by bisection of a decreasing function.
    fn solve_angle(&self, ln_p: f64) -> f64 {
        let (mut low, mut high) = (0.0, FRAC_PI_2);
        for _ in 0..60 {
            let middle = 0.5 * (low + high);
            if self.ln_p(f64::sin(middle)) > ln_p { low = middle } else { high = middle }
        }
        0.5 * (low + high)
    }
}

/// `ln P(‖P_B w‖ > t)`: how rarely a random unit vector of `R^d` has so large a part in a fixed `size`-dimensional subspace.
///
/// The squared norm is Beta(size/2, (d − size)/2). With `size = 1` it is the single cosine; a subspace that fills the space
/// (`size ≥ d`) always holds the whole vector, so the answer is 0 (certainty).
pub fn ln_p_subspace(d: usize, size: usize, t: f64) -> f64 {
    if size >= d {
        return 0.0;
    }
    let t = t.clamp(0.0, 1.0);
    ln_beta_inc((d - size) as f64 / 2.0, size as f64 / 2.0, t * t)
}

/// `ln(1 − (1 − p)ⁿ)` from `ln p`: the best of `n` independent tries.
pub fn ln_p_of_best(ln_p: f64, n: usize) -> f64 {
    if n == 0 {
        return f64::NEG_INFINITY;
    }
    // Where p is below the rounding of 1 − p, (1 − p)ⁿ = 1 − np to every digit.
    if ln_p < -600.0 {
        return (n as f64).ln() + ln_p;
    }
    let ln_none = n as f64 * ln_one_minus_exp(ln_p);
    if ln_none == 0.0 { (n as f64).ln() + ln_p } else { ln_one_minus_exp(ln_none) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chance_levels_of_gpt2_and_its_vocabulary() {
        let null = IsotropicNull { d: 768, n: 50_257 };
        let (mean, sd) = null.moments();
        assert!((mean - 0.157).abs() < 5e-4 && (null.critical(0.05) - 0.175).abs() < 5e-4);
        assert!((0.008..0.01).contains(&sd), "{sd}");
    }

    #[test]
    fn the_density_integrates_to_one() {
        for null in [IsotropicNull { d: 64, n: 1000 }, IsotropicNull { d: 32, n: 1 }] {
            let n = 20_000;
            let sum: f64 = (0..n).map(|i| null.density((f64::from(i) + 0.5) / f64::from(n))).sum();
            assert!((sum / f64::from(n) - 1.0).abs() < 1e-6);
        }
    }

    #[test]
    fn a_subspace_of_two_in_three_dimensions_has_an_elementary_law() {
        // The remainder along the axis is uniform on [−1, 1], so P(‖P w‖ > t) = √(1 − t²).
        for t in [0.1, 0.5, 0.9, 0.999] {
            assert!((ln_p_subspace(3, 2, t) - 0.5 * f64::ln(1.0 - t * t)).abs() < 1e-13);
        }
        assert_eq!(ln_p_subspace(3, 3, 0.5), 0.0);
    }

    #[test]
    fn the_best_of_none_is_impossible_and_of_one_is_itself() {
        assert_eq!(ln_p_of_best(-3.0, 0), f64::NEG_INFINITY);
        for ln_p in [-0.1, -5.0, -400.0, -5000.0] {
            assert!((ln_p_of_best(ln_p, 1) / ln_p - 1.0).abs() < 1e-13);
        }
    }
}

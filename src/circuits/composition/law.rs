//! How often random unit vectors of two subspaces come so close to each other: the tail of `|uᵀ C v|`, however small.
//!
//! `C: [a, b]` holds the cosines between two bases, `c_i` its singular values: the cosines of the angles between the subspaces.
//! Given `v`, the vector `C v` of length `r` is met by a random `u` with `P(|cos| ≥ t / r)` in `a` dimensions, which has a closed
//! form. The mean of that over `v` is taken over draws that lean where large values come from,
//!
//! ```text
//! v ∝ √Λ g,  Λ_i = 1 / (1 − κ c_i²),  weight = √|Λ| (‖g‖² / ‖√Λ g‖²)^{b/2}
//! ```
//! with `κ` such that the leaning pair has a cosine of `t` on average. So 64 draws know a tail of 1e-100 to a third of its size, 4096
//! to a twentieth.
//!
//! # Source
//! Angular central Gaussian: Tyler, Biometrika 74 (1987). Leaning draws: importance sampling with the exponential tilt of large
//! deviations, as in Siegmund, Ann. Statist. 4 (1976); `v` given, `u` in closed form: Rao and Blackwell.

use crate::circuits::null::ln_p_subspace;
use crate::math::Mat;

/// How close `t` may come to the largest cosine that the two subspaces allow.
const NEAREST: f64 = 1.0 - 1e-9;

/// The cosine of a random pair, one vector of each subspace.
pub(super) struct PairLaw {
    /// Dimensions of the wider subspace.
    wide: usize,
    /// Squared cosines of the angles between the two, one for each dimension of the narrower.
    squares: Vec<f64>,
    largest: f64,
}

impl PairLaw {
    /// From the cosines between two orthonormal bases.
    pub(super) fn new(cosines: &Mat) -> Self {
        let (rows, columns) = cosines.shape();
        let inner =
            if rows >= columns { cosines.tr_mul(cosines) } else { cosines * cosines.transpose() };
        let squares: Vec<f64> =
            inner.symmetric_eigenvalues().iter().map(|x| x.clamp(0.0, 1.0)).collect();
        let largest = squares.iter().copied().fold(0.0, f64::max);
        Self { wide: rows.max(columns), squares, largest }
    }

    /// Dimensions of the narrower subspace: how many normal numbers a draw takes.
    pub(super) fn narrow(&self) -> usize {
        self.squares.len()
    }

    /// `P(|uᵀ C v| ≥ t)` and its standard error, from squared normal numbers, [`PairLaw::narrow`] for each draw.
    pub(super) fn tail(&self, t: f64, squared_normals: &[f64]) -> (f64, f64) {
        if t <= 0.0 || self.largest <= 0.0 {
            return (1.0, 0.0);
        }
        let t = t.min(self.largest.sqrt() * NEAREST);
        let lean = self.lean(t);
        let half_ln_det = 0.5 * lean.iter().map(|x| x.ln()).sum::<f64>();
        let half = 0.5 * self.narrow() as f64;
        let (mut n, mut sum, mut of_squares) = (0.0, 0.0, 0.0);
        for draw in squared_normals.chunks_exact(self.narrow()) {
            let (mut plain, mut leaning, mut met) = (0.0, 0.0, 0.0);
            for ((g, lean), square) in draw.iter().zip(&lean).zip(&self.squares) {
                plain += g;
                leaning += g * lean;
                met += g * lean * square;
            }
            let ln_weight = half_ln_det + half * (plain / leaning).ln();
            let length = (met / leaning).sqrt();
            let p = if t < length {
                (ln_weight + ln_p_subspace(self.wide, 1, t / length)).exp()
            } else {
                0.0
            };
            n += 1.0;
            sum += p;
            of_squares += p * p;
        }
        let mean: f64 = sum / n;
        (mean, ((of_squares / n - mean * mean).max(0.0) / n).sqrt())
    }

    /// The variances `Λ` of draws whose pair has a cosine of `t` on average, by bisection over `κ`.
    fn lean(&self, t: f64) -> Vec<f64> {
        let idle = (self.wide - self.narrow()) as f64;
        let leaning = |kappa: f64| self.squares.iter().map(move |c2| 1.0 / (1.0 - kappa * c2));
        let average = |kappa: f64| {
            let all: f64 = leaning(kappa).sum();
            let met: f64 = leaning(kappa).zip(&self.squares).map(|(lean, c2)| lean * c2).sum();
            (kappa / (all * (all + idle))).sqrt() * met
        };
        let (mut low, mut high) = (0.0, 1.0 / self.largest);
        for _ in 0..60 {
            let middle = 0.5 * (low + high);
            if average(middle) < t { low = middle } else { high = middle }
        }
        leaning(low).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::math::random::Rng;

    fn normals(n: usize, rng: &mut Rng) -> Vec<f64> {
        (0..n).map(|_| rng.normal().powi(2)).collect()
    }

    /// Two random subspaces of `d` dimensions, with some dimensions nearly in common.
    fn cosines(a: usize, b: usize, d: usize, shared: usize, rng: &mut Rng) -> Mat {
        let common = rng.normal_matrix(d, shared) * 6.0;
        let mut span = |h: usize| {
            let mut vectors = rng.normal_matrix(d, h);
            for k in 0..shared {
                let leaning = vectors.column(k) + common.column(k);
                vectors.set_column(k, &leaning);
            }
            vectors.qr().q() * rng.haar_rotation(h)
        };
        span(a).tr_mul(&span(b))
    }

    #[test]
    fn tails_are_those_of_simulated_pairs() {
        let mut rng = Rng::new(3);
        for (a, b, d, shared) in [(6, 6, 20, 0), (12, 5, 40, 2), (4, 9, 30, 1)] {
            let cosines = cosines(a, b, d, shared, &mut rng);
            let n = 60_000;
            let mut found: Vec<f64> = (0..n)
                .map(|_| {
                    let u = rng.normal_matrix(a, 1).normalize();
                    let v = rng.normal_matrix(b, 1).normalize();
                    (u.tr_mul(&cosines) * v)[0].abs()
                })
                .collect();
            found.sort_by(|x, y| y.total_cmp(x));
            let law = PairLaw::new(&cosines);
            for (draws, place, off) in [(4096, 3000, 0.08), (4096, 300, 0.2), (64, 300, 0.5)] {
                let (p, error) = law.tail(found[place], &normals(draws * law.narrow(), &mut rng));
                let simulated = place as f64 / f64::from(n);
                assert!((p / simulated - 1.0).abs() < off, "{a} {b} {place}: {p} ± {error}");
                assert!(error < off * p, "{error}");
            }
        }
    }

    #[test]
    fn far_tails_agree_between_few_draws_and_many() {
        let mut rng = Rng::new(8);
        let law = PairLaw::new(&cosines(16, 16, 64, 3, &mut rng));
        for share in [0.7, 0.9, 0.99] {
            let t = share * law.largest.sqrt();
            let (exact, error) = law.tail(t, &normals(40_000 * 16, &mut rng));
            let (quick, rough) = law.tail(t, &normals(64 * 16, &mut rng));
            assert!(exact < 1e-5 && error < 0.03 * exact, "{exact} {error}");
            assert!((quick - exact).abs() < 4.0 * rough + 4.0 * error, "{quick} {exact} {rough}");
        }
    }

    #[test]
    fn what_cannot_be_tested_is_certain() {
        let none = PairLaw::new(&Mat::zeros(3, 2));
        assert_eq!(none.tail(0.0, &[1.0; 8]).0, 1.0);
        // One direction each: there is no other basis.
        let one = PairLaw::new(&Mat::from_element(1, 1, 0.4));
        assert!((one.tail(0.4, &[1.0, 2.0]).0 - 1.0).abs() < 1e-6);
    }
}

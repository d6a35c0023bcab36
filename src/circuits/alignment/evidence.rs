//! How surprising is a side, given what random bases of the same subspace reach? A p that goes on where counting ends.
//!
//! Everything is compared with the rotations alone: no law is assumed of the dictionary. Every rotated direction is one draw of
//! what *one* direction reaches, so `R` rotations of `h` directions hold `R h` draws, the pool.
//!
//! ```text
//! direction   p_k = (1 + #{pool ≥ its best |cos|}) / (R h + 1), or the closed-form bound where that is smaller
//! few         m smallest p_k, m = 1, 2, 4 … h/2: P(Binomial(h, p_(m)) ≥ m), the smallest, times the number of m
//! many        mean of the best |cos|, both tails, against the mean and spread of the rotations' own means
//! side        score T = min(few, many); every rotation has its T too, from all the other rotations
//! p           from the eighth smallest T of the rotations upwards their count, below it that count scaled with T
//! ```
//! The scaling holds because `T` is itself close to a p: in the tail `P(T ≤ x)` is nearly proportional to `x`, and the rotations
//! say with which factor; a slope of 0.9 in place of 1 errs on the safe side. So what the directions of one basis owe to each other
//! (they are orthogonal, and share features) is measured and not assumed. `cargo bench --bench chance` prints how often p is small
//! where nothing is there.
//!
//! Not for fewer than sixteen rotations, where only counting is left.
//!
//! # Source
//! Few: Berk & Jones, Z. Wahrscheinlichkeitstheorie 47 (1979), on a dyadic grid of `m`; for how it compares with higher criticism,
//! Donoho & Jin, Statist. Sci. 30 (2015). Many: Student's predictive law `t_{R−1}(z / √(1 + 1/R))`, the skewness taken out by
//! Wilson & Hilferty, PNAS 17 (1931). Counting: Phipson & Smyth, Stat. Appl. Genet. Mol. Biol. 9 (2010). Scaling a p of known
//! shape with a few permutations in place of fitting a tail: as in Knijnenburg et al., Bioinformatics 25 (2009).

use super::bound::Bound;
use super::report::{Form, Method};
use crate::math::special::{ln_beta_inc_from_zero, student_tail};
use crate::math::statistics::{mean_sd, quantile};

/// From this place upwards the scores of the rotations are counted; below it the count is scaled.
const ANCHOR: usize = 8;

/// Fewer rotations than this cannot carry a tail.
const FEWEST: usize = 2 * ANCHOR;

/// How a p falls with its score below the anchor. One would be proportional; a little less allows for what the directions of one
/// basis share, which lifts the far tail of isotropic dictionaries (`cargo bench --bench chance`).
const SLOPE: f64 = 0.9;

/// The smallest p that the scaling is trusted with.
const FINEST: f64 = 1e-7;

/// The smallest number that stands for a p inside a score.
const SMALLEST: f64 = 1e-300;

/// At this level the directions of the form "few" are named.
const NAMED: f64 = 0.01;

/// What the rotations of one side reach.
#[derive(Debug, Clone)]
pub(super) struct Pool {
    rank: usize,
    /// Best |cosine| of every rotated direction, rotation by rotation.
    maxima: Vec<f64>,
    /// The same, ascending.
    sorted: Vec<f64>,
    /// Mean of each rotation.
    means: Vec<f64>,
    /// Skewness of a mean over `rank` independent draws.
    skewness: f64,
}

/// What is said of a side.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Evidence {
    pub(super) p: f64,
    /// That of each direction by itself: the probability that one rotated direction reaches as far.
    pub(super) each: Vec<f64>,
    pub(super) method: Method,
    pub(super) resolution: f64,
    pub(super) form: Form,
    pub(super) carried_by: Vec<usize>,
}

/// The two scores of a basis, and the number of directions that the first is about.
struct Scores {
    few: f64,
    m: usize,
    many: f64,
}

impl Pool {
    /// `None` without rotations: `maxima` holds `rank` values for each.
    pub(super) fn new(rank: usize, maxima: Vec<f64>) -> Option<Self> {
        if rank == 0 || maxima.len() < rank {
            return None;
        }
        let mut sorted = maxima.clone();
        sorted.sort_by(f64::total_cmp);
        let (mean, sd) = mean_sd(&maxima);
        let third = maxima.iter().map(|x| (x - mean).powi(3)).sum::<f64>() / maxima.len() as f64;
        let skewness = if sd > 0.0 { third / sd.powi(3) / (rank as f64).sqrt() } else { 0.0 };
        let means = maxima.chunks_exact(rank).map(|all| all.iter().sum::<f64>() / rank as f64);
        Some(Self { rank, means: means.collect(), maxima, sorted, skewness })
    }

    /// Number of rotations.
    pub(super) fn rotations(&self) -> usize {
        self.means.len()
    }

    /// Mean and standard deviation of what one rotated direction reaches.
    pub(super) fn moments(&self) -> (f64, f64) {
        mean_sd(&self.maxima)
    }

    /// What one rotated direction exceeds with probability `alpha`.
    pub(super) fn critical(&self, alpha: f64) -> f64 {
        quantile(&self.sorted, 1.0 - alpha)
    }

    /// Mean and standard deviation of a statistic of the rotations.
    pub(super) fn of_rotations(&self, statistic: &dyn Fn(&[f64]) -> f64) -> (f64, f64) {
        mean_sd(&self.maxima.chunks_exact(self.rank).map(statistic).collect::<Vec<_>>())
    }

    fn at_least(&self, best: f64) -> usize {
        self.sorted.len() - self.sorted.partition_point(|&x| x < best)
    }

    /// The evidence against "any basis of this subspace would do", for directions that reach `best`.
    pub(super) fn evidence(&self, best: &[f64], bound: Option<&Bound>) -> Evidence {
        // One where no bound is known.
        let bounded: Vec<f64> =
            best.iter().map(|&t| bound.map_or(1.0, |bound| bound.p(t))).collect();
        let counted = |t: f64| (1 + self.at_least(t)) as f64 / (self.maxima.len() + 1) as f64;
        let each: Vec<f64> =
            best.iter().zip(&bounded).map(|(&t, &bounded)| counted(t).min(bounded)).collect();
        let mean = best.iter().sum::<f64>() / best.len().max(1) as f64;
        let (centre, sd) = mean_sd(&self.means);
        let (few, m) = few(&each);
        let n = self.rotations() as f64;
        let scores = Scores { few, m, many: many(mean - centre, sd, n, self.skewness) };
        let score = scores.few.min(scores.many);
        let (counted, method) = self.scaled(score);
        // Boole over the directions, and over the two ways to a p: it needs no rotation, so it may go below their finest.
        let certain = 2.0 * best.len() as f64 * bounded.iter().copied().fold(1.0, f64::min);
        let (p_side, method) =
            if certain < counted { (certain, Method::Bounded) } else { (counted, method) };
        let form = match (scores.few <= scores.many, mean >= centre) {
            (true, _) => Form::Few,
            (false, true) => Form::ManyCloser,
            (false, false) => Form::ManyFarther,
        };
        let resolution = if method == Method::Counted && self.rotations() < FEWEST {
            1.0 / (n + 1.0)
        } else {
            FINEST
        };
        let carried_by = carriers(&each, &scores);
        Evidence { p: p_side, each, method, resolution, form, carried_by }
    }

    /// The p of a score, and how it was obtained.
    fn scaled(&self, score: f64) -> (f64, Method) {
        let mut scores = self.scores();
        scores.sort_by(f64::total_cmp);
        let all = (scores.len() + 1) as f64;
        let as_small = scores.partition_point(|&x| x <= score);
        let counted = ((1 + as_small) as f64 / all, Method::Counted);
        match scores.get(ANCHOR - 1) {
            Some(&anchor) if scores.len() >= FEWEST && score < anchor => {
                let p = ANCHOR as f64 / all * (score / anchor).powf(SLOPE);
                (p.max(FINEST), Method::Scaled)
            }
            _ => counted,
        }
    }

    /// The score of every rotation against all the others.
    fn scores(&self) -> Vec<f64> {
        let n = self.rotations() as f64;
        let (centre, sd) = mean_sd(&self.means);
        let squares = sd * sd * (n - 1.0);
        let others = (self.maxima.len() - self.rank + 1) as f64;
        let mut own = Vec::with_capacity(self.rank);
        let rotations = self.maxima.chunks_exact(self.rank).zip(&self.means);
        rotations
            .map(|(maxima, mean)| {
                own.clear();
                own.extend_from_slice(maxima);
                own.sort_by(f64::total_cmp);
                let p = maxima.iter().map(|&x| {
                    let of_own = own.len() - own.partition_point(|&y| y < x);
                    (1 + self.at_least(x) - of_own) as f64 / others
                });
                let (few, _) = few(&p.collect::<Vec<_>>());
                // The mean and the spread of the other rotations, in closed form.
                let off = mean - centre;
                let left = (squares - off * off * n / (n - 1.0)).max(0.0);
                let spread = (left / (n - 2.0)).sqrt();
                few.min(many(off * n / (n - 1.0), spread, n - 1.0, self.skewness))
            })
            .collect()
    }
}

/// Score of the form "few": how unlikely the `m` smallest of `p` are, the most surprising `m` of the grid; and that `m`.
fn few(p: &[f64]) -> (f64, usize) {
    let mut sorted: Vec<f64> = p.iter().map(|p| p.max(SMALLEST)).collect();
    sorted.sort_by(f64::total_cmp);
    let h = p.len();
    let grid = std::iter::successors(Some(1), |m| Some(2 * m)).take_while(|&m| m <= (h / 2).max(1));
    let (mut smallest, mut at, mut n) = (1.0, 1, 0);
    for m in grid {
        n += 1;
        let Some(&p) = sorted.get(m - 1) else { break };
        // P(Binomial(h, p) ≥ m) = I_p(m, h − m + 1).
        let tail = ln_beta_inc_from_zero(m as f64, (h - m + 1) as f64, p).exp();
        if tail < smallest {
            (smallest, at) = (tail, m);
        }
    }
    ((smallest * f64::from(n)).clamp(SMALLEST, 1.0), at)
}

/// Score of the form "many": both tails of a mean that lies `off` from that of `n` rotations with spread `sd`.
fn many(off: f64, sd: f64, n: f64, skewness: f64) -> f64 {
    let z = off / sd;
    if !z.is_finite() {
        return 1.0;
    }
    let z = z / (1.0 + 1.0 / n).sqrt();
    let plain = deskewed(z, skewness).abs();
    (2.0 * student_tail(plain, n - 1.0)).clamp(SMALLEST, 1.0)
}

/// The normal deviate of a standardised gamma variable (Wilson and Hilferty), where its tail is the heavier one; else `z` itself.
fn deskewed(z: f64, skewness: f64) -> f64 {
    if skewness.abs() < 0.01 || z * skewness <= 0.0 {
        return z;
    }
    let (size, skewness) = (z.abs(), skewness.abs());
    let deviate = 6.0 / skewness * ((1.0 + 0.5 * skewness * size).cbrt() - 1.0) + skewness / 6.0;
    deviate.min(size).copysign(z)
}

/// The directions that the form "few" is about, if it is surprising by itself.
fn carriers(p: &[f64], scores: &Scores) -> Vec<usize> {
    if scores.few >= NAMED {
        return Vec::new();
    }
    let mut sorted = p.to_vec();
    sorted.sort_by(f64::total_cmp);
    let last = sorted.get(scores.m - 1).copied().unwrap_or(0.0);
    (0..p.len()).filter(|&k| p[k] <= last).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::math::random::Rng;

    /// `R` rotations of `h` independent uniform draws: no geometry, so every law is known.
    fn pool(rng: &mut Rng, rotations: usize, h: usize) -> Pool {
        Pool::new(h, (0..rotations * h).map(|_| rng.uniform()).collect()).unwrap()
    }

    #[test]
    fn nothing_is_found_where_nothing_is() {
        let (mut below, n) = ([0u32; 3], 4000);
        let mut rng = Rng::new(4);
        for _ in 0..n / 20 {
            let pool = pool(&mut rng, 64, 16);
            for _ in 0..20 {
                let best: Vec<f64> = (0..16).map(|_| rng.uniform()).collect();
                let p = pool.evidence(&best, None).p;
                for (count, level) in below.iter_mut().zip([0.05, 0.01, 0.001]) {
                    *count += u32::from(p < level);
                }
            }
        }
        // Expected 200, 40 and 4; the draws against one pool depend on each other, so the range is wide.
        assert!((130..270).contains(&below[0]), "{below:?}");
        assert!((15..65).contains(&below[1]) && below[2] < 12, "{below:?}");
    }

    #[test]
    fn each_form_is_found_and_named() {
        let mut rng = Rng::new(9);
        let pool = pool(&mut rng, 64, 16);
        let with = |change: &dyn Fn(usize, f64) -> f64| {
            let mut rng = Rng::new(77);
            let best: Vec<f64> = (0..16).map(|k| change(k, rng.uniform())).collect();
            pool.evidence(&best, None)
        };
        let four = with(&|k, x| if k < 4 { 2.0 } else { 0.9 * x });
        assert_eq!((four.form, four.carried_by), (Form::Few, vec![0, 1, 2, 3]));
        assert!(four.p < 1e-5 && four.method == Method::Scaled, "{}", four.p);
        let all = with(&|_, x| 0.7 + 0.3 * x);
        assert!(all.form == Form::ManyCloser && all.p < 1e-3, "{all:?}");
        let none = with(&|_, x| 0.3 * x);
        assert!(none.form == Form::ManyFarther && none.p < 1e-3 && none.carried_by.is_empty());
        let nothing = with(&|_, x| x);
        assert!(nothing.p > 0.05 && nothing.method == Method::Counted, "{nothing:?}");
    }

    #[test]
    fn a_dozen_rotations_are_counted_and_say_how_fine_that_is() {
        let mut rng = Rng::new(2);
        let found = pool(&mut rng, 12, 8).evidence(&[5.0; 8], None);
        assert_eq!((found.method, found.p), (Method::Counted, 1.0 / 13.0));
        assert_eq!(found.resolution, 1.0 / 13.0);
    }

    #[test]
    fn a_dictionary_of_nothing_is_certain_to_be_matched() {
        let pool = Pool::new(4, vec![0.0; 4 * 64]).unwrap();
        let found = pool.evidence(&[0.0; 4], None);
        assert_eq!((found.p, found.method), (1.0, Method::Counted));
        assert!(Pool::new(4, Vec::new()).is_none());
    }

    #[test]
    fn skewness_makes_a_tail_heavier_and_never_lighter() {
        // Gamma with shape 25, skewness 0.4: P(X > 25 + 3 · 5) = 0.00448 (scipy), 3.3 times the normal tail.
        let tail = crate::math::special::normal_tail(deskewed(3.0, 0.4));
        assert!((tail / 0.004_48 - 1.0).abs() < 0.05, "{tail}");
        assert_eq!(deskewed(-3.0, 0.4), -3.0);
        assert!(deskewed(30.0, 0.4) > deskewed(20.0, 0.4));
    }
}

//! Random directions of one look that keep what must not be mistaken for sparsity.
//!
//! Rotating a whole head costs `d_head²` numbers a draw. For a single look its two vectors are all that is turned, and their
//! images can be drawn at once: as a random pair with the same lengths, and the same angle or the same score.
//!
//! **Matched** keeps spectrum *and* score. A look is chosen because its score is large, and under a decaying spectrum a large
//! score sits in few terms by itself: with σ_k = 1/k, coefficients independent of the basis and attention over 0.5, S is 0.08
//! where independent rotations give 0.17. So both sides are drawn anew, with their lengths, *given* that they make this score:
//! one side by its weight (how much room the score leaves to the other), the other uniformly on what remains.

use crate::math::random::Rng;
use crate::math::rows::dot;

/// Directions of the destination's side among which a matched draw chooses.
const CANDIDATES: usize = 128;

/// A direction's share of a score this close to all of it leaves no room for the other side.
const NO_ROOM: f64 = 1e-12;

/// A uniform direction of `n` dimensions.
pub(super) fn direction(n: usize, rng: &mut Rng) -> Vec<f64> {
    let mut x: Vec<f64> = (0..n).map(|_| rng.normal()).collect();
    let length = dot(&x, &x).sqrt();
    x.iter_mut().for_each(|x| *x /= length.max(f64::MIN_POSITIVE));
    x
}

/// A random pair with the lengths of `a` and `b` and the angle between them: what one random rotation makes of both.
pub(super) fn turned_pair(a: &[f64], b: &[f64], rng: &mut Rng) -> (Vec<f64>, Vec<f64>) {
    let (first, mut second) = (direction(a.len(), rng), direction(a.len(), rng));
    let length = dot(a, a).sqrt();
    let along = if length > 0.0 { dot(a, b) / length } else { 0.0 };
    without(&mut second, &first);
    let across = (dot(b, b) - along * along).max(0.0).sqrt();
    let b = first.iter().zip(&second).map(|(f, s)| along * f + across * s).collect();
    (first.iter().map(|f| length * f).collect(), b)
}

/// What matched draws are made of: directions for either side.
pub(super) struct Lots {
    /// Directions of the destination's side, as long as it.
    pub(super) candidates: Vec<Vec<f64>>,
    /// For every draw a direction of the source's side, of any length.
    pub(super) rests: Vec<Vec<f64>>,
}

/// How a candidate is chosen, each with the probability of its weight.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Luck {
    /// A number between 0 and 1 for every draw.
    Uniform(Vec<f64>),
    /// For every draw a number for each candidate by Gumbel's law: the largest of `ln w + g` is chosen, and stays the same one where
    /// weights move a little.
    Gumbel(Vec<Vec<f64>>),
}

impl Luck {
    /// The candidate of every draw.
    fn chosen(&self, ln_weights: &[f64]) -> Vec<usize> {
        match self {
            Self::Uniform(all) => {
                let most = ln_weights.iter().copied().fold(f64::NEG_INFINITY, f64::max);
                let mut total = 0.0;
                let add = |log: &f64| {
                    total += libm::exp(log - most);
                    total
                };
                let cumulative: Vec<f64> = ln_weights.iter().map(add).collect();
                let last = cumulative.len().saturating_sub(1);
                let at = |u: &f64| cumulative.partition_point(|&c| c <= u * total).min(last);
                all.iter().map(at).collect()
            }
            Self::Gumbel(all) => {
                let best =
                    |luck: &Vec<f64>| largest(ln_weights.iter().zip(luck).map(|(w, g)| w + g));
                all.iter().map(best).collect()
            }
        }
    }
}

/// The place of the largest.
fn largest(values: impl Iterator<Item = f64>) -> usize {
    values.enumerate().max_by(|a, b| a.1.total_cmp(&b.1)).map_or(0, |(i, _)| i)
}

impl Lots {
    /// For one look: everything drawn anew.
    pub(super) fn of_one_look(x: &[f64], draws: usize, rng: &mut Rng) -> (Self, Luck) {
        let (n, long) = (x.len(), dot(x, x).sqrt());
        let mut candidate = || direction(n, rng).into_iter().map(|u| long * u).collect();
        let candidates: Vec<Vec<f64>> = (0..CANDIDATES).map(|_| candidate()).collect();
        let (luck, rests) = (0..draws).map(|_| (rng.uniform(), direction(n, rng))).unzip();
        (Self { candidates, rests }, Luck::Uniform(luck))
    }
}

/// What matched draws share over the looks of a set, so that looks that resemble each other draw what resembles each other, as they
/// do with the other controls.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct SetLots {
    /// What rotations are too few for, permutations of their directions add.
    orders: Vec<Vec<usize>>,
    pub(super) luck: Luck,
}

impl SetLots {
    /// For a head of `n` directions.
    pub(super) fn draw(draws: usize, n: usize, rng: &mut Rng) -> Self {
        let each = CANDIDATES.div_ceil(draws.max(1));
        let orders = (0..each).map(|_| rng.permutation(n)).collect();
        let luck = Luck::Gumbel((0..draws).map(|_| gumbels(draws * each, rng)).collect());
        Self { orders, luck }
    }

    /// For one look of the set, both of whose sides the head's random rotations have `turned`.
    pub(super) fn of_look(&self, turned: &[(Vec<f64>, Vec<f64>)]) -> Lots {
        let placed = |(x, _): &(Vec<f64>, Vec<f64>)| -> Vec<Vec<f64>> {
            self.orders.iter().map(|order| order.iter().map(|&i| x[i]).collect()).collect()
        };
        Lots {
            candidates: turned.iter().flat_map(placed).collect(),
            rests: turned.iter().map(|(_, y)| y.clone()).collect(),
        }
    }
}

/// Numbers by Gumbel's law.
fn gumbels(n: usize, rng: &mut Rng) -> Vec<f64> {
    (0..n).map(|_| -libm::log(-libm::log(rng.uniform().max(f64::MIN_POSITIVE)))).collect()
}

/// Pairs (x, y), one for each draw of `lots`, with the lengths of `x` and `y` and the same `Σ s x y`, or as near to it as their lengths
/// allow.
pub(super) fn matched_pairs(
    (x, y, s): (&[f64], &[f64], &[f64]),
    lots: &Lots,
    luck: &Luck,
) -> Vec<(Vec<f64>, Vec<f64>)> {
    let wide = dot(y, y).sqrt();
    let score: f64 = x.iter().zip(y).zip(s).map(|((x, y), s)| x * y * s).sum();
    // What y meets: its length along this direction is given by the score.
    let meets = |x: &Vec<f64>| -> Vec<f64> { x.iter().zip(s).map(|(x, s)| x * s).collect() };
    let axes: Vec<Vec<f64>> = lots.candidates.iter().map(meets).collect();
    let reach: Vec<f64> = axes.iter().map(|axis| dot(axis, axis).sqrt()).collect();
    let logs: Vec<f64> = reach.iter().map(|&w| ln_weight(score, w, wide, x.len())).collect();
    let chosen = if logs.iter().any(|log| log.is_finite()) {
        luck.chosen(&logs)
    } else {
        // No direction makes this score: the one that comes nearest stands for them.
        vec![largest(reach.iter().copied()); lots.rests.len()]
    };
    let draw = |(rest, chosen): (&Vec<f64>, usize)| {
        let (x, length) = (lots.candidates[chosen].clone(), reach[chosen]);
        let mut axis = axes[chosen].clone();
        axis.iter_mut().for_each(|w| *w /= length.max(f64::MIN_POSITIVE));
        let along = (score / length.max(f64::MIN_POSITIVE)).clamp(-wide, wide);
        let across = (wide * wide - along * along).max(0.0).sqrt();
        let mut rest = rest.clone();
        without(&mut rest, &axis);
        let y = axis.iter().zip(&rest).map(|(w, r)| along * w + across * r).collect();
        (x, y)
    };
    lots.rests.iter().zip(chosen).map(draw).collect()
}

/// The logarithm of the density of `score` where the other side, `wide` long, meets a vector of length `reach` in `n`
/// dimensions.
fn ln_weight(score: f64, reach: f64, wide: f64, n: usize) -> f64 {
    let share = score / (reach * wide);
    let room = 1.0 - share * share;
    if room.is_nan() || room < NO_ROOM {
        return f64::NEG_INFINITY;
    }
    (n as f64 - 3.0) / 2.0 * libm::log(room) - libm::log(reach)
}

/// Takes the part along the unit vector `axis` out of `x`, and makes the rest a unit vector, or nothing.
fn without(x: &mut [f64], axis: &[f64]) {
    let along = dot(x, axis);
    x.iter_mut().zip(axis).for_each(|(x, a)| *x -= along * a);
    let length = dot(x, x).sqrt();
    let scale = if length > NO_ROOM { 1.0 / length } else { 0.0 };
    x.iter_mut().for_each(|x| *x *= scale);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_angle_and_score_stay() {
        let mut rng = Rng::new(3);
        let s: Vec<f64> = (1..=8).map(|k| 1.0 / f64::from(k)).collect();
        let (x, y) = (direction(8, &mut rng), direction(8, &mut rng));
        let score = |x: &[f64], y: &[f64]| -> f64 {
            x.iter().zip(y).zip(&s).map(|((x, y), s)| x * y * s).sum()
        };
        let (a, b) = turned_pair(&x, &y, &mut rng);
        for (before, after) in [((&x, &x), (&a, &a)), ((&y, &y), (&b, &b)), ((&x, &y), (&a, &b))] {
            assert!((dot(before.0, before.1) - dot(after.0, after.1)).abs() < 1e-12);
        }
        let (lots, luck) = Lots::of_one_look(&x, 50, &mut rng);
        for (a, b) in matched_pairs((&x, &y, &s), &lots, &luck) {
            assert!((dot(&a, &a) - 1.0).abs() < 1e-12 && (dot(&b, &b) - 1.0).abs() < 1e-12);
            assert!((score(&a, &b) - score(&x, &y)).abs() < 1e-12);
        }
    }

    #[test]
    fn what_cannot_be_matched_comes_as_near_as_it_can() {
        let mut rng = Rng::new(4);
        // The largest score that unit vectors can make: no random direction makes it.
        let (x, s) = ([1.0, 0.0, 0.0, 0.0], [4.0, 1.0, 0.5, 0.1]);
        let (lots, luck) = Lots::of_one_look(&x, 5, &mut rng);
        for (a, b) in matched_pairs((&x, &x, &s), &lots, &luck) {
            let score: f64 = (0..4).map(|k| a[k] * b[k] * s[k]).sum();
            assert!(score > 2.0 && score < 4.0 && (dot(&b, &b) - 1.0).abs() < 1e-12);
        }
        for (x, y) in [(vec![], vec![]), (vec![0.0; 3], vec![1.0; 3]), (vec![2.0], vec![3.0])] {
            let s = vec![1.0; x.len()];
            let (lots, luck) = Lots::of_one_look(&x, 3, &mut rng);
            let (long, pairs) = (dot(&x, &x), matched_pairs((&x, &y, &s), &lots, &luck));
            assert!(pairs.iter().all(|(a, _)| (dot(a, a) - long).abs() < 1e-12), "{pairs:?}");
        }
    }
}

//! What the sparseness of a score would be in another basis: the two rotation controls, drawn beside every real value.
//!
//! **Basis**, the fair one: `Ω = (U√S Q)(V√S Q)ᵀ` for one random rotation Q. Every score stays, only the basis moves.
//! **Subspace**, closest to the paper's words: U and V are rotated independently inside their spans, so the scores change
//! (relative attention to about zero, where N_recon is about 2 for trivial reasons).

use serde::{Deserialize, Serialize};

use super::sparsity::Sparsity;
use super::terms::{RelativeAttention, products};
use crate::math::{random::Rng, reflections::Reflections};

/// How the controls are drawn; stamped on every result.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ControlOptions {
    /// How many rotations of each kind.
    pub draws: usize,
    /// Seed of the generator; each head has its own stream.
    pub seed: u32,
}

impl Default for ControlOptions {
    fn default() -> Self {
        Self { draws: 8, seed: 0 }
    }
}

/// The random rotations for one head, drawn once and used on every prompt.
#[derive(Debug, Clone, PartialEq)]
pub struct Controls {
    s: Vec<f64>,
    draws: Vec<Draw>,
}

#[derive(Debug, Clone, PartialEq)]
struct Draw {
    basis: Reflections,
    dest: Reflections,
    src: Reflections,
    /// Directions that are not null.
    rank: usize,
}

impl Controls {
    /// Rotations for a head with singular values `s` `[d_head]`; `stream` keeps heads apart (for example their index).
    ///
    /// Null directions (σ = 0) take part in the basis control, which spreads a score over all d_head terms, and not in the
    /// subspace control, which stays inside the spans.
    pub fn new(s: &[f64], options: ControlOptions, stream: u32) -> Self {
        let mut rng = Rng::of_stream(options.seed, stream);
        let rank = s.iter().take_while(|&&sigma| sigma > 0.0).count();
        let mut draw = || Draw {
            basis: Reflections::draw(s.len(), &mut rng),
            dest: Reflections::draw(rank, &mut rng),
            src: Reflections::draw(rank, &mut rng),
            rank,
        };
        Self { s: s.to_vec(), draws: (0..options.draws).map(|_| draw()).collect() }
    }

    /// The terms under each basis rotation; every one sums to what `relative` sums to.
    pub fn basis_terms(&self, relative: &RelativeAttention) -> Vec<Vec<f64>> {
        let (a, b, scale) = (&relative.dest_coefficients, &relative.src_contrast, relative.scale);
        let terms = |d: &Draw| basis_rotated(a, b, &self.s, |x| d.basis.turn(x), scale);
        self.draws.iter().map(terms).collect()
    }

    /// The terms under each pair of independent rotations; their sums are not the score.
    pub fn subspace_terms(&self, relative: &RelativeAttention) -> Vec<Vec<f64>> {
        let (a, b, scale) = (&relative.dest_coefficients, &relative.src_contrast, relative.scale);
        self.draws.iter().map(|d| subspace_rotated(a, b, &self.s, d, scale)).collect()
    }

    /// Both controls of one event.
    pub fn of(&self, relative: &RelativeAttention) -> ControlSparsity {
        ControlSparsity {
            basis: Spread::of(&self.basis_terms(relative)),
            subspace: Spread::of(&self.subspace_terms(relative)),
        }
    }
}

/// The terms in the basis `U√S Q`, `V√S Q`: coefficients `a` (σ included) and `b` `[d_head]`; `turn` multiplies a row with Q.
pub fn basis_rotated(
    a: &[f64],
    b: &[f64],
    s: &[f64],
    turn: impl Fn(&mut [f64]),
    scale: f64,
) -> Vec<f64> {
    let dest = a.iter().zip(s).map(|(a, s)| if *s > 0.0 { a / s.sqrt() } else { 0.0 });
    let src = b.iter().zip(s).map(|(b, s)| b * s.sqrt());
    products(&turned(dest, &turn), &turned(src, &turn), scale)
}

/// The terms after rotating U and V inside their spans by independent rotations, σ staying where it is.
fn subspace_rotated(a: &[f64], b: &[f64], s: &[f64], draw: &Draw, scale: f64) -> Vec<f64> {
    let Draw { rank, dest, src, .. } = draw;
    let dest = turned(a.iter().zip(s).take(*rank).map(|(a, s)| a / s), |x| dest.turn(x));
    let src = turned(b.iter().take(*rank).copied(), |x| src.turn(x));
    let mut terms = products(&dest, &src, scale);
    terms.iter_mut().zip(s).for_each(|(t, s)| *t *= s);
    terms.resize(s.len(), 0.0);
    terms
}

fn turned(row: impl Iterator<Item = f64>, turn: impl Fn(&mut [f64])) -> Vec<f64> {
    let mut row: Vec<f64> = row.collect();
    turn(&mut row);
    row
}

/// The two controls of one event or one head.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ControlSparsity {
    /// One rotation that keeps every score: the fair control.
    pub basis: Spread,
    /// Independent rotations of U and V inside their spans: scores change.
    pub subspace: Spread,
}

/// Mean and standard deviation of [`Sparsity`] over draws; `None` where no draw is defined.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Spread {
    /// Mean sparseness.
    pub sparseness: Option<f64>,
    /// Its standard deviation over draws.
    pub sparseness_sd: Option<f64>,
    /// Mean number of terms for the whole sum.
    pub n_recon: Option<f64>,
    /// Its standard deviation over draws.
    pub n_recon_sd: Option<f64>,
    /// Mean number of terms for nine tenths of the sum.
    pub n_recon_90: Option<f64>,
    /// Its standard deviation over draws.
    pub n_recon_90_sd: Option<f64>,
}

impl Spread {
    /// Measures every draw's terms and summarises.
    pub fn of(draws: &[Vec<f64>]) -> Self {
        let each: Vec<Sparsity> = draws.iter().map(|terms| Sparsity::of(terms)).collect();
        let count = |n: Option<usize>| n.map(|n| n as f64);
        let (sparseness, sparseness_sd) = moments(each.iter().filter_map(|x| x.sparseness));
        let (n_recon, n_recon_sd) = moments(each.iter().filter_map(|x| count(x.n_recon)));
        let (n_recon_90, n_recon_90_sd) = moments(each.iter().filter_map(|x| count(x.n_recon_90)));
        Self { sparseness, sparseness_sd, n_recon, n_recon_sd, n_recon_90, n_recon_90_sd }
    }
}

/// Mean and sample standard deviation; `None` for no value, and no deviation for a single one.
pub(in crate::circuits) fn moments(
    values: impl Iterator<Item = f64>,
) -> (Option<f64>, Option<f64>) {
    let values: Vec<f64> = values.collect();
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let squares: f64 = values.iter().map(|x| (x - mean) * (x - mean)).sum();
    ((!values.is_empty()).then_some(mean), (values.len() > 1).then(|| (squares / (n - 1.0)).sqrt()))
}

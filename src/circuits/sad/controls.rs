//! What the sparseness of a score would be by chance: three controls, drawn beside every real value.
//!
//! - **Basis**: `Ω = (U√S Q)(V√S Q)ᵀ` for one random rotation Q inside the head's rank. Every score stays, only the basis moves.
//!   It mixes singular values, so a decaying spectrum alone beats it (1/k: 0.43 of its S).
//! - **Subspace**, closest to the paper's words: U and V are rotated independently inside their spans. The spectrum stays, the
//!   scores change (relative attention to about zero, where N_recon is about 2 for trivial reasons).
//! - **Matched**: directions drawn anew with their lengths, given that they make this score. Spectrum and score stay; without
//!   it, looks that were chosen for their large score beat the subspace control too often (see the `matched` module).
//!
//! Sparser than chance is what is sparser than all of them.

use serde::{Deserialize, Serialize};

use super::matched::{Lots, SetLots, direction, matched_pairs, turned_pair};
use super::sparsity::Sparsity;
use super::terms::{RelativeAttention, products};
use crate::math::random::{Rng, triple32};
use crate::math::reflections::Reflections;

/// How the controls are drawn; stamped on every result.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ControlOptions {
    /// How many draws of each kind.
    pub draws: usize,
    /// Seed of the generator; each head has its own stream.
    pub seed: u32,
}

impl ControlOptions {
    /// What a set of prompts is measured with where nobody says otherwise: each draw turns every prompt of the set.
    pub const SET: Self = Self { draws: 32, seed: 0 };
}

impl Default for ControlOptions {
    /// What a single look is measured with: its p is no finer than 1/200.
    fn default() -> Self {
        Self { draws: 199, seed: 0 }
    }
}

/// The controls of one head.
#[derive(Debug, Clone, PartialEq)]
pub struct Controls {
    s: Vec<f64>,
    /// Directions that are not null.
    rank: usize,
    options: ControlOptions,
    stream: u32,
    /// Rotations of the whole head, the same on every prompt; none where single looks are drawn for.
    rotations: Option<Rotations>,
}

/// What the looks of a set share.
#[derive(Debug, Clone, PartialEq)]
struct Rotations {
    draws: Vec<Draw>,
    lots: SetLots,
}

/// Both sides of a look under each draw's independent rotations.
type Turned = Vec<(Vec<f64>, Vec<f64>)>;

#[derive(Debug, Clone, PartialEq)]
struct Draw {
    basis: Reflections,
    dest: Reflections,
    src: Reflections,
}

impl Controls {
    /// Rotations for a head with singular values `s` `[d_head]`, drawn once and used on every prompt; `stream` keeps heads
    /// apart (for example their index). Null directions (σ = 0) take part in no control.
    pub fn new(s: &[f64], options: ControlOptions, stream: u32) -> Self {
        let mut rng = Rng::of_stream(options.seed, stream);
        let one = Self::of_one_look(s, options, stream);
        let mut draw = || Draw {
            basis: Reflections::draw(one.rank, &mut rng),
            dest: Reflections::draw(one.rank, &mut rng),
            src: Reflections::draw(one.rank, &mut rng),
        };
        let draws: Vec<Draw> = (0..options.draws).map(|_| draw()).collect();
        let mut rng = Rng::of_stream(options.seed, triple32(triple32(stream) ^ 2));
        let lots = SetLots::draw(draws.len(), one.rank, &mut rng);
        Self { rotations: Some(Rotations { draws, lots }), ..one }
    }

    /// The same for single looks: what rotations make of one look is drawn at once, for a `d_head`th of the cost.
    pub fn of_one_look(s: &[f64], options: ControlOptions, stream: u32) -> Self {
        let rank = s.iter().take_while(|&&sigma| sigma > 0.0).count();
        Self { s: s.to_vec(), rank, options, stream, rotations: None }
    }

    /// The terms under each basis rotation; every one sums to what `relative` sums to.
    pub fn basis_terms(&self, relative: &RelativeAttention) -> Vec<Vec<f64>> {
        let (a, b, scale) = (&relative.dest_coefficients, &relative.src_contrast, relative.scale);
        if let Some(Rotations { draws, .. }) = &self.rotations {
            let terms = |d: &Draw| basis_rotated(a, b, &self.s, |x| d.basis.turn(x), scale);
            return draws.iter().map(terms).collect();
        }
        let (a, b) = balanced(a, b, &self.s);
        let (Some(a), Some(b)) = (a.get(..self.rank), b.get(..self.rank)) else {
            return Vec::new();
        };
        let mut rng = self.rng(relative, 0);
        let pair = |_| turned_pair(a, b, &mut rng);
        (0..self.options.draws).map(pair).map(|(a, b)| self.terms(&a, &b, scale, false)).collect()
    }

    /// The terms under each pair of independent rotations; their sums are not the score.
    pub fn subspace_terms(&self, relative: &RelativeAttention) -> Vec<Vec<f64>> {
        self.subspace_terms_of(relative, &self.turned(relative))
    }

    fn subspace_terms_of(&self, relative: &RelativeAttention, turned: &Turned) -> Vec<Vec<f64>> {
        let terms = |x: &[f64], y: &[f64]| self.terms(x, y, relative.scale, true);
        if self.rotations.is_some() {
            return turned.iter().map(|(x, y)| terms(x, y)).collect();
        }
        let (x, y) = self.sides(relative);
        let mut rng = self.rng(relative, 1);
        let length = |x: &[f64]| x.iter().map(|x| x * x).sum::<f64>().sqrt();
        let (long, wide) = (length(&x), length(&y));
        let mut draw = |length: f64| -> Vec<f64> {
            direction(self.rank, &mut rng).into_iter().map(|u| length * u).collect()
        };
        (0..self.options.draws).map(|_| terms(&draw(long), &draw(wide))).collect()
    }

    /// Both sides under each pair of the set's rotations; none for single looks.
    fn turned(&self, relative: &RelativeAttention) -> Turned {
        let (x, y) = self.sides(relative);
        let turned = |draw: &Draw| {
            let (mut x, mut y) = (x.clone(), y.clone());
            draw.dest.turn(&mut x);
            draw.src.turn(&mut y);
            (x, y)
        };
        self.rotations.iter().flat_map(|rotations| &rotations.draws).map(turned).collect()
    }

    /// The terms of directions drawn anew, given that they make the score; every one sums to what `relative` sums to, or as
    /// near as its lengths allow.
    fn matched_terms(&self, relative: &RelativeAttention, turned: &Turned) -> Vec<Vec<f64>> {
        let (x, y) = self.sides(relative);
        let s = self.s.get(..self.rank).unwrap_or_default();
        let look = (x.as_slice(), y.as_slice(), s);
        let pairs = match &self.rotations {
            None => {
                let mut rng = self.rng(relative, 2);
                let (lots, luck) = Lots::of_one_look(&x, self.options.draws, &mut rng);
                matched_pairs(look, &lots, &luck)
            }
            Some(Rotations { lots, .. }) => matched_pairs(look, &lots.of_look(turned), &lots.luck),
        };
        pairs.iter().map(|(x, y)| self.terms(x, y, relative.scale, true)).collect()
    }

    /// Every draw of every control, measured.
    pub(super) fn draw(&self, relative: &RelativeAttention) -> ControlDraws {
        let own = |draws: Vec<Vec<f64>>| draws.iter().map(|terms| Sparsity::of(terms)).collect();
        let aim = |terms: &Vec<f64>| Sparsity::toward(terms, relative.score);
        let turned = self.turned(relative);
        ControlDraws {
            basis: self.basis_terms(relative).iter().map(aim).collect(),
            subspace: own(self.subspace_terms_of(relative, &turned)),
            matched: own(self.matched_terms(relative, &turned)),
        }
    }

    /// Both sides without σ, `[rank]`: `x·u_k` and `y·v_k`.
    fn sides(&self, relative: &RelativeAttention) -> (Vec<f64>, Vec<f64>) {
        let dest = relative.dest_coefficients.iter().zip(&self.s).take(self.rank);
        let src = relative.src_contrast.iter().take(self.rank).copied();
        (dest.map(|(a, s)| a / s).collect(), src.collect())
    }

    /// `scale · x_k · y_k` `[d_head]`, times σ_k where the sides come `without` it; zero in null directions.
    fn terms(&self, x: &[f64], y: &[f64], scale: f64, without: bool) -> Vec<f64> {
        let mut terms = products(x, y, scale);
        if without {
            terms.iter_mut().zip(&self.s).for_each(|(t, s)| *t *= s);
        }
        terms.resize(self.s.len(), 0.0);
        terms
    }

    /// Numbers of its own for every look of the head: the same look draws the same ones again, in whatever order looks come.
    fn rng(&self, relative: &RelativeAttention, control: u32) -> Rng {
        // Not to the last bit: the forward pass rounds by who runs it.
        let look = (relative.score as f32).to_bits() >> 6;
        Rng::of_stream(self.options.seed, triple32(triple32(look ^ self.stream) ^ control))
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
    let (mut dest, mut src) = balanced(a, b, s);
    turn(&mut dest);
    turn(&mut src);
    products(&dest, &src, scale)
}

/// Both sides with half of σ each: `a / √σ` and `b √σ`.
fn balanced(a: &[f64], b: &[f64], s: &[f64]) -> (Vec<f64>, Vec<f64>) {
    let dest = a.iter().zip(s).map(|(a, s)| if *s > 0.0 { a / s.sqrt() } else { 0.0 });
    (dest.collect(), b.iter().zip(s).map(|(b, s)| b * s.sqrt()).collect())
}

/// Every draw of every control of one look.
#[derive(Debug, Clone, PartialEq)]
pub struct ControlDraws {
    basis: Vec<Sparsity>,
    subspace: Vec<Sparsity>,
    matched: Vec<Sparsity>,
}

impl ControlDraws {
    /// Basis, subspace, matched.
    pub(super) fn each(&self) -> [&[Sparsity]; 3] {
        [&self.basis, &self.subspace, &self.matched]
    }

    /// Summarised, beside the real value.
    pub(super) fn beside(&self, real: &Sparsity) -> ControlSparsity {
        let [basis, subspace, matched] = self.each().map(|draws| Spread::of(draws, real));
        ControlSparsity { basis, subspace, matched }
    }
}

/// The controls of one event.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ControlSparsity {
    /// One rotation that keeps every score.
    pub basis: Spread,
    /// Independent rotations of U and V inside their spans: scores change.
    pub subspace: Spread,
    /// Directions drawn anew that make the same score: the spectrum stays.
    pub matched: Spread,
}

impl ControlSparsity {
    /// The weakest margin: the largest p of the three. Sparser than chance is what beats every control.
    pub fn p(&self) -> Option<f64> {
        let [basis, subspace, matched] = [&self.basis, &self.subspace, &self.matched].map(|c| c.p);
        Some(basis?.max(subspace?).max(matched?))
    }
}

/// Mean and standard deviation of [`Sparsity`] over draws, and the rank of the real value; `None` where undefined.
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
    /// Rank of the real S: `(1 + draws at least as sparse) / (1 + draws)`.
    pub p: Option<f64>,
}

impl Spread {
    /// Summarises draws, and where `real` stands among them.
    pub fn of(draws: &[Sparsity], real: &Sparsity) -> Self {
        let count = |n: Option<usize>| n.map(|n| n as f64);
        let (sparseness, sparseness_sd) = moments(draws.iter().filter_map(|x| x.sparseness));
        let (n_recon, n_recon_sd) = moments(draws.iter().filter_map(|x| count(x.n_recon)));
        let (n_recon_90, n_recon_90_sd) = moments(draws.iter().filter_map(|x| count(x.n_recon_90)));
        // Rounding must not decide between equals, such as all bases of a single direction.
        let as_sparse = |real: f64| {
            let least = real * (1.0 + 1e-12);
            draws.iter().filter(|draw| draw.sparseness.is_none_or(|s| s <= least)).count()
        };
        let p = real.sparseness.filter(|_| !draws.is_empty());
        let p = p.map(|real| (1 + as_sparse(real)) as f64 / (1 + draws.len()) as f64);
        Self { sparseness, sparseness_sd, n_recon, n_recon_sd, n_recon_90, n_recon_90_sd, p }
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

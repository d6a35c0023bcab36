//! Whether a later head reads what an earlier one writes: the classical score, and one pair of singular vectors at a time.
//!
//! With `OV = U S Vᵀ` and `Ω = U′ S′ V′ᵀ`, the classical Q-composition `‖OV Ω‖ / ‖OV‖ ‖Ω‖` is the root mean square of the
//! cosines `vᵀu′` between written and read vectors, weighted by `(σ σ′)²`. So one small matrix of cosines answers both
//! questions, and nothing of size `[d_model, d_model]` is ever formed.
//!
//! Chance is a random basis on either side: `p` of a pair is the probability that *some* pair of vectors of the two subspaces comes so
//! close, by Boole over all pairs. It is told for every channel, quickly; for those that may matter from thousands of draws; always with
//! two standard errors added. Over many channels it has to be corrected once more, for all that were compared.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::spectrum;
use crate::math::random::Rng;
use crate::math::{Mat, MathError};
use law::PairLaw;

mod law;
#[cfg(test)]
mod tests;

/// Draws for every channel, and for one whose p these put below [`CANDIDATE`].
const SCREEN: usize = 64;
const DRAWS: usize = 4096;
const CANDIDATE: f64 = 0.01;

/// Random bases that say what the strongest of a list reaches by chance.
const BASES: usize = 4;

/// The smallest p that is told.
const SMALLEST: f64 = 1e-300;

/// Where what was written enters the later head.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reading {
    /// The left vectors of QK: what the destination is read for.
    Query,
    /// The right vectors of QK: what the source is read for.
    Key,
    /// The left vectors of OV: what is read to be moved.
    Value,
}

impl Reading {
    /// The letter of the classical score: Q-, K- or V-composition.
    pub fn name(self) -> &'static str {
        match self {
            Self::Query => "Q",
            Self::Key => "K",
            Self::Value => "V",
        }
    }
}

/// What one earlier head writes into one reading side of a later head.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Channel {
    /// Layer and head that writes.
    pub from: (usize, usize),
    /// Layer and head that reads.
    pub into: (usize, usize),
    /// Where it enters.
    pub reading: Reading,
    /// How strong it is.
    pub strength: Strength,
}

/// How much of what is written is read.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct Strength {
    /// The classical score, `‖A B‖ / ‖A‖ ‖B‖`, in [0, 1]. Two random heads have about `1/√d_model`: compare with that, not with 0.
    pub classical: f64,
    /// The pair with the largest |cos|.
    pub closest: Pair,
    /// The pair with the largest `σσ′|cos|`: what is written strongly, read strongly, and close.
    pub carrying: Pair,
}

/// A written and a read singular vector.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct Pair {
    /// Written vector, by σ, from 0.
    pub k_written: usize,
    /// Read vector, by σ, from 0.
    pub k_read: usize,
    /// Their |cos|.
    pub cos: f64,
    /// Singular value of the written one.
    pub sigma_written: f64,
    /// Singular value of the read one.
    pub sigma_read: f64,
    /// Probability that some pair of random bases of the same two subspaces has so large a |cos|.
    pub p: f64,
}

impl Pair {
    /// `σσ′|cos|`.
    pub fn carried(&self) -> f64 {
        self.sigma_written * self.sigma_read * self.cos
    }
}

/// What the strongest channel of a list reaches, by each measure.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct Reach {
    /// Largest |cos|.
    pub cos: f64,
    /// Largest `σσ′|cos|`.
    pub carried: f64,
    /// Largest classical score.
    pub classical: f64,
}

impl Reach {
    /// The larger of both, measure by measure.
    #[must_use]
    pub fn max(self, other: Self) -> Self {
        Self {
            cos: self.cos.max(other.cos),
            carried: self.carried.max(other.carried),
            classical: self.classical.max(other.classical),
        }
    }
}

/// One side of a head's circuit: unit vectors `[d_model, rank]` and their singular values.
#[derive(Debug, Clone, PartialEq)]
pub struct Directions {
    vectors: Mat,
    sigma: Vec<f64>,
}

impl Directions {
    /// The columns of `vectors: [d_model, d_head]` that are no null directions; `sigma` descends.
    pub fn new(vectors: &Mat, sigma: &[f64]) -> Self {
        let kept = spectrum::null_from(sigma, vectors.nrows()).min(vectors.ncols());
        Self { vectors: vectors.columns(0, kept).into_owned(), sigma: sigma[..kept].to_vec() }
    }
}

/// Channels against random bases of the subspaces that they join, drawn once for each size.
pub struct PairNull {
    seed: u32,
    squared_normals: BTreeMap<usize, Vec<f64>>,
    rotations: BTreeMap<usize, Vec<Mat>>,
    by_chance: [Reach; BASES],
}

impl PairNull {
    /// The same seed gives the same p.
    pub fn new(seed: u32) -> Self {
        let (squared_normals, rotations) = (BTreeMap::new(), BTreeMap::new());
        Self { seed, squared_normals, rotations, by_chance: Default::default() }
    }

    /// How p is obtained, in words.
    pub fn words() -> String {
        format!(
            "p: some pair of random bases of the same two subspaces as close, {SCREEN} weighted draws, {DRAWS} below {CANDIDATE}, plus two standard errors"
        )
    }

    /// What the strongest of all channels so far reaches in each of a few random bases.
    pub fn by_chance(&self) -> &[Reach] {
        &self.by_chance
    }

    /// Compares what an earlier head writes with what a later one reads. A head of zeros composes with nothing: 0, and p is 1.
    ///
    /// # Errors
    /// [`MathError::Shape`] if the two live in residual streams of different width.
    ///
    /// # Source
    /// Score: Elhage et al. 2021, "A Mathematical Framework for Transformer Circuits". Pairs of vectors: Merullo, Eickhoff &
    /// Pavlick, arXiv:2406.09519, "Talking Heads". The null is ours.
    pub fn strength(
        &mut self,
        written: &Directions,
        read: &Directions,
    ) -> Result<Strength, MathError> {
        let (expected, found) = (written.vectors.shape(), read.vectors.shape());
        if expected.0 != found.0 {
            return Err(MathError::Shape { what: "the reading vectors", expected, found });
        }
        let cosines = written.vectors.tr_mul(&read.vectors);
        let mut strength = strongest(&cosines, written, read);
        if cosines.is_empty() {
            return Ok(strength);
        }
        self.draw_bases(&cosines, written, read);
        let law = PairLaw::new(&cosines);
        let seed = self.seed;
        let normals = self.squared_normals.entry(law.narrow()).or_insert_with_key(|&size| {
            let mut rng = Rng::of_stream(seed, size as u32);
            (0..DRAWS * size).map(|_| rng.normal().powi(2)).collect()
        });
        let one = strength.carrying == strength.closest;
        for pair in [&mut strength.closest, &mut strength.carrying] {
            let p = |draws: usize| {
                let (p, error) = law.tail(pair.cos, &normals[..draws * law.narrow()]);
                ((p + 2.0 * error) * cosines.len() as f64).clamp(SMALLEST, 1.0)
            };
            let quick = p(SCREEN);
            pair.p = if quick < CANDIDATE { p(DRAWS) } else { quick };
            if one {
                break;
            }
        }
        if one {
            strength.carrying.p = strength.closest.p;
        }
        Ok(strength)
    }

    /// Turns both bases at random and remembers the strongest of all channels so far.
    fn draw_bases(&mut self, cosines: &Mat, written: &Directions, read: &Directions) {
        let seed = self.seed;
        let (rows, columns) = cosines.shape();
        for size in [rows, columns] {
            // Two rotations a draw, so that a pair of equal sizes is turned independently on either side.
            self.rotations.entry(size).or_insert_with(|| {
                let mut rng = Rng::new(seed ^ size as u32);
                (0..2 * BASES).map(|_| rng.haar_rotation(size)).collect()
            });
        }
        let (left, right) = (&self.rotations[&rows], &self.rotations[&columns]);
        let turns = left.iter().zip(right.iter().skip(BASES));
        for (largest, (left, right)) in self.by_chance.iter_mut().zip(turns) {
            let Strength { classical, closest, carrying } =
                strongest(&(left * cosines * right), written, read);
            let carried = carrying.carried();
            *largest = largest.max(Reach { cos: closest.cos, carried, classical });
        }
    }
}

/// The strongest pairs among `cosines: [written, read]`, and the classical score; p is still one.
fn strongest(cosines: &Mat, written: &Directions, read: &Directions) -> Strength {
    let nothing = Pair { p: 1.0, ..Pair::default() };
    let (mut closest, mut carrying) = (nothing, nothing);
    let (mut carried, mut all) = (0.0, 0.0);
    for (k_read, column) in cosines.column_iter().enumerate() {
        for (k_written, cos) in column.iter().enumerate() {
            let (sigma_written, sigma_read) = (written.sigma[k_written], read.sigma[k_read]);
            let weight = (sigma_written * sigma_read).powi(2);
            carried += weight * cos * cos;
            all += weight;
            let pair =
                Pair { k_written, k_read, cos: cos.abs(), sigma_written, sigma_read, p: 1.0 };
            if pair.cos > closest.cos {
                closest = pair;
            }
            if pair.carried() > carrying.carried() {
                carrying = pair;
            }
        }
    }
    let classical = if all > 0.0 { (carried / all).sqrt() } else { 0.0 };
    Strength { classical, closest, carrying }
}

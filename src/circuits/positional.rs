//! How much of what a head reads and writes lies where positions are told apart, beside what a head at random has there.
//!
//! A table of position embeddings differs from row to row in few directions: nine tenths of its variance lie in eleven of MiniLM's 384.
//! A side of a circuit has a share of its squared norm in them. A head that looks one token back has nearly all of it there on both sides.

use serde::{Deserialize, Serialize};

use super::omega::Circuit;
use crate::math::Mat;
use crate::math::layout::center_columns;
use crate::math::leading::leading;
use crate::math::products::transposed_times;
use crate::model::HeadWeights;

/// The share of the table's variance that its directions are to hold.
const HELD: f64 = 0.9;
/// Positions that are looked at, evenly spaced, where there are more.
const MOST: usize = 512;

/// The directions in which a table of position embeddings differs most.
#[derive(Debug, Clone, PartialEq)]
pub struct PositionSpace {
    /// `[d_model, r]`, orthonormal.
    basis: Mat,
    /// The all-ones direction is no part of the space: the reader is a LayerNorm.
    centre: bool,
}

/// What both sides of a circuit have there.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Positional {
    /// Of `u`, the destination or read side; `None` where that side reads another stream, or all is zero.
    pub left: Option<PositionalShare>,
    /// Of `v`, the source or written side.
    pub right: Option<PositionalShare>,
    /// Directions that hold nine tenths of the variance of the position embeddings.
    pub directions: usize,
}

/// The share of one side.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct PositionalShare {
    /// `Σ σ_k² ‖P u_k‖² / Σ σ_k²`, from 0 to 1; `P` projects on the directions of the positions.
    pub share: f64,
    /// Its mean where the side keeps its spectrum and lies at random: `r / d`.
    pub chance: f64,
    /// How far the share lies from that mean, in its standard deviations.
    pub z: f64,
}

impl PositionSpace {
    /// The directions that hold nine tenths of the variance of the columns of `positions: [d_model, n]`; `None` where they do not differ,
    /// or differ in every direction there is.
    pub fn of(positions: &Mat, centre: bool) -> Option<Self> {
        let step = positions.ncols().div_ceil(MOST).max(1);
        let columns: Vec<usize> = (0..positions.ncols()).step_by(step).collect();
        let mut table = positions.select_columns(&columns);
        if centre {
            center_columns(&mut table);
        }
        let mean = table.column_mean();
        table.column_iter_mut().for_each(|mut column| column -= &mean);
        let few = table.ncols() < table.nrows();
        let transposed = (!few).then(|| table.transpose());
        let columns = transposed.as_ref().unwrap_or(&table);
        let scatter = transposed_times(columns, columns);
        let total = scatter.trace();
        // Rows that are all alike differ by rounding alone.
        let least = f64::EPSILON * positions.norm_squared();
        if !total.is_finite() || total <= least {
            return None;
        }
        let vectors = leading(&scatter, HELD)?;
        let mut basis = if few { table * vectors } else { vectors };
        basis.column_iter_mut().for_each(|mut column| {
            column.normalize_mut();
        });
        let space = Self { basis, centre };
        (space.directions() < space.dimensions()).then_some(space)
    }

    /// How many directions they are.
    pub fn directions(&self) -> usize {
        self.basis.ncols()
    }

    /// Dimensions of the space that they lie in.
    fn dimensions(&self) -> usize {
        self.basis.nrows() - usize::from(self.centre)
    }

    /// What a circuit has in these directions. The vectors themselves are not needed: `Σ σ_k² ‖P u_k‖² = ‖P Ω‖_F²`.
    ///
    /// Chance is a rotation of the side, uniformly at random, that keeps its spectrum. For symmetric `A`, `B` and such a rotation `R`,
    /// `Var tr(A R B Rᵀ) = 2 ‖A₀‖² ‖B₀‖² / ((d − 1)(d + 2))` with `A₀ = A − (tr A / d) I`.
    ///
    /// # Source
    /// The second moments of the orthogonal group: Collins & Śniady, Commun. Math. Phys. 264 (2006).
    pub fn of_circuit(&self, weights: &HeadWeights, circuit: Circuit) -> Positional {
        let (mut a, mut b) = circuit.factors(weights);
        if self.centre {
            [&mut a, &mut b].into_iter().for_each(center_columns);
        }
        let (gram_a, gram_b) = (transposed_times(&a, &a), transposed_times(&b, &b));
        let squares = &gram_a * &gram_b;
        let (total, fourth) = (squares.trace(), (&squares * &squares).trace());
        let (d, r) = (self.dimensions() as f64, self.directions() as f64);
        let spread = (fourth / (total * total) - 1.0 / d).max(0.0) * r * (1.0 - r / d);
        let sd = (2.0 * spread / ((d - 1.0) * (d + 2.0))).sqrt();
        let share = |side: &Mat, gram: &Mat| {
            if side.nrows() != self.basis.nrows() || total <= 0.0 || sd <= 0.0 {
                return None;
            }
            let seen = transposed_times(&self.basis, side);
            let share = (&seen * gram).dot(&seen) / total;
            let chance = r / d;
            Some(PositionalShare { share, chance, z: (share - chance) / sd })
        };
        let (left, right) = (share(&a, &gram_b), share(&b, &gram_a));
        Positional { left, right, directions: self.directions() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::math::random::Rng;

    const D: usize = 48;

    fn head(w_q: Mat, w_k: Mat) -> HeadWeights {
        let h = w_q.ncols();
        let (w_v, w_o) = (w_q.clone(), w_k.transpose());
        let zero = || vec![0.0; h];
        HeadWeights { w_q, w_k, w_v, w_o, b_q: zero(), b_k: zero(), b_v: zero(), rotary: None }
    }

    /// Positions that differ in five directions, and hardly in the others.
    fn table(rng: &mut Rng, n: usize) -> Mat {
        let basis = rng.normal_matrix(D, 5).qr().q();
        basis * rng.normal_matrix(5, n) + rng.normal_matrix(D, n) * 0.01
    }

    /// A circuit of this spectrum whose sides lie at random.
    fn at_random(rng: &mut Rng, sigma: &[f64]) -> HeadWeights {
        let mut side = || rng.normal_matrix(D, sigma.len()).qr().q();
        let w_q = side() * Mat::from_diagonal(&sigma.to_vec().into());
        head(w_q, side())
    }

    #[test]
    fn a_side_at_random_has_its_chance_of_the_positions_and_a_spread_that_is_known() {
        let mut rng = Rng::new(3);
        for centre in [false, true] {
            let space = PositionSpace::of(&table(&mut rng, 64), centre).unwrap();
            assert_eq!(space.directions(), 5);
            let n = 3000;
            for sigma in [vec![1.0; 6], vec![1.0, 0.5, 0.2, 0.1]] {
                let (mut sum, mut squares, mut twice) = (0.0, 0.0, 0);
                for _ in 0..n {
                    let found = space.of_circuit(&at_random(&mut rng, &sigma), Circuit::Qk);
                    let z = found.left.unwrap().z;
                    sum += z;
                    squares += z * z;
                    twice += usize::from(z.abs() > 1.96);
                }
                let (mean, variance) = (sum / f64::from(n), squares / f64::from(n));
                assert!(mean.abs() < 0.08, "{mean}");
                assert!((variance - 1.0).abs() < 0.15, "{variance}");
                // 150 are expected of a normal law.
                assert!((90..220).contains(&twice), "{twice}");
            }
        }
    }

    #[test]
    fn a_head_that_compares_positions_is_found_on_the_sides_where_it_does() {
        let mut rng = Rng::new(4);
        let positions = table(&mut rng, 64);
        let space = PositionSpace::of(&positions, false).unwrap();
        let planted = positions.columns(3, 4) * rng.normal_matrix(4, 4);
        let random = rng.normal_matrix(D, 4);
        let both = space.of_circuit(&head(planted.clone(), planted.clone()), Circuit::Qk);
        let one = space.of_circuit(&head(planted, random), Circuit::Qk);
        for share in [both.left, both.right, one.left] {
            let share = share.unwrap();
            assert!(share.share > 0.99 && share.z > 10.0, "{share:?}");
        }
        assert!(one.right.unwrap().z.abs() < 4.0, "{one:?}");
    }

    #[test]
    fn the_share_is_that_of_the_singular_vectors() {
        let mut rng = Rng::new(5);
        let space = PositionSpace::of(&table(&mut rng, 20), false).unwrap();
        let weights = at_random(&mut rng, &[3.0, 2.0, 0.5]);
        let svd = crate::circuits::omega::decompose(&weights, Circuit::Ov).unwrap();
        let found = space.of_circuit(&weights, Circuit::Ov);
        for (side, found) in [(&svd.u, found.left), (&svd.v, found.right)] {
            let seen = space.basis.tr_mul(side);
            let part: f64 = (seen.column_iter().zip(&svd.s))
                .map(|(column, s)| s * s * column.norm_squared())
                .sum();
            let share = part / svd.s.iter().map(|s| s * s).sum::<f64>();
            assert!((share - found.unwrap().share).abs() < 1e-12);
        }
    }

    #[test]
    fn a_table_that_says_nothing_and_a_head_that_does_nothing_have_no_share() {
        assert_eq!(PositionSpace::of(&Mat::from_element(D, 9, 2.0), false), None);
        let mut rng = Rng::new(6);
        let space = PositionSpace::of(&table(&mut rng, 20), true).unwrap();
        let zero = head(Mat::zeros(D, 3), Mat::zeros(D, 3));
        assert_eq!(space.of_circuit(&zero, Circuit::Qk).left, None);
        let wide = head(rng.normal_matrix(D, 3), rng.normal_matrix(D + 8, 3));
        let found = space.of_circuit(&wide, Circuit::Qk);
        assert!(found.left.is_some() && found.right.is_none(), "another stream's side has none");
    }
}

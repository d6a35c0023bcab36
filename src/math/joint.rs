//! Two products `A Bᵀ` and `A' B'ᵀ` and their difference, in one pair of orthonormal bases; no square product is formed.
//!
//! ```text
//! [A, A' − A] = Q_l [R_a, R_da]          [B, B' − B] = Q_r [R_b, R_db]
//! A Bᵀ    = Q_l (R_a R_bᵀ) Q_rᵀ          A' B'ᵀ = Q_l (W_a W_bᵀ) Q_rᵀ        W_a = Q_lᵀ A',  W_b = Q_rᵀ B'
//! A' B'ᵀ − A Bᵀ = Q_l (R_da W_bᵀ + R_a R_dbᵀ) Q_rᵀ
//! ```
//! The difference is a sum of two terms of its own size, so nothing cancels when the two products are close: subtracting
//! entries of matrices that nearly agree is exact. Angles and energies are the same in these coordinates as outside, at a
//! sixth of the cost for GPT-2's heads.

use super::core_svd::{CoreSvd, core_svd};
use super::factor::{check_finite, exponent_of, halves};
use super::plain_values::plain_values;
use super::qr::{Qr, noise};
use super::svd::unscaled;
use super::{Mat, MathError};

/// Two products and their difference, in coordinates.
pub struct Joint {
    /// The SVD of `A Bᵀ`; `u` and `v` in the coordinates of `Q_l` and `Q_r`.
    pub old: CoreSvd,
    /// The SVD of `A' B'ᵀ`, likewise.
    pub new: CoreSvd,
    /// The left factors.
    pub left: Side,
    /// The right factors.
    pub right: Side,
    /// `Q_lᵀ (A' B'ᵀ − A Bᵀ) Q_r`, in the scale of [`Self::left`] times that of [`Self::right`].
    pub difference: Mat,
}

/// The factors of one side in their joint basis, divided by one power of two.
pub struct Side {
    /// The factor of the first product, `[rank, h]`.
    pub old: Mat,
    /// That of the second.
    pub new: Mat,
    /// The second less the first.
    pub change: Mat,
    /// The power of two that was divided out.
    exponent: i32,
    /// Rows of the factors themselves.
    rows: usize,
}

impl Joint {
    /// Factors `a: [m, h]`, `b: [n, h]` beside `new_a: [m, h']`, `new_b: [n, h']`.
    ///
    /// # Errors
    /// [`MathError::Shape`] if the factors do not fit together, [`MathError::NotFinite`] for NaN or infinities,
    /// [`MathError::NoConvergence`] if a core does not settle.
    pub fn new(a: &Mat, b: &Mat, new_a: &Mat, new_b: &Mat) -> Result<Self, MathError> {
        for (what, expected, found) in [
            ("the right factor", (b.nrows(), a.ncols()), b.shape()),
            ("the new left factor", (a.nrows(), new_b.ncols()), new_a.shape()),
            ("the new right factor", (b.nrows(), new_a.ncols()), new_b.shape()),
        ] {
            if expected != found {
                return Err(MathError::Shape { what, expected, found });
            }
        }
        let h = a.ncols().max(new_a.ncols());
        let left = Side::new(a, new_a, h, ["the left factor", "the new left factor"])?;
        let right = Side::new(b, new_b, h, ["the right factor", "the new right factor"])?;
        let mut old = old_core(&left.old, &right.old)?;
        let same = left.is_unchanged() && right.is_unchanged();
        let mut new = if same { old.clone() } else { core_svd(&left.new, &right.new)? };
        let power = left.exponent + right.exponent;
        old.s = unscaled(&old.s, power)?;
        new.s = unscaled(&new.s, power)?;
        let difference =
            &left.change * right.new.transpose() + &left.old * right.change.transpose();
        Ok(Self { old, new, left, right, difference })
    }

    /// True if both factors are the same to the last bit.
    pub fn is_unchanged(&self) -> bool {
        self.left.is_unchanged() && self.right.is_unchanged()
    }

    /// How many of the first coordinates on either side are the span of the first product's factors: its singular vectors fill them if
    /// there are as many.
    pub fn first_coordinates(&self) -> usize {
        let side = |side: &Side| side.old.ncols().min(side.old.nrows());
        side(&self.left).min(side(&self.right))
    }

    /// The singular values of the difference, `count` of them, descending; exact zeros where rounding alone could have made
    /// them.
    ///
    /// # Errors
    /// [`MathError::NoConvergence`] if they do not settle, [`MathError::NotFinite`] if they overflow.
    pub fn difference_values(&self, count: usize) -> Result<Vec<f64>, MathError> {
        if self.is_unchanged() {
            return Ok(vec![0.0; count]);
        }
        let mut values = plain_values(&self.difference)?;
        let (left, right) = (&self.left, &self.right);
        let terms = left.change.norm() * right.new.norm() + left.old.norm() * right.change.norm();
        let factors = left.old.norm() * right.new.norm();
        let floor = noise(left.rows.max(right.rows)) * terms + f64::EPSILON * factors;
        values.iter_mut().filter(|s| **s <= floor).for_each(|s| *s = 0.0);
        values.resize(count, 0.0);
        unscaled(&values, left.exponent + right.exponent)
    }
}

/// The SVD of the first product: its factors come first in the joint bases, so their coordinates end after `h` rows.
fn old_core(left: &Mat, right: &Mat) -> Result<CoreSvd, MathError> {
    let top = |m: &Mat| m.rows(0, m.ncols().min(m.nrows())).into_owned();
    let mut core = core_svd(&top(left), &top(right))?;
    core.u = core.u.resize_vertically(left.nrows(), 0.0);
    core.v = core.v.resize_vertically(right.nrows(), 0.0);
    Ok(core)
}

impl Side {
    fn new(old: &Mat, new: &Mat, h: usize, names: [&'static str; 2]) -> Result<Self, MathError> {
        let rows = old.nrows();
        let mut stacked = Mat::zeros(rows, 2 * h);
        let (first, second) = stacked.as_mut_slice().split_at_mut(rows * h);
        first[..old.len()].copy_from_slice(old.as_slice());
        second[..new.len()].copy_from_slice(new.as_slice());
        second.iter_mut().zip(old.as_slice()).for_each(|(change, old)| *change -= old);
        let largest = check_finite(&stacked, names[1]).or_else(|error| {
            // A NaN in the old one is in the difference too, and would be blamed on that.
            check_finite(old, names[0])?;
            check_finite(new, names[1])?;
            Err(error)
        })?;
        let exponent = exponent_of(largest);
        let (first, second) = halves(-exponent);
        stacked.as_mut_slice().iter_mut().for_each(|x| *x = *x * first * second);
        let qr = Qr::of(stacked);
        let wide = |m: &Mat| m.clone().resize_horizontally(h, 0.0);
        let whole = new;
        let old: Mat = qr.r().columns(0, h).into_owned();
        let change: Mat = qr.r().columns(h, h).into_owned();
        let sum = &old + &change;
        // A column that did not shrink is the sum of its parts to its own precision; else Q is applied, at the cost of the QR.
        let kept = |j: usize| old.column(j).norm() <= 2.0 * sum.column(j).norm();
        let new = if (0..h).all(kept) {
            sum
        } else {
            qr.q_transposed_times(&(wide(whole) * first * second))
        };
        Ok(Self { old, change, new, exponent, rows })
    }

    fn is_unchanged(&self) -> bool {
        self.change.amax() == 0.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::product_svd;
    use crate::random::Rng;

    fn joint(a: &Mat, b: &Mat, new_a: &Mat, new_b: &Mat) -> Joint {
        Joint::new(a, b, new_a, new_b).unwrap()
    }

    #[test]
    fn spectra_and_difference_are_those_of_the_square_products() {
        let mut rng = Rng::new(11);
        // Fewer rows than both heads together, heads of two widths, an ordinary pair.
        for (m, n, h, new_h) in [(10, 12, 8, 8), (30, 26, 4, 7), (40, 40, 6, 6)] {
            let (a, b) = (rng.normal_matrix(m, h), rng.normal_matrix(n, h));
            let (new_a, new_b) = (rng.normal_matrix(m, new_h), rng.normal_matrix(n, new_h));
            let found = joint(&a, &b, &new_a, &new_b);
            let (omega, new) = (&a * b.transpose(), &new_a * new_b.transpose());
            for (s, product) in [(&found.old.s, &omega), (&found.new.s, &new)] {
                for (s, plain) in s.iter().zip(product.singular_values().iter()) {
                    assert!((s - plain).abs() < 1e-12 * s.max(1.0));
                }
            }
            let change = (new - omega).singular_values();
            let delta = found.difference_values(h + new_h).unwrap();
            assert_eq!(delta.len(), h + new_h);
            for (k, s) in delta.iter().enumerate() {
                assert!((s - change.get(k).unwrap_or(&0.0)).abs() < 1e-12 * change[0]);
            }
        }
    }

    #[test]
    fn a_change_of_one_part_in_1e12_keeps_its_digits() {
        let mut rng = Rng::new(12);
        let (a, b) = (rng.normal_matrix(50, 6), rng.normal_matrix(50, 6));
        let direction = rng.normal_matrix(50, 6);
        let new_a = &a + &direction * 2f64.powi(-40);
        let step = &new_a - &a;
        let found = joint(&a, &b, &new_a, &b).difference_values(12).unwrap();
        let expected = product_svd(&step, &b).unwrap();
        for (k, s) in found.iter().enumerate() {
            let expected = expected.s.get(k).copied().unwrap_or(0.0);
            assert!((s - expected).abs() <= 1e-3 * expected, "{k}: {s:e} against {expected:e}");
        }
        // The large ones hold more: what is lost is the rounding of A' itself.
        assert!((found[0] / expected.s[0] - 1.0).abs() < 1e-12);
    }

    #[test]
    fn nothing_is_exactly_nothing_and_another_basis_inside_is_nothing_too() {
        let mut rng = Rng::new(13);
        let (a, b) = (rng.normal_matrix(60, 8), rng.normal_matrix(50, 8));
        let same = joint(&a, &b, &a, &b);
        assert!(same.is_unchanged() && same.old.s == same.new.s);
        assert_eq!(same.difference_values(16).unwrap(), [0.0; 16]);
        let basis = rng.normal_matrix(8, 8);
        let inverse = basis.clone().try_inverse().unwrap().transpose();
        let turned = joint(&a, &b, &(&a * &basis), &(&b * inverse));
        assert!(!turned.is_unchanged());
        assert_eq!(turned.difference_values(16).unwrap(), [0.0; 16]);
    }

    #[test]
    fn a_head_that_was_removed_leaves_no_spectrum_of_rounding() {
        let mut rng = Rng::new(14);
        let (a, b) = (rng.normal_matrix(60, 8), rng.normal_matrix(50, 8));
        let found = joint(&a, &b, &Mat::zeros(60, 8), &b);
        assert_eq!((found.new.rank, found.new.s.as_slice()), (0, [0.0; 8].as_slice()));
        for (s, plain) in found.difference_values(8).unwrap().iter().zip(&found.old.s) {
            assert!((s / plain - 1.0).abs() < 1e-12);
        }
    }

    #[test]
    fn small_values_of_the_new_product_are_as_exact_as_alone() {
        let mut rng = Rng::new(16);
        let graded = |m: Mat| {
            m * Mat::from_fn(8, 8, |i, j| if i == j { 10f64.powi(-(i as i32)) } else { 0.0 })
        };
        let mut draw = || graded(rng.normal_matrix(60, 8));
        let (a, b, step) = (draw(), draw(), draw());
        // A little changed, turned round, and shrunk to a thousandth.
        for new_a in [&a + &step * 0.1, &a * -1.0, &a * 1e-3] {
            let alone = product_svd(&new_a, &b).unwrap();
            for (s, alone) in joint(&a, &b, &new_a, &b).new.s.iter().zip(&alone.s) {
                assert!((s / alone - 1.0).abs() < 1e-11, "{s:e} against {alone:e}");
            }
        }
    }

    #[test]
    fn a_change_of_rank_two_has_two_values() {
        let mut rng = Rng::new(15);
        let (a, b) = (rng.normal_matrix(60, 8), rng.normal_matrix(50, 8));
        let step = rng.normal_matrix(60, 2) * rng.normal_matrix(2, 8) * 1e-2;
        let values = joint(&a, &b, &(&a + step), &b).difference_values(16).unwrap();
        assert_eq!(values.iter().filter(|s| **s > 0.0).count(), 2);
    }

    #[test]
    fn factors_that_do_not_fit_and_numbers_that_are_none_are_refused() {
        let (a, b) = (Mat::identity(4, 2), Mat::identity(5, 2));
        assert!(Joint::new(&a, &b, &a, &Mat::identity(4, 2)).is_err());
        assert!(Joint::new(&a, &b, &b, &b).is_err());
        let mut bad = a.clone();
        bad[(1, 1)] = f64::NAN;
        let error = Joint::new(&a, &b, &bad, &b).err().unwrap();
        assert!(error.to_string().contains("the new left factor"), "{error}");
    }
}

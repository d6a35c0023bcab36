//! Principal angles between two subspaces, accurate near zero and near a right angle.

use super::plain_values::plain_values;
use super::products::transposed_times;
use super::{Mat, MathError};

/// A cosine below which its arc cosine has all of its digits: no sine is needed where no angle is smaller than 26°.
const FAR: f64 = 0.9;

/// The angles between the spans of the orthonormal columns of `u: [n, r]` and `v: [n, s]`: `min(r, s)` of them in radians,
/// ascending.
///
/// The cosines are the singular values of `UᵀV`; near zero an arc cosine would lose half of the digits, so the sines are taken
/// too, from the part of the smaller subspace outside the larger, and `atan2` uses whichever says more. Each angle is good to
/// about 1e-15.
///
/// # Errors
/// [`MathError::Shape`] if the spaces differ, [`MathError::NoConvergence`] from the singular values.
///
/// # Source
/// Björck & Golub, Math. Comp. 27 (1973); Knyazev & Argentati, SIAM J. Sci. Comput. 23 (2002), for the sines.
pub fn principal_angles(u: &Mat, v: &Mat) -> Result<Vec<f64>, MathError> {
    if u.nrows() != v.nrows() {
        let (expected, found) = ((u.nrows(), v.ncols()), v.shape());
        return Err(MathError::Shape { what: "a subspace beside another", expected, found });
    }
    let (large, small) = if u.ncols() < v.ncols() { (v, u) } else { (u, v) };
    let overlap = transposed_times(large, small);
    let cosines = plain_values(&overlap)?;
    if cosines.first().is_some_and(|largest| *largest < FAR) {
        return Ok(cosines.into_iter().map(f64::acos).collect());
    }
    let mut outside = small - large * &overlap;
    // Once more: what rounding has left inside is as large as a small angle.
    outside -= large * transposed_times(large, &outside);
    let mut sines = plain_values(&outside)?;
    sines.resize(small.ncols(), 0.0);
    sines.reverse();
    Ok(sines.iter().zip(&cosines).map(|(sine, cosine)| sine.atan2(*cosine)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Rng;
    use std::f64::consts::FRAC_PI_2;

    /// Subspaces of these planted angles, in a random position.
    fn planted(angles: &[f64], extra: usize, n: usize, rng: &mut Rng) -> (Mat, Mat) {
        let (turn, r) = (rng.haar_rotation(n), angles.len());
        let mut v = Mat::zeros(n, r + extra);
        for (i, angle) in angles.iter().enumerate() {
            v.set_column(i, &(turn.column(i) * angle.cos() + turn.column(r + i) * angle.sin()));
        }
        for i in 0..extra {
            v.set_column(r + i, &turn.column(2 * r + i));
        }
        let (mix_u, mix_v) = (rng.haar_rotation(r), rng.haar_rotation(r + extra));
        (turn.columns(0, r) * mix_u, v * mix_v)
    }

    #[test]
    fn planted_angles_come_back_from_the_smallest_to_the_right_one() {
        let mut rng = Rng::new(8);
        let all = [0.0, 1e-14, 1e-9, 1e-4, 0.3, 0.8, 1.3, FRAC_PI_2 - 1e-9, FRAC_PI_2];
        // With small angles, and without.
        for (angles, extra) in [(&all[..], 0), (&all, 4), (&all[5..], 0), (&all[5..], 4)] {
            let (u, v) = planted(angles, extra, 30, &mut rng);
            for (one, other) in [(&u, &v), (&v, &u)] {
                let found = principal_angles(one, other).unwrap();
                assert_eq!(found.len(), angles.len());
                for (found, angle) in found.iter().zip(angles) {
                    assert!((found - angle).abs() < 5e-15, "{found} against {angle}");
                }
            }
        }
    }

    #[test]
    fn spaces_of_different_width_are_refused_and_nothing_has_no_angle() {
        assert!(principal_angles(&Mat::identity(3, 1), &Mat::identity(4, 1)).is_err());
        assert!(principal_angles(&Mat::zeros(3, 0), &Mat::identity(3, 2)).unwrap().is_empty());
    }
}

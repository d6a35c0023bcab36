//! Principal angles between two subspaces, accurate near zero and near a right angle.

use super::plain_values::plain_values;
use super::products::transposed_times;
use super::{Mat, MathError};

/// A cosine below which its arc cosine has all of its digits: no sine is needed where no angle is smaller than 26°, and no cosine where
/// none is larger than 64°.
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
    let outside = || {
        let mut outside = small - large * &overlap;
        // Once more: what rounding has left inside is as large as a small angle.
        outside -= large * transposed_times(large, &outside);
        outside
    };
    angles(&overlap, outside)
}

/// The same where the first subspace is that of the first `r` coordinates: nothing has to be projected.
///
/// # Errors
/// As [`principal_angles`].
pub fn angles_with_coordinates(r: usize, v: &Mat) -> Result<Vec<f64>, MathError> {
    let (n, s) = v.shape();
    if s > r || r > n {
        return principal_angles(&Mat::identity(n, r), v);
    }
    angles(&v.rows(0, r).into_owned(), || v.rows(r, n - r).into_owned())
}

/// From the part of the smaller subspace inside the larger one, and the part outside.
fn angles(inside: &Mat, outside: impl FnOnce() -> Mat) -> Result<Vec<f64>, MathError> {
    let n = inside.ncols();
    let sines = |outside: Mat| -> Result<Vec<f64>, MathError> {
        let mut sines = plain_values(&outside)?;
        sines.resize(n, 0.0);
        sines.reverse();
        Ok(sines)
    };
    // Where the spaces are mostly one, the sines alone may do; where they are mostly apart, the cosines.
    if 2.0 * inside.norm_squared() > n as f64 {
        let sines = sines(outside())?;
        if sines.last().is_some_and(|largest| *largest < FAR) {
            return Ok(sines.into_iter().map(f64::asin).collect());
        }
        return Ok(both(&sines, &plain_values(inside)?));
    }
    let cosines = plain_values(inside)?;
    if cosines.first().is_some_and(|largest| *largest < FAR) {
        return Ok(cosines.into_iter().map(f64::acos).collect());
    }
    Ok(both(&sines(outside())?, &cosines))
}

fn both(sines: &[f64], cosines: &[f64]) -> Vec<f64> {
    sines.iter().zip(cosines).map(|(sine, cosine)| sine.atan2(*cosine)).collect()
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
        // With small angles, and without; small ones alone.
        for (angles, extra) in [
            (&all[..], 0),
            (&all, 4),
            (&all[5..], 0),
            (&all[5..], 4),
            (&all[..6], 0),
            (&all[..6], 4),
        ] {
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
    fn angles_with_the_first_coordinates_are_those_with_their_span() {
        let mut rng = Rng::new(9);
        for (n, r, s) in [(20, 6, 6), (20, 6, 4), (20, 4, 6), (9, 6, 6), (6, 6, 3)] {
            let turn = rng.haar_rotation(n);
            // As they lie, and turned a little.
            let near = {
                let a = Mat::identity(n, s) + rng.normal_matrix(n, s) * 0.02;
                a.qr().q()
            };
            for v in [turn.columns(0, s).into_owned(), near, Mat::identity(n, s)] {
                let found = angles_with_coordinates(r, &v).unwrap();
                let expected = principal_angles(&Mat::identity(n, r), &v).unwrap();
                assert_eq!(found.len(), r.min(s));
                for (found, expected) in found.iter().zip(&expected) {
                    assert!((found - expected).abs() < 5e-15, "{found} against {expected}");
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

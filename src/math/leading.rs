//! The leading eigenvectors of a positive semidefinite matrix: as few as hold a share of its trace.

use nalgebra::SymmetricEigen;

use super::Mat;
use super::products::transposed_times;
use super::qr::Qr;
use super::random::Rng;
use super::statistics::largest_first;

/// Widths of the subspaces that are tried before the whole matrix is decomposed.
const WIDTHS: [usize; 2] = [32, 96];
/// Products with the matrix that a subspace may take.
const ROUNDS: usize = 30;
/// After so many a subspace that does not hold the share is too narrow.
const ENOUGH: usize = 5;
/// `‖S x − θ x‖` of a vector that has settled, relative to the largest eigenvalue.
const SETTLED: f64 = 1e-12;
/// Most iterations that the eigenvalues of a whole matrix may take.
const MAX_ITERATIONS: usize = 10_000;

/// The fewest eigenvectors of `scatter: [n, n]` whose eigenvalues sum to `share` of its trace: `[n, r]`, orthonormal, the largest first.
/// `None` where the eigenvalues do not settle.
///
/// Where few directions hold the share, orthogonal iteration finds them in some tenths of the time of a whole decomposition;
/// where they are many, the whole matrix is decomposed.
///
/// # Source
/// Golub & Van Loan, *Matrix Computations*, section 8.2.4 (orthogonal iteration with Ritz acceleration).
pub fn leading(scatter: &Mat, share: f64) -> Option<Mat> {
    let (n, largest) = (scatter.nrows(), scatter.diagonal().max());
    if !largest.is_finite() || largest <= 0.0 {
        return None;
    }
    let scatter = scatter / largest;
    let wanted = share * scatter.trace();
    let narrow = WIDTHS.into_iter().filter(|width| 4 * width <= n);
    narrow.flat_map(|width| in_subspace(&scatter, wanted, width)).next().or_else(|| {
        let (values, vectors) = decomposed(scatter)?;
        Some(vectors.columns(0, count(&values, wanted)?).into_owned())
    })
}

/// Eigenvalues and eigenvectors, the largest first.
fn decomposed(symmetric: Mat) -> Option<(Vec<f64>, Mat)> {
    let eigen = SymmetricEigen::try_new(symmetric, f64::EPSILON, MAX_ITERATIONS)?;
    let order = largest_first(eigen.eigenvalues.as_slice());
    let values = order.iter().map(|&i| eigen.eigenvalues[i]).collect();
    Some((values, eigen.eigenvectors.select_columns(&order)))
}

/// How many of `values` sum to `wanted`.
fn count(values: &[f64], wanted: f64) -> Option<usize> {
    let mut held = 0.0;
    let enough = values.iter().position(|value| {
        held += value;
        held >= wanted
    })?;
    Some(enough + 1)
}

/// By orthogonal iteration in `width` dimensions; `None` where these hold too little or do not settle.
fn in_subspace(scatter: &Mat, wanted: f64, width: usize) -> Option<Mat> {
    let mut basis = orthonormal(Rng::new(0).normal_matrix(scatter.nrows(), width));
    for round in 0..ROUNDS {
        let image = transposed_times(scatter, &basis);
        let (values, turn) = decomposed(transposed_times(&basis, &image))?;
        let found = count(&values, wanted);
        if found.is_none() && round >= ENOUGH {
            return None;
        }
        let (image, ritz) = (image * &turn, &basis * turn);
        if let Some(r) = found {
            let settled = (0..r).all(|i| {
                (image.column(i) - ritz.column(i) * values[i]).norm() <= SETTLED * values[0]
            });
            if settled {
                return Some(ritz.columns(0, r).into_owned());
            }
        }
        basis = orthonormal(image);
    }
    None
}

/// An orthonormal basis of the columns.
fn orthonormal(columns: Mat) -> Mat {
    let qr = Qr::of(columns);
    qr.q_times(&Mat::identity(qr.rank(), qr.rank()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A matrix with these eigenvalues in random directions, and the directions.
    fn planted(n: usize, value: impl Fn(usize) -> f64) -> (Mat, Mat) {
        let q = Rng::new(7).normal_matrix(n, n).qr().q();
        let values = Mat::from_fn(n, n, |i, j| if i == j { value(i) } else { 0.0 });
        (&q * values * q.transpose(), q)
    }

    fn projector(columns: &Mat) -> Mat {
        columns * columns.transpose()
    }

    #[test]
    fn the_planted_directions_are_found_in_every_way() {
        type Spectrum = fn(usize) -> f64;
        let ways: [(&str, Spectrum, usize); 4] = [
            // Eleven directions over noise: the narrow subspace.
            ("few", |i| if i < 11 { 5.0 - 0.2 * i as f64 } else { 1e-3 }, 10),
            // Sixty of them: the wide one.
            ("some", |i| if i < 60 { 1.0 } else { 1e-4 }, 55),
            // Hardly a difference: the whole matrix.
            ("many", |i| 1.0 - i as f64 / 800.0, 344),
            // No more than three directions at all: the subspace shrinks with them.
            ("rank", |i| if i < 3 { 1e-20 } else { 0.0 }, 3),
        ];
        for (what, value, expected) in ways {
            let (scatter, q) = planted(400, value);
            let found = leading(&scatter, 0.9).expect(what);
            assert_eq!(found.ncols(), expected, "{what}");
            let gram = found.transpose() * &found;
            assert!((gram - Mat::identity(expected, expected)).amax() < 1e-12, "{what}");
            if what != "some" {
                let planted = q.columns(0, expected).into_owned();
                let apart = (projector(&found) - projector(&planted)).amax();
                assert!(apart < 1e-9, "{what}: {apart:e}");
            }
            let held = (found.transpose() * &scatter * &found).trace() / scatter.trace();
            assert!((0.9..0.9 + 1.0 / expected as f64).contains(&held), "{what}: {held}");
        }
        assert_eq!(leading(&Mat::zeros(5, 5), 0.9), None);
        assert_eq!(leading(&Mat::from_element(5, 5, f64::NAN), 0.9), None);
    }
}

//! What a decomposition is worth, measured on the result and not inferred from the algorithm.

use super::Mat;
use super::kernels::{Columns, Packed, add_product};

/// Random vectors per estimate.
const PROBES: usize = 8;

/// Columns of independent entries with mean 0 and variance 1, the same on every machine.
///
/// Uniform on `(−√3, √3)` by SplitMix64: unlike signs, no fixed error vector is orthogonal to them with a likely probability.
pub(super) fn probes(n_rows: usize) -> Mat {
    let mut state = 0x0a11_ce5e_u64;
    Mat::from_fn(n_rows, PROBES, |_, _| {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        let unit = ((z ^ (z >> 31)) >> 11) as f64 / (1_u64 << 53) as f64;
        (2.0 * unit - 1.0) * 3.0_f64.sqrt()
    })
}

/// `‖left − right‖_F / √PROBES`, an estimate of `‖E‖_F` when the two are `E₁ Z` and `E₂ Z`, `E = E₁ − E₂`.
///
/// `E‖E z‖² = ‖E‖_F²` (Girard 1989, Hutchinson 1990). With eight probes even an error of rank one is underestimated tenfold
/// with probability below 10⁻⁶, and the square matrix `E` is never formed.
pub(super) fn probed_norm(left: &Mat, right: &Mat) -> f64 {
    let sum: f64 = left.iter().zip(right.iter()).map(|(x, y)| (x - y) * (x - y)).sum();
    (sum / PROBES as f64).sqrt()
}

/// `x relative to scale`, and 0 beside a zero that is met exactly.
pub(super) fn relative(x: f64, scale: f64) -> f64 {
    if x == 0.0 { 0.0 } else { x / scale }
}

/// `left (rightᵀ z)` for a thin `z`.
pub(super) fn apply_product(left: &Mat, right: &Mat, z: &Mat) -> Mat {
    let inner = thin_products(right, z);
    thin_sum(left, &inner)
}

/// `left diag(s) (rightᵀ z)` for a thin `z`.
pub(super) fn apply_svd(left: &Mat, s: &[f64], right: &Mat, z: &Mat) -> Mat {
    let mut inner = thin_products(right, z);
    for mut column in inner.column_iter_mut() {
        column.iter_mut().zip(s).for_each(|(x, s)| *x *= s);
    }
    thin_sum(left, &inner)
}

fn thin_products(right: &Mat, z: &Mat) -> Mat {
    Packed::new(Columns::of(z), z.ncols())
        .transposed_times(Columns::of(right), right.ncols())
        .transpose()
}

fn thin_sum(left: &Mat, inner: &Mat) -> Mat {
    let mut sum = Mat::zeros(left.nrows(), inner.ncols());
    add_product(sum.as_mut_slice(), left.nrows(), 0, Columns::of(left), inner);
    sum
}

/// `max |QᵀQ − I|` over the first `kept` columns of `q`.
pub(super) fn orthogonality(q: &Mat, kept: usize) -> f64 {
    let columns = Columns::of(q);
    let gram = Packed::new(columns, kept).upper_products(columns);
    let mut worst = 0.0_f64;
    for k in 0..kept {
        worst = worst.max((gram[(k, k)] - 1.0).abs());
        for i in 0..k {
            worst = worst.max(gram[(i, k)].abs());
        }
    }
    worst
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ProductSvd, product_svd};

    fn residual(a: &Mat, b: &Mat, svd: &ProductSvd) -> f64 {
        let z = probes(b.nrows());
        let error = probed_norm(&apply_product(a, b, &z), &apply_svd(&svd.u, &svd.s, &svd.v, &z));
        relative(error, svd.s.iter().map(|s| s * s).sum::<f64>().sqrt())
    }

    #[test]
    fn an_error_in_any_part_shows_at_its_true_size() {
        let wave = |m: usize, phase: f64| {
            Mat::from_fn(m, 6, |i, j| ((i * (j + 2)) as f64 * 0.7 + phase).sin())
        };
        let (a, b) = (wave(40, 0.1), wave(30, 0.5));
        let good = product_svd(&a, &b).unwrap();
        assert!(residual(&a, &b, &good) < 1e-14);
        let spoil: [&dyn Fn(&mut ProductSvd); 4] = [
            &|svd| svd.u[(17, 3)] += 1e-6,
            &|svd| svd.v[(29, 5)] += 1e-6,
            &|svd| svd.s[5] *= 1.0 + 1e-6,
            &|svd| svd.u.swap_columns(4, 5),
        ];
        for spoil in spoil {
            let mut bad = good.clone();
            spoil(&mut bad);
            let truth = &a * b.transpose();
            let scaled = Mat::from_fn(30, 6, |i, k| bad.v[(i, k)] * bad.s[k]);
            let error = (&truth - &bad.u * scaled.transpose()).norm() / truth.norm();
            let ratio = residual(&a, &b, &bad) / error;
            assert!(
                (0.2..3.0).contains(&ratio),
                "estimated {ratio} of the true residual {error:e}"
            );
        }
    }

    #[test]
    fn tilted_columns_are_not_called_orthogonal() {
        let mut q = Mat::identity(20, 9);
        assert_eq!(orthogonality(&q, 9), 0.0);
        q[(7, 8)] = 1e-9;
        assert!((orthogonality(&q, 9) - 1e-9).abs() < 1e-15);
        assert_eq!(orthogonality(&q, 8), 0.0);
    }

    #[test]
    fn probes_have_unit_variance() {
        let z = probes(4000);
        let mean_square = z.norm_squared() / z.len() as f64;
        assert!((mean_square - 1.0).abs() < 0.03 && z.mean().abs() < 0.03);
    }
}

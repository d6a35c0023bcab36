//! Eigenvalues of a small square matrix, without vectors: a fifth of the work of its Schur form.

use super::Mat;
use super::kernels::{axpy, dot};

/// Double steps for one eigenvalue after which it is given up; most take two or three.
const MAX_STEPS: usize = 40;

/// Double steps after which a shift that leads nowhere (a cyclic permutation's) gives way to another.
const STALE: usize = 10;

/// The eigenvalues of `m: [n, n]`, `(real, imaginary)`, in no order; `None` if they do not settle. Its entries should be finite and of
/// size one. Each is off by some `ε ‖m‖` times its own condition.
///
/// # Source
/// Golub & Van Loan, *Matrix Computations*, sections 7.4 and 7.5: reduction to Hessenberg form, then Francis's double steps on the part that
/// has not split off.
// Not inlined: who asks is built for size.
#[inline(never)]
pub fn eigenvalues(m: &Mat) -> Option<Vec<(f64, f64)>> {
    let mut h = hessenberg(m.clone());
    let rounding = f64::EPSILON * h.amax();
    let mut found = Vec::with_capacity(h.nrows());
    let (mut end, mut steps) = (h.nrows(), 0);
    while end > 0 {
        let start = split(&mut h, end, rounding);
        match end - start {
            1 => found.push((h[(start, start)], 0.0)),
            2 => found.extend(of_two(&h, start)),
            _ if steps == MAX_STEPS => return None,
            _ => {
                steps += 1;
                double_step(&mut h, start, end, steps % STALE == 0);
                continue;
            }
        }
        (end, steps) = (start, 0);
    }
    Some(found)
}

/// `Qᵀ M Q` with zeros below the first subdiagonal.
fn hessenberg(mut m: Mat) -> Mat {
    let n = m.nrows();
    for k in 0..n.saturating_sub(2) {
        let mut v = m.column(k).as_slice()[k + 1..].to_vec();
        let norm = dot(&v, &v).sqrt();
        if norm == v[0].abs() {
            continue;
        }
        v[0] += if v[0] < 0.0 { -norm } else { norm };
        let tau = 2.0 / dot(&v, &v);
        for column in m.as_mut_slice().chunks_exact_mut(n).skip(k) {
            let below = &mut column[k + 1..];
            axpy(-tau * dot(&v, below), &v, below);
        }
        let mut sum = vec![0.0; n];
        let behind = &mut m.as_mut_slice()[(k + 1) * n..];
        behind.chunks_exact(n).zip(&v).for_each(|(column, v)| axpy(*v, column, &mut sum));
        behind.chunks_exact_mut(n).zip(&v).for_each(|(column, v)| axpy(-tau * v, &sum, column));
    }
    m
}

/// Where the last block of `h`'s first `end` rows begins: after a subdiagonal entry that is no more than `rounding`.
fn split(h: &mut Mat, end: usize, rounding: f64) -> usize {
    for i in (1..end).rev() {
        if h[(i, i - 1)].abs() <= rounding {
            h[(i, i - 1)] = 0.0;
            return i;
        }
    }
    0
}

/// Both eigenvalues of the two rows from `i` on.
fn of_two(h: &Mat, i: usize) -> [(f64, f64); 2] {
    let (a, d) = (h[(i, i)], h[(i + 1, i + 1)]);
    let (half, product) = ((a - d) / 2.0, h[(i, i + 1)] * h[(i + 1, i)]);
    let square = half * half + product;
    if square < 0.0 {
        let imaginary = (-square).sqrt();
        return [(d + half, imaginary), (d + half, -imaginary)];
    }
    let far = half + square.sqrt().copysign(half);
    [(d + far, 0.0), (if far == 0.0 { d } else { d - product / far }, 0.0)]
}

/// One double step on rows `start..end`, at least three: with the eigenvalues of the last two as shifts, or with others.
fn double_step(h: &mut Mat, start: usize, end: usize, other: bool) {
    let (l, n) = (end - 1, h.nrows());
    let (sum, product) = if other {
        let size = h[(l, l - 1)].abs() + h[(l - 1, l - 2)].abs();
        (1.5 * size, size * size)
    } else {
        let (a, d) = (h[(l - 1, l - 1)], h[(l, l)]);
        (a + d, a * d - h[(l - 1, l)] * h[(l, l - 1)])
    };
    let (a, b, below) = (h[(start, start)], h[(start + 1, start + 1)], h[(start + 1, start)]);
    let mut x = [
        a * a + h[(start, start + 1)] * below - sum * a + product,
        below * (a + b - sum),
        below * h[(start + 2, start + 1)],
    ];
    for k in start..l {
        let len = (end - k).min(3);
        if k > start {
            x = std::array::from_fn(|i| if i < len { h[(k + i, k - 1)] } else { 0.0 });
        }
        let norm = dot(&x, &x).sqrt();
        if norm == 0.0 {
            continue;
        }
        x[0] += if x[0] < 0.0 { -norm } else { norm };
        let v = x.map(|entry| entry * (2.0 / dot(&x, &x)).sqrt());
        let first = k.saturating_sub(1).max(start);
        for column in h.as_mut_slice()[first * n..end * n].chunks_exact_mut(n) {
            let rows = &mut column[k..k + len];
            let along: f64 = rows.iter().zip(&v).map(|(x, v)| x * v).sum();
            rows.iter_mut().zip(&v).for_each(|(x, v)| *x -= along * v);
        }
        let mut columns = h.as_mut_slice()[k * n..(k + len) * n].chunks_exact_mut(n);
        let mut rows = || columns.next().map(|column| &mut column[start..end.min(k + 4)]);
        match (rows(), rows(), rows()) {
            (Some(c0), Some(c1), Some(c2)) => {
                for ((x, y), z) in c0.iter_mut().zip(c1).zip(c2) {
                    let along = *x * v[0] + *y * v[1] + *z * v[2];
                    *x -= along * v[0];
                    *y -= along * v[1];
                    *z -= along * v[2];
                }
            }
            (Some(c0), Some(c1), None) => {
                for (x, y) in c0.iter_mut().zip(c1) {
                    let along = *x * v[0] + *y * v[1];
                    *x -= along * v[0];
                    *y -= along * v[1];
                }
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Rng;

    /// Against nalgebra's, each matched with the nearest.
    fn check(m: &Mat, tolerance: f64) {
        let mut left = eigenvalues(m).expect("settles");
        assert_eq!(left.len(), m.nrows());
        for expected in m.complex_eigenvalues().iter() {
            let distance = |(re, im): &(f64, f64)| (re - expected.re).hypot(im - expected.im);
            let by_distance =
                |a: &usize, b: &usize| distance(&left[*a]).total_cmp(&distance(&left[*b]));
            let nearest = (0..left.len()).min_by(by_distance).expect("one for each");
            let found = left.swap_remove(nearest);
            assert!(distance(&found) <= tolerance, "{found:?} for {expected}");
        }
    }

    #[test]
    fn random_matrices_have_the_eigenvalues_of_their_schur_form() {
        let mut rng = Rng::new(12);
        for n in [1, 2, 3, 4, 7, 32, 64] {
            for _ in 0..5 {
                let m = rng.normal_matrix(n, n);
                check(&m, 1e-11);
                check(&(&m + m.transpose()), 1e-12);
                check(&(&m - m.transpose()), 1e-12);
                check(&m.clone().qr().q(), 1e-11);
                // Of low rank, as a head with dead directions is.
                let thin = rng.normal_matrix(n, n.div_ceil(3));
                check(&(&thin * thin.transpose()), 1e-10);
            }
        }
    }

    #[test]
    fn what_makes_shifts_fail_is_found_all_the_same() {
        for n in 1..=9 {
            let cycle = Mat::from_fn(n, n, |i, j| f64::from(i == (j + 1) % n));
            for (re, im) in eigenvalues(&cycle).expect("settles") {
                assert!((re.hypot(im) - 1.0).abs() < 1e-12, "{n}: {re} {im}");
            }
            assert!(eigenvalues(&Mat::zeros(n, n)).expect("zero").iter().all(|x| *x == (0.0, 0.0)));
            // A single Jordan block is as ill-conditioned as can be: its sum is right nonetheless.
            let jordan = Mat::from_fn(n, n, |i, j| f64::from(i == j) + f64::from(i + 1 == j));
            let found = eigenvalues(&jordan.transpose()).expect("settles");
            assert!((found.iter().map(|x| x.0).sum::<f64>() - n as f64).abs() < 1e-10);
        }
        assert_eq!(eigenvalues(&Mat::zeros(0, 0)), Some(Vec::new()));
    }

    #[test]
    fn sums_of_powers_are_the_traces_of_powers() {
        let m = Rng::new(5).normal_matrix(40, 40) / 6.0;
        let (mut power, found) = (m.clone(), eigenvalues(&m).expect("settles"));
        for k in 1..5 {
            let sum: f64 = found
                .iter()
                .map(|(re, im)| re.hypot(*im).powi(k) * (im.atan2(*re) * f64::from(k)).cos())
                .sum();
            assert!((sum - power.trace()).abs() < 1e-11, "{k}: {sum} {}", power.trace());
            power = &power * &m;
        }
    }
}

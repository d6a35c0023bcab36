//! Heads that no model has, on the GPU: whatever the factors, no NaN comes out, and a certificate that passes is right.
//!
//! Demands are those that hold for any matrix: singular values to 1e-5 of the largest, orthonormal vectors, the product
//! rebuilt. Runs on whatever adapter there is, llvmpipe included; without one it says so and passes.
#![cfg(all(feature = "gpu", not(target_arch = "wasm32")))]
#![allow(clippy::unwrap_used, reason = "in a test, a failed unwrap is a failed test")]

use crate::support::gpu as support;

use omega_lens::gpu::{Factors, GpuError, HeadSvd, Plant};
use omega_lens::math::random::Rng;
use omega_lens::math::{Mat, product_svd};
use support::{decompose, gpu, seed};

/// `m` in `f32`, where both sides start.
fn rounded(m: Mat) -> Mat {
    m.map(|x| f64::from(x as f32))
}

/// `m` with entry (i, k) times `scale(i, k)`.
fn scaled(m: Mat, scale: impl Fn(usize, usize) -> f64) -> Mat {
    Mat::from_fn(m.nrows(), m.ncols(), |i, k| m[(i, k)] * scale(i, k))
}

/// What is wrong with the SVD of `A Bᵀ`, if anything is.
fn faults(svd: &HeadSvd, a: &Mat, b: &Mat) -> Vec<String> {
    let h = a.ncols();
    let mut faults = Vec::new();
    let mut demand = |what: &str, error: f64, limit: f64| {
        // A NaN is a fault.
        if error.is_nan() || error > limit {
            faults.push(format!("{what} {error:.1e} > {limit:.1e}"));
        }
    };
    let reference = product_svd(a, b).unwrap();
    let first = reference.s[0];
    let wide = |values: &[f32]| {
        Mat::from_row_iterator(values.len() / h, h, values.iter().map(|&x| f64::from(x)))
    };
    let (u, v) = (wide(&svd.u), wide(&svd.v));
    let size = if first > 0.0 { first } else { 1.0 };
    let sigma = svd.s.iter().zip(&reference.s).map(|(x, y)| (x - y).abs() / size);
    // What f32 factors determine: every column pair errs by its own size, whatever becomes of it in the sum.
    let pairs = (0..h).map(|k| a.column(k).norm() * b.column(k).norm()).sum::<f64>();
    let gauge = (pairs / size / h as f64).max(1.0);
    demand(
        "singular values",
        sigma.fold(0.0, |most, x| if x <= most { most } else { x }),
        1e-5 * gauge,
    );
    for (side, m) in [("U", &u), ("V", &v)] {
        let kept = m.columns(0, svd.rank);
        let gram = kept.tr_mul(&kept) - Mat::identity(svd.rank, svd.rank);
        demand(&format!("orthogonality of {side}"), gram.amax(), 2e-5);
        demand(&format!("rest of {side}"), m.columns(svd.rank, h - svd.rank).amax(), 0.0);
    }
    if first > 0.0 {
        let s = Mat::from_fn(h, h, |i, k| if i == k { svd.s[i] / first } else { 0.0 });
        let rest = a / first.sqrt() * (b / first.sqrt()).transpose() - &u * s * v.transpose();
        demand("the product", rest.norm() / (h as f64).sqrt(), 1e-5 * gauge);
    }
    // A certificate may not be had for scale.
    let norm = svd.s.iter().map(|s| (s / size).powi(2)).sum::<f64>().sqrt();
    let limit = svd.certificate.residual_limit * norm;
    let fair = 1.1e-5 * norm.max(pairs / size / (h as f64).sqrt());
    demand("limit of the residual", limit, fair);
    if !svd.certificate.passed() {
        faults.push(format!("{:?}", svd.certificate));
    }
    faults
}

fn hold(shape: [usize; 3], heads: Vec<(&str, Mat, Mat)>) {
    let Some(gpu) = gpu() else { return };
    let named = heads.into_iter().map(|(name, a, b)| (name, (rounded(a), rounded(b))));
    let (names, heads): (Vec<&str>, Vec<(Mat, Mat)>) = named.unzip();
    let mut found = Vec::new();
    for ((name, svd), (a, b)) in names.iter().zip(decompose(&gpu, &heads)).zip(&heads) {
        let faults = faults(&svd, a, b);
        if !faults.is_empty() {
            found.push(format!("{name}: {}", faults.join("; ")));
        }
    }
    assert!(found.is_empty(), "{shape:?}\n{}", found.join("\n"));
}

#[test]
fn no_shape_is_too_small_or_too_odd() {
    for [dl, dr, h] in [
        [1, 1, 1],
        [1, 7, 1],
        [5, 3, 2],
        [3, 2, 5],
        [7, 9, 17],
        [40, 33, 33],
        [16, 300, 47],
        [20, 20, 65],
    ] {
        let mut rng = Rng::new(seed());
        let mut normal = || (rng.normal_matrix(dl, h), rng.normal_matrix(dr, h));
        let (a, b) = normal();
        let (c, d) = normal();
        let one = |m: &Mat| Mat::from_fn(m.nrows(), h, |i, k| if i + k == 0 { 3.0 } else { 0.0 });
        let heads = vec![
            ("normal", a.clone(), b.clone()),
            ("one entry", one(&a), one(&b)),
            ("one entry against normal", one(&a), b.clone()),
            ("all ones", a.map(|_| 1.0), b.map(|_| 1.0)),
            ("zero against normal", a.map(|_| 0.0), d.clone()),
            (
                "first column zero here, last there",
                scaled(c, |_, k| f64::from(u8::from(k > 0))),
                scaled(d, |_, k| f64::from(u8::from(k + 1 < h))),
            ),
        ];
        hold([dl, dr, h], heads);
    }
}

#[test]
fn no_scale_is_too_far() {
    for [d, h] in [[96, 24], [200, 64]] {
        let mut rng = Rng::new(seed());
        let mut normal = || (rng.normal_matrix(d, h), rng.normal_matrix(d, h));
        let mut heads = Vec::new();
        let mut push =
            |name, left: &dyn Fn(usize, usize) -> f64, right: &dyn Fn(usize, usize) -> f64| {
                let (a, b) = normal();
                heads.push((name, scaled(a, left), scaled(b, right)));
            };
        let sign = |k: usize| if k.is_multiple_of(2) { 30 } else { -30 };
        push("columns 1e±30, undone", &|_, k| 10f64.powi(sign(k)), &|_, k| 10f64.powi(-sign(k)));
        push("columns 1e±18 in both", &|_, k| 10f64.powi(sign(k) * 3 / 5), &|_, k| {
            10f64.powi(sign(k) * 3 / 5)
        });
        push("columns 1e±30 in one", &|_, k| 10f64.powi(sign(k)), &|_, _| 1.0);
        push("rows 1e±30 in one", &|i, _| 10f64.powi(sign(i)), &|_, _| 1.0);
        push("rows 1e±18 in both", &|i, _| 10f64.powi(sign(i) * 3 / 5), &|i, _| {
            10f64.powi(sign(i) * 3 / 5)
        });
        push(
            "graded over 60 orders",
            &|_, k| 10f64.powf(30.0 - 60.0 * k as f64 / h as f64),
            &|_, _| 1.0,
        );
        push("one row of 1e30", &|i, _| if i == 3 { 1e30 } else { 1.0 }, &|_, _| 1.0);
        push("one column of 1e-30", &|_, k| if k == 3 { 1e-30 } else { 1.0 }, &|_, _| 1.0);
        push("subnormal in f32", &|_, _| 1e-40, &|_, _| 1.0);
        push("subnormal in both", &|_, _| 1e-42, &|_, _| 1e-42);
        push("as large as f32 goes", &|_, _| 3e37, &|_, _| 3e37);
        push("as small as f32 goes", &|_, _| 1e-37, &|_, _| 1e-37);
        push("checkerboard of 1e±19", &|i, k| 10f64.powi(sign(i + k) * 19 / 30), &|_, _| 1.0);
        hold([d, d, h], heads);
    }
}

#[test]
fn no_condition_is_too_bad() {
    for [d, h] in [[150, 40], [256, 64]] {
        let mut rng = Rng::new(seed());
        let mut heads = Vec::new();
        for kappa in [1e8, 1e12, 1e20, 1e30] {
            let (a, b) = Plant::Balanced(kappa).factors(d, h, &mut rng);
            heads.push(("balanced", a, b));
            let (a, b) = Plant::OneSided(kappa).factors(d, h, &mut rng);
            heads.push(("one-sided", a, b));
        }
        let hilbert = |m: usize| Mat::from_fn(m, h, |i, k| 1.0 / (i + k + 1) as f64);
        heads.push(("Hilbert", hilbert(d), hilbert(d)));
        let powers =
            |m: usize| Mat::from_fn(m, h, |i, k| ((i + 1) as f64 / m as f64).powi(k as i32));
        heads.push(("Vandermonde", powers(d), powers(d)));
        let triangle = |m: usize| {
            Mat::from_fn(m, h, |i, k| {
                if i == k {
                    1.0
                } else if i < k {
                    -1.0
                } else {
                    0.0
                }
            })
        };
        heads.push(("Kahan's triangle", triangle(d), triangle(d)));
        let a = rng.normal_matrix(d, 1);
        heads.push(("rank one", &a * Mat::from_element(1, h, 1.0), rng.normal_matrix(d, h)));
        heads.push((
            "rank one twice",
            &a * Mat::from_element(1, h, 1.0),
            &a * Mat::from_element(1, h, -2.0),
        ));
        let near = |rng: &mut Rng| {
            let noise = rng.normal_matrix(d, h) * 1e-7;
            &a * Mat::from_element(1, h, 1.0) + noise
        };
        heads.push(("rank one and dust", near(&mut rng), near(&mut rng)));
        let (x, y) = (rng.normal_matrix(d, h), rng.normal_matrix(d, h));
        let cancel = |m: &Mat, s: f64| {
            Mat::from_fn(d, h, |i, k| m[(i, k / 2)] * if k % 2 == 0 { 1.0 } else { s })
        };
        let twice = Mat::from_fn(d, h, |i, k| x[(i, k / 2)]);
        heads.push(("full against every column twice", y.clone(), twice.clone()));
        heads.push(("every column twice against full", twice, y.clone()));
        heads.push(("pairs that cancel", cancel(&x, 1.0), cancel(&y, -1.0)));
        let nearly = cancel(&y, -1.0) + rng.normal_matrix(d, h) * 1e-4;
        heads.push(("pairs that nearly cancel", cancel(&x, 1.0), nearly));
        hold([d, d, h], heads);
    }
}

#[test]
fn what_is_no_number_is_refused_by_place() {
    for x in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        let mut factors = Factors::new(4, 3).unwrap();
        let mut m = Mat::from_element(4, 3, 1.0);
        m[(2, 1)] = x;
        assert!(matches!(factors.push(&m), Err(GpuError::NotFinite { row: 2, column: 1, .. })));
        assert!(factors.is_empty(), "nothing of it stays");
        factors.push(&Mat::from_element(4, 3, 1.0)).unwrap();
        assert_eq!(factors.len(), 1);
    }
}

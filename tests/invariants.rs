//! The decomposition's promises, on heads with known spectra: nasty ones first, then random shapes.
//!
//! Tolerances are those of double precision with the constants that one-sided Jacobi earns: `1e-13` for orthogonality,
//! residual and `σ / σ_1`; `1e-12` for the relative error of every `σ`, plus what rounding the planted factors themselves
//! changes, `ε κ` with `κ` the condition of a factor after scaling its columns.
//!
//! Longer than most files: every invariant is asked of the same cases, which are made here.

#![allow(clippy::unwrap_used, reason = "a test says by panicking what is wrong")]

use omega_lens::math::qr::Qr;
use omega_lens::math::{Mat, MathError, ProductSvd, product_singular_values, product_svd};
use proptest::prelude::*;

/// A stream of numbers in (−1, 1), the same on every machine.
struct Stream(u64);

impl Stream {
    fn next(&mut self) -> f64 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 11) as f64 / (1_u64 << 53) as f64) * 2.0 - 1.0
    }

    fn matrix(&mut self, n_rows: usize, n_cols: usize) -> Mat {
        Mat::from_fn(n_rows, n_cols, |_, _| self.next())
    }

    fn orthonormal(&mut self, n_rows: usize, n_cols: usize) -> Mat {
        Qr::new(&self.matrix(n_rows, n_cols)).q_times(&Mat::identity(n_cols, n_cols))
    }
}

/// A head `a bᵀ` whose singular values are `s` up to the rounding of its entries.
struct Planted {
    a: Mat,
    b: Mat,
    s: Vec<f64>,
    u: Mat,
    v: Mat,
}

/// `A = U √S G`, `B = V √S G⁻ᵀ` for a gauge `G` given with its inverse transpose.
fn planted(d_model: usize, s: &[f64], gauge: impl Fn(&mut Stream, usize) -> (Mat, Mat)) -> Planted {
    let mut stream = Stream(2024);
    let h = s.len();
    let (u, v) = (stream.orthonormal(d_model, h), stream.orthonormal(d_model, h));
    let root = Mat::from_diagonal(&nalgebra::DVector::from_iterator(h, s.iter().map(|s| s.sqrt())));
    let (g, g_inverse_transposed) = gauge(&mut stream, h);
    let a = &u * (&root * g);
    let b = &v * (&root * g_inverse_transposed);
    Planted { a, b, s: s.to_vec(), u, v }
}

fn rotation(stream: &mut Stream, h: usize) -> (Mat, Mat) {
    let q = stream.orthonormal(h, h);
    (q.clone(), q)
}

/// A rotation, then columns scaled from 1 to `10^decades` on one side and back on the other.
fn graded(stream: &mut Stream, h: usize, decades: f64) -> (Mat, Mat) {
    let (mut g, mut g_inverse_transposed) = rotation(stream, h);
    for j in 0..h {
        let scale = 10.0_f64.powf(decades * j as f64 / h as f64);
        g.column_mut(j).scale_mut(scale);
        g_inverse_transposed.column_mut(j).scale_mut(1.0 / scale);
    }
    (g, g_inverse_transposed)
}

/// A gauge with condition number near `10^decades` that no scaling of columns improves.
fn oblique(stream: &mut Stream, h: usize, decades: f64) -> (Mat, Mat) {
    let (left, right) = (stream.orthonormal(h, h), stream.orthonormal(h, h));
    let diagonal = |sign: f64| {
        Mat::from_fn(h, h, |i, j| {
            if i == j { 10.0_f64.powf(sign * decades * i as f64 / h as f64) } else { 0.0 }
        })
    };
    (&left * diagonal(1.0) * right.transpose(), &left * diagonal(-1.0) * right.transpose())
}

fn geometric(h: usize, condition: f64) -> Vec<f64> {
    (0..h).map(|k| condition.powf(-(k as f64) / (h - 1) as f64)).collect()
}

/// Condition number of `m` with its columns scaled to unit length.
fn scaled_condition(m: &Mat) -> f64 {
    let mut scaled = m.clone();
    for mut column in scaled.column_iter_mut() {
        let norm = column.norm();
        if norm > 0.0 {
            column /= norm;
        }
    }
    let s = scaled.singular_values();
    s.max() / s.min().max(f64::MIN_POSITIVE)
}

fn check_certificate(name: &str, svd: &ProductSvd, a: &Mat, b: &Mat) {
    let h = a.ncols();
    assert!(svd.sweeps <= 12, "{name}: {} sweeps", svd.sweeps);
    assert!(svd.residual <= 1e-13, "{name}: residual {:e}", svd.residual);
    assert!(svd.orthogonality <= 1e-13, "{name}: orthogonality {:e}", svd.orthogonality);
    assert!(svd.s.windows(2).all(|pair| pair[0] >= pair[1]), "{name}: not descending");
    assert!(svd.s[svd.rank..].iter().all(|&s| s == 0.0), "{name}: σ past the rank");
    for side in [&svd.u, &svd.v] {
        assert!(
            side.columns(svd.rank, h - svd.rank).iter().all(|&x| x == 0.0),
            "{name}: a vector past the rank"
        );
        assert!(side.iter().all(|x| x.is_finite()), "{name}: not finite");
    }
    for column in svd.u.column_iter().take(svd.rank) {
        let largest = column
            .iter()
            .copied()
            .fold(0.0, |best: f64, x| if x.abs() > best.abs() { x } else { best });
        assert!(largest > 0.0, "{name}: gauge");
    }
    // The certificate itself, against what it estimates.
    let scaled_v = Mat::from_fn(b.nrows(), h, |i, k| svd.v[(i, k)] * svd.s[k]);
    let truth = a * b.transpose();
    let error = (&truth - &svd.u * scaled_v.transpose()).norm();
    assert!(error <= 1e-13 * truth.norm(), "{name}: true residual {:e}", error / truth.norm());
}

fn check_planted(name: &str, case: &Planted) -> ProductSvd {
    let svd = product_svd(&case.a, &case.b).unwrap();
    check_certificate(name, &svd, &case.a, &case.b);
    let kappa = scaled_condition(&case.a).max(scaled_condition(&case.b));
    for (k, (found, planted)) in svd.s.iter().zip(&case.s).enumerate() {
        let error = (found - planted).abs();
        assert!(
            error <= 1e-13 * case.s[0] + f64::EPSILON * kappa * planted,
            "{name}: σ_{k} absolute {error:e}"
        );
        let allowed = 1e-12 + f64::EPSILON * kappa;
        assert!(
            error <= allowed * planted,
            "{name}: σ_{k} relative {:e}, allowed {allowed:e}",
            error / planted
        );
    }
    let values = product_singular_values(&case.a, &case.b).unwrap();
    assert_eq!(values.s, svd.s, "{name}: the values alone");
    assert!(
        values.residual <= 1e-13 && values.orthogonality <= 1e-13,
        "{name}: the values' certificate"
    );
    svd
}

/// `sin` of the angle between each planted vector and the one found, against the gap to its neighbours.
fn check_vectors(name: &str, case: &Planted, svd: &ProductSvd) {
    let kappa = scaled_condition(&case.a).max(scaled_condition(&case.b));
    for k in 0..svd.rank {
        let gap = (0..svd.rank)
            .filter(|&other| other != k)
            .map(|other| (case.s[k] - case.s[other]).abs() / case.s[k].max(case.s[other]))
            .fold(1.0, f64::min);
        for (found, planted) in [(&svd.u, &case.u), (&svd.v, &case.v)] {
            let (found, planted) = (found.column(k), planted.column(k));
            let across = found - planted * planted.dot(&found);
            let allowed = (1e-12 + f64::EPSILON * kappa) / gap;
            assert!(
                across.norm() <= allowed,
                "{name}: vector {k} off by {:e}, allowed {allowed:e}",
                across.norm()
            );
        }
    }
}

/// `A g_left = U S`, `B g_right = V`, and the terms of a score sum to it.
fn check_head_space(name: &str, svd: &ProductSvd, a: &Mat, b: &Mat) {
    let h = a.ncols();
    let conditioning = |m: &Mat| {
        let s = m.singular_values();
        s[0] / s.iter().copied().filter(|&x| x > 1e-12 * s[0]).fold(s[0], f64::min)
    };
    let kappa = conditioning(a).max(conditioning(b));
    let u_s = Mat::from_fn(a.nrows(), h, |i, k| svd.u[(i, k)] * svd.s[k]);
    assert!((a * &svd.g_left - &u_s).norm() <= 1e-14 * kappa * u_s.norm(), "{name}: A g_left");
    assert!(
        (b * &svd.g_right - &svd.v).norm() <= 1e-14 * kappa * svd.v.norm(),
        "{name}: B g_right"
    );
    let (q, k) = (a.row(0) * &svd.g_left, b.row(1 % b.nrows()) * &svd.g_right);
    let score = a.row(0).dot(&b.row(1 % b.nrows()));
    assert!(
        (q.dot(&k) - score).abs() <= 1e-13 * kappa * q.norm() * k.norm().max(1.0),
        "{name}: the score"
    );
}

#[test]
fn well_conditioned_heads_are_exact() {
    for (d_model, h) in [(768, 64), (384, 32), (100, 33), (16, 16), (5, 1)] {
        let s: Vec<f64> = (0..h).map(|k| 2.0 - k as f64 / h as f64).collect();
        let case = planted(d_model, &s, rotation);
        let svd = check_planted("gauss", &case);
        assert_eq!(svd.rank, h);
        check_vectors("gauss", &case, &svd);
        check_head_space("gauss", &svd, &case.a, &case.b);
    }
}

#[test]
fn small_singular_values_keep_their_digits() {
    for condition in [1e3, 1e6] {
        let case = planted(192, &geometric(32, condition), rotation);
        let svd = check_planted("balanced", &case);
        check_vectors("balanced", &case, &svd);
    }
}

#[test]
fn one_sided_conditioning_is_limited_by_the_data_alone() {
    let mut case =
        planted(192, &geometric(32, 1e6), |_, h| (Mat::identity(h, h), Mat::identity(h, h)));
    let q = Stream(5).orthonormal(32, 32);
    case.a = &case.u * Mat::from_diagonal(&nalgebra::DVector::from_column_slice(&case.s)) * &q;
    case.b = &case.v * &q;
    let svd = check_planted("one-sided", &case);
    check_vectors("one-sided", &case, &svd);
}

#[test]
fn the_gauge_of_the_factors_does_not_cost_accuracy() {
    let s = geometric(32, 1e6);
    check_planted("graded 8 decades", &planted(192, &s, |stream, h| graded(stream, h, 8.0)));
    check_planted("graded 36 decades", &planted(192, &s, |stream, h| graded(stream, h, 36.0)));
    check_planted(
        "oblique",
        &planted(192, &geometric(32, 1e3), |stream, h| oblique(stream, h, 3.0)),
    );
}

#[test]
fn a_power_law_with_outlier_rows_is_exact() {
    let s: Vec<f64> = (1..=32).map(|i| f64::from(i).powf(-1.5)).collect();
    let mut case = planted(192, &s, rotation);
    for row in [3, 77] {
        case.a.row_mut(row).scale_mut(200.0);
    }
    let svd = product_svd(&case.a, &case.b).unwrap();
    check_certificate("outliers", &svd, &case.a, &case.b);
    let full = (&case.a * case.b.transpose()).singular_values();
    for k in 0..32 {
        assert!((svd.s[k] - full[k]).abs() <= 1e-13 * full[0]);
    }
}

#[test]
fn clusters_agree_as_subspaces() {
    let s: Vec<f64> = (0..32).map(|k| 10.0_f64.powi(-(k / 8))).collect();
    let case = planted(192, &s, rotation);
    let svd = check_planted("clusters", &case);
    for first in (0..32).step_by(8) {
        for (found, planted) in [(&svd.u, &case.u), (&svd.v, &case.v)] {
            let (found, planted) = (found.columns(first, 8), planted.columns(first, 8));
            let across = found - planted * planted.tr_mul(&found);
            assert!(across.norm() <= 1e-12, "cluster at {first}: {:e}", across.norm());
        }
    }
    check_planted("all equal", &planted(192, &[3.0; 32], rotation));
}

#[test]
fn scales_from_1e_minus_300_to_1e300_change_nothing_but_sigma() {
    let case = planted(96, &geometric(16, 1e6), rotation);
    let plain = check_planted("scale 1", &case);
    let scales = [
        (1e4, 1e4),
        (1e-6, 1e-6),
        (1e4, 1e-6),
        (1e18, 1e18),
        (1e-18, 1e-18),
        (1e300, 1e-300),
        (1e-290, 1e3),
    ];
    for (x, y) in scales {
        let svd = product_svd(&(&case.a * x), &(&case.b * y)).unwrap();
        assert!(svd.residual <= 1e-13 && svd.orthogonality <= 1e-13, "{x:e} {y:e}");
        for (k, (found, planted)) in svd.s.iter().zip(&case.s).enumerate() {
            assert!((found / (x * y) / planted - 1.0).abs() <= 2e-12, "scale {x:e} {y:e}: σ_{k}");
        }
    }
    for (x, y) in [(40, 0), (-900, 20), (-950, 1000)] {
        let (x, y) = (2.0_f64.powi(x), 2.0_f64.powi(y));
        let svd = product_svd(&(&case.a * x), &(&case.b * y)).unwrap();
        assert!(svd.u == plain.u && svd.v == plain.v, "powers of two are exact");
        assert!(svd.s.iter().zip(&plain.s).all(|(scaled, s)| *scaled == s * x * y));
    }
}

#[test]
fn lost_rank_is_found_and_left_empty() {
    let mut stream = Stream(9);
    let mut s = geometric(16, 10.0);
    s.resize(32, 0.0);
    for floor in [0.0, 1e-33] {
        let s: Vec<f64> = s.iter().map(|&s| s.max(floor)).collect();
        let case = planted(192, &s, rotation);
        let svd = product_svd(&case.a, &case.b).unwrap();
        check_certificate("half rank", &svd, &case.a, &case.b);
        assert_eq!(svd.rank, 16);
    }

    for seed in 0..12 {
        let mut duplicated = Stream(seed).matrix(192, 32);
        for j in 16..32 {
            let copy = duplicated.column(j - 16).into_owned();
            duplicated.set_column(j, &copy);
        }
        let b = stream.matrix(192, 32);
        for (a, b) in [(&duplicated, &b), (&b, &duplicated), (&duplicated, &duplicated)] {
            let svd = product_svd(a, b).unwrap();
            check_certificate("duplicated", &svd, a, b);
            assert_eq!(svd.rank, 16);
            check_head_space("duplicated", &svd, a, b);
        }
    }

    // The two row spaces meet in a line only, although neither side alone shows it.
    let q = stream.orthonormal(32, 32);
    let a = stream.matrix(192, 16) * q.columns(0, 16).transpose();
    let b = stream.matrix(192, 17) * q.columns(15, 17).transpose();
    let svd = product_svd(&a, &b).unwrap();
    check_certificate("meeting", &svd, &a, &b);
    assert_eq!(svd.rank, 1);
}

#[test]
fn a_zero_head_has_no_directions() {
    let (zero, other) = (Mat::zeros(48, 8), Stream(1).matrix(48, 8));
    for (a, b) in [(&zero, &other), (&other, &zero), (&zero, &zero)] {
        let svd = product_svd(a, b).unwrap();
        check_certificate("zero", &svd, a, b);
        assert_eq!((svd.rank, svd.residual, svd.orthogonality), (0, 0.0, 0.0));
        assert_eq!(product_singular_values(a, b).unwrap().s, vec![0.0; 8]);
    }
    let mut one_column = other.clone();
    one_column.column_mut(3).fill(0.0);
    let svd = product_svd(&one_column, &other).unwrap();
    check_certificate("zero column", &svd, &one_column, &other);
    assert_eq!(svd.rank, 7);
}

#[test]
fn bad_input_is_located() {
    let good = Stream(3).matrix(10, 4);
    for bad_value in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        let mut bad = good.clone();
        bad[(7, 2)] = bad_value;
        bad[(8, 0)] = bad_value;
        let error = product_svd(&good, &bad).unwrap_err();
        assert_eq!(
            error,
            MathError::NotFinite { what: "the right factor", count: 2, row: 7, column: 2 }
        );
    }
    assert!(matches!(product_svd(&good, &Mat::zeros(10, 5)), Err(MathError::Shape { .. })));
    assert!(matches!(
        product_svd(&(&good * 1e300), &(&good * 1e300)),
        Err(MathError::NotFinite { .. })
    ));
}

#[test]
fn every_head_size_works() {
    for h in [1, 2, 3, 7, 15, 16, 17, 48, 96, 128, 160] {
        let (a, b) = (Stream(h as u64).matrix(130, h), Stream(h as u64 + 1).matrix(90, h));
        let svd = product_svd(&a, &b).unwrap();
        check_certificate("size", &svd, &a, &b);
        assert_eq!(svd.rank, h.min(90));
        check_head_space("size", &svd, &a, &b);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_shape_reconstructs(m in 1_usize..60, n in 1_usize..60, h in 1_usize..24, seed: u64) {
        let mut stream = Stream(seed);
        let (a, b) = (stream.matrix(m, h), stream.matrix(n, h));
        let svd = product_svd(&a, &b).unwrap();
        check_certificate("shape", &svd, &a, &b);
        prop_assert_eq!(svd.rank, m.min(n).min(h));
        let full = (&a * b.transpose()).singular_values();
        for k in 0..svd.rank {
            prop_assert!((svd.s[k] - full[k]).abs() <= 1e-13 * full[0]);
        }
    }

    #[test]
    fn spectra_do_not_depend_on_the_gauge(seed: u64, shift in -30_i32..30) {
        let mut stream = Stream(seed);
        let (a, b) = (stream.matrix(40, 12), stream.matrix(30, 12));
        let s = product_svd(&a, &b).unwrap().s;
        let same = |other: &ProductSvd, scale: f64| {
            other.s.iter().zip(&s).all(|(x, y)| (x / scale - y).abs() <= 1e-12 * y.max(1e-3 * s[0]))
        };
        let order: Vec<usize> = (0..12).map(|j| (5 * j + 3) % 12).collect();
        prop_assert!(same(&product_svd(&a.select_columns(&order), &b.select_columns(&order)).unwrap(), 1.0));
        prop_assert!(same(&product_svd(&b, &a).unwrap(), 1.0));
        let d: Vec<f64> = (0..12).map(|_| 1.5 + stream.next()).collect();
        let scaled = |m: &Mat, power: i32| Mat::from_fn(m.nrows(), 12, |i, j| m[(i, j)] * d[j].powi(power));
        prop_assert!(same(&product_svd(&scaled(&a, 1), &scaled(&b, -1)).unwrap(), 1.0));
        let power = 2.0_f64.powi(shift);
        prop_assert!(same(&product_svd(&(&a * power), &b).unwrap(), power));
    }
}

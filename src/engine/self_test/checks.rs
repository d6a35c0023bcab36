//! One planted head of the self-test: the GPU's decomposition in f32 against the CPU's in f64, errors beside tolerances.

use crate::gpu::HeadSvd;
use crate::math::qr::Qr;
use crate::math::{Mat, ProductSvd, product_svd};
use crate::protocol::self_test::Check;

/// Half a unit in the last place of an `f32` 1.
const U: f64 = 5.960_464_477_539_063e-8;

/// One head against the CPU in f64, every demand with its tolerance for `f32`.
///
/// The tolerances are those found by simulating WGSL's arithmetic on 432 worst-case heads, with a factor of 2 to 3 to
/// spare. `kt` in them is the condition of the factors after their columns were brought to one length: what rounding the
/// factors to `f32` alone does to small singular values.
pub fn checks(svd: &HeadSvd, a: &Mat, b: &Mat, rank: usize) -> Vec<Check> {
    let Ok(reference) = product_svd(a, b) else {
        return vec![Check::new("the CPU's own result", f64::INFINITY, 0.0)];
    };
    let h = a.ncols();
    let wide = |values: &[f32]| {
        Mat::from_row_iterator(values.len() / h.max(1), h, values.iter().map(|&x| f64::from(x)))
    };
    let (u, v) = (wide(&svd.u), wide(&svd.v));
    let scale = (h as f64 / 64.0).max(1.0).sqrt();
    let orthogonality = orthogonality(&u, svd.rank).max(orthogonality(&v, svd.rank));
    let norm = reference.s.iter().map(|s| s * s).sum::<f64>().sqrt();
    let pair = |(x, y): (f64, f64)| x / norm * y;
    let lengths = |m: &Mat| m.column_iter().map(|column| column.norm()).collect::<Vec<f64>>();
    let pairs: f64 = lengths(a).into_iter().zip(lengths(b)).map(pair).sum();
    let gauge = if norm > 0.0 { pairs / (h as f64).sqrt() } else { 0.0 };
    let first = reference.s.first().copied().unwrap_or(0.0);
    // Planted rank below what f64 sees: the rest is the rounding of the factors, and what f32 takes for it is a choice.
    let hidden = reference.rank > rank;
    let noise = if hidden { 8.0 * U * (a.nrows() as f64).sqrt() } else { 0.0 };
    let line = if hidden { 0.1 * first } else { 0.0 };
    let relative = |(x, y): (&f64, &f64), of: f64| if x == y { 0.0 } else { (x - y).abs() / of };
    let pairs = || svd.s.iter().zip(&reference.s);
    let absolute = pairs().map(|pair| relative(pair, first)).fold(0.0, f64::max);
    let above = pairs().take(svd.rank).filter(|pair| *pair.1 >= line);
    let small = above.map(|pair| relative(pair, *pair.1)).fold(0.0, f64::max);
    let kt = equilibrated_condition(a).max(equilibrated_condition(b));
    vec![
        Check::new("rank", svd.rank.abs_diff(rank) as f64, if hidden { 2.0 } else { 0.0 }),
        Check::new("vectors orthonormal", orthogonality, 1e-5 * scale),
        Check::new("product rebuilt", residual(a, b, &u, &svd.s, &v), 1e-5 * gauge.max(1.0)),
        Check::new(
            "residual as certified",
            svd.certificate.residual,
            svd.certificate.residual_limit,
        ),
        Check::new("singular values, against the largest", absolute, 1e-5),
        Check::new(
            "singular values, each against itself",
            small,
            2e-5 + 0.5 * U * kt + 10.0 * noise,
        ),
        Check::new(
            "vectors, for their gaps",
            vector_error([&u, &v], svd.rank.min(rank), &reference, [kt, noise]),
            1.0,
        ),
        Check::new("sweeps", svd.certificate.sweeps as f64, 12.0),
    ]
}

/// `max |MᵀM - I|` over the first `rank` columns.
fn orthogonality(m: &Mat, rank: usize) -> f64 {
    let kept = m.columns(0, rank.min(m.ncols()));
    (kept.tr_mul(&kept) - Mat::identity(kept.ncols(), kept.ncols())).amax()
}

/// `‖A Bᵀ - U S Vᵀ‖ / ‖A Bᵀ‖` from Gram matrices of the four factors: in f64 good to some 1e-8.
fn residual(a: &Mat, b: &Mat, u: &Mat, s: &[f64], v: &Mat) -> f64 {
    let (size_a, size_b) = (a.amax(), b.amax());
    if size_a == 0.0 || size_b == 0.0 {
        return s.iter().copied().fold(0.0, f64::max);
    }
    let h = a.ncols();
    let join = |x: &Mat, y: Mat| {
        Mat::from_fn(x.nrows(), 2 * h, |i, j| if j < h { x[(i, j)] } else { y[(i, j - h)] })
    };
    let scaled = |i: usize, j: usize| -u[(i, j)] * (s[j] / size_a / size_b);
    let p = join(&(a / size_a), Mat::from_fn(u.nrows(), h, scaled));
    let q = join(&(b / size_b), v.clone());
    let (gram_p, gram_q) = (p.tr_mul(&p), q.tr_mul(&q));
    let whole = gram_p.view((0, 0), (h, h)).dot(&gram_q.view((0, 0), (h, h)));
    (gram_p.dot(&gram_q).max(0.0) / whole).sqrt()
}

/// Condition number after the columns were brought to length 1, over what is above f32 rounding.
fn equilibrated_condition(m: &Mat) -> f64 {
    let mut m = m.clone();
    for mut column in m.column_iter_mut() {
        let norm = column.norm();
        if norm > 0.0 {
            column.unscale_mut(norm);
        }
    }
    let r = Qr::new(&m);
    if r.rank() == 0 {
        return 1.0;
    }
    let values = r.r().singular_values();
    let first = values.max();
    let noise = first * 2.0 * U * (m.nrows() as f64).sqrt();
    values.iter().copied().filter(|&s| s > noise).fold(1.0, |worst, s| f64::max(worst, first / s))
}

/// Largest ratio of a vector's error to its tolerance `(5e-6 + u min(kt, σ₁ / σ)) / relative gap`; values closer than 1e-3
/// count as one subspace. The QR of a factor errs by `u` of each column's length, so by `u min(kt, σ₁ / σ)` of σ, and a
/// gap divides what a perturbation does to a vector. `noise`, relative to σ₁, is one more perturbation.
fn vector_error(
    [u, v]: [&Mat; 2],
    rank: usize,
    reference: &ProductSvd,
    [kt, noise]: [f64; 2],
) -> f64 {
    let s = &reference.s;
    let gap = |i: usize| {
        let next = s.get(i + 1).copied().unwrap_or(0.0);
        if i + 1 >= rank { 1.0 } else { (s[i] - next) / s[i] }
    };
    let (mut worst, mut start, mut before) = (0f64, 0, 1.0);
    while start < rank {
        let mut end = start;
        while gap(end) < 1e-3 {
            end += 1;
        }
        let (count, after) = (end + 1 - start, gap(end));
        let below = s[0] / s[end];
        let sensitivity = U * f64::min(kt, below) + noise * below;
        let tolerance = (5e-6 + sensitivity) / f64::min(before, after);
        for (found, known) in [(u, &reference.u), (v, &reference.v)] {
            let (found, known) = (found.columns(start, count), known.columns(start, count));
            let outside = found - known * known.tr_mul(&found);
            let sine = outside.column_iter().map(|column| column.norm()).fold(0.0, f64::max);
            worst = worst.max(sine / tolerance);
        }
        (start, before) = (end + 1, after);
    }
    worst
}

//! Thin SVD of `A Bᵀ` from its two tall factors, with a certificate; the square product is never formed.
//!
//! ```text
//! A = Q_a R_a,  B = Q_b R_b          tall QRs                                      math::qr
//! R_a R_bᵀ = Ũ S Ṽᵀ                  SVD of the core                               math::core_svd
//! U = Q_a Ũ,  V = Q_b Ṽ              signs fixed, then measured against A and B    math::certificate
//! ```
//! Factors are scaled by powers of two first, which is exact: only `S` feels their size, and nothing overflows between.

use super::certificate::{apply_product, apply_svd, orthogonality, probed_norm, probes, relative};
use super::core_svd::{CoreSvd, core_svd};
use super::factor::{Factor, halves};
use super::pseudo_inverse::solve;
use super::{Mat, MathError};

/// `A Bᵀ = U S Vᵀ`, thin, with what it takes to trust and to use it.
#[derive(Debug, Clone, PartialEq)]
pub struct ProductSvd {
    /// Left vectors, `[m, h]`; zero past `rank`. The largest entry of each is positive.
    pub u: Mat,
    /// Singular values, `h` of them, descending; exact zeros past `rank`.
    pub s: Vec<f64>,
    /// Right vectors, `[n, h]`, signed with `u`.
    pub v: Mat,
    /// How many singular values are above rounding noise.
    pub rank: usize,
    /// `‖A Bᵀ − U S Vᵀ‖_F / ‖U S Vᵀ‖_F`, measured on the returned vectors.
    pub residual: f64,
    /// `max |UᵀU − I|, |VᵀV − I|` over the first `rank` columns.
    pub orthogonality: f64,
    /// Jacobi sweeps made.
    pub sweeps: usize,
    /// `R_a⁺ Ũ S`, `[h, h]`: `A g_left = U S`, so `x U S = (x A) g_left` from a head's own query.
    pub g_left: Mat,
    /// `R_b⁺ Ṽ`, `[h, h]`: `B g_right = V`. For full-rank factors `g_left g_rightᵀ = I`.
    pub g_right: Mat,
}

/// The singular values of `A Bᵀ` alone, certified like the vectors would be.
#[derive(Debug, Clone, PartialEq)]
pub struct SingularValues {
    /// Singular values, `h` of them, descending; exact zeros past `rank`.
    pub s: Vec<f64>,
    /// How many singular values are above rounding noise.
    pub rank: usize,
    /// `‖A Bᵀ − U S Vᵀ‖_F / ‖U S Vᵀ‖_F` with `U = Q_a Ũ` and `V = Q_b Ṽ` applied, not written out.
    pub residual: f64,
    /// `max |ŨᵀŨ − I|, |ṼᵀṼ − I|` of the core: `Q` is applied as reflectors and its own error is not in here. Where vectors are
    /// written out, [`ProductSvd::orthogonality`] measures all of it.
    pub orthogonality: f64,
    /// Jacobi sweeps made.
    pub sweeps: usize,
}

/// Thin SVD of `A Bᵀ` for `a: [m, h]`, `b: [n, h]`.
///
/// Null directions are zero vectors, not an invented completion. The residual is an estimate from random vectors
/// (Hutchinson): both sides of `A Bᵀ = U S Vᵀ` are applied to them with the returned `U`, `S`, `V`, so an error anywhere shows.
///
/// # Errors
/// [`MathError::Shape`] if `a` and `b` have different numbers of columns, [`MathError::NotFinite`] for NaN or infinities in
/// them or in their product, [`MathError::NoConvergence`] if the core does not settle.
///
/// # Source
/// Franco, Loughridge & Crovella, arXiv:2602.13524, section 2, for the object; `math::core_svd` for the method.
pub fn product_svd(a: &Mat, b: &Mat) -> Result<ProductSvd, MathError> {
    product_svd_of(&Factor::new(a, "the left factor")?, &Factor::new(b, "the right factor")?)
}

/// [`product_svd`] from factors already prepared.
///
/// # Errors
/// As [`product_svd`].
pub fn product_svd_of(a: &Factor, b: &Factor) -> Result<ProductSvd, MathError> {
    check_columns(a, b)?;
    let CoreSvd { u: core_u, s, v: core_v, rank, sweeps } = core_svd(a.r(), b.r())?;
    let mut scaled_u = core_u.clone();
    for (mut column, s) in scaled_u.column_iter_mut().zip(&s) {
        column *= *s;
    }
    let (first, second) = halves(b.exponent());
    let mut g_left = solve(a.r(), &scaled_u) * first * second;
    let mut g_right = solve(b.r(), &core_v) / first / second;
    let (mut u, mut v) = (a.q_times(&core_u), b.q_times(&core_v));
    for k in 0..rank {
        if largest_entry(u.column(k).as_slice()) < 0.0 {
            for m in [&mut u, &mut v, &mut g_left, &mut g_right] {
                m.column_mut(k).neg_mut();
            }
        }
    }
    let z = probes(b.scaled().nrows());
    let truth = apply_product(a.scaled(), b.scaled(), &z);
    let error = probed_norm(&truth, &apply_svd(&u, &s, &v, &z));
    Ok(ProductSvd {
        residual: relative(error, frobenius(&s)),
        orthogonality: orthogonality(&u, rank).max(orthogonality(&v, rank)),
        s: unscaled(&s, a.exponent() + b.exponent())?,
        u,
        v,
        rank,
        sweeps,
        g_left,
        g_right,
    })
}

/// The singular values of `A Bᵀ` for `a: [m, h]`, `b: [n, h]`: a third of the work of [`product_svd`].
///
/// # Errors
/// As [`product_svd`].
pub fn product_singular_values(a: &Mat, b: &Mat) -> Result<SingularValues, MathError> {
    product_singular_values_of(
        &Factor::new(a, "the left factor")?,
        &Factor::new(b, "the right factor")?,
    )
}

/// [`product_singular_values`] from factors already prepared.
///
/// # Errors
/// As [`product_svd`].
fn product_singular_values_of(a: &Factor, b: &Factor) -> Result<SingularValues, MathError> {
    check_columns(a, b)?;
    let core = core_svd(a.r(), b.r())?;
    let z = probes(b.scaled().nrows());
    let truth = apply_product(a.scaled(), b.scaled(), &z);
    let found = a.q_times(&apply_svd(&core.u, &core.s, &core.v, &b.q_transposed_times(&z)));
    Ok(SingularValues {
        residual: relative(probed_norm(&truth, &found), frobenius(&core.s)),
        orthogonality: orthogonality(&core.u, core.rank).max(orthogonality(&core.v, core.rank)),
        s: unscaled(&core.s, a.exponent() + b.exponent())?,
        rank: core.rank,
        sweeps: core.sweeps,
    })
}

/// The singular values of `A M Bᵀ` for a middle `m: [h, h]` (a rotation at a relative position): only the core is redone.
///
/// # Errors
/// As [`product_svd`].
pub fn middle_singular_values(a: &Factor, m: &Mat, b: &Factor) -> Result<Vec<f64>, MathError> {
    let (h, found) = (a.r().ncols(), m.shape());
    if found != (h, b.r().ncols()) {
        return Err(MathError::Shape {
            what: "the middle factor",
            expected: (h, b.r().ncols()),
            found,
        });
    }
    let core = core_svd(&(a.r() * m), b.r())?;
    unscaled(&core.s, a.exponent() + b.exponent())
}

fn check_columns(a: &Factor, b: &Factor) -> Result<(), MathError> {
    let (expected, found) = ((b.scaled().nrows(), a.scaled().ncols()), b.scaled().shape());
    if expected == found {
        Ok(())
    } else {
        Err(MathError::Shape { what: "the right factor", expected, found })
    }
}

/// `s · 2^power`.
pub(super) fn unscaled(s: &[f64], power: i32) -> Result<Vec<f64>, MathError> {
    let (first, second) = halves(power);
    let s: Vec<f64> = s.iter().map(|s| s * first * second).collect();
    if s.iter().all(|s| s.is_finite()) {
        return Ok(s);
    }
    let count = s.iter().filter(|s| !s.is_finite()).count();
    Err(MathError::NotFinite { what: "the spectrum of the product", count, row: 0, column: 0 })
}

fn frobenius(s: &[f64]) -> f64 {
    s.iter().map(|s| s * s).sum::<f64>().sqrt()
}

fn largest_entry(x: &[f64]) -> f64 {
    x.iter().copied().fold(0.0, |best, x| if x.abs() > f64::abs(best) { x } else { best })
}

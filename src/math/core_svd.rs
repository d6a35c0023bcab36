//! SVD of a core `R_a R_bᵀ`, small singular values included: two pivoted QRs, then one-sided Jacobi.

use super::jacobi::one_sided_jacobi;
use super::kernels::dot;
use super::pivoted_qr::PivotedQr;
use super::qr::noise;
use super::statistics::largest_first;
use super::{Mat, MathError};

/// `R_a R_bᵀ = U S Vᵀ`, padded with zero vectors to the common dimension `h` of the two factors.
#[derive(Debug, Clone)]
pub struct CoreSvd {
    /// `[rows of R_a, h]`.
    pub u: Mat,
    /// `h` values, descending; exact zeros past `rank`.
    pub s: Vec<f64>,
    /// `[rows of R_b, h]`.
    pub v: Mat,
    /// How many singular values are above rounding noise.
    pub rank: usize,
    /// Jacobi sweeps made.
    pub sweeps: usize,
}

/// The SVD of `r_a r_bᵀ` for `r_a: [m, h]`, `r_b: [n, h]`, both small.
///
/// `R_a P₁ = Q₁ T` sorts the columns, so that `M = R_b P₁ Tᵀ` is graded by columns and is formed with small *relative*
/// errors in each; `M P₂ = Q₂ R₂` separates what is left of its columns from the rounding in them; Jacobi then works on
/// `R₂ᵀ`. So the error of `σ_k` is about `ε σ_k` for any condition number that comes from the sizes of columns, where
/// bidiagonalisation would leave `ε σ_1`.
///
/// # Errors
/// [`MathError::NoConvergence`] if the Jacobi iteration does not settle.
///
/// # Source
/// Drmač & Veselić (2008), LAPACK's xGEJSV, applied to the product as in Drmač, SIAM J. Numer. Anal. 35 (1998).
pub fn core_svd(r_a: &Mat, r_b: &Mat) -> Result<CoreSvd, MathError> {
    let h = r_a.ncols();
    let relative_noise = noise(h);
    let norms = |m: &Mat| -> Vec<f64> {
        m.column_iter().map(|column| dot(column.as_slice(), column.as_slice()).sqrt()).collect()
    };
    let a_noise: Vec<f64> = norms(r_a).iter().map(|norm| relative_noise * norm).collect();
    let left = PivotedQr::new(r_a, &a_noise);
    let t = left.r();
    let b = r_b.select_columns(left.order());
    let m = &b * t.transpose();
    // Column j of M is a sum of columns of R_b: this is how much rounding it can hold.
    let b_norms = norms(&b);
    let m_noise: Vec<f64> = t
        .row_iter()
        .map(|row| {
            relative_noise * row.iter().zip(&b_norms).map(|(t, norm)| t.abs() * norm).sum::<f64>()
        })
        .collect();
    let right = PivotedQr::new(&m, &m_noise);
    let jacobi = one_sided_jacobi(&right.r().transpose())?;

    let sigma = norms(&jacobi.g);
    let mut by_size = largest_first(&sigma);
    by_size.retain(|&k| sigma[k] > 0.0);
    let mut s = vec![0.0; h];
    let mut u = Mat::zeros(t.nrows(), h);
    let mut v = Mat::zeros(jacobi.v.nrows(), h);
    for (k, &j) in by_size.iter().enumerate() {
        s[k] = sigma[j];
        for (i, &row) in right.order().iter().enumerate() {
            u[(row, k)] = jacobi.g[(i, j)] / sigma[j];
        }
        v.set_column(k, &jacobi.v.column(j));
    }
    Ok(CoreSvd {
        u: left.q_times(&u),
        s,
        v: right.q_times(&v),
        rank: by_size.len(),
        sweeps: jacobi.sweeps,
    })
}

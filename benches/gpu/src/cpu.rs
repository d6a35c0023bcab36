//! The route that everybody takes on a CPU, by two libraries: QR of both factors, SVD of the small core, two products.

use faer::traits::RealField;
use omega_lens::math::Mat;

/// `U`, `S` and `V` of `A Bᵀ` by nalgebra: bidiagonalisation and implicit QR.
pub(crate) fn nalgebra(a: &Mat, b: &Mat) -> (Mat, Vec<f64>, Mat) {
    let (a, b) = (a.clone().qr(), b.clone().qr());
    let core = (a.r() * b.r().transpose()).svd(true, true);
    let (u, v_t) = (core.u.unwrap_or_default(), core.v_t.unwrap_or_default());
    (a.q() * u, core.singular_values.iter().copied().collect(), b.q() * v_t.transpose())
}

/// The matrix as faer has it.
pub(crate) fn to_faer<T>(m: &Mat, convert: impl Fn(f64) -> T) -> faer::Mat<T> {
    faer::Mat::from_fn(m.nrows(), m.ncols(), |i, j| convert(m[(i, j)]))
}

/// `U`, `S` and `V` of `A Bᵀ` by faer: bidiagonalisation and divide and conquer. No singular values if it fails.
pub(crate) fn faer<T: RealField + Copy + Into<f64>>(
    a: &faer::Mat<T>,
    b: &faer::Mat<T>,
) -> (faer::Mat<T>, Vec<f64>, faer::Mat<T>) {
    let (a, b) = (a.qr(), b.qr());
    let core = a.thin_R() * b.thin_R().transpose();
    let Ok(svd) = core.thin_svd() else {
        return (faer::Mat::new(), Vec::new(), faer::Mat::new());
    };
    let s = svd.S().column_vector().iter().map(|&s| s.into()).collect();
    (a.compute_thin_Q() * svd.U(), s, b.compute_thin_Q() * svd.V())
}

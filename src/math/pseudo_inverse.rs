//! Solving with the `R` of a QR factorisation, by pseudo-inverse where columns were dependent.

use super::Mat;
use super::qr::Qr;

/// `R⁺ y` for `r: [rank, h]` of full row rank and `y: [rank, k]`; the result is `[h, k]`.
pub fn solve(r: &Mat, y: &Mat) -> Mat {
    if r.is_square() {
        return r.solve_upper_triangular(y).unwrap_or_else(|| Mat::zeros(r.ncols(), y.ncols()));
    }
    let transposed = Qr::new(&r.transpose());
    let t = leading_square(&transposed);
    let inner = t.tr_solve_upper_triangular(&y.rows(0, t.nrows()).into_owned());
    transposed.q_times(&inner.unwrap_or_else(|| Mat::zeros(t.nrows(), y.ncols())))
}

/// `(Rᵀ)⁺ b` for `r: [rank, h]` of full row rank and `b: [h, k]`; the result is `[rank, k]`.
pub fn solve_transposed(r: &Mat, b: &Mat) -> Mat {
    let zeros = || Mat::zeros(r.nrows(), b.ncols());
    if r.is_square() {
        return r.tr_solve_upper_triangular(b).unwrap_or_else(zeros);
    }
    let transposed = Qr::new(&r.transpose());
    let t = leading_square(&transposed);
    let inner = t.solve_upper_triangular(&transposed.q_transposed_times(b)).unwrap_or_else(zeros);
    inner.resize_vertically(r.nrows(), 0.0)
}

/// `T` of `Rᵀ = Z T`; it is square unless rounding has hidden a row.
fn leading_square(qr: &Qr) -> Mat {
    qr.r().columns(0, qr.rank()).into_owned()
}

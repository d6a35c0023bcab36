//! One tall factor of a product, scaled by a power of two and QR-factored, ready to be used several times.

use super::qr::Qr;
use super::{Mat, MathError};

/// A factor `A = 2^exponent Â` with `Â = Q R` and the largest entry of `Â` in `[1, 2)`.
///
/// A key head that several query heads share, or a head seen at several rotations, needs this once.
pub struct Factor {
    scaled: Mat,
    exponent: i32,
    qr: Qr,
}

impl Factor {
    /// Prepares `a: [m, h]`.
    ///
    /// # Errors
    /// [`MathError::NotFinite`] if `a` holds NaN or an infinity; `what` names the matrix in the message.
    pub fn new(a: &Mat, what: &'static str) -> Result<Self, MathError> {
        let exponent = exponent_of(check_finite(a, what)?);
        let (first, second) = halves(-exponent);
        let scaled = a.map(|x| x * first * second);
        let qr = Qr::new(&scaled);
        Ok(Factor { scaled, exponent, qr })
    }

    /// `Â`, `[m, h]`.
    pub fn scaled(&self) -> &Mat {
        &self.scaled
    }

    /// `R` of `Â = Q R`, `[rank, h]`.
    pub fn r(&self) -> &Mat {
        self.qr.r()
    }

    /// The power of two that was divided out.
    pub fn exponent(&self) -> i32 {
        self.exponent
    }

    /// `Q x`, `[rank, k] → [m, k]`.
    pub fn q_times(&self, x: &Mat) -> Mat {
        self.qr.q_times(x)
    }

    /// `Qᵀ x`, `[m, k] → [rank, k]`.
    pub fn q_transposed_times(&self, x: &Mat) -> Mat {
        self.qr.q_transposed_times(x)
    }
}

/// The largest magnitude in `a`.
///
/// # Errors
/// [`MathError::NotFinite`] for NaN and infinities.
pub(super) fn check_finite(a: &Mat, what: &'static str) -> Result<f64, MathError> {
    // Magnitudes order as their bits do, with infinities and NaN above every number: one pass answers both questions.
    let magnitude = |x: &f64| x.to_bits() & !(1 << 63);
    let largest = f64::from_bits(a.as_slice().iter().map(magnitude).fold(0, u64::max));
    if largest.is_finite() { Ok(largest) } else { Err(not_finite(a, what)) }
}

fn not_finite(a: &Mat, what: &'static str) -> MathError {
    let mut bad = (0..a.nrows())
        .flat_map(|i| (0..a.ncols()).map(move |j| (i, j)))
        .filter(|&at| !a[at].is_finite());
    let (row, column) = bad.next().unwrap_or_default();
    MathError::NotFinite { what, count: 1 + bad.count(), row, column }
}

/// `e` with `2^e ≤ x < 2^(e+1)`; 0 for 0.
pub(super) fn exponent_of(x: f64) -> i32 {
    let biased = |x: f64| ((x.to_bits() >> 52) & 0x7ff) as i32;
    match (x, biased(x)) {
        (0.0, _) => 0,
        (_, 0) => biased(x * 2.0_f64.powi(64)) - 1023 - 64,
        (_, biased) => biased - 1023,
    }
}

/// `2^power` as two factors, so that the power itself cannot overflow.
pub(super) fn halves(power: i32) -> (f64, f64) {
    let half = power / 2;
    (2.0_f64.powi(half), 2.0_f64.powi(power - half))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exponents_reach_from_subnormal_to_largest() {
        for power in [-1074, -1023, -1022, -1, 0, 1, 1023] {
            let (first, second) = halves(power);
            assert_eq!(exponent_of(first * second), power);
            let (first, second) = halves(-power);
            let back = f64::from_bits(if power < -1022 {
                1 << (power + 1074)
            } else {
                ((power + 1023) as u64) << 52
            });
            assert_eq!(back * first * second, 1.0);
        }
        assert_eq!((exponent_of(0.0), exponent_of(1.99), exponent_of(f64::MAX)), (0, 0, 1023));
    }
}

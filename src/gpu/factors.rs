//! Packing the thin factors of heads for the GPU: row-major `f32`, every column scaled by an exact power of two.
//!
//! With each column's largest entry in [1, 2) nothing overflows, underflows or loses a bit on the way to `f32`, whatever
//! the scale of the weights and however it is shared between the two factors. The powers go onto the core and, in the
//! end, onto the singular values.

use crate::math::Mat;

use super::error::GpuError;
use super::kernels::qr::PANEL_WIDTH;

/// Wider heads do not fit the kernels: one thread per column, 256 threads.
pub(super) const MAX_D_HEAD: usize = 256;

/// A stack of factors of one shape, `[d, d_head]` each.
#[derive(Debug, Clone)]
pub struct Factors {
    pub(super) d: usize,
    pub(super) d_head: usize,
    /// Columns on the GPU: `d_head` padded with zero columns.
    pub(super) width: usize,
    /// `[count, d, width]`.
    pub(super) values: Vec<f32>,
    /// `[count, d_head]`; `None` for a zero column.
    pub(super) exponents: Vec<Option<i32>>,
    /// `[count, d_head]`: length of each column as scaled, zero of a zero column.
    norms: Vec<f64>,
    count: usize,
}

/// `2^exponent`, or infinity or zero where that does not fit.
pub(super) fn power_of_two(exponent: i32) -> f64 {
    2f64.powi(exponent)
}

impl Factors {
    /// An empty stack of `[d, d_head]` factors.
    ///
    /// # Errors
    /// [`GpuError::Limit`] if `d_head` exceeds 256.
    pub fn new(d: usize, d_head: usize) -> Result<Self, GpuError> {
        if d_head > MAX_D_HEAD {
            let (needed, limit) = (d_head as u64, MAX_D_HEAD as u64);
            return Err(GpuError::Limit { what: "a head", needed, limit, unit: "columns" });
        }
        let width = d_head.next_multiple_of(PANEL_WIDTH);
        Ok(Factors {
            d,
            d_head,
            width,
            values: Vec::new(),
            exponents: Vec::new(),
            norms: Vec::new(),
            count: 0,
        })
    }

    /// How many factors.
    pub fn len(&self) -> usize {
        self.count
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Adds a factor `[d, d_head]` and returns its number.
    ///
    /// # Errors
    /// [`GpuError::Shape`], [`GpuError::NotFinite`].
    pub fn push(&mut self, factor: &Mat) -> Result<usize, GpuError> {
        for (what, expected, found) in [
            ("rows of a factor", self.d, factor.nrows()),
            ("columns of a factor", self.d_head, factor.ncols()),
        ] {
            if expected != found {
                return Err(GpuError::Shape { what, expected, found });
            }
        }
        let mut exponents = Vec::with_capacity(self.d_head);
        let mut norms = vec![0.0; self.d_head];
        let mut packed = vec![0f32; self.d * self.width];
        for (column, entries) in factor.column_iter().enumerate() {
            let mut largest = 0f64;
            for (row, x) in entries.iter().enumerate() {
                if !x.is_finite() {
                    return Err(GpuError::NotFinite { what: "a factor", row, column });
                }
                largest = largest.max(x.abs());
            }
            // The exponent field of the double; zero and subnormal columns count as zero.
            let exponent = ((largest.to_bits() >> 52) as i32)
                .checked_sub(1023)
                .filter(|_| largest.is_normal());
            exponents.push(exponent);
            let Some(exponent) = exponent else { continue };
            let scale = power_of_two(-exponent);
            let mut square = 0.0;
            for (x, to) in entries.iter().zip(packed.iter_mut().skip(column).step_by(self.width)) {
                square += (x * scale).powi(2);
                *to = (x * scale) as f32;
            }
            norms[column] = square.sqrt();
        }
        self.values.extend(packed);
        self.exponents.extend(exponents);
        self.norms.extend(norms);
        self.count += 1;
        Ok(self.count - 1)
    }

    pub(super) fn factor(&self, number: usize) -> &[f32] {
        let size = self.d * self.width;
        &self.values[number * size..(number + 1) * size]
    }

    /// The lengths of a factor's scaled columns.
    pub(super) fn lengths(&self, number: usize) -> &[f64] {
        &self.norms[number * self.d_head..(number + 1) * self.d_head]
    }

    fn powers(&self, number: usize) -> &[Option<i32>] {
        &self.exponents[number * self.d_head..(number + 1) * self.d_head]
    }
}

/// What the scaling took from `A Bᵀ`: a weight for every column (at most 1) and one power of two for the whole.
pub(super) fn weights(left: &Factors, a: usize, right: &Factors, b: usize) -> (Vec<f32>, i32) {
    let sum = |(x, y): (&Option<i32>, &Option<i32>)| Some((*x)? + (*y)?);
    let sums: Vec<Option<i32>> = left.powers(a).iter().zip(right.powers(b)).map(sum).collect();
    let whole = sums.iter().flatten().copied().max().unwrap_or(0);
    let mut weights: Vec<f32> =
        sums.iter().map(|sum| sum.map_or(0.0, |sum| power_of_two(sum - whole) as f32)).collect();
    weights.resize(left.width, 0.0);
    (weights, whole)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scaling_is_exact_and_undone_by_the_weights() {
        let mut left = Factors::new(2, 3).unwrap();
        let mut right = Factors::new(1, 3).unwrap();
        left.push(&Mat::from_row_slice(2, 3, &[3e20, 0.0, 1.0, -5e20, 0.0, 0.25])).unwrap();
        right.push(&Mat::from_row_slice(1, 3, &[1e-30, 7.0, 1.0])).unwrap();
        let (weights, whole) = weights(&left, 0, &right, 0);
        for (column, product) in [(0, -5e20 * 1e-30), (1, 0.0), (2, 0.25)] {
            let scaled = f64::from(left.values[16 + column]) * f64::from(right.values[column]);
            let back = scaled * f64::from(weights[column]) * power_of_two(whole);
            assert!((back - product).abs() <= 1e-6 * product.abs(), "{back} for {product}");
        }
        assert_eq!(weights[2].max(weights[0]), 1.0);
    }

    #[test]
    fn numbers_that_are_not_finite_are_refused_by_place() {
        let mut factors = Factors::new(1, 2).unwrap();
        let error = factors.push(&Mat::from_row_slice(1, 2, &[1.0, f64::NAN])).unwrap_err();
        assert_eq!(error, GpuError::NotFinite { what: "a factor", row: 0, column: 1 });
    }
}

//! The one place that knows nalgebra is column-major: everywhere else, and on every wire, matrices are row-major.
//!
//! Loops over a matrix are not inlined: who calls them in the page is built for size, and a loop is built as the function is that it stands in.

use super::kernels::{axpy, dot};

/// A dense `f64` matrix. Columns are vectors: `u.column(k)` is the k-th singular vector.
pub type Mat = nalgebra::DMatrix<f64>;

/// A matrix from row-major values, `values[r * n_cols + c]`.
///
/// `values.len()` must be `n_rows * n_cols`; callers check shapes where the bytes come in.
pub fn from_row_major(n_rows: usize, n_cols: usize, values: &[f64]) -> Mat {
    Mat::from_row_slice(n_rows, n_cols, values)
}

/// The values of `m`, row by row.
pub fn to_row_major(m: &Mat) -> Vec<f64> {
    m.transpose().as_slice().to_vec()
}

/// The values of `m`, row by row, rounded to `f32` (what charts and files take).
pub fn to_row_major_f32(m: &Mat) -> Vec<f32> {
    m.transpose().iter().map(|&x| x as f32).collect()
}

/// Takes the mean out of each column of `m`.
#[inline(never)]
pub fn center_columns(m: &mut Mat) {
    let n = m.nrows().max(1);
    for column in m.as_mut_slice().chunks_exact_mut(n) {
        let mean = column.iter().sum::<f64>() / n as f64;
        column.iter_mut().for_each(|x| *x -= mean);
    }
}

/// Multiplies each row of `m` by its factor.
#[inline(never)]
pub fn scale_rows(m: &mut Mat, factors: &[f64]) {
    let n = m.nrows().max(1);
    for column in m.as_mut_slice().chunks_exact_mut(n) {
        column.iter_mut().zip(factors).for_each(|(x, factor)| *x *= factor);
    }
}

/// `mᵀ x`, `[m.ncols()]`.
#[inline(never)]
pub fn transposed_times_vector(m: &Mat, x: &[f64]) -> Vec<f64> {
    let columns = m.as_slice().chunks_exact(m.nrows().max(1));
    columns.map(|column| dot(column, x)).collect()
}

/// `m x`, `[m.nrows()]`; columns past the end of `x` are left out.
#[inline(never)]
pub fn times_vector(m: &Mat, x: &[f64]) -> Vec<f64> {
    let mut sum = vec![0.0; m.nrows()];
    let columns = m.as_slice().chunks_exact(m.nrows().max(1));
    columns.zip(x).for_each(|(column, x)| axpy(*x, column, &mut sum));
    sum
}

/// How many entries are NaN or infinite.
#[inline(never)]
pub fn not_finite(m: &Mat) -> usize {
    m.as_slice().iter().map(|x| usize::from(!x.is_finite())).sum()
}

/// Writes `values: [n, width]`, row-major, into the columns of `m: [_, width]`, from row `first` on.
#[inline(never)]
pub fn write_rows(m: &mut Mat, first: usize, values: &[f32]) {
    let (n_rows, width) = m.shape();
    for (j, column) in m.as_mut_slice().chunks_exact_mut(n_rows.max(1)).enumerate() {
        let rows = values.chunks_exact(width);
        column[first..].iter_mut().zip(rows).for_each(|(place, row)| *place = f64::from(row[j]));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn row_major_values_survive_the_round_trip() {
        let values = [0.0, 1.0, 2.0, 3.0, 4.0, 5.0];
        let m = from_row_major(2, 3, &values);
        assert_eq!(m[(0, 2)], 2.0);
        assert_eq!(m[(1, 0)], 3.0);
        assert_eq!(to_row_major(&m), values);
        assert_eq!(not_finite(&m), 0);
        assert_eq!(not_finite(&from_row_major(1, 3, &[1.0, f64::NAN, f64::INFINITY])), 2);
        let mut written = Mat::zeros(3, 3);
        write_rows(&mut written, 1, &values.map(|x| x as f32));
        assert_eq!(to_row_major(&written)[3..], values);
        scale_rows(&mut written, &[5.0, 2.0, -1.0]);
        center_columns(&mut written);
        assert_eq!(times_vector(&m, &[1.0, 0.0, 2.0]), [4.0, 13.0]);
        assert_eq!(times_vector(&m, &[1.0]), [0.0, 3.0]);
        assert_eq!(transposed_times_vector(&m, &[1.0, -1.0]), [-3.0, -3.0, -3.0]);
        assert_eq!(written.column(2).as_slice(), [1.0 / 3.0, 4.0 + 1.0 / 3.0, -5.0 + 1.0 / 3.0]);
    }
}

//! The few loops that training spends its time in.
//!
//! Each adds rows to rows, so that it becomes vector code on every target without reordering a sum: the same bits natively
//! and in WebAssembly, which a reduction rearranged by the compiler, or a fused multiply-add, would not give.

/// `out += Σ weights[a] · matrix[rows[a]]`; `matrix` has rows as long as `out`.
#[inline]
pub fn add_rows(out: &mut [f64], matrix: &[f64], rows: &[u32], weights: &[f64]) {
    let n = out.len();
    let row = |r: u32| &matrix[r as usize * n..][..n];
    let (row_fours, row_rest) = rows.as_chunks::<4>();
    let (weight_fours, weight_rest) = weights.as_chunks::<4>();
    for (r, w) in row_fours.iter().zip(weight_fours) {
        add_four(out, *w, [row(r[0]), row(r[1]), row(r[2]), row(r[3])]);
    }
    for (r, w) in row_rest.iter().zip(weight_rest) {
        add_scaled(out, *w, row(*r));
    }
}

/// `out += w[0] x[0] + … + w[3] x[3]`, in that order.
#[inline]
fn add_four(out: &mut [f64], w: [f64; 4], x: [&[f64]; 4]) {
    let n = out.len();
    let [a, b, c, d] = x.map(|row| &row[..n]);
    for i in 0..n {
        out[i] = (((out[i] + w[0] * a[i]) + w[1] * b[i]) + w[2] * c[i]) + w[3] * d[i];
    }
}

/// `out += w · x`.
#[inline]
pub fn add_scaled(out: &mut [f64], w: f64, x: &[f64]) {
    for (out, x) in out.iter_mut().zip(x) {
        *out += w * x;
    }
}

/// `C += A B` with `A [m, k]`, `B [k, n]`, `C [m, n]`, all row-major.
pub fn add_product(c: &mut [f64], a: &[f64], b: &[f64], k: usize, n: usize) {
    for (c, a) in c.chunks_exact_mut(n).zip(a.chunks_exact(k)) {
        let (fours, rest) = a.as_chunks::<4>();
        for (w, x) in fours.iter().zip(b.chunks_exact(4 * n)) {
            add_four(c, *w, [&x[..n], &x[n..2 * n], &x[2 * n..3 * n], &x[3 * n..]]);
        }
        for (w, x) in rest.iter().zip(b[4 * n * fours.len()..].chunks_exact(n)) {
            add_scaled(c, *w, x);
        }
    }
}

/// `C += Aᵀ B` with `A [k, m]`, `B [k, n]`, `C [m, n]`, all row-major.
pub fn add_transposed_product(c: &mut [f64], a: &[f64], b: &[f64], m: usize, n: usize) {
    let mut a_fours = a.chunks_exact(4 * m);
    let mut b_fours = b.chunks_exact(4 * n);
    for (a, b) in a_fours.by_ref().zip(b_fours.by_ref()) {
        let b = [&b[..n], &b[n..2 * n], &b[2 * n..3 * n], &b[3 * n..]];
        for (i, c) in c.chunks_exact_mut(n).enumerate() {
            add_four(c, [a[i], a[m + i], a[2 * m + i], a[3 * m + i]], b);
        }
    }
    for (a, b) in a_fours.remainder().chunks_exact(m).zip(b_fours.remainder().chunks_exact(n)) {
        for (c, w) in c.chunks_exact_mut(n).zip(a) {
            add_scaled(c, *w, b);
        }
    }
}

/// `out = Aᵀ` with `A [m, n]`, row-major.
pub fn transpose(out: &mut [f64], a: &[f64], n: usize) {
    let m = a.len() / n;
    for (i, row) in a.chunks_exact(n).enumerate() {
        for (j, x) in row.iter().enumerate() {
            out[j * m + i] = *x;
        }
    }
}

/// `Σ x_i y_i` in four partial sums.
#[inline]
pub fn dot(x: &[f64], y: &[f64]) -> f64 {
    let (x_fours, x_rest) = x.as_chunks::<4>();
    let (y_fours, y_rest) = y.as_chunks::<4>();
    let mut sums = [0.0; 4];
    for (x, y) in x_fours.iter().zip(y_fours) {
        for lane in 0..4 {
            sums[lane] += x[lane] * y[lane];
        }
    }
    let rest: f64 = x_rest.iter().zip(y_rest).map(|(x, y)| x * y).sum();
    ((sums[0] + sums[2]) + (sums[1] + sums[3])) + rest
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layout::{from_row_major, to_row_major};
    use crate::random::Rng;

    #[test]
    fn every_loop_agrees_with_plain_matrix_products_at_lengths_that_do_not_divide() {
        let mut rng = Rng::new(1);
        for (m, k, n) in [(1, 1, 1), (3, 5, 7), (8, 8, 8), (6, 11, 13)] {
            let (a, b) = (rng.normal_matrix(m, k), rng.normal_matrix(k, n));
            let mut c = vec![1.0; m * n];
            add_product(&mut c, &to_row_major(&a), &to_row_major(&b), k, n);
            let expected = (&a * &b).add_scalar(1.0);
            assert!((from_row_major(m, n, &c) - &expected).abs().max() < 1e-13);

            let mut a_t = vec![0.0; m * k];
            transpose(&mut a_t, &to_row_major(&a), k);
            assert_eq!(a_t, to_row_major(&a.transpose()));
            let mut c = vec![1.0; m * n];
            add_transposed_product(&mut c, &a_t, &to_row_major(&b), m, n);
            assert!((from_row_major(m, n, &c) - &expected).abs().max() < 1e-13);

            let mut row = vec![1.0; n];
            let first: Vec<f64> = a.row(0).iter().copied().collect();
            let rows: Vec<u32> = (0..k as u32).collect();
            add_rows(&mut row, &to_row_major(&b), &rows, &first);
            assert!((0..n).all(|j| (row[j] - expected[(0, j)]).abs() < 1e-13));
            assert!((dot(&first, &first) - a.row(0).norm_squared()).abs() < 1e-13);
        }
    }
}

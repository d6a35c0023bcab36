//! Dense products, by whichever kernel is faster where the program runs.

use nalgebra::{DMatrix, DMatrixView};

use super::Mat;
use super::kernels::{Columns, Packed};
use super::streamed::{Orientation, product};

/// `Aᵀ B` for `a: [m, p]`, `b: [m, q]`: `[p, q]`.
///
/// In WebAssembly by the kernels of the decompositions, which are twice as fast there as nalgebra's; elsewhere by nalgebra's, which
/// asks the processor what it can do.
pub fn transposed_times(a: &Mat, b: &Mat) -> Mat {
    if cfg!(target_arch = "wasm32") { by_columns(a, b) } else { a.transpose() * b }
}

/// Inner products of every row of `rows: [n, d]` with every one of `with: [m, d]`, both row-major: `[n, m]`, row-major.
pub fn inner_products(rows: &[f32], with: &[f32], d: usize) -> Vec<f32> {
    let (n, m) = (rows.len() / d.max(1), with.len() / d.max(1));
    if cfg!(target_arch = "wasm32") {
        return product(rows, with, Orientation::OutIn, d, m);
    }
    let mut products = DMatrix::zeros(m, n);
    products.gemm(
        1.0,
        &DMatrix::from_row_slice(m, d, with),
        &DMatrixView::from_slice(rows, d, n),
        0.0,
    );
    products.data.into()
}

fn by_columns(a: &Mat, b: &Mat) -> Mat {
    Packed::new(Columns::of(a), a.ncols()).transposed_times(Columns::of(b), b.ncols())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Rng;

    #[test]
    fn inner_products_are_those_of_the_streamed_kernel() {
        let mut rng = Rng::new(9);
        for (n, m, d) in [(1, 1, 1), (5, 3, 7), (33, 9, 64), (4, 0, 3), (0, 4, 3)] {
            let mut draw = |n: usize| (0..n * d).map(|_| rng.normal() as f32).collect::<Vec<_>>();
            let (rows, with) = (draw(n), draw(m));
            let streamed = product(&rows, &with, Orientation::OutIn, d, m);
            let found = inner_products(&rows, &with, d);
            assert_eq!((found.len(), streamed.len()), (n * m, n * m));
            // Sums of at most 64 products of size one.
            assert!(found.iter().zip(&streamed).all(|(x, y)| (x - y).abs() < 1e-4));
        }
    }

    #[test]
    fn both_kernels_make_the_same_product() {
        let mut rng = Rng::new(4);
        for (m, p, q) in [(1, 1, 1), (7, 3, 5), (64, 9, 33)] {
            let (a, b) = (rng.normal_matrix(m, p), rng.normal_matrix(m, q));
            // Sums of at most 64 products of size one.
            assert!((by_columns(&a, &b) - a.transpose() * &b).amax() < 1e-12);
        }
    }
}

//! Dense products of `f64` matrices, by whichever kernel is faster where the program runs.

use super::Mat;
use super::kernels::{Columns, Packed};

/// `Aᵀ B` for `a: [m, p]`, `b: [m, q]`: `[p, q]`.
///
/// In WebAssembly by the kernels of the decompositions, which are twice as fast there as nalgebra's; elsewhere by nalgebra's, which
/// asks the processor what it can do.
pub fn transposed_times(a: &Mat, b: &Mat) -> Mat {
    if cfg!(target_arch = "wasm32") { by_columns(a, b) } else { a.transpose() * b }
}

fn by_columns(a: &Mat, b: &Mat) -> Mat {
    Packed::new(Columns::of(a), a.ncols()).transposed_times(Columns::of(b), b.ncols())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Rng;

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

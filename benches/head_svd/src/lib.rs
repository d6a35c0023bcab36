//! The head SVD as the page runs it: `f64`, wasm with simd128, one thread.

use omega_lens::math::layout::from_row_major;
use omega_lens::math::{Mat, product_singular_values, product_svd};
use wasm_bindgen::prelude::*;

/// One head `A Bᵀ`, kept in wasm memory so that only the decomposition is timed.
#[wasm_bindgen]
pub struct Head {
    a: Mat,
    b: Mat,
}

#[wasm_bindgen]
impl Head {
    /// From row-major `[d_model, d_head]` factors.
    #[wasm_bindgen(constructor)]
    pub fn new(d_model: usize, d_head: usize, a: &[f64], b: &[f64]) -> Head {
        Head { a: from_row_major(d_model, d_head, a), b: from_row_major(d_model, d_head, b) }
    }

    /// `U`, `S`, `V` with certificate and head-space factors; returns `S`, then the residual and the orthogonality error.
    pub fn svd(&self) -> Result<Vec<f64>, JsError> {
        let svd = product_svd(&self.a, &self.b)?;
        Ok(svd.s.iter().copied().chain([svd.residual, svd.orthogonality]).collect())
    }

    /// `S` alone, as the page computes it for every head; the same layout.
    pub fn values(&self) -> Result<Vec<f64>, JsError> {
        let values = product_singular_values(&self.a, &self.b)?;
        Ok(values.s.iter().copied().chain([values.residual, values.orthogonality]).collect())
    }
}

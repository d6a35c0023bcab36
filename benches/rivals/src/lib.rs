//! What the page computes with, CPU and GPU, beside libraries from npm: heads' cores and square products.

use nalgebra::DMatrix;
use omega_lens::gpu::{Factors, Gpu, GpuOptions, Operand, Plant, Raw, SvdBatch};
use omega_lens::math::layout::{from_row_major, to_row_major};
use omega_lens::math::qr::Qr;
use omega_lens::math::random::Rng;
use omega_lens::math::{Mat, product_svd};
use wasm_bindgen::prelude::*;

/// The R factors of a head's two factors, `[h, h]` row-major, one after the other; the head is one of normal weights if
/// `kappa` is 1, else of that condition.
#[wasm_bindgen]
pub fn planted(h: usize, kappa: f64) -> Vec<f64> {
    let plant = if kappa == 1.0 { Plant::Gauss } else { Plant::Balanced(kappa) };
    let (a, b) = plant.factors(12 * h, h, &mut Rng::new(1));
    [a, b].iter().flat_map(|m| to_row_major(Qr::new(m).r())).collect()
}

/// `A Bᵀ` of two row-major `[n, n]` matrices, in f64: the truth.
#[wasm_bindgen]
pub fn exact_product(n: usize, a: &[f64], b: &[f64]) -> Vec<f64> {
    to_row_major(&(from_row_major(n, n, a) * from_row_major(n, n, b).transpose()))
}

/// The same in f32 on one thread, as the page multiplies directions with dictionaries.
#[wasm_bindgen]
pub fn product(n: usize, a: &[f32], b: &[f32]) -> Vec<f32> {
    let [a, b] = [a, b].map(|values| DMatrix::from_column_slice(n, n, values));
    // Row-major numbers read column by column are the transposes.
    (b.transpose() * a).as_slice().to_vec()
}

/// Singular values of `A Bᵀ`, then the orthogonality error of U and V, in f64 on one thread.
#[wasm_bindgen]
pub fn svd(h: usize, a: &[f64], b: &[f64]) -> Result<Vec<f64>, JsError> {
    let svd = product_svd(&from_row_major(h, h, a), &from_row_major(h, h, b))?;
    Ok(svd.s.iter().copied().chain([svd.orthogonality]).collect())
}

/// A WebGPU device.
#[wasm_bindgen]
pub struct Device {
    gpu: Gpu,
}

#[wasm_bindgen]
impl Device {
    /// Asks for one.
    pub async fn request() -> Result<Device, JsError> {
        Ok(Device { gpu: Gpu::request(GpuOptions::new(js_sys::Date::now)).await? })
    }

    /// Whether it computes on the processor.
    pub fn software(&self) -> bool {
        self.gpu.description().software
    }

    /// `A Bᵀ` of two row-major `[n, n]` matrices.
    pub async fn product(&self, n: usize, a: Vec<f32>, b: Vec<f32>) -> Result<Vec<f32>, JsError> {
        let operand = |values, transposed| Operand { values, n_rows: n, n_cols: n, transposed };
        let (a, b) = (operand(Raw::F32(&a), false), operand(Raw::F32(&b), true));
        Ok(self.gpu.gemm(1, a, b).await?)
    }

    /// Like [`svd`], of `copies` heads at a time.
    pub async fn svd(
        &self,
        h: usize,
        a: Vec<f64>,
        b: Vec<f64>,
        copies: usize,
    ) -> Result<Vec<f64>, JsError> {
        let factors = |values: &[f64]| -> Result<Factors, JsError> {
            let (m, mut factors): (Mat, _) = (from_row_major(h, h, values), Factors::new(h, h)?);
            for _ in 0..copies {
                factors.push(&m)?;
            }
            Ok(factors)
        };
        let (left, right) = (factors(&a)?, factors(&b)?);
        let heads: Vec<(usize, usize)> = (0..copies).map(|i| (i, i)).collect();
        let batch = SvdBatch { left: &left, right: &right, heads: &heads, vectors: true };
        let found = self.gpu.svd(&batch).await?;
        let Some(head) = found.first() else { return Ok(Vec::new()) };
        Ok(head.s.iter().copied().chain([head.certificate.orthogonality]).collect())
    }
}

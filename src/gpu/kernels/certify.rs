//! The certificate of every head, measured on the GPU: orthogonality, residual, sweeps.
//!
//! The residual is that of the finished `U`, `S` and `V` against the given factors, probed with 16 vectors of ±1: an
//! unbiased estimate of the Frobenius norm that never forms a `[d, d]` matrix and never squares one, so that it resolves
//! residuals down to f32 rounding. CPU twin: the residual and orthogonality of `math::product_svd`.
//!
//! # Source
//! Hutchinson, "A stochastic estimator of the trace", Commun. Stat. 19 (1990).

use serde::{Deserialize, Serialize};

use crate::gpu::buffers::Buffer;
use crate::gpu::commands::{Commands, Dispatch};
use crate::gpu::device::Gpu;
use crate::gpu::error::GpuError;
use crate::gpu::kernel::Kernel;

const SOURCE: &str = include_str!("certify.wgsl");
pub(in crate::gpu) const WEIGH: Kernel = Kernel { name: "certify", source: SOURCE, entry: "weigh" };
pub(in crate::gpu) const CERTIFY: Kernel =
    Kernel { name: "certify", source: SOURCE, entry: "certify" };

/// Words per head that the shader writes.
pub(in crate::gpu) const WORDS: usize = 8;

/// How good one head's SVD is, with the limits it is held to.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Certificate {
    /// Largest entry of `|Uᵀ U - I|` and `|Vᵀ V - I|` over the kept columns.
    pub orthogonality: f64,
    /// `‖A Bᵀ - U S Vᵀ‖_F / ‖A Bᵀ‖_F`, estimated with 16 probes.
    pub residual: f64,
    /// Jacobi sweeps made.
    pub sweeps: usize,
    /// Whether the last sweep had nothing left to rotate by more than the tolerance.
    pub settled: bool,
    /// Largest cosine between two columns before the last sweep.
    pub cosine: f64,
    /// What `orthogonality` may be: `1e-5 √max(1, d_head / 64)`.
    pub orthogonality_limit: f64,
    /// What `residual` may be: `1e-5 max(1, Σ ‖a_k‖ ‖b_k‖ / (√d_head ‖A Bᵀ‖))` over the pairs of columns, whatever their
    /// scales: what rounding the factors to f32 does.
    pub residual_limit: f64,
}

impl Certificate {
    /// Whether the head may be shown; if not it is to be computed again on the CPU, in f64.
    pub fn passed(&self) -> bool {
        // A NaN compares as false and so fails.
        self.settled
            && self.orthogonality <= self.orthogonality_limit
            && self.residual <= self.residual_limit
    }

    /// From the shader's words; `gauge` is `Σ ‖a_k‖ ‖b_k‖ / ‖A Bᵀ‖`.
    pub(in crate::gpu) fn new(words: &[f32], d_head: usize, gauge: f64) -> Self {
        let word = |i: usize| words.get(i).copied().map_or(f64::NAN, f64::from);
        Certificate {
            orthogonality: word(0).max(word(1)),
            residual: word(2),
            cosine: word(3),
            sweeps: word(4) as usize,
            settled: word(5) == 1.0,
            orthogonality_limit: 1e-5 * (d_head as f64 / 64.0).max(1.0).sqrt(),
            residual_limit: 1e-5 * (gauge / (d_head as f64).sqrt()).max(1.0),
        }
    }
}

/// `n` rows of 16 entries ±1, the same ones every time.
pub(in crate::gpu) fn probes(n: usize) -> Vec<f32> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut next = || {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        if state >> 63 == 0 { 1.0 } else { -1.0 }
    };
    (0..16 * n).map(|_| next()).collect()
}

/// The buffers of one certification.
pub(in crate::gpu) struct Certify<'a> {
    pub(in crate::gpu) count: usize,
    pub(in crate::gpu) h: usize,
    /// Rows of U.
    pub(in crate::gpu) d: usize,
    pub(in crate::gpu) sigma: &'a Buffer,
    pub(in crate::gpu) gram_u: &'a Buffer,
    pub(in crate::gpu) gram_v: &'a Buffer,
    /// `[count, d, 16]`: the residual times the probes.
    pub(in crate::gpu) rest: &'a Buffer,
    pub(in crate::gpu) states: &'a Buffer,
    /// Out: `[count]` of eight words.
    pub(in crate::gpu) certificates: &'a Buffer,
}

/// The buffers of the scaling between the two halves of the probing.
pub(in crate::gpu) struct Weigh<'a> {
    pub(in crate::gpu) count: usize,
    pub(in crate::gpu) h: usize,
    pub(in crate::gpu) sigma: &'a Buffer,
    pub(in crate::gpu) weight: &'a Buffer,
    pub(in crate::gpu) right: &'a Buffer,
    pub(in crate::gpu) b_z: &'a Buffer,
    /// Out: `D Bᵀ z`.
    pub(in crate::gpu) weighted_b_z: &'a Buffer,
    /// In: `Vᵀ z`; out: `S Vᵀ z`.
    pub(in crate::gpu) weighted_v_z: &'a Buffer,
}

impl Commands<'_> {
    pub(in crate::gpu) async fn weigh(
        &mut self,
        gpu: &Gpu,
        work: Weigh<'_>,
    ) -> Result<(), GpuError> {
        let pipeline = gpu.pipeline(&WEIGH, &[("H", work.h as u32)]).await?;
        let buffers = [
            (1, work.sigma),
            (2, work.weight),
            (3, work.right),
            (4, work.b_z),
            (5, work.weighted_b_z),
            (6, work.weighted_v_z),
        ];
        let cost = (work.count * work.h * 32) as f64;
        let groups = [work.count, 1, 1];
        self.dispatch(Dispatch {
            pipeline: &pipeline,
            params: &[],
            buffers: &buffers,
            groups,
            cost,
        })
        .await
    }

    pub(in crate::gpu) async fn certify(
        &mut self,
        gpu: &Gpu,
        work: Certify<'_>,
    ) -> Result<(), GpuError> {
        let pipeline = gpu.pipeline(&CERTIFY, &[("H", work.h as u32)]).await?;
        let buffers = [
            (1, work.sigma),
            (7, work.gram_u),
            (8, work.gram_v),
            (9, work.rest),
            (10, work.states),
            (11, work.certificates),
        ];
        let cost = (work.count * (work.d * 32 + work.h * work.h * 4)) as f64;
        let params = [work.d as u32];
        let groups = [work.count, 1, 1];
        self.dispatch(Dispatch {
            pipeline: &pipeline,
            params: &params,
            buffers: &buffers,
            groups,
            cost,
        })
        .await
    }
}

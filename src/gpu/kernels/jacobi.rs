//! One-sided Jacobi on many `h × h` matrices: one sweep a dispatch, the last ones empty for heads that have settled.
//!
//! Nothing is read back between sweeps: each sweep leaves a flag per head, and the next one skips the heads that are
//! done, so a fixed number of dispatches costs little more than the needed ones. CPU twin: `math::jacobi`.
//!
//! # Source
//! Drmač & Veselić 2008 (stopping rule as in LAPACK's xGESVJ); round-robin order after Brent & Luk, 1985.

use crate::gpu::buffers::Buffer;
use crate::gpu::commands::{Commands, Dispatch};
use crate::gpu::device::Gpu;
use crate::gpu::error::GpuError;
use crate::gpu::kernel::Kernel;

const SOURCE: &str = include_str!("jacobi.wgsl");
pub(in crate::gpu) const SWEEP: Kernel = Kernel { name: "jacobi", source: SOURCE, entry: "sweep" };
pub(in crate::gpu) const FINISH: Kernel =
    Kernel { name: "jacobi", source: SOURCE, entry: "finish" };

/// A head that needs more has failed; 9 is the most ever seen. Even, so that the last state is in the first buffer.
pub(in crate::gpu) const MAX_SWEEPS: usize = 20;
/// Sweeps that most heads need, for the cost.
const USUAL_SWEEPS: usize = 9;

/// The sizes put into the shader.
pub(in crate::gpu) fn constants(h: usize) -> [(&'static str, u32); 2] {
    [("H", h as u32), ("LANES", (512 / h).min(h / 4) as u32)]
}

/// The buffers of `count` decompositions.
pub(in crate::gpu) struct Jacobi<'a> {
    pub(in crate::gpu) count: usize,
    pub(in crate::gpu) h: usize,
    /// In: the matrices, columns contiguous; out: `U Σ`.
    pub(in crate::gpu) g: &'a Buffer,
    /// In: identities; out: V, columns contiguous.
    pub(in crate::gpu) v: &'a Buffer,
    /// `[count]` of (done, sweeps, largest cosine, unused), zero before; the result is in the first.
    pub(in crate::gpu) states: [&'a Buffer; 2],
    /// Out: `[count, h]`, descending.
    pub(in crate::gpu) sigma: &'a Buffer,
    /// Out: row-major core vectors, sorted like `sigma`, zero where that is zero.
    pub(in crate::gpu) u_core: &'a Buffer,
    pub(in crate::gpu) v_core: &'a Buffer,
}

impl Commands<'_> {
    /// Records all sweeps and the sorting.
    pub(in crate::gpu) async fn jacobi(
        &mut self,
        gpu: &Gpu,
        work: Jacobi<'_>,
    ) -> Result<(), GpuError> {
        let Jacobi { count, h, .. } = work;
        let tolerance = (h as f32).sqrt() * f32::EPSILON;
        let params = [tolerance.to_bits(), (16.0 * tolerance).to_bits()];
        let pipeline = gpu.pipeline(&SWEEP, &constants(h)).await?;
        let [mut before, mut after] = work.states;
        for sweep in 0..MAX_SWEEPS {
            let operations = if sweep < USUAL_SWEEPS { 9 * h * h * h } else { h * h };
            self.dispatch(Dispatch {
                pipeline: &pipeline,
                params: &params,
                buffers: &[(1, work.g), (2, work.v), (3, before), (4, after)],
                groups: [count, 1, 1],
                cost: (count * operations) as f64,
            })
            .await?;
            (before, after) = (after, before);
        }
        let pipeline = gpu.pipeline(&FINISH, &constants(h)).await?;
        self.dispatch(Dispatch {
            pipeline: &pipeline,
            params: &[],
            buffers: &[
                (5, work.g),
                (6, work.v),
                (7, work.sigma),
                (8, work.u_core),
                (9, work.v_core),
            ],
            groups: [count, 1, 1],
            cost: (4 * count * h * h) as f64,
        })
        .await
    }
}

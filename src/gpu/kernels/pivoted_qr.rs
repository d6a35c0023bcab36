//! Householder QR with column pivoting of many `h × h` cores; nothing is ever permuted in memory.
//!
//! Two of them make the core fit for Jacobi (Drmač & Veselić): with `R_A D = Q₁ T` and `M = R_B Tᵀ = Q₂ R₂`, the rows of
//! `R₂` are the nearly orthogonal, sorted columns on which Jacobi needs half the sweeps and keeps small singular values.
//! CPU twin: `math::pivoted_qr`.
//!
//! # Source
//! Drmač & Veselić, "New fast and accurate Jacobi SVD algorithm", SIAM J. Matrix Anal. Appl. 29 (2008).

use crate::gpu::buffers::Buffer;
use crate::gpu::commands::{Commands, Dispatch};
use crate::gpu::device::Gpu;
use crate::gpu::error::GpuError;
use crate::gpu::kernel::Kernel;

const SOURCE: &str = include_str!("pivoted_qr.wgsl");
pub(in crate::gpu) const PREPARE: Kernel =
    Kernel { name: "pivoted_qr", source: SOURCE, entry: "prepare" };
pub(in crate::gpu) const FACTOR: Kernel =
    Kernel { name: "pivoted_qr", source: SOURCE, entry: "factor" };
pub(in crate::gpu) const TRIANGLE: Kernel =
    Kernel { name: "pivoted_qr", source: SOURCE, entry: "triangle" };
pub(in crate::gpu) const APPLY: Kernel =
    Kernel { name: "pivoted_qr", source: SOURCE, entry: "apply" };

/// Reflectors per dispatch: at h = 256 a thread stays below llvmpipe's 65 000 loop iterations.
const STEPS: usize = 64;

/// The sizes put into the shader.
pub(in crate::gpu) fn constants(h: usize) -> [(&'static str, u32); 2] {
    [("H", h as u32), ("LANES", (256 / h).max(1) as u32)]
}

/// `count` cores `[h, h]` and what their factorisation leaves.
#[derive(Clone, Copy)]
pub(in crate::gpu) struct Cores<'a> {
    pub(in crate::gpu) count: usize,
    pub(in crate::gpu) h: usize,
    /// In: the cores; out: reflectors and R, in place.
    pub(in crate::gpu) work: &'a Buffer,
    /// Out: `[count, h]` of pivot, factor, diagonal and place, four words each.
    pub(in crate::gpu) steps: &'a Buffer,
    /// `[count, 2]`: the ranks that the first and the second factorisation cannot exceed.
    pub(in crate::gpu) limits: &'a Buffer,
    /// 0 for the first, 1 for the second.
    pub(in crate::gpu) round: u32,
}

/// The two triangles of every head and how they belong together.
pub(in crate::gpu) struct Pairing<'a> {
    pub(in crate::gpu) r_left: &'a Buffer,
    pub(in crate::gpu) r_right: &'a Buffer,
    /// `[count, h]`: the power of two on each column of the product.
    pub(in crate::gpu) weight: &'a Buffer,
    /// `[count]` of (which triangle, head).
    pub(in crate::gpu) left: &'a Buffer,
    pub(in crate::gpu) right: &'a Buffer,
}

impl Commands<'_> {
    /// Records `work = R_A D`, its rank and the rank that the product cannot exceed.
    pub(in crate::gpu) async fn prepare(
        &mut self,
        gpu: &Gpu,
        cores: Cores<'_>,
        pairing: Pairing<'_>,
    ) -> Result<(), GpuError> {
        let pipeline = gpu.pipeline(&PREPARE, &constants(cores.h)).await?;
        let buffers = [
            (1, cores.work),
            (9, pairing.r_left),
            (10, pairing.r_right),
            (11, pairing.weight),
            (12, pairing.left),
            (13, pairing.right),
            (14, cores.limits),
        ];
        self.dispatch(Dispatch {
            pipeline: &pipeline,
            params: &[],
            buffers: &buffers,
            groups: [cores.count, 1, 1],
            cost: (cores.count * cores.h * cores.h) as f64,
        })
        .await
    }

    /// Records the factorisation in place, then `r` with its columns where they were, and an identity.
    pub(in crate::gpu) async fn pivoted_qr(
        &mut self,
        gpu: &Gpu,
        cores: Cores<'_>,
        r: &Buffer,
        identity: &Buffer,
    ) -> Result<(), GpuError> {
        let Cores { count, h, work, steps, limits, round } = cores;
        let pipeline = gpu.pipeline(&FACTOR, &constants(h)).await?;
        for first in (0..h).step_by(STEPS) {
            let length = STEPS.min(h - first);
            self.dispatch(Dispatch {
                pipeline: &pipeline,
                params: &[first as u32, length as u32, round],
                buffers: &[(1, work), (2, steps), (3, limits)],
                groups: [count, 1, 1],
                cost: (count * length * h * (h - first)) as f64 * 6.0,
            })
            .await?;
        }
        let pipeline = gpu.pipeline(&TRIANGLE, &constants(h)).await?;
        self.dispatch(Dispatch {
            pipeline: &pipeline,
            params: &[],
            buffers: &[(4, r), (5, identity), (6, work), (7, steps)],
            groups: [count, 1, 1],
            cost: (count * h * h) as f64,
        })
        .await
    }

    /// Records `y = Q y` for a row-major `[h, h]` matrix `y` of every core.
    pub(in crate::gpu) async fn apply_q(
        &mut self,
        gpu: &Gpu,
        cores: Cores<'_>,
        y: &Buffer,
    ) -> Result<(), GpuError> {
        let Cores { count, h, work, steps, .. } = cores;
        let pipeline = gpu.pipeline(&APPLY, &constants(h)).await?;
        for first in (0..h).step_by(STEPS).rev() {
            let length = STEPS.min(h - first);
            self.dispatch(Dispatch {
                pipeline: &pipeline,
                params: &[first as u32, length as u32],
                buffers: &[(6, work), (7, steps), (8, y)],
                groups: [count, h.div_ceil(64), 1],
                cost: (count * length * h * (h - first)) as f64 * 4.0,
            })
            .await?;
        }
        Ok(())
    }
}

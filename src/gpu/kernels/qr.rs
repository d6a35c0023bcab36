//! Tall QR of many matrices at once, with explicit Q: block Gram–Schmidt with re-orthogonalisation and a rank rule.
//!
//! Each panel of 16 columns is projected off the earlier ones, orthonormalised, and both once more (BCGSI+): a single
//! repeat of the projection *before* the panel is orthonormalised would lose orthogonality in proportion to the panel's
//! condition. CholeskyQR is cheaper to write and breaks down on exactly the heads where the answer is interesting.
//! CPU twin: `math::qr`.
//!
//! # Source
//! Barlow & Smoktunowicz, "Reorthogonalized block classical Gram–Schmidt", Numer. Math. 123 (2013).

use super::gemm::{Layout, Product};
use crate::gpu::buffers::Buffer;
use crate::gpu::commands::{Commands, Dispatch};
use crate::gpu::device::Gpu;
use crate::gpu::error::GpuError;
use crate::gpu::kernel::Kernel;

const SOURCE: &str = include_str!("qr.wgsl");
pub(in crate::gpu) const DOTS: Kernel = Kernel { name: "qr", source: SOURCE, entry: "dots" };
pub(in crate::gpu) const PANEL: Kernel = Kernel { name: "qr", source: SOURCE, entry: "panel" };

/// Columns that are orthonormalised together; `h` is padded to a multiple of it.
pub(in crate::gpu) const PANEL_WIDTH: usize = 16;

/// Half a unit in the last place of 1.
const U: f32 = 5.960_464_5e-8;

/// The buffers of one QR of `count` matrices `[d, h]`.
pub(in crate::gpu) struct Qr<'a> {
    pub(in crate::gpu) count: usize,
    pub(in crate::gpu) d: usize,
    /// A multiple of 16.
    pub(in crate::gpu) h: usize,
    /// In: `[count, d, h]`.
    pub(in crate::gpu) a: &'a Buffer,
    /// Out: `[count, d, h]`, columns orthonormal or zero.
    pub(in crate::gpu) q: &'a Buffer,
    /// Out: `[count, h, h]`, upper triangular, zero before.
    pub(in crate::gpu) r: &'a Buffer,
    /// Scratch: two of `[count, d, 16]`, one of `[count, h, 16]`.
    pub(in crate::gpu) panels: [&'a Buffer; 2],
    pub(in crate::gpu) s: &'a Buffer,
    /// For each matrix its number, twice.
    pub(in crate::gpu) index: &'a Buffer,
}

/// `s = Xᵀ Y` for tall `X` and `Y` of 16 columns.
pub(in crate::gpu) struct Dots<'a> {
    pub(in crate::gpu) count: usize,
    pub(in crate::gpu) d: usize,
    pub(in crate::gpu) h: usize,
    /// How many columns of `x` count.
    pub(in crate::gpu) columns: usize,
    pub(in crate::gpu) x: Layout<'a>,
    pub(in crate::gpu) y: Layout<'a>,
    /// Out: `[count, h, 16]`.
    pub(in crate::gpu) s: &'a Buffer,
    /// Also out: `[count, h, h]` and the first of the columns to fill; the buffer is bound in any case.
    pub(in crate::gpu) r: (&'a Buffer, Option<usize>),
}

impl Commands<'_> {
    /// Records the transposed product of tall matrices with panels.
    pub(in crate::gpu) async fn dots(&mut self, gpu: &Gpu, work: Dots<'_>) -> Result<(), GpuError> {
        let pipeline = gpu.pipeline(&DOTS, &[("H", work.h as u32)]).await?;
        let quads = |x: usize| (x / 4) as u32;
        let params = [
            work.d as u32,
            quads(work.x.start),
            quads(work.x.row),
            quads(work.x.batch),
            quads(work.y.start),
            quads(work.y.row),
            quads(work.y.batch),
            work.r.1.unwrap_or(0) as u32,
            u32::from(work.r.1.is_some()),
        ];
        let buffers = [(1, work.x.buffer), (2, work.y.buffer), (3, work.s), (4, work.r.0)];
        self.dispatch(Dispatch {
            pipeline: &pipeline,
            params: &params,
            buffers: &buffers,
            groups: [work.count, work.columns.div_ceil(PANEL_WIDTH), 1],
            cost: (work.count * work.d * work.columns * 2 * PANEL_WIDTH) as f64,
        })
        .await
    }

    /// Records the QR of every matrix of a batch.
    pub(in crate::gpu) async fn qr(&mut self, gpu: &Gpu, work: Qr<'_>) -> Result<(), GpuError> {
        let Qr { count, d, h, .. } = work;
        let a = Layout::rows(work.a, d, h);
        let q = Layout::rows(work.q, d, h);
        let [first, second] = work.panels.map(|panel| Layout::rows(panel, d, PANEL_WIDTH));
        let s = Layout::rows(work.s, h, PANEL_WIDTH);
        for column in (0..h).step_by(PANEL_WIDTH) {
            // to = from - Q[:, ..column] s; with no earlier columns, a copy.
            let minus = |from, to| Product {
                shape: [d, PANEL_WIDTH, column],
                batches: count,
                a: q,
                b: s,
                c: to,
                plus: Some((1.0, from)),
                alpha: -1.0,
                index: work.index,
            };
            let dots =
                |y, r| Dots { count, d, h, columns: column, x: q, y, s: work.s, r: (work.r, r) };
            let input = a.skip_columns(column);
            if column == 0 {
                self.product(gpu, minus(input, second)).await?;
                self.panel(gpu, &work, column, [true, true]).await?;
                continue;
            }
            self.dots(gpu, dots(input, Some(column))).await?;
            self.product(gpu, minus(input, first)).await?;
            self.panel(gpu, &work, column, [true, false]).await?;
            self.dots(gpu, dots(first, None)).await?;
            self.product(gpu, minus(first, second)).await?;
            self.panel(gpu, &work, column, [false, true]).await?;
        }
        Ok(())
    }

    /// One pass over a panel: `[first, last]` say which of the two it is.
    async fn panel(
        &mut self,
        gpu: &Gpu,
        work: &Qr<'_>,
        column: usize,
        passes: [bool; 2],
    ) -> Result<(), GpuError> {
        let pipeline = gpu.pipeline(&PANEL, &[("H", work.h as u32)]).await?;
        let threshold = 8.0 * U * (work.d as f32).sqrt();
        let [first, last] = passes.map(u32::from);
        let params = [work.d as u32, column as u32, first, last, threshold.to_bits()];
        let panel = work.panels[usize::from(passes[1])];
        self.dispatch(Dispatch {
            pipeline: &pipeline,
            params: &params,
            buffers: &[(1, panel), (2, work.q), (3, work.r), (4, work.s)],
            groups: [work.count, 1, 1],
            cost: (work.count * work.d) as f64 * 16.0 * 16.0 * 6.0,
        })
        .await
    }
}

//! How much of each feature lies in each of a few subspaces. CPU twin: `Observed::projections` of `circuits::alignment`.

use crate::gpu::buffers::Buffer;
use crate::gpu::commands::{Commands, Dispatch};
use crate::gpu::device::Gpu;
use crate::gpu::error::GpuError;
use crate::gpu::kernel::Kernel;

pub(in crate::gpu) const SPAN_NORMS: Kernel =
    Kernel { name: "span_norms", source: include_str!("span_norms.wgsl"), entry: "span_norms" };

/// Norms of runs of coordinates.
pub(in crate::gpu) struct SpanNorms<'a> {
    pub(in crate::gpu) sides: usize,
    pub(in crate::gpu) rows: usize,
    pub(in crate::gpu) width: usize,
    pub(in crate::gpu) spans: usize,
    /// `[sides, rows, width]`
    pub(in crate::gpu) coordinates: &'a Buffer,
    /// `[sides, spans]` of two words: first coordinate, and how many.
    pub(in crate::gpu) runs: &'a Buffer,
    /// `[sides, rows, spans]`
    pub(in crate::gpu) norms: &'a Buffer,
}

impl Commands<'_> {
    pub(in crate::gpu) async fn span_norms(
        &mut self,
        gpu: &Gpu,
        work: SpanNorms<'_>,
    ) -> Result<(), GpuError> {
        let SpanNorms { sides, rows, width, spans, coordinates, runs, norms } = work;
        self.dispatch(Dispatch {
            pipeline: &gpu.pipeline(&SPAN_NORMS, &[]).await?,
            params: &[rows, width, spans].map(|x| x as u32),
            buffers: &[(1, coordinates), (2, runs), (3, norms)],
            groups: [rows.div_ceil(64), spans, sides],
            cost: 2.0 * (sides * rows * width) as f64,
        })
        .await
    }
}

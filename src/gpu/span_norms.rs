//! How much of each feature lies in each of a few subspaces. CPU twin: `Observed::projections` of `circuits::alignment`.

use super::buffers::Buffer;
use super::commands::{Commands, Dispatch};
use super::device::Gpu;
use super::error::GpuError;
use super::kernel::Kernel;

pub(super) const SPAN_NORMS: Kernel =
    Kernel { name: "span_norms", source: include_str!("span_norms.wgsl"), entry: "span_norms" };

/// Norms of runs of coordinates.
pub(super) struct SpanNorms<'a> {
    pub(super) sides: usize,
    pub(super) rows: usize,
    pub(super) width: usize,
    pub(super) spans: usize,
    /// `[sides, rows, width]`
    pub(super) coordinates: &'a Buffer,
    /// `[sides, spans]` of two words: first coordinate, and how many.
    pub(super) runs: &'a Buffer,
    /// `[sides, rows, spans]`
    pub(super) norms: &'a Buffer,
}

impl Commands<'_> {
    pub(super) async fn span_norms(
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

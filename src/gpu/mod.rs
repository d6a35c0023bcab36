//! Layer 4, WebGPU: a device, its memory, and what the kernels in `kernels` compute together. Adds speed, never meaning.

mod align;
mod buffers;
mod commands;
mod device;
mod error;
mod factors;
mod kernel;
mod kernels;
mod linear;
mod planted;
mod svd;
mod svd_pipeline;

#[cfg(test)]
#[path = "../../tests/support/skip.rs"]
mod skip;

pub use align::{AlignBatch, AlignSearch};
pub use device::{Gpu, GpuDescription, GpuOptions};
pub use error::GpuError;
pub use factors::Factors;
pub use kernels::certify::Certificate;
pub use kernels::gemm::{Operand, Raw};
pub use kernels::peak::Peak;
pub use kernels::shaders;
pub use kernels::top_k::{MAX_K, Matches, TopKSearch};
pub use planted::Plant;
pub use svd::{HeadSvd, SvdBatch};

//! Layer 4, WebGPU kernels: one `.rs` + `.wgsl` pair each, each with a CPU twin. Adds speed, never meaning.

mod activate;
mod align;
mod buffers;
mod certify;
mod commands;
mod device;
mod error;
mod factors;
mod gemm;
mod jacobi;
mod kernel;
mod linear;
mod oneshot;
mod peak;
mod pivoted_qr;
mod planted;
mod qr;
mod self_test;
mod span_norms;
mod svd;
mod svd_pipeline;
mod top_k;

pub use align::{AlignBatch, AlignSearch};
pub use certify::Certificate;
pub use device::{Gpu, GpuDescription, GpuOptions};
pub use error::GpuError;
pub use factors::Factors;
pub use gemm::{Operand, Raw};
pub use kernel::shaders;
pub use peak::Peak;
pub use planted::Plant;
pub use self_test::{Check, PlantedHead, SelfTest, Speed, checks, self_test};
pub use svd::{HeadSvd, SvdBatch};
pub use top_k::{MAX_K, Matches, TopKSearch};

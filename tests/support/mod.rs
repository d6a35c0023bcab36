//! What several tests stand on.

#[cfg(all(feature = "gpu", feature = "page"))]
pub mod built_in;
pub mod files;
#[cfg(feature = "gpu")]
pub mod gpu;
pub(crate) mod in_memory;
pub mod minilm;
pub mod python;
pub mod skip;

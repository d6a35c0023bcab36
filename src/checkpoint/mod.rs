//! Layer 1, checkpoints: bytes to tensors, never the whole file in memory.
//!
//! The order of things: read the first bytes of each file and parse the [`header`]; gather the files into a
//! [`Checkpoint`]; then read exactly the tensors, or the rows of a tensor, that a question needs ([`plan`]).
//! What cannot be read is recognised and named ([`foreign`]), with what to do about it.
//!
//! Everything is synchronous: a worker of the page reads with `FileReaderSync`, the command line with seek and read.

pub mod adapter;
pub mod foreign;
pub mod gather;
pub mod header;
pub mod json;
pub mod plan;
pub mod quoting;
pub mod remote;

#[expect(clippy::module_inception, reason = "the file of the type that this module is named after")]
mod checkpoint;
mod choose;
mod derived;
mod dtype;
mod error;
mod file_names;
mod header_error;
mod header_metadata;
mod non_finite;
mod open;
mod quantised;
mod source;
mod tensor;
mod wrappers;
mod write;

pub use checkpoint::Checkpoint;
pub use dtype::{Dtype, OtherDtype};
pub use error::CheckpointError;
pub use file_names::SIDE_FILES;
pub use header_error::HeaderError;
pub use non_finite::NonFinite;
#[cfg(not(target_arch = "wasm32"))]
pub use source::FileSource;
pub use source::{ByteSource, MemorySource, Shareable, joined};
pub use tensor::{Tensor, TensorEntry};
pub use write::{Named, Numbers, to_safetensors};

//! Layer 7, workers: how a question travels to one and its answer back.
//!
//! `transport` turns a message into a `postMessage` with its arrays transferred, `serve` is what a worker does with one,
//! `pool` is the page's side.

#[cfg(target_arch = "wasm32")]
pub mod blob;
#[cfg(target_arch = "wasm32")]
pub mod pool;
#[cfg(target_arch = "wasm32")]
pub mod serve;
#[cfg(target_arch = "wasm32")]
pub mod transport;

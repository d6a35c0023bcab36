//! Layer 7, workers: how the page asks them, and what a worker does with a question.
//!
//! [`jobs`] is the one way to ask: [`request`] is what a page says and hears, [`offer`] whether the GPU is asked, [`own`] how what
//! pages compute in workers of their own is listed; the private `book` and `queue` decide. All of that is plain Rust and is tested on the host. The rest runs in the browser: [`pool`] is
//! workers, [`sources`] the files that go with a question, [`transport`] turns a message into a `postMessage` with its arrays transferred, [`serve`] is the other side.

mod book;
pub mod jobs;
pub mod offer;
pub mod own;
mod queue;
pub mod request;

#[cfg(target_arch = "wasm32")]
mod blob;
#[cfg(target_arch = "wasm32")]
mod encoder;
#[cfg(target_arch = "wasm32")]
pub mod pool;
#[cfg(target_arch = "wasm32")]
mod remote;
#[cfg(target_arch = "wasm32")]
pub mod serve;
#[cfg(target_arch = "wasm32")]
pub mod sources;
#[cfg(target_arch = "wasm32")]
pub mod transport;

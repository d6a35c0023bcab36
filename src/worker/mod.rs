//! Layer 6, workers: the protocol with the page, transport, serving.
//!
//! [`protocol`] is plain enums and compiles everywhere. The rest runs in the browser: [`transport`] turns a message into
//! a `postMessage` with its arrays transferred, [`serve`] is what a worker does with one, [`pool`] is the page's side.

pub mod protocol;

#[cfg(target_arch = "wasm32")]
pub mod blob;
#[cfg(target_arch = "wasm32")]
pub mod pool;
#[cfg(target_arch = "wasm32")]
pub mod serve;
#[cfg(target_arch = "wasm32")]
pub mod transport;

//! Layer 7, the page: one value of state, one function that changes it, and components that draw it.
//!
//! [`state`], [`route`], [`text`] and [`format`] are plain Rust and are tested on the host; what needs the browser is
//! compiled for wasm32 alone.

pub mod format;
pub mod palette;
pub mod route;
pub mod state;
pub mod text;

#[cfg(target_arch = "wasm32")]
pub mod app;
#[cfg(target_arch = "wasm32")]
pub mod charts;
#[cfg(target_arch = "wasm32")]
pub mod drop;
#[cfg(target_arch = "wasm32")]
pub mod export;
#[cfg(target_arch = "wasm32")]
pub mod pages;
#[cfg(target_arch = "wasm32")]
pub mod session;
#[cfg(target_arch = "wasm32")]
pub mod widgets;

//! What the page knows, and the one function that changes it. Plain Rust.

pub mod compare;
pub mod state;

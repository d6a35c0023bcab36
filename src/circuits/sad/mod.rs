//! Sparse attention decomposition: which few singular vectors make up a score, and who wrote what they read.

pub mod attribution;
pub mod components;
pub mod controls;
pub mod event;
pub mod evidence;
pub mod intervention;
mod matched;
pub mod run;
pub mod set;
pub mod sparsity;
pub mod terms;
pub mod variance;

//! What the page knows, and the one function that changes it. Plain Rust.

pub mod compare;
mod link;
pub mod notebook;
pub mod positions;
pub mod roles;
pub mod state;
pub mod token_chance;
pub mod toy;

//! Lessons: prose beside the live page. A step is data: words, a scene (an address), and a question that the page can check.
//!
//! The texts are `www/lessons/en/*.md`, in the format of [`parse`]; `build.rs` sets them as HTML, and they travel inside
//! the page, so that they are there offline and always fit the pages they speak of. Another language is a file of its own, [`texts`],
//! fetched when somebody speaks it. Everything but the drawing is plain Rust and is tested on the host.

pub mod glossary;
pub mod methods;
pub mod parse;
pub mod place;
pub mod progress;
pub mod prose;
pub mod question;
pub mod shelf;
pub mod speech;
pub mod stage;
pub mod stored;
pub mod texts;

#[cfg(target_arch = "wasm32")]
pub mod ask;
#[cfg(target_arch = "wasm32")]
mod fit;
#[cfg(target_arch = "wasm32")]
mod guess;
#[cfg(target_arch = "wasm32")]
pub mod lock_view;
#[cfg(target_arch = "wasm32")]
pub mod panel;

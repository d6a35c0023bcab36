//! Lessons: prose beside the live page. A step is data: words, a scene (an address), and a question that the page can check.
//!
//! The texts are `www/lessons/en/*.md`, in the format of [`parse`]; `build.rs` sets them as HTML, and lessons travel inside
//! the page, so that they always fit the pages they speak of. Methods, the teachers' page and its answers are files of their own,
//! fetched when somebody opens them, and so is another language, [`texts`]. Everything but the drawing is plain Rust and is tested on the host.

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
pub mod beside;
#[cfg(target_arch = "wasm32")]
mod fit;
#[cfg(target_arch = "wasm32")]
mod guess;
#[cfg(target_arch = "wasm32")]
pub mod lock_view;
#[cfg(target_arch = "wasm32")]
pub mod panel;

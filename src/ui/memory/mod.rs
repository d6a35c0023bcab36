//! What the page knows, and the one function that changes it. Plain Rust.

pub mod attention;
pub mod channels;
pub mod cloud;
pub mod compare;
pub mod dictionary;
mod link;
pub mod measured;
pub mod notebook;
pub mod positions;
pub mod prompt_set;
pub mod reply;
pub mod roles;
pub mod state;
pub mod sweep;
pub mod token_chance;
pub mod toy;
pub mod training;

/// A value that a page remembers, and the one function that changes it.
pub trait Memory {
    /// What is heard.
    type News;

    /// What is known after `news`.
    #[must_use]
    fn after(&self, news: Self::News) -> Self;
}

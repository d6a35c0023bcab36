//! The sentences that a reader sees, written from the numbers.

pub mod answer;
pub mod became;
pub mod chance;
pub mod change;
pub mod circuit;
pub mod format;
pub mod frame;
pub mod language;
pub mod lessons;
pub mod measure;
pub mod named;
pub mod notebook;
pub mod role;
pub mod score;
pub mod sparsity;
pub mod statistic;
pub mod svd;
pub mod table;
pub mod text;
mod third;
pub mod toy;

//! The sentences that a reader sees, written from the numbers: one file a page.
//!
//! A sentence without numbers is a constant, one with numbers a function of what stands in its places; both are named after
//! their first words. What needs more than places, such as a list or a choice, is a function of its own beside them.

/// Sentences of a page: constants, then functions of what stands in the places of a text, which is said as it displays itself.
macro_rules! sentences {
    ($(const $constant:ident = $text:literal;)* $(fn $function:ident($($place:ident),*) = $said:literal;)*) => {
        $(#[doc = $text] pub const $constant: &str = $text;)*
        $(#[doc = $said] pub fn $function($($place: &dyn std::fmt::Display),*) -> String {
            format!($said)
        })*
    };
}

/// What can be said in several languages: texts with their names in a language's `words.md`.
macro_rules! words {
    ($(#[$meta:meta])* $kind:ident: $($word:ident, $name:literal: $english:literal;)+) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum $kind {
            $(#[doc = $english] $word,)+
        }

        impl $kind {
            /// All of them.
            #[cfg(test)]
            pub const ALL: &[Self] = &[$(Self::$word,)+];

            /// Its name in the file of a language.
            pub fn name(self) -> &'static str {
                match self { $(Self::$word => $name,)+ }
            }

            /// What it says in English.
            pub fn english(self) -> &'static str {
                match self { $(Self::$word => $english,)+ }
            }
        }

        impl From<$kind> for $crate::ui::words::language::Text {
            fn from(word: $kind) -> Self {
                Self { name: word.name(), english: word.english() }
            }
        }
    };
}

pub mod answer;
pub mod attention;
pub mod became;
pub mod chance;
pub mod change;
pub mod circuit;
pub mod colour;
pub mod compare;
pub mod expectation;
pub mod features;
pub mod format;
pub mod frame;
pub mod heads;
pub mod language;
pub mod lessons;
pub mod measure;
pub mod methods;
pub mod named;
pub mod notebook;
pub mod pairs;
pub mod pictures;
pub mod positions;
pub mod recent;
pub mod role;
pub mod score;
pub mod self_test;
mod shared;
pub mod sparsity;
pub mod statistic;
pub mod svd;
pub mod table;
pub mod text;
pub mod theorems;
mod third;
pub mod toy;
pub mod trace;
pub mod widgets;

//! A question and the type of its answer; how a question may be asked; and the macro that puts a page's questions on the wire.

use super::attention::Prompt;
use super::{Ask, Tell};

/// A question, which names the type of its answer.
pub trait Question: Sized {
    /// One part of its answer; most have one part, some come piece by piece.
    type Answer;

    /// The question as it travels.
    fn ask(self) -> Ask;

    /// A part of its answer as it travels.
    fn tell(answer: Self::Answer) -> Tell;

    /// The part of its answer in what a worker told; `None` in what answers another question.
    fn answer(tell: Tell) -> Option<Self::Answer>;
}

/// How a question may be asked. Every default is that of a small question about the open model.
pub trait Plan {
    /// Whether it is about the open model, so that another model makes it pointless.
    fn about_model(&self) -> bool {
        true
    }

    /// Whether it changes what the worker remembers, so that the same question again is another one.
    fn moves_on(&self) -> bool {
        false
    }

    /// The prompt that it is about; a worker that has run it answers without running it again.
    fn prompt(&self) -> Option<&Prompt> {
        None
    }

    /// Steps that the reader sees counted; `None` where only the answer tells, by its progress.
    fn steps(&self) -> Option<usize> {
        Some(1)
    }

    /// The question in parts for `workers` of the CPU, whose answers together are its answer; empty if it stays whole.
    fn shares(&self, workers: usize) -> Vec<Ask> {
        let _ = workers;
        Vec::new()
    }

    /// What is left of it when the GPU leaves these layers to the CPU.
    fn rest(&self, layers: &[usize]) -> Option<Ask> {
        let _ = layers;
        None
    }
}

/// Puts a page's questions on the wire: `Page: Question => Answer, …` writes the enums `Ask` and `Tell` of the page's file,
/// and `impl Question` for each question. `Page` is the page's variant in [`Ask`] and in [`Tell`].
macro_rules! questions {
    ($page:ident: $($question:ident => $answer:ty),+ $(,)?) => {
        /// Any question of this page, as it travels.
        #[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
        pub enum Ask {
            $(#[doc = concat!("A [`", stringify!($question), "`].")] $question($question),)+
        }

        /// Part of the answer to any question of this page, as it travels.
        #[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
        pub enum Tell {
            $(#[doc = concat!("Part of the answer to a [`", stringify!($question), "`].")] $question($answer),)+
        }

        impl Ask {
            pub(super) fn plan(&self) -> &dyn $crate::protocol::Plan {
                match self {
                    $(Self::$question(question) => question,)+
                }
            }
        }

        $(impl $crate::protocol::Question for $question {
            type Answer = $answer;

            fn ask(self) -> $crate::protocol::Ask {
                $crate::protocol::Ask::$page(Ask::$question(self))
            }

            fn tell(answer: $answer) -> $crate::protocol::Tell {
                $crate::protocol::Tell::$page(Tell::$question(answer))
            }

            fn answer(tell: $crate::protocol::Tell) -> Option<$answer> {
                match tell {
                    $crate::protocol::Tell::$page(Tell::$question(answer)) => Some(answer),
                    _ => None,
                }
            }
        })+
    };
}
pub(super) use questions;

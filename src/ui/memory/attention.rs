//! What the Attention page knows of the prompt in view, and the one function that changes it. Knows no browser.

use std::collections::BTreeMap;
use std::rc::Rc;

use super::Memory;
use crate::circuits::sad::run::HeadSad;
use crate::protocol::Failure;
use crate::protocol::attention::{Attributed, Cell, Guess, Ran, Writes};

/// What the model made of a prompt, as far as it has been asked.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct PromptAnswers {
    /// The prompt as the model saw it.
    pub ran: Option<Rc<Ran>>,
    /// By layer: `[n_heads, n, n_src]`.
    pub patterns: BTreeMap<usize, Rc<Vec<f32>>>,
    /// What the model expects after the last token, once it is known.
    pub next: Option<Rc<Vec<Guess>>>,
    /// Every head's look from the chosen destination.
    pub looks: Vec<HeadSad>,
    /// The score that was taken apart last.
    pub cell: Option<Rc<Cell>>,
    /// The answer split over who writes it, the last that could be.
    pub answer: Option<Rc<Attributed>>,
    /// Why the one that is asked for cannot be split.
    pub unsplit: Option<Failure>,
    /// What a head writes by reading a token, the last that was asked for.
    pub writes: Option<Rc<Writes>>,
    /// Why there is nothing more to see, until the same question has an answer.
    pub failed: Option<Failure>,
    /// Whose question that was.
    failed_of: &'static str,
    /// Whether the run was cancelled before its end.
    pub stopped: bool,
}

/// Whose question the looks of a destination are.
pub const LOOKS: &str = "attention/looks";
/// Whose question a score is.
pub const CELL: &str = "attention/cell";

/// What the page hears.
#[derive(Debug, Clone, PartialEq)]
pub enum News {
    /// Another prompt, or another model.
    Fresh,
    /// The run begins, or begins again: the prompt as the model sees it.
    Ran(Ran),
    /// Patterns of some layers.
    Patterns(Vec<(usize, Vec<f32>)>),
    /// What the model expects next: the end of the run.
    Next(Vec<Guess>),
    /// Another destination's looks are on their way.
    FreshLooks,
    /// Some of them.
    Looks(Vec<HeadSad>),
    /// A score, taken apart.
    Cell(Box<Cell>),
    /// Another answer is being split.
    FreshAnswer,
    /// It is split, or why it cannot be.
    Answer(Result<Box<Attributed>, Failure>),
    /// What a head writes by reading a token.
    Writes(Box<Writes>),
    /// Whose question has no answer, and why.
    Failed(&'static str, Failure),
    /// The run was cancelled.
    Stopped,
}

impl PromptAnswers {
    /// What failed of `of` is answered now, or asked anew.
    fn answered(&mut self, of: &str) {
        if self.failed_of == of {
            self.failed = None;
        }
    }
}

impl Memory for PromptAnswers {
    type News = News;

    fn after(&self, news: News) -> Self {
        let mut next = self.clone();
        match news {
            News::Fresh => next = Self::default(),
            News::Ran(ran) => next = Self { ran: Some(Rc::new(ran)), ..Self::default() },
            News::Patterns(layers) => {
                next.patterns.extend(layers.into_iter().map(|(l, p)| (l, Rc::new(p))));
            }
            News::Next(guesses) => next.next = Some(Rc::new(guesses)),
            News::FreshLooks => {
                next.answered(LOOKS);
                next.looks.clear();
            }
            News::Looks(looks) => next.looks.extend(looks),
            News::Cell(cell) => {
                next.answered(CELL);
                next.cell = Some(Rc::from(cell));
            }
            News::FreshAnswer => next.unsplit = None,
            News::Answer(Ok(answer)) => next.answer = Some(Rc::from(answer)),
            News::Answer(Err(failure)) => next.unsplit = Some(failure),
            News::Writes(writes) => next.writes = Some(Rc::from(writes)),
            News::Failed(of, failure) => (next.failed, next.failed_of) = (Some(failure), of),
            News::Stopped => next.stopped = true,
        }
        next
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn heard(news: impl IntoIterator<Item = News>) -> PromptAnswers {
        news.into_iter().fold(PromptAnswers::default(), |known, news| known.after(news))
    }

    fn ran(token: &str) -> News {
        News::Ran(Ran { tokens: vec![token.into()], ..Ran::default() })
    }

    fn look(head: usize) -> HeadSad {
        let look = json!({
            "layer": 0, "head": head, "dest": 1, "src": 0, "attention": 0.5, "score": 1.0,
            "terms": [], "remainder": 0.0, "remainder_share": 0.0
        });
        serde_json::from_value(look).expect("a look")
    }

    fn split(answer: &str) -> Box<Attributed> {
        let split = json!({
            "at": 1, "answer": 7, "answer_text": answer, "probability": 0.5, "notes": [],
            "logit_difference": 1.0, "bias": 0.0, "embed": 1.0, "layers": [], "remainder": 0.0
        });
        serde_json::from_value(split).expect("a split")
    }

    #[test]
    fn a_run_that_begins_again_leaves_nothing_of_what_was_seen_before() {
        let guess = Guess { id: 1, text: " Mary".into(), probability: 0.5 };
        let seen = [News::Next(vec![guess]), News::Looks(vec![look(0)]), News::Stopped];
        let known = heard([ran("a"), News::Patterns(vec![(0, vec![1.0])])].into_iter().chain(seen));
        assert!(known.stopped && known.next.is_some() && !known.patterns.is_empty());
        assert_eq!(known.after(ran("b")), heard([ran("b")]));
        assert_eq!(known.after(News::Fresh), PromptAnswers::default());
    }

    #[test]
    fn patterns_lie_by_layer_whatever_came_first_and_a_layer_has_one() {
        let [first, second] = [(3, vec![0.3]), (1, vec![0.1])];
        let whole = heard([ran("a"), News::Patterns(vec![first.clone(), second.clone()])]);
        let parts = [vec![second.clone()], vec![first], vec![second]].map(News::Patterns);
        assert_eq!(heard([ran("a")].into_iter().chain(parts)), whole);
        assert_eq!(whole.patterns.keys().copied().collect::<Vec<_>>(), [1, 3]);
    }

    #[test]
    fn looks_of_another_destination_replace_those_before_and_nothing_else() {
        let known = heard([ran("a"), News::Looks(vec![look(0)]), News::Looks(vec![look(1)])]);
        assert_eq!(known.looks.iter().map(|look| look.head).collect::<Vec<_>>(), [0, 1]);
        let fresh = known.after(News::FreshLooks);
        assert_eq!(fresh, heard([ran("a")]));
    }

    #[test]
    fn an_answer_that_was_split_stays_while_the_next_one_is_asked_and_where_it_fails() {
        let answer = |known: &PromptAnswers| known.answer.as_ref().map(|a| a.answer_text.clone());
        let known = heard([ran("a"), News::Answer(Ok(split(" Mary")))]);
        let failed = known.after(News::Answer(Err(Failure::new("no such token"))));
        assert_eq!(answer(&failed).as_deref(), Some(" Mary"));
        assert!(failed.unsplit.is_some() && failed.failed.is_none());
        let asked = failed.after(News::FreshAnswer);
        assert_eq!(asked, known);
        let next = asked.after(News::Answer(Ok(split(" John"))));
        assert_eq!(answer(&next).as_deref(), Some(" John"));
    }
}

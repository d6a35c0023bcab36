//! What the Trace page knows of the answer in view, and the one function that changes it. Knows no browser.

use std::rc::Rc;

use super::Memory;
use crate::protocol::Failure;
use crate::protocol::trace::Answer;

/// The circuit of an answer, or how far the question for it has come.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct TracedAnswer {
    /// The answer with its circuit.
    pub answer: Option<Rc<Answer>>,
    /// Why the last question has none.
    pub failed: Option<Failure>,
    /// Whether a question is under way.
    pub asked: bool,
    /// Whether the last one was cancelled.
    pub stopped: bool,
}

/// What the page hears.
#[derive(Debug, Clone, PartialEq)]
pub enum News {
    /// A question was asked.
    Asked {
        /// Whether the old answer stays in view until the new one comes, as it does where both are about the same prompt.
        keep: bool,
    },
    /// Its answer.
    Traced(Box<Answer>),
    /// It has none.
    Failed(Failure),
    /// It was cancelled.
    Stopped,
}

impl Memory for TracedAnswer {
    type News = News;

    fn after(&self, news: News) -> Self {
        match news {
            News::Asked { keep } => Self {
                answer: self.answer.clone().filter(|_| keep),
                asked: true,
                ..Self::default()
            },
            News::Traced(answer) => Self { answer: Some(Rc::from(answer)), ..Self::default() },
            News::Failed(failure) => Self { failed: Some(failure), ..Self::default() },
            News::Stopped => Self { asked: false, stopped: true, ..self.clone() },
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::circuits::trace::TraceOptions;

    fn traced(answer: &str) -> News {
        let objective = json!({
            "seeding": "linear", "answer": 7, "answer_text": answer, "answer_logprob": -1.0, "ig_steps": 1, "at": 2
        });
        let left_out = json!({
            "seeds_share": 1.0, "untraced_seeds": 0.0, "leaves": 0, "lost_drops": 0.0, "unreached_sides": 0
        });
        let traced = json!({
            "objective": objective, "options": TraceOptions::default(), "notes": [],
            "empty": true, "seeds": [], "firings": [], "edges": [], "left_out": left_out
        });
        let ran = json!({ "ids": [], "tokens": [], "bos": true, "named": [] });
        let answer = json!({ "ran": ran, "words": true, "traced": traced });
        News::Traced(serde_json::from_value(answer).expect("an answer"))
    }

    fn words(known: &TracedAnswer) -> Option<&str> {
        known.answer.as_ref().map(|answer| answer.traced.objective.answer_text.as_str())
    }

    #[test]
    fn an_answer_stays_until_the_next_one_where_both_are_about_one_prompt() {
        let asked = TracedAnswer::default().after(News::Asked { keep: true });
        assert!(asked.asked && asked.answer.is_none());
        let mary = asked.after(traced(" Mary"));
        assert_eq!((words(&mary), mary.asked), (Some(" Mary"), false));
        let kept = mary.after(News::Asked { keep: true });
        assert_eq!((words(&kept), kept.asked), (Some(" Mary"), true));
        assert_eq!(words(&kept.after(traced(" John"))), Some(" John"));
        // Another prompt's circuit has other tokens.
        assert_eq!(mary.after(News::Asked { keep: false }), asked);
    }

    #[test]
    fn what_failed_shows_no_circuit_and_what_was_cancelled_leaves_the_old_one() {
        let asked =
            TracedAnswer::default().after(traced(" Mary")).after(News::Asked { keep: true });
        let failed = asked.after(News::Failed(Failure::new("no such token")));
        assert!(failed.answer.is_none() && failed.failed.is_some() && !failed.asked);
        let stopped = asked.after(News::Stopped);
        assert_eq!((words(&stopped), stopped.asked, stopped.stopped), (Some(" Mary"), false, true));
        let again = stopped.after(News::Asked { keep: true });
        assert!(again.asked && !again.stopped);
    }
}

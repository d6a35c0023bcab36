//! What became of one question of a page: under way, found, refused, or about something that is no longer in view. Knows no browser.

use std::cmp::Ordering;
use std::rc::Rc;

use super::Memory;
use crate::protocol::Failure;
use crate::worker::request::JobEvent;

/// The reply to a question, or how far the question has come.
#[derive(Debug)]
pub struct Reply<T: ?Sized> {
    /// What it is about: a page counts what it asks about.
    about: u32,
    /// The last answer; it stays while the same is asked again, and where that fails.
    pub found: Option<Rc<T>>,
    /// Why there is none, or none after the last one.
    pub failed: Option<Failure>,
    /// Whether the question is under way.
    pub under_way: bool,
    /// Whether the last one was cancelled.
    pub stopped: bool,
}

// Derived, this would ask the same of answers, which need neither.
impl<T: ?Sized> Default for Reply<T> {
    fn default() -> Self {
        Self { about: 0, found: None, failed: None, under_way: false, stopped: false }
    }
}

impl<T: ?Sized> Reply<T> {
    /// The reply, where it is about what the page counts as `about`.
    pub fn about(&self, about: u32) -> Option<&Self> {
        (self.about == about).then_some(self)
    }
}

impl<T: ?Sized> Memory for Reply<T> {
    /// About what, and what is heard of it.
    type News = (u32, JobEvent<Rc<T>>);

    fn after(&self, (about, event): Self::News) -> Self {
        let known = Self { found: self.found.clone(), failed: self.failed.clone(), ..*self };
        let mut next = match about.cmp(&self.about) {
            // What is told of something that is no longer asked about comes too late.
            Ordering::Less => return known,
            Ordering::Equal => known,
            Ordering::Greater => Self { about, ..Self::default() },
        };
        match event {
            JobEvent::Begun => (next.under_way, next.stopped) = (true, false),
            JobEvent::Part { answer, .. } => (next.found, next.failed) = (Some(answer), None),
            JobEvent::Failed { failure, .. } => next.failed = Some(failure),
            JobEvent::Done => next.under_way = false,
            JobEvent::Stopped => (next.under_way, next.stopped) = (false, true),
            JobEvent::Gpu(_) => {}
        }
        next
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Known<'a> = (Option<&'a str>, bool, bool);

    fn heard(news: impl IntoIterator<Item = (u32, JobEvent<Rc<str>>)>) -> Reply<str> {
        news.into_iter().fold(Reply::default(), |known, news| known.after(news))
    }

    fn part(answer: &str) -> JobEvent<Rc<str>> {
        JobEvent::Part { part: 0, answer: answer.into(), arrays: Vec::new() }
    }

    fn failed() -> JobEvent<Rc<str>> {
        JobEvent::Failed { part: 0, failure: Failure::new("no such token") }
    }

    /// What a page sees that counts so far: the answer, whether it failed, whether it is under way.
    fn seen(reply: &Reply<str>, about: u32) -> Option<Known<'_>> {
        let reply = reply.about(about)?;
        Some((reply.found.as_deref(), reply.failed.is_some(), reply.under_way))
    }

    #[test]
    fn a_question_is_under_way_until_its_job_ends() {
        let mut job = vec![(1, JobEvent::Begun)];
        assert_eq!(seen(&heard(job.clone()), 1), Some((None, false, true)));
        job.push((1, part("Mary")));
        assert_eq!(seen(&heard(job.clone()), 1), Some((Some("Mary"), false, true)));
        for end in [JobEvent::Done, JobEvent::Stopped] {
            let ended = heard(job.iter().cloned().chain([(1, end)]));
            assert_eq!(seen(&ended, 1), Some((Some("Mary"), false, false)));
        }
    }

    #[test]
    fn what_was_cancelled_leaves_the_old_answer_and_says_so_until_the_same_is_asked_again() {
        let job = [(1, JobEvent::Begun), (1, part("Mary")), (1, JobEvent::Done)];
        assert!(!heard(job.clone()).stopped);
        let stopped = heard(job.into_iter().chain([(1, JobEvent::Begun), (1, JobEvent::Stopped)]));
        assert_eq!(
            (seen(&stopped, 1), stopped.stopped),
            (Some((Some("Mary"), false, false)), true)
        );
        let again = stopped.after((1, JobEvent::Begun));
        assert!(again.under_way && !again.stopped);
        // What took its place is about something else.
        assert!(!stopped.after((2, JobEvent::Begun)).stopped);
    }

    #[test]
    fn an_answer_stays_while_the_same_is_asked_again_and_where_that_fails() {
        let first = [(1, JobEvent::Begun), (1, part("Mary")), (1, JobEvent::Done)];
        let again = first.clone().into_iter().chain([(1, JobEvent::Begun)]);
        assert_eq!(seen(&heard(again.clone()), 1), Some((Some("Mary"), false, true)));
        let refused = again.chain([(1, failed()), (1, JobEvent::Done)]);
        assert_eq!(seen(&heard(refused.clone()), 1), Some((Some("Mary"), true, false)));
        let found = heard(refused.chain([(1, part("John"))]));
        assert_eq!(seen(&found, 1), Some((Some("John"), false, false)));
    }

    #[test]
    fn nothing_is_known_about_something_else_and_what_comes_late_changes_nothing() {
        let first = [(1, JobEvent::Begun), (1, part("Mary")), (1, failed())];
        let known = heard(first.clone());
        assert_eq!((seen(&known, 2), seen(&known, 0)), (None, None));
        let other = heard(first.into_iter().chain([(2, JobEvent::Begun)]));
        assert_eq!((seen(&other, 1), seen(&other, 2)), (None, Some((None, false, true))));
        for late in [part("John"), failed(), JobEvent::Begun, JobEvent::Stopped] {
            assert_eq!(seen(&other.after((1, late)), 2), Some((None, false, true)));
        }
    }
}

//! What is known of a set of prompts: its shares while they come, joined once all are there. Knows no browser.

use std::collections::BTreeMap;

use super::Memory;
use super::measured::MeasuredHead;
use crate::circuits::sad::set::HeadEvents;
use crate::protocol::attention::SetPart;
use crate::study::prompt_set::SetSpec;

/// What a set gave.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct SetOutcome {
    /// Every head, by its place.
    pub heads: Vec<MeasuredHead>,
    /// Prompts.
    pub n: usize,
    /// Prompts whose answer was the likeliest token, where there is an answer to check.
    pub correct: Option<usize>,
    /// One of the prompts.
    pub example: String,
    /// Who made the products, in words; empty where nobody was asked.
    pub by: String,
}

/// The set that was measured last on the open model, and what it was; nothing while another one is being measured.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct MeasuredSet(pub Option<(SetOutcome, SetSpec)>);

/// What the page hears of a set.
#[derive(Debug, Clone, PartialEq)]
pub enum News {
    /// Another set is being measured, or another model is open.
    Fresh,
    /// All of it is there.
    Done(SetOutcome, SetSpec),
}

impl Memory for MeasuredSet {
    type News = News;

    fn after(&self, news: News) -> Self {
        match news {
            News::Fresh => Self(None),
            News::Done(outcome, spec) => Self(Some((outcome, spec))),
        }
    }
}

/// The shares of a set under way: parts of its prompts, each measured by a worker of its own.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Shares {
    /// By head, then by share.
    heads: BTreeMap<(usize, usize), BTreeMap<usize, HeadEvents>>,
    outcome: SetOutcome,
    failed: bool,
}

impl Shares {
    /// Takes part of what a share gave.
    pub fn take_part(&mut self, share: usize, answer: SetPart) {
        match answer {
            SetPart::Head { layer, head, seen } => {
                self.heads.entry((layer, head)).or_default().insert(share, *seen);
            }
            SetPart::Answered { n, correct, example } => {
                let outcome = &mut self.outcome;
                outcome.n += n;
                let both = outcome.correct.zip(correct).map(|(sum, more)| sum + more);
                outcome.correct = both.or(outcome.correct).or(correct);
                outcome.example = example;
            }
            // Only a checkpoint of a series brings its spectra along.
            SetPart::Spectra(_) => {}
        }
    }

    /// Says who makes the products, in words.
    pub fn made_by(&mut self, by: String) {
        self.outcome.by = by;
    }

    /// A share will not come: the set has no outcome.
    pub fn fail(&mut self) {
        self.failed = true;
    }

    /// Every share's events joined, head by head; `None` where a share failed.
    pub fn joined(self) -> Option<SetOutcome> {
        let joined = |(at, shares): ((usize, usize), BTreeMap<usize, HeadEvents>)| {
            let whole = shares.into_values().reduce(|mut whole, next| {
                whole.join(next);
                whole
            })?;
            Some(MeasuredHead::of(at, &whole))
        };
        let heads = self.heads.into_iter().filter_map(joined).collect();
        (!self.failed).then_some(SetOutcome { heads, ..self.outcome })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::circuits::sad::set::{HeadSet, SetOptions};
    use crate::circuits::sad::terms::{TermBasis, View};
    use crate::math::Mat;
    use crate::math::layout::to_row_major_f32;
    use crate::math::random::Rng;
    use crate::protocol::attention::{SetTask, Share};

    const CAUSAL: View = View { causal: true, window: None };

    /// What a head shows on one prompt.
    fn events(prompt: u32) -> Box<HeadEvents> {
        let s = vec![2.0, 1.5, 1.0, 0.5];
        let g = Mat::from_diagonal(&s.clone().into());
        let basis = TermBasis::new(g.clone(), g, s).expect("a basis");
        let mut set = HeadSet::new(basis, SetOptions::default(), 0);
        let mut rng = Rng::of_stream(1, prompt);
        let [q, k] = [0; 2].map(|_| to_row_major_f32(&rng.normal_matrix(3, 4)));
        let mut pattern = vec![0.0_f32; 9];
        pattern[7] = 0.9;
        assert!(set.add((&q, &k, &pattern), 0.5, CAUSAL, 2, None).expect("fits"));
        Box::new(set.seen())
    }

    fn head(head: usize, prompt: u32) -> SetPart {
        SetPart::Head { layer: 0, head, seen: events(prompt) }
    }

    fn answered(n: usize, correct: Option<usize>) -> SetPart {
        SetPart::Answered { n, correct, example: "one".into() }
    }

    fn joined(parts: Vec<(usize, SetPart)>) -> SetOutcome {
        let mut shares = Shares::default();
        parts.into_iter().for_each(|(share, part)| shares.take_part(share, part));
        shares.joined().expect("no share failed")
    }

    #[test]
    fn shares_are_joined_in_their_own_order_whichever_was_there_first() {
        let parts = || {
            vec![
                (0, head(0, 0)),
                (0, head(1, 1)),
                (1, head(0, 2)),
                (1, head(1, 3)),
                (2, head(0, 4)),
            ]
        };
        let (forth, mut back) = (joined(parts()), parts());
        back.reverse();
        assert_eq!(joined(back), forth);
        let counted: Vec<_> = forth.heads.iter().map(|h| (h.head, h.n_events)).collect();
        assert_eq!(counted, [(0, 3), (1, 2)]);
        // A share that tells of a head again tells of the same prompts.
        let twice = parts().into_iter().chain([(1, head(0, 2))]).collect();
        assert_eq!(joined(twice), forth);
    }

    #[test]
    fn answers_add_up_over_the_shares_that_can_check_them() {
        let sum = |parts: &[(usize, Option<usize>)]| {
            let parts = parts.iter().enumerate();
            let outcome = joined(parts.map(|(i, &(n, c))| (i, answered(n, c))).collect());
            (outcome.n, outcome.correct)
        };
        assert_eq!(sum(&[(8, Some(5)), (8, Some(0)), (4, Some(4))]), (20, Some(9)));
        assert_eq!(sum(&[(8, None), (8, Some(3)), (4, None)]), (20, Some(3)));
        assert_eq!(sum(&[(8, None), (8, None)]), (16, None));
    }

    #[test]
    fn a_set_without_one_of_its_shares_has_no_outcome() {
        let mut shares = Shares::default();
        shares.take_part(0, head(0, 0));
        shares.made_by(" On the GPU.".into());
        assert_eq!(shares.clone().joined().expect("no share failed").by, " On the GPU.");
        shares.fail();
        shares.take_part(1, head(0, 1));
        assert_eq!(shares.joined(), None);
    }

    #[test]
    fn the_last_set_goes_when_another_one_is_asked_for() {
        let spec = SetSpec {
            task: SetTask::Repeated,
            n: 1,
            seed: 0,
            options: SetOptions::default(),
            series: false,
            share: Share::WHOLE,
        };
        let outcome = joined(vec![(0, head(0, 0)), (0, answered(1, None))]);
        let done = MeasuredSet::default().after(News::Done(outcome.clone(), spec.clone()));
        assert_eq!(done.0, Some((outcome, spec)));
        assert_eq!(done.after(News::Fresh), MeasuredSet::default());
    }
}

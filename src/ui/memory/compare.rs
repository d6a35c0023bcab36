//! What the Compare page knows of two models, and the one function that changes it. Knows no browser.

use std::collections::BTreeMap;
use std::rc::Rc;

use super::Memory;
use crate::math::order::sort_by_key;
use crate::protocol::Failure;
use crate::protocol::compare::{BothModels, ComparePart, HeadChange, NormChange};
use crate::study::compare::{Found, correct_all, hold_against_third};
use crate::study::spectra::BrokenHead;

/// A comparison, as far as it has come.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Compared {
    /// Which models, and what of them can be compared.
    pub models: Option<BothModels>,
    /// Why they cannot be compared.
    pub refused: Option<Failure>,
    /// What became of every head so far, by layer and head of the open model; corrected for all of them once that is complete.
    pub heads: BTreeMap<(usize, usize), Rc<HeadChange>>,
    /// Heads of the second model that could not be compared, and why.
    pub broken: BTreeMap<(usize, usize), String>,
    /// The norms in front of the layers' attention.
    pub norms: BTreeMap<usize, NormChange>,
    /// What the reader should know, in sentences.
    pub notes: Vec<String>,
    /// Whether every head was compared.
    pub complete: bool,
    /// Whether that was cancelled before its end.
    pub stopped: bool,
    /// The third model, where there is one.
    pub third: Option<Third>,
}

/// What became of the second model's heads on the way to a third one: the yardstick.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Third {
    /// What its reader knows it as.
    pub name: String,
    /// Why it cannot be one.
    pub refused: Option<Failure>,
    heads: Vec<HeadChange>,
    /// Whether all of it is known, and every change held against it.
    pub complete: bool,
}

/// What the page hears.
#[derive(Debug, Clone, PartialEq)]
pub enum News {
    /// Another comparison begins.
    Fresh,
    /// The second model is open.
    BothModels(Box<BothModels>),
    /// It cannot be opened, or not be compared.
    Refused(Failure),
    /// The heads are being compared, from the first on.
    Begun,
    /// Part of what was found.
    Parts(Vec<ComparePart>),
    /// That was all.
    Complete,
    /// It was cancelled.
    Stopped,
    /// What became of the heads on the way to a third model is being asked, from the first on; or there is none.
    Third(Option<String>),
    /// Part of that.
    ThirdParts(Vec<ComparePart>),
    /// That was all of it.
    ThirdComplete,
    /// The third model cannot be one.
    ThirdRefused(Failure),
}

impl Memory for Compared {
    type News = News;

    fn after(&self, news: News) -> Self {
        let mut next = self.clone();
        match news {
            News::Fresh => next = Self::default(),
            News::BothModels(models) => {
                let notes = models.common.notes.clone();
                let third = next.third.take();
                next = Self { models: Some(*models), notes, third, ..Self::default() };
            }
            News::Refused(why) => next.refused = Some(why),
            News::Begun => {
                let models = next.models.take();
                let notes = models.iter().flat_map(|models| models.common.notes.clone()).collect();
                let third = next.third.take();
                next = Self { models, notes, third, ..Self::default() };
            }
            News::Parts(parts) => parts.into_iter().for_each(|part| next.take(part)),
            News::Complete => {
                next.complete = true;
                next.settle();
            }
            News::Stopped => next.stopped = true,
            News::Third(name) => {
                next.third = name.map(|name| Third { name, ..Third::default() });
                next.settle();
            }
            News::ThirdParts(parts) => {
                let heads = next.third.iter_mut().flat_map(|third| Some(&mut third.heads));
                heads.for_each(|heads| heads.extend(parts.iter().filter_map(changed)));
            }
            News::ThirdComplete => {
                next.third.iter_mut().for_each(|third| third.complete = true);
                next.settle();
            }
            News::ThirdRefused(why) => {
                next.third.iter_mut().for_each(|third| third.refused = Some(why.clone()));
            }
        }
        next
    }
}

impl Compared {
    /// Once every head is there: holds all against the third model if that is known, and corrects for all.
    fn settle(&mut self) {
        if !self.complete {
            return;
        }
        let third = self.third.iter().filter(|third| third.complete);
        let known: Vec<HeadChange> = third.flat_map(|third| third.heads.clone()).collect();
        let mut heads: Vec<&mut HeadChange> = self.heads.values_mut().map(Rc::make_mut).collect();
        let note = hold_against_third(heads.iter_mut().map(|head| &mut **head), &known);
        correct_all(heads);
        let new = note.filter(|note| !known.is_empty() && !self.notes.contains(note));
        self.notes.extend(new);
    }

    fn take(&mut self, part: ComparePart) {
        match part {
            ComparePart::Head(head) => {
                self.heads.insert((head.layer, head.head_b), Rc::new(*head));
            }
            ComparePart::Broken(BrokenHead { layer, head, why }) => {
                self.broken.insert((layer, head), why);
            }
            ComparePart::Norm(norm) => {
                self.norms.insert(norm.layer, norm);
            }
            ComparePart::Note(note) => self.notes.push(note),
        }
    }

    /// All that was found, as it leaves the program: in the order of the second model's heads.
    pub fn found(&self) -> Found {
        let mut heads: Vec<HeadChange> = self.heads.values().map(|head| (**head).clone()).collect();
        sort_by_key(&mut heads, |head| (head.layer, head.head));
        let broken = |(&(layer, head), why): (&(usize, usize), &String)| {
            let why = why.clone();
            BrokenHead { layer, head, why }
        };
        Found {
            heads,
            norms: self.norms.values().copied().collect(),
            failed: self.broken.iter().map(broken).collect(),
            words: Vec::new(),
            notes: self.notes.clone(),
            third: self.held_against().map(str::to_owned),
        }
    }

    /// The third model that every change was held against.
    pub fn held_against(&self) -> Option<&str> {
        let third = self.third.as_ref().filter(|third| third.complete && self.complete);
        third.map(|third| third.name.as_str())
    }
}

fn changed(part: &ComparePart) -> Option<HeadChange> {
    match part {
        ComparePart::Head(head) => Some((**head).clone()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::circuits::compare::CircuitChange;
    use crate::circuits::head_statistics::HeadStatistics;
    use crate::math::random::Rng;

    fn head(layer: usize, head: usize, rng: &mut Rng) -> ComparePart {
        let mut circuit = || {
            let [a, b, c, d] = [0; 4].map(|_| rng.normal_matrix(12, 3));
            CircuitChange::new((&a, &b), (&c, &d)).expect("finite")
        };
        let statistics = [(); 2].map(|()| [(); 2].map(|()| HeadStatistics::default()));
        let [statistics_qk, statistics_ov] = statistics;
        ComparePart::Head(Box::new(HeadChange {
            layer,
            head,
            head_b: 1 - head,
            cosine: None,
            qk: circuit(),
            ov: circuit(),
            statistics_qk,
            statistics_ov,
        }))
    }

    #[test]
    fn heads_are_corrected_once_all_are_there_and_leave_in_order() {
        let mut rng = Rng::new(3);
        let begun = Compared::default().after(News::Begun);
        let places = [(1, 0), (0, 1), (0, 0)];
        let parts = places.map(|(layer, number)| head(layer, number, &mut rng));
        let some = begun.after(News::Parts(parts.into()));
        let q = |state: &Compared| state.heads[&(0, 1)].qk.chance.change.and_then(|c| c.q);
        assert_eq!((q(&some), some.complete), (None, false));
        let all = some.after(News::Complete);
        assert!(q(&all).is_some() && all.complete);
        let order: Vec<_> = all.found().heads.iter().map(|h| (h.layer, h.head)).collect();
        assert_eq!(order, [(0, 0), (0, 1), (1, 0)]);
        // A third model's numbers come before or after, and go with it.
        let third = [(0, 0), (0, 1), (1, 0)].map(|(l, h)| head(l, h, &mut rng));
        let beside = all.after(News::Third(Some("another seed".into())));
        let beside = beside.after(News::ThirdParts(third.into())).after(News::ThirdComplete);
        assert_eq!((beside.held_against(), all.held_against()), (Some("another seed"), None));
        assert_eq!(beside.after(News::Third(None)), all);
        // A worker that was lost begins again from nothing.
        assert_eq!(all.after(News::Begun), begun);
    }

    #[test]
    fn what_was_cancelled_keeps_its_heads_until_it_begins_again_beside_the_same_third() {
        let begun = Compared::default().after(News::Third(Some("another seed".into())));
        let some = begun.after(News::Parts(vec![head(0, 0, &mut Rng::new(3))]));
        let stopped = some.after(News::Stopped);
        assert_eq!((stopped.stopped, stopped.complete, stopped.heads.len()), (true, false, 1));
        assert_eq!(stopped.after(News::Begun), begun);
    }
}

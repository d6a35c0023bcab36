//! What a sweep of the toy has given so far, and the one function that changes it. Knows no browser.

use std::rc::Rc;

use super::Memory;
use crate::toy::{Outcome, Sweep};

/// A sweep and what came of it so far.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct SweepOutcomes {
    /// Which sweep; `None` before the first.
    pub sweep: Option<Rc<Sweep>>,
    /// Runs that it has in all.
    pub total: usize,
    /// Runs that came to an end, each with its place among the sweep's values.
    pub outcomes: Vec<(usize, Outcome)>,
    /// Runs that failed.
    pub failed: usize,
}

/// What is heard of it.
#[derive(Debug, Clone, PartialEq)]
pub enum News {
    /// A sweep begins, or begins again, with so many runs.
    Fresh(Rc<Sweep>, usize),
    /// A run with this one of the sweep's values came to its end.
    Outcome(usize, Box<Outcome>),
    /// A run failed.
    Failed,
}

impl Memory for SweepOutcomes {
    type News = News;

    fn after(&self, news: News) -> Self {
        let mut next = self.clone();
        match news {
            News::Fresh(sweep, total) => {
                next = Self { sweep: Some(sweep), total, ..Self::default() };
            }
            News::Outcome(value, outcome) => next.outcomes.push((value, *outcome)),
            News::Failed => next.failed += 1,
        }
        next
    }
}

impl SweepOutcomes {
    /// Runs of which nothing more is to come.
    pub fn done(&self) -> usize {
        self.outcomes.len() + self.failed
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::toy::{Config, History, Setting, Snapshot, Trainer};

    fn outcome() -> Box<Outcome> {
        let mut trainer = Trainer::new(Config { steps: 2, ..Config::default() }).unwrap();
        let Snapshot { metrics, losses, .. } = Snapshot::of(&mut trainer).unwrap();
        Box::new(Outcome::so_far(trainer.config(), &History::default(), metrics, losses))
    }

    #[test]
    fn every_run_counts_once_whether_it_failed_or_not_and_a_new_sweep_counts_from_nothing() {
        let sweep = |values: &[f64]| {
            let (values, setting) = (values.to_vec(), Setting::Lambda);
            Rc::new(Sweep { base: Config::default(), setting, values, n_seeds: 1 })
        };
        let begun = SweepOutcomes::default().after(News::Fresh(sweep(&[0.0, 1.0]), 2));
        assert_eq!((begun.done(), begun.total), (0, 2));
        let ended = begun.after(News::Outcome(1, outcome())).after(News::Failed);
        assert_eq!((ended.done(), ended.failed, ended.outcomes[0].0), (2, 1, 1));
        assert_eq!(ended.after(News::Fresh(sweep(&[0.0, 1.0]), 2)), begun);
    }
}

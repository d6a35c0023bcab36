//! What is known of every step of a training: how its heads align, and what became of them. Knows no browser.

use std::collections::BTreeMap;
use std::rc::Rc;

use super::Memory;
use crate::circuits::alignment::AlignmentReport;
use crate::circuits::compare::CircuitChange;
use crate::circuits::omega::Circuit;
use crate::protocol::compare::HeadChange;
use crate::ui::words::change::circuit_of;

/// One report on all heads of every checkpoint that was compared with a dictionary, by step.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct AlignedSteps {
    /// The reports.
    pub steps: BTreeMap<u32, Rc<AlignmentReport>>,
    /// Whether the comparison was cancelled before its end.
    pub stopped: bool,
}

/// What is heard of it.
#[derive(Debug, Clone, PartialEq)]
pub enum AlignedNews {
    /// The comparison begins, or is about something else.
    Fresh,
    /// The report of a step.
    Step(u32, Rc<AlignmentReport>),
    /// The comparison was cancelled.
    Stopped,
}

impl Memory for AlignedSteps {
    type News = AlignedNews;

    fn after(&self, news: AlignedNews) -> Self {
        match news {
            AlignedNews::Fresh => Self::default(),
            AlignedNews::Step(step, report) => {
                let mut steps = self.steps.clone();
                steps.insert(step, report);
                Self { steps, ..*self }
            }
            AlignedNews::Stopped => Self { stopped: true, ..self.clone() },
        }
    }
}

/// What became of some heads, by step.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct HeadsAt(BTreeMap<u32, Vec<Rc<HeadChange>>>);

/// What became of every head in a series of checkpoints.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ChangedSteps {
    /// Which steps, in words.
    pub of: String,
    /// From each step to the open model.
    pub since: HeadsAt,
    /// From the step before to each step.
    pub between: HeadsAt,
}

/// With what a step is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum With {
    /// The open model.
    Open,
    /// The step before.
    Before,
}

/// What is heard of it.
#[derive(Debug, Clone, PartialEq)]
pub enum ChangedNews {
    /// Another series, in words; or none.
    Fresh(String),
    /// A comparison begins, or begins again.
    Begun(With),
    /// What became of one head at a step.
    Head(With, u32, Rc<HeadChange>),
}

impl Memory for ChangedSteps {
    type News = ChangedNews;

    fn after(&self, news: ChangedNews) -> Self {
        let mut next = self.clone();
        match news {
            ChangedNews::Fresh(of) => next = Self { of, ..Self::default() },
            ChangedNews::Begun(with) => next.with(with).0.clear(),
            ChangedNews::Head(with, step, head) => {
                next.with(with).0.entry(step).or_default().push(head);
            }
        }
        next
    }
}

impl ChangedSteps {
    fn with(&mut self, with: With) -> &mut HeadsAt {
        match with {
            With::Open => &mut self.since,
            With::Before => &mut self.between,
        }
    }

    /// The step that the open model is: nothing changed since.
    pub fn now(&self) -> Option<u32> {
        let still = |head: &Rc<HeadChange>| {
            [&head.qk, &head.ov].iter().all(|change| change.change == Some(0.0))
        };
        let found = self.since.0.iter().find(|(_, heads)| heads.iter().all(still));
        found.map(|(step, _)| *step)
    }
}

impl HeadsAt {
    /// One head's changes, by step.
    pub fn of_head(
        &self,
        (layer, head): (usize, usize),
        circuit: Circuit,
    ) -> Vec<(u32, CircuitChange)> {
        let here = |(step, heads): (&u32, &Vec<Rc<HeadChange>>)| {
            let found = heads.iter().find(|found| (found.layer, found.head_b) == (layer, head))?;
            Some((*step, circuit_of(found, circuit).clone()))
        };
        self.0.iter().filter_map(here).collect()
    }

    /// The median over all heads, by step.
    pub fn medians(
        &self,
        circuit: Circuit,
        of: impl Fn(&CircuitChange) -> Option<f64>,
    ) -> Vec<(u32, f64)> {
        let median = |(step, heads): (&u32, &Vec<Rc<HeadChange>>)| {
            let mut values: Vec<f64> =
                heads.iter().filter_map(|head| of(circuit_of(head, circuit))).collect();
            values.sort_by(f64::total_cmp);
            Some((*step, *values.get(values.len() / 2)?))
        };
        self.0.iter().filter_map(median).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::circuits::alignment::Comparison;
    use crate::circuits::head_statistics::HeadStatistics;
    use crate::math::random::Rng;

    fn report(n_rows: usize) -> Rc<AlignmentReport> {
        let comparison = Comparison {
            rows_done: n_rows,
            n_rows,
            n_features: n_rows,
            d_null: 3,
            centred: false,
            mean_removed: false,
            whitened: false,
            isotropic: None,
        };
        Rc::new(AlignmentReport { comparison, sides: Vec::new() })
    }

    /// A head whose circuits are `moved` of their own size away from where they were.
    fn head(layer: usize, head: usize, moved: f64) -> Rc<HeadChange> {
        let mut rng = Rng::new(5);
        let mut circuit = || {
            let (a, b) = (rng.normal_matrix(8, 2), rng.normal_matrix(8, 2));
            let grown = &a * (1.0 + moved);
            CircuitChange::new((&a, &b), (&grown, &b)).expect("finite")
        };
        let statistics = [(); 2].map(|()| [(); 2].map(|()| HeadStatistics::default()));
        let [statistics_qk, statistics_ov] = statistics;
        Rc::new(HeadChange {
            layer,
            head,
            head_b: head,
            cosine: None,
            qk: circuit(),
            ov: circuit(),
            statistics_qk,
            statistics_ov,
        })
    }

    fn heard(news: impl IntoIterator<Item = ChangedNews>) -> ChangedSteps {
        let begun = ChangedSteps::default().after(ChangedNews::Fresh("3 checkpoints".into()));
        news.into_iter().fold(begun, |steps, news| steps.after(news))
    }

    #[test]
    fn reports_lie_in_the_order_of_their_steps_and_a_step_has_one() {
        let parts = [(100, 1), (0, 2), (4000, 3), (100, 4)];
        let steps = parts.into_iter().fold(AlignedSteps::default(), |steps, (step, n)| {
            steps.after(AlignedNews::Step(step, report(n)))
        });
        let rows: Vec<_> = steps.steps.iter().map(|(s, r)| (*s, r.comparison.n_rows)).collect();
        assert_eq!(rows, [(0, 2), (100, 4), (4000, 3)]);
        // What was compared before a comparison was cancelled stays, until it begins again.
        let stopped = steps.after(AlignedNews::Stopped);
        assert_eq!((&stopped.steps, stopped.stopped), (&steps.steps, true));
        assert_eq!(stopped.after(AlignedNews::Fresh), AlignedSteps::default());
    }

    #[test]
    fn a_comparison_that_begins_again_leaves_the_other_one_alone() {
        let head = |with| ChangedNews::Head(with, 100, head(0, 1, 0.5));
        let both = heard([head(With::Open), head(With::Before)]);
        let again = both.after(ChangedNews::Begun(With::Open));
        assert!(again.since.of_head((0, 1), Circuit::Qk).is_empty());
        assert_eq!((again.between.clone(), again.of.as_str()), (both.between, "3 checkpoints"));
        let other = again.after(ChangedNews::Fresh(String::new()));
        assert_eq!(other, ChangedSteps::default());
    }

    #[test]
    fn heads_are_found_at_their_steps_in_whatever_order_they_came() {
        let came = [(200, 1, 0.1), (0, 0, 0.8), (200, 0, 0.3), (0, 1, 0.9), (200, 2, 0.2)];
        let news =
            came.map(|(step, h, moved)| ChangedNews::Head(With::Open, step, head(1, h, moved)));
        let steps = heard(news);
        let change = |change: &CircuitChange| change.change;
        let of_head = steps.since.of_head((1, 1), Circuit::Ov);
        let order: Vec<u32> = of_head.iter().map(|(step, _)| *step).collect();
        assert_eq!(order, [0, 200]);
        assert!(of_head[0].1.change > of_head[1].1.change);
        assert!(steps.since.of_head((0, 1), Circuit::Ov).is_empty());
        // Of an even number the upper one of the two in the middle.
        let median = |h: usize| change(circuit_of(&head(1, 0, [0.9, 0.2][h]), Circuit::Qk));
        let medians = steps.since.medians(Circuit::Qk, change);
        assert_eq!(medians, [(0, median(0).unwrap()), (200, median(1).unwrap())]);
    }

    #[test]
    fn the_open_model_is_the_step_since_when_no_head_changed() {
        let at = |step, h, moved| ChangedNews::Head(With::Open, step, head(0, h, moved));
        let changed = heard([at(0, 0, 0.0), at(0, 1, 0.5), at(100, 0, 0.2)]);
        assert_eq!(changed.now(), None);
        assert_eq!(changed.after(at(200, 0, 0.0)).now(), Some(200));
    }
}

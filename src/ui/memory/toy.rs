//! What the page knows of a run of the toy, and how it changes with news of it.

use std::rc::Rc;

use super::Memory;
use crate::protocol::toy::Frame;
use crate::study::toy::ToySad;
use crate::toy::{Config, Dial, Outcome, Point, Snapshot, Turn, steps_in_all};

/// What the page knows of a run.
#[derive(Clone, PartialEq, Default)]
pub struct ToyRun {
    /// The step in view.
    pub frame: Option<Rc<Snapshot>>,
    /// Measures of that step.
    pub outcome: Option<Rc<Outcome>>,
    /// Measures along the run.
    pub points: Vec<Rc<Point>>,
    /// Steps that can be looked at again.
    pub kept: Vec<usize>,
    /// Steps trained.
    pub trained: usize,
    /// Steps that the run has in all.
    pub steps: usize,
    /// What was turned, or will be where a link tells it.
    pub turns: Rc<Vec<Turn>>,
    /// Whether the run has had all its steps.
    pub done: bool,
    /// Whether the step in view was known before it was trained, and is still being trained.
    pub known: bool,
    /// Whether it is being trained.
    pub running: bool,
    /// Frames a second while it was trained last, and the longest time between two.
    pub pace: Option<(f64, f64)>,
    /// The head taken apart on sampled tokens.
    pub sad: Option<(usize, Rc<ToySad>)>,
    /// Why there is nothing more to see.
    pub failed: Option<String>,
}

/// What changes it.
pub enum ToyNews {
    /// Another run begins, with these turns ahead.
    Fresh(Box<Config>, Rc<Vec<Turn>>),
    /// A step, while training or at its end; whether it goes on, and the pace.
    Step(Box<Frame>, bool, Option<(f64, f64)>),
    /// The end, before it is trained.
    KnownEnd(Box<Frame>),
    /// An earlier step.
    Look(Box<Frame>),
    /// Dials were turned at the last step: all turns so far, and how many steps the run has now.
    Turned(Rc<Vec<Turn>>, usize),
    /// Training was stopped.
    Stopped,
    /// The head was taken apart.
    Sad(usize, Box<ToySad>),
    /// Something went wrong.
    Failed(String),
}

impl Memory for ToyRun {
    type News = ToyNews;

    fn after(&self, news: ToyNews) -> Self {
        let mut next = self.clone();
        match news {
            ToyNews::Fresh(config, turns) => {
                let steps = steps_in_all(&config, &turns);
                next = Self { steps, turns, ..Self::default() };
            }
            ToyNews::Step(frame, running, pace) => {
                let frame = *frame;
                next.points.extend(frame.points.into_iter().map(Rc::new));
                next.kept.extend(frame.kept);
                (next.trained, next.done) = (frame.snapshot.step, frame.done);
                (next.running, next.pace) = (running, pace.or(next.pace));
                // The end that was known stays in view until it is reached.
                next.known &= !frame.done && running;
                if !next.known {
                    next.frame = Some(Rc::new(frame.snapshot));
                    next.outcome = Some(Rc::new(frame.outcome));
                }
            }
            ToyNews::KnownEnd(frame) => {
                next.known = true;
                next.frame = Some(Rc::new(frame.snapshot));
                next.outcome = Some(Rc::new(frame.outcome));
            }
            ToyNews::Look(frame) => {
                next.known = false;
                next.frame = Some(Rc::new(frame.snapshot));
                next.outcome = Some(Rc::new(frame.outcome));
            }
            // What was known ahead is the end of a run that nobody turned.
            ToyNews::Turned(turns, steps) => {
                (next.turns, next.steps, next.known) = (turns, steps, false)
            }
            ToyNews::Stopped => (next.running, next.known) = (false, false),
            ToyNews::Sad(step, sad) => next.sad = Some((step, Rc::from(sad))),
            ToyNews::Failed(why) => (next.failed, next.running) = (Some(why), false),
        }
        next
    }
}

impl ToyRun {
    /// The step in view.
    pub fn step(&self) -> usize {
        self.frame.as_ref().map_or(0, |f| f.step)
    }

    /// Whether the step in view is the end of the run, where verdicts are final.
    pub fn at_end(&self) -> bool {
        self.done && self.step() == self.trained
    }

    /// Turns that were made up to the step in view.
    pub fn turned(&self) -> &[Turn] {
        let step = self.step();
        &self.turns[..self.turns.partition_point(|turn| turn.step <= step)]
    }

    /// Whether no head was ever trained up to the step in view, in a run that began with `config`.
    pub fn is_headless(&self, config: &Config) -> bool {
        let on = |turn: &Turn| matches!(turn.dial, Dial::Lambda(value) if value > 0.0);
        config.lambda == 0.0 && !self.turned().iter().any(on)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::toy::{History, Trainer};

    fn frame(step: usize, done: bool) -> Box<Frame> {
        let mut trainer = Trainer::new(Config { steps: 9, ..Config::default() }).unwrap();
        (0..step).for_each(|_| {
            trainer.step();
        });
        let snapshot = Snapshot::of(&mut trainer).unwrap();
        let metrics = snapshot.metrics.clone();
        let outcome =
            Outcome::so_far(trainer.config(), &History::default(), metrics, snapshot.losses);
        Box::new(Frame { snapshot, outcome, points: Vec::new(), kept: vec![step], done })
    }

    fn began() -> ToyRun {
        let config = Config { steps: 9, ..Config::default() };
        ToyRun::default().after(ToyNews::Fresh(Box::new(config), Rc::default()))
    }

    #[test]
    fn a_known_end_stays_in_view_until_it_is_reached_or_somebody_steps_in() {
        let known = began().after(ToyNews::KnownEnd(frame(9, false)));
        assert_eq!(known.after(ToyNews::Step(frame(3, false), true, None)).step(), 9);
        let reached = known.after(ToyNews::Step(frame(9, true), false, None));
        assert!(reached.at_end() && !reached.known);
        assert_eq!(
            known.after(ToyNews::Stopped).after(ToyNews::Step(frame(3, false), false, None)).step(),
            3
        );
        let turns = Rc::new(vec![Turn { step: 3, dial: Dial::P(0.5) }]);
        let turned = known.after(ToyNews::Turned(turns, 12)).after(ToyNews::Step(
            frame(4, false),
            true,
            None,
        ));
        assert_eq!((turned.step(), turned.steps), (4, 12));
    }

    #[test]
    fn looking_back_is_not_the_end_and_goes_with_the_turns_of_its_step() {
        let turns = Rc::new(vec![Turn { step: 5, dial: Dial::Lambda(3.0) }]);
        let none = Config { lambda: 0.0, steps: 9, ..Config::default() };
        let lab = ToyRun::default().after(ToyNews::Fresh(Box::new(none.clone()), turns));
        assert_eq!(lab.steps, 14);
        let end = lab.after(ToyNews::Step(frame(9, true), false, None));
        assert!(end.at_end() && end.turned().len() == 1 && !end.is_headless(&none));
        let back = end.after(ToyNews::Look(frame(4, true)));
        assert!(!back.at_end() && back.turned().is_empty() && back.is_headless(&none));
        assert_eq!((back.trained, back.kept.len()), (9, 1));
    }
}

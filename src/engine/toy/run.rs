//! A run with its memory: measures every few steps, and parameters to look back at.

use crate::protocol::toy::Frame;
use crate::toy::{
    Config, Dial, History, Outcome, Params, Snapshot, ToyError, Trainer, Turn, in_force, with_turn,
};

/// Steps between two recorded measures, up to [`LONG`] steps; the orders of events of the presets were measured so.
const EVERY: usize = 10;
const LONG: usize = 5000;
/// About how many states of a run are kept.
const KEPT: usize = 100;

/// A run in training, and its past.
pub(in crate::engine) struct Run {
    /// The settings that it began with, and what was turned since; a run that is told again knows its turns ahead.
    first: Config,
    turns: Vec<Turn>,
    trainer: Trainer,
    history: History,
    kept: Vec<(usize, Params)>,
    /// Recorded measures and kept states that the page has.
    sent: (usize, usize),
    record_every: usize,
    keep_every: usize,
}

impl Run {
    /// A run at its start.
    pub(super) fn new(config: Config, turns: Vec<Turn>) -> Result<Self, ToyError> {
        let record_every = EVERY * config.steps.div_ceil(LONG);
        let keep_every = record_every * config.steps.div_ceil(KEPT * record_every);
        let trainer = Trainer::new(config.clone())?;
        let (history, kept) = (History::default(), Vec::new());
        let (first, sent) = (config, (0, 0));
        let mut run = Self { first, turns, trainer, history, kept, sent, record_every, keep_every };
        run.remember()?;
        run.turn_where_due()?;
        Ok(run)
    }

    /// The end of a run whose parameters are known: a look, without a past.
    pub(super) fn known(config: Config, params: &[u8]) -> Result<Frame, ToyError> {
        let (steps, params) = (config.steps, Params::from_f32(&config, params)?);
        let mut trainer = Trainer::at(config, params, steps)?;
        let snapshot = Snapshot::of(&mut trainer)?;
        let (metrics, losses) = (snapshot.metrics.clone(), trainer.evaluate(1));
        let outcome = Outcome::so_far(trainer.config(), &History::default(), metrics, losses);
        Ok(Frame { snapshot, outcome, points: Vec::new(), kept: Vec::new(), done: false })
    }

    /// The settings that it began with.
    pub(super) fn first(&self) -> &Config {
        &self.first
    }

    /// What was turned since.
    pub(super) fn turns(&self) -> &[Turn] {
        &self.turns
    }

    pub(super) fn history(&self) -> &History {
        &self.history
    }

    pub(super) fn is_done(&self) -> bool {
        self.trainer.is_done()
    }

    /// One step, recorded where its number says so: what is recorded does not depend on how steps were asked for.
    pub(super) fn step(&mut self) -> Result<(), ToyError> {
        self.trainer.step();
        self.remember()?;
        self.turn_where_due()
    }

    /// Turns a dial here and now.
    pub(super) fn turn(&mut self, dial: Dial) -> Result<(), ToyError> {
        let step = self.trainer.state().step;
        let turns = with_turn(&self.turns, Turn { step, dial });
        self.trainer.go_on_with(in_force(&self.first, &turns, step))?;
        self.turns = turns;
        Ok(())
    }

    fn turn_where_due(&mut self) -> Result<(), ToyError> {
        let step = self.trainer.state().step;
        if self.turns.iter().any(|turn| turn.step == step) {
            self.trainer.go_on_with(in_force(&self.first, &self.turns, step))?;
        }
        Ok(())
    }

    fn remember(&mut self) -> Result<(), ToyError> {
        let step = self.trainer.state().step;
        if step.is_multiple_of(self.record_every) || self.is_done() {
            self.history.record(&mut self.trainer)?;
        }
        if step.is_multiple_of(self.keep_every) || self.is_done() {
            self.kept.push((step, self.trainer.params().clone()));
        }
        Ok(())
    }

    /// Where the run stands, with what the page has not seen of its past.
    pub(super) fn frame(&mut self) -> Result<Frame, ToyError> {
        let snapshot = Snapshot::of(&mut self.trainer)?;
        let done = self.is_done();
        let outcome = if done { self.outcome()? } else { self.so_far(&snapshot) };
        let points = self.history.points[self.sent.0..].to_vec();
        let kept = self.kept[self.sent.1..].iter().map(|(step, _)| *step).collect();
        self.sent = (self.history.points.len(), self.kept.len());
        Ok(Frame { snapshot, outcome, points, kept, done })
    }

    /// How the run ended, losses measured on batches that it never saw.
    pub(super) fn outcome(&mut self) -> Result<Outcome, ToyError> {
        Outcome::of(&mut self.trainer, &self.history)
    }

    /// The kept state nearest to `step`.
    pub(super) fn look(&self, step: usize) -> Result<Frame, ToyError> {
        let (config, step, params) = self.nearest(step);
        let snapshot = Snapshot::of(&mut Trainer::at(config, params.clone(), step)?)?;
        let outcome = self.so_far(&snapshot);
        Ok(Frame { snapshot, outcome, points: Vec::new(), kept: Vec::new(), done: self.is_done() })
    }

    fn so_far(&self, snapshot: &Snapshot) -> Outcome {
        let (metrics, losses) = (snapshot.metrics.clone(), snapshot.losses);
        Outcome::so_far(&self.first, &self.history, metrics, losses)
    }

    /// Settings, step and parameters of the state nearest to `step`, the present one included.
    pub(super) fn nearest(&self, step: usize) -> (Config, usize, &Params) {
        let now = self.trainer.state();
        let past = self.kept.iter().map(|(step, params)| (*step, params));
        let (step, params) = past.fold((now.step, &now.params), |a, b| {
            if b.0.abs_diff(step) < a.0.abs_diff(step) { b } else { a }
        });
        (in_force(&self.first, &self.turns, step), step, params)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_recorded_does_not_depend_on_how_steps_are_asked_for() {
        let config = Config { steps: 45, ..Config::default() };
        let mut run = Run::new(config, Vec::new()).unwrap();
        let first = run.frame().unwrap();
        (0..23).for_each(|_| run.step().unwrap());
        let second = run.frame().unwrap();
        (0..22).for_each(|_| run.step().unwrap());
        let last = run.frame().unwrap();
        let steps = |f: &Frame| f.points.iter().map(|p| p.step).collect::<Vec<_>>();
        assert_eq!(
            [steps(&first), steps(&second), steps(&last)],
            [vec![0], vec![10, 20], vec![30, 40, 45]]
        );
        assert!(last.done && last.kept == [30, 40, 45]);
        assert_eq!(run.look(22).unwrap().snapshot.step, 20);
        assert_eq!(run.look(99).unwrap().snapshot, last.snapshot);
    }

    #[test]
    fn a_run_that_was_turned_is_told_again_to_the_last_bit() {
        let config = Config { steps: 25, ..Config::default() };
        let mut run = Run::new(config.clone(), Vec::new()).unwrap();
        (0..7).for_each(|_| run.step().unwrap());
        for strength in [7.0, 3.0] {
            run.turn(Dial::Strength(strength)).unwrap();
        }
        (0..25).for_each(|_| run.step().unwrap());
        assert!(run.is_done(), "all its steps from the turn on");
        run.turn(Dial::Lambda(0.5)).unwrap();
        assert!(!run.is_done());
        (0..25).for_each(|_| run.step().unwrap());
        let mut told = Run::new(config, run.turns().to_vec()).unwrap();
        (0..57).for_each(|_| told.step().unwrap());
        assert_eq!(run.turns().len(), 2);
        assert_eq!(told.frame().unwrap(), run.frame().unwrap());
        assert_eq!(told.look(10).unwrap(), run.look(10).unwrap());
        assert_eq!(run.nearest(0).0.template.entries()[0].strength, 10.0);
        assert_eq!((run.nearest(20).0.lambda, run.nearest(57).0.lambda), (10.0, 0.5));
    }
}

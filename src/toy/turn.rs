//! Settings that are turned while a run goes on: which, to what, and from which step.
//!
//! A turned dial is another objective for the same weights. The optimiser starts afresh there, as it does where the head is
//! switched on, and so does the schedule: the run has all its steps again. So a run is told by its settings and its turns,
//! and trains to the same bits wherever it is told again.

use super::config::Config;
use super::sweep::Setting;
use super::template::{Entry, Template};
use serde::{Deserialize, Serialize};

/// A setting that can be turned, and its new value.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Dial {
    /// λ.
    Lambda(f64),
    /// T of the strongest pair; all others keep their ratio to it.
    Strength(f64),
    /// p, the chance that a feature is present.
    P(f64),
    /// One place of the template; a strength of 0 takes it out.
    Entry(Entry),
}

/// A dial that was turned.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Turn {
    /// How many steps had been trained.
    pub step: usize,
    /// What was turned, and to what.
    pub dial: Dial,
}

impl Dial {
    /// `config` with this dial turned.
    pub fn apply(self, config: &Config) -> Config {
        match self {
            Self::Lambda(value) => Setting::Lambda.apply(config, value),
            Self::Strength(value) => Setting::Strength.apply(config, value),
            Self::P(value) => Setting::P.apply(config, value),
            Self::Entry(entry) => {
                let mut entries = config.template.entries();
                entries.retain(|e| (e.query, e.key) != (entry.query, entry.key));
                if entry.strength != 0.0 {
                    entries.push(entry);
                }
                Config { template: Template::Free { entries }, ..config.clone() }
            }
        }
    }

    /// Whether both turn the same setting.
    fn is_of(self, other: Self) -> bool {
        match (self, other) {
            (Self::Entry(a), Self::Entry(b)) => (a.query, a.key) == (b.query, b.key),
            _ => std::mem::discriminant(&self) == std::mem::discriminant(&other),
        }
    }
}

/// The settings in force once `step` steps were trained: those of the beginning with every turn up to there.
pub fn in_force(config: &Config, turns: &[Turn], step: usize) -> Config {
    let so_far = turns.iter().filter(|turn| turn.step <= step);
    so_far.fold(config.clone(), |config, turn| turn.dial.apply(&config))
}

impl std::fmt::Display for Turn {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.dial {
            Dial::Lambda(value) => write!(f, "λ = {value}"),
            Dial::Strength(value) => write!(f, "T = {value}"),
            Dial::P(value) => write!(f, "p = {value}"),
            Dial::Entry(Entry { query, key, strength }) => {
                write!(f, "T of {query} → {key} = {strength}")
            }
        }?;
        write!(f, " from step {} on", self.step)
    }
}

/// How many steps a run has: as many as its settings say, counted from its last turn.
pub fn steps_in_all(config: &Config, turns: &[Turn]) -> usize {
    turns.last().map_or(0, |turn| turn.step) + config.steps
}

/// `turns` with one more at the end; what was to come later goes, and so does an earlier turn of the same dial at this step.
pub fn with_turn(turns: &[Turn], turn: Turn) -> Vec<Turn> {
    let stay = |t: &&Turn| t.step < turn.step || (t.step == turn.step && !t.dial.is_of(turn.dial));
    turns.iter().filter(stay).copied().chain([turn]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Trainer;

    fn turn(step: usize, dial: Dial) -> Turn {
        Turn { step, dial }
    }

    #[test]
    fn a_turn_counts_from_its_step_and_the_run_has_all_its_steps_again() {
        let config = Config { steps: 100, ..Config::default() };
        let pair = Entry { query: 2, key: 3, strength: 4.0 };
        let turns =
            [turn(30, Dial::Lambda(3.0)), turn(60, Dial::Entry(pair)), turn(60, Dial::P(0.5))];
        assert_eq!(in_force(&config, &turns, 29), config);
        assert_eq!(in_force(&config, &turns, 30), Config { lambda: 3.0, ..config.clone() });
        let last = in_force(&config, &turns, 60);
        assert_eq!((last.template.entries().len(), last.p, last.lambda), (2, 0.5, 3.0));
        assert_eq!((steps_in_all(&config, &turns), steps_in_all(&config, &[])), (160, 100));
        let out = Dial::Entry(Entry { strength: 0.0, ..pair }).apply(&last);
        assert_eq!(out.template.entries(), config.template.entries());
    }

    #[test]
    fn a_dial_that_is_turned_twice_at_one_step_counts_once() {
        let turns = [turn(10, Dial::Lambda(1.0)), turn(20, Dial::P(0.2)), turn(30, Dial::P(0.3))];
        let turned = with_turn(&turns, turn(20, Dial::P(0.4)));
        assert_eq!(turned, [turns[0], turn(20, Dial::P(0.4))]);
        assert_eq!(with_turn(&turned, turn(20, Dial::Lambda(2.0))).len(), 3);
    }

    #[test]
    fn a_run_that_was_turned_by_hand_is_told_by_its_turns() {
        let config = Config { steps: 40, ..Config::default() };
        let mut by_hand = Trainer::new(config.clone()).unwrap();
        (0..15).for_each(|_| {
            by_hand.step();
        });
        by_hand.go_on_with(Config { lambda: 60.0, ..config.clone() }).unwrap();
        (0..40).for_each(|_| {
            by_hand.step();
        });
        assert!(by_hand.is_done() && by_hand.state().step == 55);
        let turns = [turn(15, Dial::Lambda(60.0))];
        let mut told = Trainer::new(config.clone()).unwrap();
        while told.state().step < steps_in_all(&config, &turns) {
            let step = told.state().step;
            if turns.iter().any(|t| t.step == step) {
                told.go_on_with(in_force(&config, &turns, step)).unwrap();
            }
            told.step();
        }
        assert_eq!(told.state(), by_hand.state(), "to the last bit");
        let mut never = Trainer::new(config.clone()).unwrap();
        (0..55).for_each(|_| {
            never.step();
        });
        assert_ne!(never.params(), by_hand.params());
        assert!(by_hand.go_on_with(Config { p: 2.0, ..config.clone() }).is_err());
        assert!(by_hand.go_on_with(Config { d_head: 3, ..config }).is_err());
        assert_eq!(by_hand.state(), told.state(), "what is refused changes nothing");
    }
}

//! What is said of changes beside those of a third model.

use super::change::Q;
use super::format::three;
use crate::circuits::compare::CircuitChange;

/// Of one circuit: a sentence, or nothing without a third model.
pub(super) fn of_one(change: &CircuitChange) -> String {
    change.chance.third_change.map_or_else(String::new, |third| {
        let verdict = match third.q {
            None => "",
            Some(q) if q >= Q => ", no clear difference",
            Some(_) if third.z > 0.0 => ": it changed more than other heads",
            Some(_) => ": it changed less than other heads",
        };
        format!(" Measured by the third model it would be {}{verdict}.", three(third.expected))
    })
}

/// Of a whole comparison: how many stand out, or nothing without a third model.
pub(super) fn of_all<'a>(all: impl Iterator<Item = &'a CircuitChange>) -> String {
    let found: Vec<_> = all.filter_map(|change| change.chance.third_change).collect();
    if found.is_empty() {
        return String::new();
    }
    let beside = |more: bool| {
        found.iter().filter(|c| c.q.is_some_and(|q| q < Q) && (c.z > 0.0) == more).count()
    };
    format!(
        " Measured by the third model, {} changed more than the others and {} less.",
        beside(true),
        beside(false)
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::circuits::omega::Circuit;
    use crate::math::Mat;
    use crate::math::random::Rng;
    use crate::ui::words::change::{Measure, sentence};

    fn moved(by: impl Fn(&mut Rng, &Mat) -> Mat) -> CircuitChange {
        let mut rng = Rng::new(7);
        let (a, b) = (rng.normal_matrix(30, 4), rng.normal_matrix(30, 4));
        let new = by(&mut rng, &a);
        CircuitChange::new((&a, &b), (&new, &b)).expect("finite")
    }

    #[test]
    fn beside_a_third_model_the_sentence_says_which_heads_went_further() {
        let by = |i: usize, x: f64| moved(|_, a| a * (1.0 + x * (1.0 + 0.01 * (i % 4) as f64)));
        let mut all: Vec<CircuitChange> =
            (0..8).map(|i| by(i, if i == 5 { 0.4 } else { 0.1 })).collect();
        let third: Vec<CircuitChange> = (0..8).map(|i| by(i + 1, 0.05)).collect();
        let mut pairs: Vec<_> = all.iter_mut().zip(&third).collect();
        crate::circuits::compare::yardstick::hold_against(&mut pairs);
        let said = |all: &[CircuitChange], i: usize| sentence("L0H1", Circuit::Qk, &all[i]);
        assert!(
            said(&all, 5).contains(" Measured by the third model it would be 0.1"),
            "{}",
            said(&all, 5)
        );
        crate::circuits::compare::chance::correct(&mut all);
        assert!(said(&all, 5).contains(": it changed more than other heads."), "{}", said(&all, 5));
        assert!(said(&all, 2).contains(", no clear difference."), "{}", said(&all, 2));
        assert!(Measure::Third.told(&all[5]).contains("where the third model would have it 0.1"));
    }
}

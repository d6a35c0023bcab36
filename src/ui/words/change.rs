//! Measures of a change and the sentences about it.

use crate::circuits::alignment::DirectionAlignment;
use crate::circuits::compare::CircuitChange;
use crate::circuits::compare::chance::Evidence;
use crate::circuits::omega::Circuit;
use crate::study::compare::HeadChange;
use crate::ui::palette::Scale;
use crate::ui::words::format::three;
use crate::ui::words::third;

/// The tails of a comparison are those of distributions with the null's mean and variance: no simulation reached farther down.
const FINEST: f64 = 1e-6;

/// The false discovery rate at which a change counts as other than chance.
pub const Q: f64 = 0.01;

/// What colours the grid.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Measure {
    /// `‖ΔΩ‖ / ‖Ω‖`.
    #[default]
    Change,
    /// The same against a random perturbation of equal norm, in standard deviations.
    Against,
    /// Share of the change inside the old left subspace.
    InsideLeft,
    /// Share inside the old right subspace.
    InsideRight,
    /// Mean cos² between the left subspaces.
    OverlapLeft,
    /// Mean cos² between the right subspaces.
    OverlapRight,
    /// The size of the change against a third model's, in standard deviations.
    Third,
    /// How far the left subspace turned, against the third model's.
    ThirdLeft,
    /// How far the right subspace turned, against the third model's.
    ThirdRight,
}

impl Measure {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::Change,
        Self::Against,
        Self::InsideLeft,
        Self::InsideRight,
        Self::OverlapLeft,
        Self::OverlapRight,
        Self::Third,
        Self::ThirdLeft,
        Self::ThirdRight,
    ];

    /// Its name in an address.
    pub fn slug(self) -> &'static str {
        match self {
            Self::Change => "change",
            Self::Against => "against",
            Self::InsideLeft => "inside-left",
            Self::InsideRight => "inside-right",
            Self::OverlapLeft => "overlap-left",
            Self::OverlapRight => "overlap-right",
            Self::Third => "third",
            Self::ThirdLeft => "third-left",
            Self::ThirdRight => "third-right",
        }
    }

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Change => "size of the change",
            Self::Against => "change against chance",
            Self::InsideLeft => "change inside the old left space",
            Self::InsideRight => "change inside the old right space",
            Self::OverlapLeft => "left spaces in common",
            Self::OverlapRight => "right spaces in common",
            Self::Third => "change beside the third model",
            Self::ThirdLeft => "left space turned, beside the third model",
            Self::ThirdRight => "right space turned, beside the third model",
        }
    }

    /// What it means, for the "?" beside it.
    pub fn meaning(self) -> &'static str {
        match self {
            Self::Change => {
                "‖ΔΩ‖ / ‖Ω‖: the norm of the difference of the two matrices over that of the old one. 1 is as large as the head itself."
            }
            Self::Against => {
                "The size of the change against weights moved as far in random directions, in standard deviations. Above 0 the weights moved along what the head already does most; below, they moved and left the head more alone than chance would."
            }
            Self::InsideLeft => {
                "How much of the change acts on directions that the head already read its destinations for (QK) or read (OV). Low where new ones were taken up."
            }
            Self::InsideRight => {
                "How much of the change acts on directions that the head already read its sources for (QK) or wrote (OV)."
            }
            Self::OverlapLeft => {
                "Mean squared cosine of the principal angles between the old and the new left subspace: 1 if they are the same, d_head / d_model by chance."
            }
            Self::OverlapRight => {
                "Mean squared cosine of the principal angles between the old and the new right subspace."
            }
            Self::Third => {
                "The size of the change over that of the same head on the way to the third model, held against all other heads of the circuit, in standard deviations. Above 0 this head changed more than the others would have it."
            }
            Self::ThirdLeft => {
                "How far the left subspace turned (mean squared sine of the angles), held against the third model in the same way."
            }
            Self::ThirdRight => {
                "How far the right subspace turned, held against the third model in the same way."
            }
        }
    }

    /// Its value; `None` where it says nothing.
    pub fn of(self, change: &CircuitChange) -> Option<f64> {
        let chance = &change.chance;
        match self {
            Self::Change => change.change,
            Self::Against => chance.change.map(|found| found.z),
            Self::InsideLeft => change.inside_left,
            Self::InsideRight => change.inside_right,
            Self::OverlapLeft => chance.overlap_left.map(|found| found.observed),
            Self::OverlapRight => chance.overlap_right.map(|found| found.observed),
            Self::Third | Self::ThirdLeft | Self::ThirdRight => {
                self.against(change).map(|found| found.z)
            }
        }
    }

    /// The value beside chance; `None` where there is no chance in it.
    pub fn against(self, change: &CircuitChange) -> Option<Evidence> {
        let chance = &change.chance;
        match self {
            Self::Change | Self::Against => chance.change,
            Self::InsideLeft => chance.inside_left,
            Self::InsideRight => chance.inside_right,
            Self::OverlapLeft => chance.overlap_left,
            Self::OverlapRight => chance.overlap_right,
            Self::Third => chance.third_change,
            Self::ThirdLeft => chance.third_left,
            Self::ThirdRight => chance.third_right,
        }
    }

    /// Whether it takes a third model.
    pub fn needs_third(self) -> bool {
        matches!(self, Self::Third | Self::ThirdLeft | Self::ThirdRight)
    }

    /// The value with its chance level, in words; what was not corrected yet claims nothing.
    pub fn told(self, change: &CircuitChange) -> String {
        let Some(value) = self.of(change) else { return "nothing to say".to_owned() };
        let q = |found: Evidence| match found.q {
            None => String::new(),
            Some(q) if q < FINEST => ", q < 1e-6".to_owned(),
            Some(q) => format!(", q {}", three(q)),
        };
        match (self, self.against(change)) {
            (Self::Against, _) => format!("{} standard deviations", three(value)),
            (_, None) => format!("{} (no chance level)", three(value)),
            (_, Some(found)) if self.needs_third() => format!(
                "{} standard deviations ({}, where the third model would have it {}{})",
                three(value),
                three(found.observed),
                three(found.expected),
                q(found)
            ),
            (_, Some(found)) => {
                format!("{} (chance {}{})", three(value), three(found.expected), q(found))
            }
        }
    }

    /// The colours for values like these.
    pub fn scale(self, values: &[f64]) -> Scale {
        let largest = values.iter().map(|x| x.abs()).fold(0.0, f64::max);
        match self {
            Self::Change => Scale::Sequential { max: largest },
            Self::Against | Self::Third | Self::ThirdLeft | Self::ThirdRight => {
                Scale::Diverging { max: largest }
            }
            _ => Scale::Sequential { max: 1.0 },
        }
    }
}

/// One circuit of a head.
pub fn circuit_of(head: &HeadChange, circuit: Circuit) -> &CircuitChange {
    match circuit {
        Circuit::Qk => &head.qk,
        Circuit::Ov => &head.ov,
    }
}

/// What became of one circuit, in a sentence that says no more than its numbers.
pub fn sentence(name: &str, circuit: Circuit, change: &CircuitChange) -> String {
    let circuit = circuit.name();
    let Some(size) = change.change else {
        return format!("{name}'s {circuit} was nothing before.");
    };
    if size == 0.0 {
        return format!("{name}'s {circuit} did not change.");
    }
    let chance = change.chance.change.map_or_else(String::new, |chance| {
        let verdict = match chance.q {
            None => "",
            Some(q) if q >= Q => ", which is no clear difference",
            Some(_) if chance.z > 0.0 => ": the weights moved along what the head does",
            Some(_) => ": the weights moved past what the head does",
        };
        format!(
            "; weights that move as far in random directions change it by {}{verdict}",
            three(chance.expected)
        )
    });
    let third = third::of_one(change);
    let (n, of) = (most_of(&change.delta), change.delta.len());
    let directions = if n == 1 { "direction holds" } else { "directions hold" };
    format!(
        "{name}'s {circuit} changed by {} of its old size{chance}.{third} {n} of {of} {directions} nine tenths of the change.",
        three(size)
    )
}

/// How many leading singular values hold nine tenths of the energy.
fn most_of(sigma: &[f64]) -> usize {
    let energy: f64 = sigma.iter().map(|s| s * s).sum();
    let mut held = 0.0;
    let enough = |s: &f64| {
        held += s * s;
        held >= 0.9 * energy
    };
    sigma.iter().position(enough).map_or(sigma.len(), |k| k + 1)
}

/// Whether the word nearest to a direction stands out among those of `n` directions, were words isotropic.
pub fn stands_out(direction: &DirectionAlignment, n: usize) -> bool {
    direction.isotropic.is_some_and(|chance| chance.p < 0.05 / n as f64)
}

/// What a whole comparison says; `name` tells a head's name.
pub fn summary<'a>(
    heads: impl Iterator<Item = &'a HeadChange>,
    name: impl Fn(usize, usize) -> String,
) -> String {
    let both = |head| [Circuit::Qk, Circuit::Ov].map(|c| (head, c, circuit_of(head, c)));
    let all: Vec<(&HeadChange, Circuit, &CircuitChange)> = heads.flat_map(both).collect();
    let n = all.len();
    let still = all.iter().filter(|(.., change)| change.change == Some(0.0)).count();
    if still == n {
        return format!("None of {n} circuits changed at all.");
    }
    let beyond = |more: bool| {
        let counts = |change: &CircuitChange| {
            let found = change.chance.change;
            found.is_some_and(|c| c.q.is_some_and(|q| q < Q) && (c.z > 0.0) == more)
        };
        all.iter().filter(|(.., change)| counts(change)).count()
    };
    let sized =
        all.iter().filter_map(|&(head, circuit, change)| Some((head, circuit, change.change?)));
    let largest = sized.max_by(|a, b| a.2.total_cmp(&b.2));
    let largest = largest.map_or_else(String::new, |(head, circuit, size)| {
        let (name, circuit) = (name(head.layer, head.head_b), circuit.name());
        format!("{name}'s {circuit} changed most, by {} of its old size. ", three(size))
    });
    let still = if still > 0 { format!("{still} did not change at all, ") } else { String::new() };
    let third = third::of_all(all.iter().map(|(.., change)| *change));
    format!(
        "{largest}Of {n} circuits, {still}{} changed more than weights that move as far in random directions would change them, and {} less (q < {Q}).{third}",
        beyond(true),
        beyond(false),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::math::Mat;
    use crate::math::random::Rng;

    fn moved(by: impl Fn(&mut Rng, &Mat) -> Mat) -> CircuitChange {
        let mut rng = Rng::new(7);
        let (a, b) = (rng.normal_matrix(30, 4), rng.normal_matrix(30, 4));
        let new = by(&mut rng, &a);
        CircuitChange::new((&a, &b), (&new, &b)).expect("finite")
    }

    #[test]
    fn a_sentence_says_what_moved_and_in_how_many_directions() {
        let said = |change: &CircuitChange| sentence("L0H1", Circuit::Qk, change);
        assert_eq!(said(&moved(|_, a| a.clone())), "L0H1's QK did not change.");
        let one = moved(|rng, a| a + rng.normal_matrix(30, 1) * rng.normal_matrix(1, 4));
        assert!(said(&one).ends_with("1 of 8 direction holds nine tenths of the change."));
        // Before all heads are compared there is no verdict.
        assert!(!said(&one).contains("no clear") && !said(&one).contains(": the weights"));
        let mut tripled = moved(|_, a| a * 3.0);
        crate::circuits::compare::chance::correct([&mut tripled]);
        assert!(said(&tripled).contains("changed by 2.00 of its old size"));
        assert!((1..=4).contains(&most_of(&tripled.delta)));
    }

    #[test]
    fn a_comparison_without_a_change_says_so() {
        let same = moved(|_, a| a.clone());
        assert_eq!(Measure::Change.told(&same), "0 (no chance level)");
        assert_eq!(
            summary(std::iter::empty(), |_, _| String::new()),
            "None of 0 circuits changed at all."
        );
    }
}

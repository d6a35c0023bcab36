//! A third model that came from the first as the second did: the yardstick of a comparison.

use serde::Serialize;

use super::HeadChange;
use crate::circuits::compare::yardstick::hold_against;

/// What a third model adds to the chance levels, in words.
const THIRD: &str = "third_change, third_left, third_right: the logarithm of the number here over that of the third model, held \
    against all other heads of the circuit, a deleted residual's t, two-sided; left and right: mean sin^2 of the angles";

/// A third model, as the document names it.
#[derive(Debug, Serialize)]
pub(super) struct Third<'a> {
    model: &'a str,
    how: &'static str,
}

impl<'a> Third<'a> {
    pub(super) fn new(model: &'a str) -> Self {
        Self { model, how: THIRD }
    }
}

/// Holds every head's change against what became of the same head of the first model in a third one, QK and OV apart; says in a
/// sentence how many heads the third model does not have.
pub fn hold_against_third<'a>(
    heads: impl IntoIterator<Item = &'a mut HeadChange>,
    third: &[HeadChange],
) -> Option<String> {
    let (mut qk, mut ov, mut missing) = (Vec::new(), Vec::new(), 0);
    for head in heads {
        let same = |other: &&HeadChange| (other.layer, other.head) == (head.layer, head.head);
        match third.iter().find(same) {
            Some(other) => {
                qk.push((&mut head.qk, &other.qk));
                ov.push((&mut head.ov, &other.ov));
            }
            None => {
                for chance in [&mut head.qk.chance, &mut head.ov.chance] {
                    (chance.third_change, chance.third_left, chance.third_right) =
                        (None, None, None);
                }
                missing += 1;
            }
        }
    }
    hold_against(&mut qk);
    hold_against(&mut ov);
    (missing > 0).then(|| {
        format!("{missing} heads have no partner in the third model and are not held against it.")
    })
}

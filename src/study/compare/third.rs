//! A third model that came from the first as the second did: the yardstick of a comparison.

use super::HeadChange;
use crate::circuits::compare::yardstick::hold_against;

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

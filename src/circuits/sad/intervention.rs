//! What if a singular vector did not do its part? Edited scores, for a forward pass to carry on with.

use std::ops::Range;

use serde::{Deserialize, Serialize};

use super::terms::HeadTerms;
use crate::circuits::error::CircuitError;
use crate::math::order::distinct;

/// What happens to the chosen singular vectors' terms.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// Their terms become zero. Putting every source's mean there instead would give the same attention: softmax ignores
    /// what all sources share (a soft-cap does not).
    Ablate,
    /// Their terms are multiplied; 0 ablates, 1 changes nothing, −1 inverts.
    Scale(f64),
    /// Two sources exchange their terms: what the vectors said of one they now say of the other.
    Swap {
        /// One position.
        first: usize,
        /// The other.
        second: usize,
    },
    /// All other vectors' terms become zero: is what is left enough?
    KeepOnly,
}

/// An edit of one head's scores.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Intervention {
    /// Indices k of the singular vectors, without repetition.
    pub directions: Vec<usize>,
    /// What to do with them.
    pub action: Action,
    /// The destinations whose scores change; the others keep theirs.
    pub dests: Range<usize>,
}

/// The singular vectors that a list names: `0, 3, 5-8`, in any order, each once.
///
/// # Errors
/// [`CircuitError::NotAList`] for anything else, [`CircuitError::OutOfRange`] for a vector that the head does not have.
pub fn listed_directions(list: &str, d_head: usize) -> Result<Vec<usize>, CircuitError> {
    let not_a_list = || CircuitError::NotAList { text: list.trim().to_owned() };
    let mut directions = Vec::new();
    for part in list.split([',', ' ']).filter(|part| !part.is_empty()) {
        let number = |text: &str| text.parse::<usize>().map_err(|_| not_a_list());
        let (first, last) = match part.split_once(['-', '–']) {
            Some((first, last)) => (number(first)?, number(last)?),
            None => (number(part)?, number(part)?),
        };
        let largest = first.max(last);
        if largest >= d_head {
            let (what, index, count) = ("singular vector", largest, d_head);
            return Err(CircuitError::OutOfRange { what, index, count });
        }
        directions.extend(first.min(last)..=largest);
    }
    let directions = distinct(directions);
    if directions.is_empty() { Err(not_a_list()) } else { Ok(directions) }
}

impl Intervention {
    /// `[n_dest, n_src]`, row-major: the scores of `head` after the edit, still before soft-cap, ALiBi and mask.
    ///
    /// Only differences are added, so an edit that does nothing returns the very same scores.
    ///
    /// # Errors
    /// [`CircuitError::OutOfRange`] for a direction, destination or source that does not exist.
    pub fn apply(&self, head: &HeadTerms) -> Result<Vec<f64>, CircuitError> {
        self.check(head)?;
        let mut scores = head.scores.clone();
        let rows = scores.chunks_exact_mut(head.n_src.max(1)).enumerate();
        for (dest, row) in rows.skip(self.dests.start).take(self.dests.len()) {
            for (src, score) in row.iter_mut().enumerate() {
                *score += self.change(head, dest, src);
            }
        }
        Ok(scores)
    }

    fn change(&self, head: &HeadTerms, dest: usize, src: usize) -> f64 {
        match self.action {
            Action::Ablate => -self.chosen(head, dest, src),
            Action::Scale(factor) => (factor - 1.0) * self.chosen(head, dest, src),
            Action::Swap { first, second } if src == first || src == second => {
                let other = if src == first { second } else { first };
                self.chosen(head, dest, other) - self.chosen(head, dest, src)
            }
            Action::Swap { .. } => 0.0,
            Action::KeepOnly => self.chosen(head, dest, src) - head.score(dest, src).unwrap_or(0.0),
        }
    }

    fn chosen(&self, head: &HeadTerms, dest: usize, src: usize) -> f64 {
        let terms = head.terms(dest, src).unwrap_or_default();
        self.directions.iter().filter_map(|&k| terms.get(k)).sum()
    }

    fn check(&self, head: &HeadTerms) -> Result<(), CircuitError> {
        let sources = match self.action {
            Action::Swap { first, second } => vec![first, second],
            _ => Vec::new(),
        };
        let last_dest = self.dests.end.checked_sub(1);
        let asked = (self.directions.iter().map(|&k| ("singular vector", k, head.d_head)))
            .chain(last_dest.map(|dest| ("destination", dest, head.n_dest)))
            .chain(sources.into_iter().map(|src| ("source", src, head.n_src)));
        for (what, index, count) in asked {
            if index >= count {
                return Err(CircuitError::OutOfRange { what, index, count });
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::circuits::sad::terms::TermBasis;
    use crate::math::{Mat, random::Rng};

    fn head() -> HeadTerms {
        let mut rng = Rng::new(3);
        let basis = TermBasis::new(Mat::identity(4, 4), Mat::identity(4, 4), vec![1.0; 4]).unwrap();
        let (q, k) = (rng.normal_matrix(3, 4), rng.normal_matrix(3, 4));
        HeadTerms::new(&basis, &q, &k, 0.5).unwrap()
    }

    fn edited(directions: &[usize], action: Action) -> Vec<f64> {
        let directions = directions.to_vec();
        Intervention { directions, action, dests: 1..2 }.apply(&head()).unwrap()
    }

    #[test]
    fn ablation_takes_exactly_the_chosen_terms_from_the_chosen_destination() {
        let head = head();
        let found = edited(&[0, 2], Action::Ablate);
        for src in 0..3 {
            let terms = head.terms(1, src).unwrap();
            assert!((found[3 + src] - terms[1] - terms[3]).abs() < 1e-12);
            assert_eq!(found[src], head.scores[src]);
            assert_eq!(found[6 + src], head.scores[6 + src]);
        }
        assert_eq!(edited(&[0, 2], Action::Scale(0.0)), found);
        let kept = edited(&[1, 3], Action::KeepOnly);
        assert!(kept.iter().zip(&found).all(|(a, b)| (a - b).abs() < 1e-12));
    }

    #[test]
    fn nothing_changes_by_scaling_with_one_or_by_swapping_a_source_with_itself() {
        assert_eq!(edited(&[0, 1], Action::Scale(1.0)), head().scores);
        assert_eq!(edited(&[0], Action::Swap { first: 2, second: 2 }), head().scores);
    }

    #[test]
    fn swapping_all_directions_swaps_the_scores() {
        let found = edited(&[0, 1, 2, 3], Action::Swap { first: 0, second: 2 });
        let scores = head().scores;
        let expected = [scores[5], scores[4], scores[3]];
        assert!(found[3..6].iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-12));
    }

    #[test]
    fn lists_name_each_vector_once() {
        assert_eq!(listed_directions("5-7, 0 3,6", 8), Ok(vec![0, 3, 5, 6, 7]));
        assert_eq!(listed_directions(" 2–1 ", 8), Ok(vec![1, 2]));
        for text in ["", "three", "1-", "-1", "1.5"] {
            assert_eq!(
                listed_directions(text, 8),
                Err(CircuitError::NotAList { text: text.to_owned() })
            );
        }
        assert!(matches!(
            listed_directions("0-18446744073709551615", 8),
            Err(CircuitError::OutOfRange { count: 8, .. })
        ));
    }

    #[test]
    fn what_does_not_exist_is_refused() {
        let head = head();
        for (directions, action, dests) in [
            (vec![4], Action::Ablate, 0..1),
            (vec![0], Action::Ablate, 0..4),
            (vec![0], Action::Swap { first: 0, second: 3 }, 0..1),
        ] {
            assert!(Intervention { directions, action, dests }.apply(&head).is_err());
        }
    }
}

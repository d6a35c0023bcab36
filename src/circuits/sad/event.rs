//! One look of one head at one position: its score, decomposed, with the controls beside it.

use serde::{Deserialize, Serialize};

use super::attribution::Cells;
use super::controls::{ControlDraws, ControlSparsity, Controls};
use super::sparsity::Sparsity;
use super::terms::{HeadTerms, RelativeAttention, View};
use crate::circuits::error::CircuitError;

/// One pair (dest, src) of one head, decomposed, with its controls beside it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SadEvent {
    /// Attention probability of the pair.
    pub attention: f64,
    /// The score before soft-cap, ALiBi and mask.
    pub score: f64,
    /// `[d_head]`: the score's terms.
    pub terms: Vec<f64>,
    /// What no singular vector carries of the score.
    pub remainder: f64,
    /// Relative attention and its terms.
    pub relative: RelativeAttention,
    /// How sparse the relative terms are.
    pub sparsity: Sparsity,
    /// The same in random bases.
    pub controls: ControlSparsity,
}

impl SadEvent {
    /// Decomposes one pair; `pattern` holds the head's attention, `[n_dest, n_src]`, row-major.
    ///
    /// `None` where relative attention is undefined (a single visible source) or the pair does not exist.
    pub fn of(
        head: &HeadTerms,
        controls: &Controls,
        pattern: &[f32],
        view: View,
        dest: usize,
        src: usize,
    ) -> Option<Self> {
        Self::with_draws(head, controls, pattern, view, dest, src).map(|(event, _)| event)
    }

    /// As [`SadEvent::of`], with every draw of the controls.
    pub(super) fn with_draws(
        head: &HeadTerms,
        controls: &Controls,
        pattern: &[f32],
        view: View,
        dest: usize,
        src: usize,
    ) -> Option<(Self, ControlDraws)> {
        let relative = head.relative(dest, view.visible(dest, head.n_src), src)?;
        let sparsity = Sparsity::toward(&relative.terms, relative.score);
        let draws = controls.draw(&relative);
        let event = Self {
            attention: pattern.get(dest * head.n_src + src).copied().map(f64::from)?,
            score: head.score(dest, src)?,
            terms: head.terms(dest, src)?,
            remainder: head.remainder(dest, src)?,
            sparsity,
            controls: draws.beside(&sparsity),
            relative,
        };
        Some((event, draws))
    }
}

/// The visible source with the highest attention in `pattern` `[n_dest, n_src]`; the first of equals. `None` outside it.
pub fn most_attended(pattern: &[f32], n_src: usize, view: View, dest: usize) -> Option<usize> {
    let row = pattern.get(dest * n_src..(dest + 1) * n_src)?;
    let visible = view.visible(dest, n_src);
    let pairs = row.iter().copied().enumerate().filter(|(src, _)| visible.contains(src));
    pairs.reduce(|best, next| if next.1 > best.1 { next } else { best }).map(|(src, _)| src)
}

impl Cells {
    /// One cell per singular vector: the scores of `dest` over its visible sources. What no vector carries comes as one last
    /// cell, so that the columns sum to the scores. Soft-cap and offset are the caller's to set.
    ///
    /// # Errors
    /// [`CircuitError::OutOfRange`] when there is no such destination.
    pub fn of_terms(head: &HeadTerms, view: View, dest: usize) -> Result<Self, CircuitError> {
        let (index, count) = (dest, head.n_dest);
        let a = head.dest(dest).ok_or(CircuitError::OutOfRange {
            what: "destination",
            index,
            count,
        })?;
        let visible = view.visible(dest, head.n_src);
        let term = |k: usize, a: f64, src: usize| {
            head.src(src).and_then(|b| b.get(k)).map_or(0.0, |b| head.scale * a * b)
        };
        let mut values: Vec<f64> = (a.iter().enumerate())
            .flat_map(|(k, &a)| visible.clone().map(move |src| term(k, a, src)))
            .collect();
        values.extend(visible.clone().map(|src| head.remainder(dest, src).unwrap_or(0.0)));
        Cells::new(visible.len(), values)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::circuits::sad::terms::TermBasis;
    use crate::math::{product_svd, random::Rng};
    use crate::model::architecture::Window;

    const WINDOW: View = View { causal: true, window: Some(Window::Last(3)) };

    fn head() -> HeadTerms {
        let mut rng = Rng::new(2);
        let (w_q, w_k) = (rng.normal_matrix(9, 4), rng.normal_matrix(9, 4));
        let basis = TermBasis::of(&product_svd(&w_q, &w_k).unwrap());
        HeadTerms::new(&basis, &rng.normal_matrix(6, 4), &rng.normal_matrix(6, 4), 0.5).unwrap()
    }

    #[test]
    fn the_most_attended_source_is_a_visible_one() {
        let mut pattern = vec![0.0; 36];
        (pattern[30], pattern[33], pattern[34]) = (0.9, 0.4, 0.4);
        assert_eq!(most_attended(&pattern, 6, WINDOW, 5), Some(3));
        let all = View { causal: false, window: None };
        assert_eq!(most_attended(&pattern, 6, all, 5), Some(0));
        assert_eq!(most_attended(&pattern, 6, all, 6), None);
    }

    #[test]
    fn an_event_holds_the_score_and_the_contrast_with_what_is_in_the_window() {
        let (head, pattern) = (head(), vec![0.25; 36]);
        let controls = Controls::new(&[3.0, 2.0, 1.0, 0.5], Default::default(), 0);
        let event = SadEvent::of(&head, &controls, &pattern, WINDOW, 5, 4).unwrap();
        assert_eq!((event.relative.n_visible, event.attention), (3, 0.25));
        assert!((event.terms.iter().sum::<f64>() + event.remainder - event.score).abs() < 1e-12);
        assert!(
            SadEvent::of(&head, &controls, &pattern, WINDOW, 5, 2).is_none(),
            "out of the window"
        );
        assert!(SadEvent::of(&head, &controls, &pattern, WINDOW, 0, 0).is_none());
    }

    #[test]
    fn cells_of_singular_vectors_add_up_to_the_scores() {
        let head = head();
        let cells = Cells::of_terms(&head, WINDOW, 5).unwrap();
        assert_eq!((cells.n_cells(), cells.n_sources), (5, 3));
        for (score, src) in cells.scores().into_iter().zip(3..6) {
            assert!((score - head.score(5, src).unwrap()).abs() < 1e-12);
        }
        assert!(Cells::of_terms(&head, WINDOW, 6).is_err());
    }
}

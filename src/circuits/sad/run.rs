//! Every head of a layer on one prompt: what `omega sad` prints and the page's grid shows.

use serde::{Deserialize, Serialize};

use super::controls::{ControlOptions, Controls, Spread};
use super::event::{SadEvent, most_attended};
use super::intervention::Intervention;
use super::terms::{HeadTerms, TermBasis, View};
use crate::circuits::error::CircuitError;
use crate::model::{Architecture, LayerTrace};

/// What a forward pass leaves of one layer on one prompt of `n` tokens, which see `n_src`, row-major.
#[derive(Debug, Clone, Copy)]
pub struct LayerRun<'a> {
    /// Number of tokens.
    pub n: usize,
    /// Number of tokens that can be seen: `n`, but in cross-attention.
    pub n_src: usize,
    /// `[n_heads, n, d_head]`: queries as they meet the keys.
    pub q: &'a [f32],
    /// `[n_kv_heads, n_src, d_head]`: keys; query head `h` uses `h / (n_heads / n_kv_heads)`.
    pub k: &'a [f32],
    /// `[n_heads, n, n_src]`: attention probabilities.
    pub pattern: &'a [f32],
    /// Number of query heads.
    pub n_heads: usize,
    /// Number of key/value heads.
    pub n_kv_heads: usize,
    /// What `q·k` is multiplied with.
    pub scale: f64,
    /// What a destination sees.
    pub view: View,
}

/// One head's queries, keys and pattern.
pub type HeadParts<'a> = (&'a [f32], &'a [f32], &'a [f32]);

impl<'a> LayerRun<'a> {
    /// The layer that a trace was recorded at; `None` when the architecture has no such layer, or no attention in it.
    pub fn of(arch: &Architecture, trace: &'a LayerTrace) -> Option<Self> {
        let attention = arch.attention(trace.layer)?;
        Some(Self {
            n: trace.n,
            n_src: trace.n_src,
            q: &trace.q,
            k: &trace.k,
            pattern: &trace.pattern,
            n_heads: attention.sizes.n_heads,
            n_kv_heads: attention.sizes.n_kv_heads,
            scale: attention.score_scale,
            view: View { causal: attention.causal, window: attention.window },
        })
    }

    /// Queries `[n, d_head]`, keys `[n_src, d_head]` and pattern `[n, n_src]` of one head.
    ///
    /// # Errors
    /// [`CircuitError::OutOfRange`] when there is no such head or its values are missing.
    pub fn head(&self, head: usize) -> Result<HeadParts<'a>, CircuitError> {
        let group = self.n_heads.checked_div(self.n_kv_heads).unwrap_or(0).max(1);
        let part = |all: &'a [f32], count: usize, at: usize| {
            let width = all.len().checked_div(count)?;
            all.get(at * width..(at + 1) * width)
        };
        let q = part(self.q, self.n_heads, head);
        let k = part(self.k, self.n_kv_heads, head / group);
        let pattern = part(self.pattern, self.n_heads, head);
        let absent = CircuitError::OutOfRange { what: "head", index: head, count: self.n_heads };
        match (q, k, pattern) {
            (Some(q), Some(k), Some(pattern)) => Ok((q, k, pattern)),
            _ => Err(absent),
        }
    }

    /// One head's scores, all pairs.
    ///
    /// # Errors
    /// [`CircuitError`] when the head does not exist or the basis has another width.
    pub fn terms(&self, head: usize, basis: &TermBasis) -> Result<HeadTerms, CircuitError> {
        let (q, k, _) = self.head(head)?;
        HeadTerms::from_f32(basis, q, k, self.scale)
    }
}

/// What relative positions added to a head's scores, `[n, n_src]`; empty where they add nothing.
pub fn position_scores(trace: &LayerTrace, head: usize) -> &[f32] {
    let size = trace.n * trace.n_src;
    trace.position_scores.get(head * size..(head + 1) * size).unwrap_or_default()
}

/// A head's scores `[n, n_src]` after an intervention, as the forward pass's edit hook takes them: soft-capped, ALiBi and what
/// relative positions add (`position_scores`, empty where there is nothing) included, not masked. Scores that the intervention leaves alone come out as they were.
///
/// # Errors
/// What [`Intervention::apply`] says, and [`CircuitError::OutOfRange`] for a layer that does not exist.
pub fn edited_scores(
    arch: &Architecture,
    (layer, head): (usize, usize),
    terms: &HeadTerms,
    intervention: &Intervention,
    position_scores: &[f32],
) -> Result<Vec<f32>, CircuitError> {
    let count = arch.n_layers;
    let found = arch.attention(layer);
    let found = found.ok_or(CircuitError::OutOfRange { what: "layer", index: layer, count })?;
    let alibi = arch.alibi.as_ref().map(|alibi| (alibi, head));
    let edited = intervention.apply(terms)?;
    let finish = |(at, score): (usize, &f64)| {
        // The model's own function takes q·k, before the scale.
        let at_src = found.score(score / terms.scale, alibi, at % terms.n_src);
        (at_src + position_scores.get(at).map_or(0.0, |&x| f64::from(x))) as f32
    };
    Ok(edited.iter().enumerate().map(finish).collect())
}

/// Which pair is looked at, and how the controls are drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Look {
    /// The position that looks; the last one when `None`.
    pub dest: Option<usize>,
    /// The position looked at; the most attended one when `None`.
    pub src: Option<usize>,
    /// How the controls are drawn.
    pub controls: ControlOptions,
}

/// One head's look at one position, decomposed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct HeadSad {
    /// The head's layer.
    pub layer: usize,
    /// The head's number.
    pub head: usize,
    /// The position that looks.
    pub dest: usize,
    /// The position looked at.
    pub src: usize,
    /// Attention probability.
    pub attention: f64,
    /// The score before soft-cap, ALiBi and mask, scale included.
    pub score: f64,
    /// Relative attention; `None` when the destination sees one source only, and all that follows from it with it.
    pub relative: Option<f64>,
    /// `[d_head]`: the score's terms.
    pub terms: Vec<f64>,
    /// `[d_head]`: the terms of relative attention.
    pub relative_terms: Option<Vec<f64>>,
    /// Score minus all terms.
    pub remainder: f64,
    /// The largest remainder over all pairs of the prompt, as a share of the largest score: how far the terms are from
    /// adding up.
    pub remainder_share: f64,
    /// Rolls–Tovee sparseness of the relative terms; lower is sparser.
    pub sparseness: Option<f64>,
    /// Terms needed for the whole relative attention; `None` where no number of terms is enough, because of a remainder.
    pub n_recon: Option<usize>,
    /// Terms needed for nine tenths of it.
    pub n_recon_90: Option<usize>,
    /// The same in random bases.
    pub controls: Option<HeadControls>,
}

/// The controls as they are printed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct HeadControls {
    /// One rotation that keeps every score.
    pub basis: Spread,
    /// Independent rotations of both sides: scores change.
    pub subspace: Spread,
    /// Directions drawn anew that make the same score.
    pub matched: Spread,
    /// The weakest margin: the largest of the three p. Sparser than chance is what beats every control.
    pub p: Option<f64>,
    /// Seed of the rotations.
    pub seed: u32,
    /// How many of each kind.
    pub draws: usize,
}

impl HeadSad {
    /// Decomposes one head's look; `basis` comes from the SVD of its `W_Q W_Kᵀ`.
    ///
    /// # Errors
    /// [`CircuitError`] when the head or a position does not exist, a source is hidden, or the basis has another width.
    pub fn of(
        run: &LayerRun<'_>,
        (layer, head): (usize, usize),
        basis: &TermBasis,
        look: Look,
    ) -> Result<Self, CircuitError> {
        let all = run.terms(head, basis)?;
        let (_, _, pattern) = run.head(head)?;
        let dest = look.dest.unwrap_or(run.n.saturating_sub(1));
        let (n_src, view) = (run.n_src, run.view);
        let absent = |what, index| CircuitError::OutOfRange { what, index, count: run.n };
        let attended =
            most_attended(pattern, n_src, view, dest).ok_or(absent("destination", dest))?;
        let src = look.src.unwrap_or(attended);
        if !view.visible(dest, n_src).contains(&src) {
            return Err(absent("visible source", src));
        }
        let stream = (layer * run.n_heads + head) as u32;
        let controls = Controls::of_one_look(&basis.s, look.controls, stream);
        let event = SadEvent::of(&all, &controls, pattern, view, dest, src);
        let sparsity = event.as_ref().map(|event| event.sparsity);
        let missing = || absent("position", dest.max(src));
        Ok(Self {
            layer,
            head,
            dest,
            src,
            attention: pattern
                .get(dest * n_src + src)
                .copied()
                .map(f64::from)
                .ok_or_else(missing)?,
            score: all.score(dest, src).ok_or_else(missing)?,
            relative: event.as_ref().map(|event| event.relative.score),
            terms: all.terms(dest, src).ok_or_else(missing)?,
            relative_terms: event.as_ref().map(|event| event.relative.terms.clone()),
            remainder: all.remainder(dest, src).ok_or_else(missing)?,
            remainder_share: all.remainder_share(),
            sparseness: sparsity.and_then(|s| s.sparseness),
            n_recon: sparsity.and_then(|s| s.n_recon),
            n_recon_90: sparsity.and_then(|s| s.n_recon_90),
            controls: event.map(|event| HeadControls {
                p: event.controls.p(),
                matched: event.controls.matched,
                basis: event.controls.basis,
                subspace: event.controls.subspace,
                seed: look.controls.seed,
                draws: look.controls.draws,
            }),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::math::{layout::to_row_major_f32, product_svd, random::Rng};

    #[test]
    fn grouped_heads_share_their_keys_and_each_pair_is_explained() {
        let mut rng = Rng::new(6);
        let (w_q, w_k) = (rng.normal_matrix(8, 3), rng.normal_matrix(8, 3));
        let basis = TermBasis::of(&product_svd(&w_q, &w_k).unwrap());
        let (q, k) = (rng.normal_matrix(4 * 5, 3), rng.normal_matrix(2 * 5, 3));
        let (q, k) = (to_row_major_f32(&q), to_row_major_f32(&k));
        let pattern = vec![0.2; 4 * 25];
        let run = LayerRun {
            n: 5,
            n_src: 5,
            q: &q,
            k: &k,
            pattern: &pattern,
            n_heads: 4,
            n_kv_heads: 2,
            scale: 0.5,
            view: View { causal: true, window: None },
        };
        assert_eq!(run.head(3).unwrap().1, &k[15..30]);
        assert!(run.head(4).is_err());
        let sad = HeadSad::of(&run, (1, 2), &basis, Look::default()).unwrap();
        assert_eq!((sad.layer, sad.head, sad.dest, sad.src), (1, 2, 4, 0));
        let dot: f64 = (0..3).map(|d| f64::from(q[2 * 15 + 12 + d]) * f64::from(k[15 + d])).sum();
        assert!((sad.score - 0.5 * dot).abs() < 1e-12);
        assert!(sad.remainder_share < 1e-10 && sad.controls.is_some());
        let look = |dest, src| Look { dest: Some(dest), src: Some(src), ..Look::default() };
        let first = HeadSad::of(&run, (1, 2), &basis, look(0, 0)).unwrap();
        assert!(first.relative.is_none() && first.controls.is_none() && first.terms.len() == 3);
        for (dest, src) in [(2, 3), (5, 0), (4, 5)] {
            assert!(HeadSad::of(&run, (1, 2), &basis, look(dest, src)).is_err());
        }
    }
}

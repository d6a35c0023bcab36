//! One edge by itself: what its component adds to the scores of its firing through each direction of the head that reads.
//!
//! The walk zeroes cells one after the other; here the cells of one edge go together, from the intact scores. So an edge can be
//! taken out of a run of the model, and its singular vectors held against other directions.

use std::ops::Range;

use super::firing::{Part, SideImages, Taken};
use super::graph::{Edge, Side};
use super::head::{shrink, stretch};
use super::layer::Readers;
use super::options::{Rule, TraceOptions};
use super::run::{CleanRun, Scoring};
use crate::circuits::error::CircuitError;
use crate::math::order::distinct;
use crate::math::reflections::Reflections;

/// The coefficients of one edge on both sides of its head, at every token that the destination sees.
pub struct EdgeTerms<'a> {
    scoring: Scoring<'a>,
    visible: Range<usize>,
    /// The source's place among the visible ones.
    j: usize,
    /// Intact scores over the visible tokens, and what is added behind the cap.
    scores: Vec<f64>,
    added: Vec<f64>,
    /// `[d_head]` on the query's side, σ included; `[n_visible, d_head]` on the keys'.
    dest: Vec<f64>,
    src: Vec<Vec<f64>>,
    s: &'a [f64],
    k: Vec<usize>,
}

/// The terms of edges into heads of `layer`; `None` where no singular vector is involved.
///
/// # Errors
/// What reading or decomposing says.
pub fn with_terms<T>(
    run: CleanRun<'_>,
    layer: usize,
    edges: &[&Edge],
    options: &TraceOptions,
    mut each: impl FnMut(&Edge, Option<EdgeTerms<'_>>) -> T,
) -> Result<Vec<T>, CircuitError> {
    let heads = distinct(edges.iter().map(|edge| edge.to.head));
    let readers = Readers::of(run, layer, heads, options.rule, None)?;
    let mut found = Vec::with_capacity(edges.len());
    for edge in edges {
        let terms = readers.of_head(edge.to.head).and_then(|(head, of_dest, of_src)| {
            let attention = run.attends(layer, edge.to.head, edge.to.dest, edge.to.src);
            let taken = Taken::new(head, edge.to, attention, 0.0, options.rule);
            EdgeTerms::of(&taken, edge, of_dest, of_src)
        });
        found.push(each(edge, terms));
    }
    Ok(found)
}

impl<'a> EdgeTerms<'a> {
    fn of(
        taken: &Taken<'a>,
        edge: &Edge,
        of_dest: SideImages<'_>,
        of_src: SideImages<'_>,
    ) -> Option<Self> {
        let (head, part) = (taken.head, Part::of(&edge.from)?);
        if edge.k.is_empty() {
            return None;
        }
        let nothing = || vec![0.0; head.d_head];
        let (dest, src) = match edge.side {
            Side::Dest => {
                let keys = taken.visible.clone().map(|t| head.src.whole(t).to_vec());
                (taken.share(&head.dest, of_dest, part, edge.to.dest)?, keys.collect())
            }
            Side::Src => {
                let own = edge.from.dest;
                let at = |t: usize| {
                    let there = taken.rule == Rule::Accpp || t == own;
                    let share = there.then(|| taken.share(&head.src, of_src, part, t)).flatten();
                    share.unwrap_or_else(nothing)
                };
                (head.dest.whole(edge.to.dest).to_vec(), taken.visible.clone().map(at).collect())
            }
        };
        Some(Self {
            scoring: head.scoring,
            visible: taken.visible.clone(),
            j: taken.j,
            scores: head.scores(edge.to.dest).to_vec(),
            added: taken.added.clone(),
            dest,
            src,
            s: &head.s,
            k: edge.k.clone(),
        })
    }

    /// Width of the head.
    pub(super) fn d_head(&self) -> usize {
        self.s.len()
    }

    /// The tokens that the destination sees.
    pub fn visible(&self) -> Range<usize> {
        self.visible.clone()
    }

    /// Bilinear scores over the visible tokens without `share` of what the edge adds.
    pub fn scores_without(&self, share: f64) -> Vec<f64> {
        let row = self.row(&self.dest, &self.src, &self.k);
        self.scores.iter().zip(row).map(|(score, x)| score - share * x).collect()
    }

    /// By how much the attention falls when all that the edge adds is taken away at once.
    pub fn fall(&self) -> f64 {
        self.fall_without(&self.row(&self.dest, &self.src, &self.k))
    }

    /// The same for as many directions of the basis `U√S Q`, `V√S Q`.
    ///
    /// Its directions are exchangeable, so the first ones are as good as any others.
    pub(super) fn fall_turned(&self, rotation: &Reflections) -> f64 {
        let turned = |row: &[f64], by: fn(f64) -> f64| {
            let mut row: Vec<f64> = row.iter().zip(self.s).map(|(x, s)| x * by(*s)).collect();
            rotation.turn(&mut row);
            row
        };
        let dest = turned(&self.dest, shrink);
        let src: Vec<Vec<f64>> = self.src.iter().map(|row| turned(row, stretch)).collect();
        let any: Vec<usize> = (0..self.k.len()).collect();
        self.fall_without(&self.row(&dest, &src, &any))
    }

    /// `Σ_k` of the terms through directions `k`, at every visible token.
    fn row(&self, dest: &[f64], src: &[Vec<f64>], k: &[usize]) -> Vec<f64> {
        let scale = self.scoring.scale();
        let dot = |row: &Vec<f64>| scale * k.iter().map(|&k| dest[k] * row[k]).sum::<f64>();
        src.iter().map(dot).collect()
    }

    fn fall_without(&self, row: &[f64]) -> f64 {
        let left: Vec<f64> = self.scores.iter().zip(row).map(|(score, x)| score - x).collect();
        let at = |scores: &[f64]| {
            self.scoring.attention(1.0, scores, &self.added).get(self.j).copied().unwrap_or(0.0)
        };
        at(&self.scores) - at(&left)
    }
}

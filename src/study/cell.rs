//! One cell of one head's pattern, taken apart: terms with their controls, where they come from, what earlier rules keep.

use serde::{Deserialize, Serialize};

use super::stamp::Stamp;
use super::{StudyError, python};
use crate::circuits::convention::Convention;
use crate::circuits::sad::attribution::{Cells, Removal, dynamic_threshold};
use crate::circuits::sad::components::model::split_head;
use crate::circuits::sad::components::{Component, ComponentTerms};
use crate::circuits::sad::controls::{ControlOptions, Controls};
use crate::circuits::sad::event::SadEvent;
use crate::circuits::sad::run::LayerRun;
use crate::circuits::sad::sparsity::prefix_rule_2024;
use crate::circuits::sad::terms::{HeadTerms, TermBasis};
use crate::math::statistics::ranked;
use crate::model::forward::LayerTrace;
use crate::model::{AttentionLayer, Model, Part as Matrices, Weights};

/// One cell of one head's pattern.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
pub struct CellAt {
    /// The layer.
    pub layer: usize,
    /// The head.
    pub head: usize,
    /// The position that looks.
    pub dest: usize,
    /// The position looked at.
    pub src: usize,
}

impl CellAt {
    pub(super) fn none(self) -> StudyError {
        StudyError::NotDecomposed { layer: self.layer, head: self.head }
    }
}

/// Everything about one cell.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Cell {
    /// Which cell.
    pub at: CellAt,
    /// Singular values of the head's Ω.
    pub sigma: Vec<f64>,
    /// The score's terms with their controls; `None` where the destination sees one source only.
    pub event: Option<SadEvent>,
    /// The terms of relative attention in one random basis, drawn with the first seed: what chance looks like.
    pub control_terms: Vec<f64>,
    /// Each token's coefficient on each destination-side vector, `[n, d_head]`.
    pub dest_coefficients: Vec<f32>,
    /// Each token's coefficient on each source-side vector, `[n, d_head]`.
    pub src_coefficients: Vec<f32>,
    /// The singular vectors that the rules of earlier work keep.
    pub rules: Rules,
    /// How far the terms are from adding up: largest remainder over largest score.
    pub remainder_share: f64,
    /// Where the terms come from, destination side; empty with a reason in `unsplit`.
    pub dest_parts: Vec<Part>,
    /// Where the terms come from, source side.
    pub src_parts: Vec<Part>,
    /// Why there are no parts.
    pub unsplit: Option<String>,
    /// Python that finds the same terms; empty where there are none.
    pub python: String,
}

impl Cell {
    /// One past the last position that `dest` can see: itself in a causal model, the end of the prompt in one that sees both
    /// ways.
    pub fn seen_from(&self, dest: usize) -> usize {
        let visible = self.event.as_ref().map_or(0, |event| event.relative.n_visible);
        if visible > dest + 1 { visible } else { dest + 1 }
    }
}

/// Which singular vectors the rules of earlier work call the explanation of a score.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Rules {
    /// The 2024 rule: the shortest descending prefix whose sum exceeds the score.
    pub prefix_2024: Vec<usize>,
    /// ACC++: vectors removed in the order of their integrated gradients until attention falls under a threshold. The number
    /// after the last vector stands for what no vector carries.
    pub removal: Option<Removal>,
}

/// What one upstream component contributes to the relative attention of a cell.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Part {
    /// Which component.
    pub component: Component,
    /// Its contribution, all singular vectors together.
    pub total: f64,
    /// Its contribution through each singular vector, `[d_head]`.
    pub terms: Vec<f64>,
}

/// Takes one cell of a prompt's traces apart.
///
/// # Errors
/// [`StudyError::NotDecomposed`] if there is no trace of its layer; what reading or the circuits layer says.
pub fn cell(
    model: &Model,
    traces: &[LayerTrace],
    basis: &TermBasis,
    at: CellAt,
    convention: &Convention,
) -> Result<Cell, StudyError> {
    let trace = traces.iter().find(|t| t.layer == at.layer).ok_or_else(|| at.none())?;
    let layer_run = LayerRun::of(&model.arch, trace).ok_or_else(|| at.none())?;
    let terms = layer_run.terms(at.head, basis)?;
    let (q, k, pattern) = layer_run.head(at.head)?;
    let stream = (at.layer * layer_run.n_heads + at.head) as u32;
    let options = ControlOptions::default();
    let controls = Controls::of_one_look(&basis.s, options, stream);
    let event = SadEvent::of(&terms, &controls, pattern, layer_run.view, at.dest, at.src);
    let control_terms = event
        .as_ref()
        .and_then(|e| controls.basis_terms(&e.relative).into_iter().next())
        .unwrap_or_default();

    let (mut dest_parts, mut src_parts, mut unsplit) = (Vec::new(), Vec::new(), None);
    if let Some(event) = &event {
        let weights =
            AttentionLayer::read(model, at.layer, Matrices::Qk)?.head(at.head, Weights::Folded)?;
        match split_head(model, traces, (at.layer, at.head), &weights, basis) {
            Ok((dest, src)) => {
                dest_parts = dest.dest_terms(&event.relative).map(parts).unwrap_or_default();
                src_parts =
                    src.src_terms(&event.relative, layer_run.view).map(parts).unwrap_or_default();
            }
            Err(reason) => unsplit = Some(reason.to_string()),
        }
    }
    let rules = Rules {
        prefix_2024: event.as_ref().map(|e| prefix_rule_2024(&e.terms)).unwrap_or_default(),
        removal: removal(model, trace, &layer_run, &terms, at),
    };
    let python = match &event {
        Some(_) => {
            let (d_head, visible) = (basis.d_head(), layer_run.view.visible(at.dest, trace.n_src));
            let wide = |rows: std::ops::Range<usize>, of: &[f32]| -> Vec<f64> {
                let values = of.get(rows.start * d_head..rows.end * d_head).unwrap_or_default();
                values.iter().map(|&x| f64::from(x)).collect()
            };
            let (q, keys) = (wide(at.dest..at.dest + 1, q), wide(visible.clone(), k));
            let (src, scale) = (at.src.saturating_sub(visible.start), layer_run.scale);
            let seen = python::LookedAt { q: &q, keys: &keys, src, scale };
            python::cell(model, at, &seen, &Stamp::of_model(convention).terms(options))?
        }
        None => String::new(),
    };
    let coefficients = |values: &[f64]| values.iter().map(|&x| x as f32).collect();
    Ok(Cell {
        at,
        sigma: basis.s.clone(),
        event,
        control_terms,
        dest_coefficients: coefficients(&terms.dest_coefficients),
        src_coefficients: coefficients(&terms.src_coefficients),
        rules,
        remainder_share: terms.remainder_share(),
        dest_parts,
        src_parts,
        unsplit,
        python,
    })
}

/// ACC++ on one cell: soft-cap and what is added after it as the forward pass had them.
fn removal(
    model: &Model,
    trace: &LayerTrace,
    run: &LayerRun<'_>,
    terms: &HeadTerms,
    at: CellAt,
) -> Option<Removal> {
    let visible = run.view.visible(at.dest, terms.n_src);
    let src = at.src.checked_sub(visible.start)?;
    let mut cells = Cells::of_terms(terms, run.view, at.dest).ok()?;
    cells.soft_cap = model.attention(at.layer).ok()?.score_cap;
    let capped = |x: f64| cells.soft_cap.map_or(x, |cap| cap * (x / cap).tanh());
    let row = (at.head * trace.n + at.dest) * trace.n_src;
    let seen = trace.scores.get(row + visible.start..row + visible.end)?;
    let bare = cells.scores();
    cells.offset = seen.iter().zip(&bare).map(|(&s, &x)| f64::from(s) - capped(x)).collect();
    cells.greedy_removal(src, dynamic_threshold(visible.len())).ok()
}

/// The components, strongest first.
fn parts(terms: ComponentTerms) -> Vec<Part> {
    let totals = terms.totals(None);
    let rows = terms.terms.chunks_exact(terms.d_head.max(1));
    let parts: Vec<Part> = (terms.components.iter().zip(totals).zip(rows))
        .map(|((&component, total), row)| Part { component, total, terms: row.to_vec() })
        .collect();
    ranked(&parts, |part| part.total.abs())
}

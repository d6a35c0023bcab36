//! One cell of one head's pattern, taken apart; and the model rerun with a part of it changed.

use super::super::{Engine, Maker};
use super::run::{guesses, next_probabilities};
use crate::circuits::sad::attribution::{Cells, Removal, dynamic_threshold};
use crate::circuits::sad::components::ComponentTerms;
use crate::circuits::sad::components::model::split_head;
use crate::circuits::sad::controls::{ControlOptions, Controls};
use crate::circuits::sad::event::SadEvent;
use crate::circuits::sad::intervention::Intervention;
use crate::circuits::sad::run::{LayerRun, edited_scores};
use crate::circuits::sad::sparsity::prefix_rule_2024;
use crate::circuits::sad::terms::HeadTerms;
use crate::math::statistics::ranked;
use crate::model::forward::{ForwardPass, LayerTrace, Site};
use crate::model::{AttentionLayer, Model, Part as Matrices, Weights};
use crate::protocol::attention::{
    Cell, CellAt, Changed, Guess, Part, Rules, Tell as AttentionTell,
};
use crate::protocol::{Failure, Out, Tell};

/// Everything about one cell.
pub(super) fn cell(engine: &mut Engine, at: CellAt, out: Out<'_>) -> Result<(), Failure> {
    engine.bases(at.layer)?;
    let (model, memory) = engine.attention()?;
    let none = || Failure::new(format!("L{}H{} cannot be decomposed", at.layer, at.head));
    let basis = memory.bases.get(&(at.layer, at.head)).ok_or_else(none)?;
    let run = memory.run.as_ref().ok_or_else(none)?;
    let trace = run.traces.get(at.layer).ok_or_else(none)?;
    let layer_run = LayerRun::of(&model.arch, trace).ok_or_else(none)?;
    let terms = layer_run.terms(at.head, basis)?;
    let (_, _, pattern) = layer_run.head(at.head)?;
    let options = ControlOptions::default();
    let stream = (at.layer * layer_run.n_heads + at.head) as u32;
    let controls = Controls::new(&basis.s, options, stream);
    let event = SadEvent::of(&terms, &controls, pattern, layer_run.view, at.dest, at.src);
    let control_terms = event
        .as_ref()
        .and_then(|e| controls.basis_terms(&e.relative).into_iter().next())
        .unwrap_or_default();

    let (mut dest_parts, mut src_parts, mut unsplit) = (Vec::new(), Vec::new(), None);
    if let Some(event) = &event {
        let weights =
            AttentionLayer::read(model, at.layer, Matrices::Qk)?.head(at.head, Weights::Folded)?;
        match split_head(model, &run.traces, (at.layer, at.head), &weights, basis) {
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
    let coefficients = |values: &[f64]| values.iter().map(|&x| x as f32).collect();
    let cell = Cell {
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
    };
    out(Tell::Attention(AttentionTell::Cell(Box::new(cell))), Vec::new());
    Ok(())
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
    cells.soft_cap = model.layer(at.layer).ok()?.attention.score_cap;
    let capped = |x: f64| cells.soft_cap.map_or(x, |cap| cap * (x / cap).tanh());
    let row = (at.head * trace.n + at.dest) * trace.n;
    let seen = trace.scores.get(row + visible.start..row + visible.end)?;
    let bare = cells.scores();
    cells.offset = seen.iter().zip(&bare).map(|(&s, &x)| f64::from(s) - capped(x)).collect();
    cells.greedy_removal(src, dynamic_threshold(at.dest)).ok()
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

/// Reruns the model from the cell's layer on with an edit of its head's scores.
pub(super) async fn change(
    engine: &mut Engine,
    at: CellAt,
    intervention: &Intervention,
    out: Out<'_>,
) -> Result<(), Failure> {
    engine.bases(at.layer)?;
    let labels = engine.tokenizer.as_ref();
    let label = |id: u32| labels.map_or_else(|| format!("#{id}"), |t| t.label(id));
    let model = engine.model.as_ref().ok_or_else(|| Failure::new("no model is open"))?;
    let memory = &engine.attention;
    let none = || Failure::new(format!("L{}H{} cannot be decomposed", at.layer, at.head));
    let basis = memory.bases.get(&(at.layer, at.head)).ok_or_else(none)?;
    let run = memory.run.as_ref().ok_or_else(none)?;
    let trace = run.traces.get(at.layer).ok_or_else(none)?;
    let terms = LayerRun::of(&model.arch, trace).ok_or_else(none)?.terms(at.head, basis)?;
    let edited = edited_scores(&model.arch, (at.layer, at.head), &terms, intervention)?;

    let n = trace.n;
    let mut pass = ForwardPass::of_hidden(model, at.layer, vec![n], trace.resid_pre.clone())?;
    let mut edit = |site: Site, scores: &mut [f32]| {
        if site.head == at.head && scores.len() == edited.len() {
            scores.copy_from_slice(&edited);
        }
    };
    let products = &mut Maker::default();
    let after = pass.step_by(products, model, true, Some(&mut edit)).await?;
    while pass.next_layer() < model.arch.n_layers {
        pass.step_by(products, model, false, None).await?;
        out(Tell::Progress { done: pass.next_layer(), total: model.arch.n_layers }, Vec::new());
    }
    let row = |pattern: &[f32]| -> Vec<f32> {
        let start = (at.head * n + at.dest) * n;
        pattern.get(start..start + n).map(<[f32]>::to_vec).unwrap_or_default()
    };
    let next_before = run.next.clone();
    let mut next_after = guesses(model, &pass, products, n - 1, &label).await?;
    if !next_before.is_empty() {
        // The tokens that were likely before are shown after, however unlikely they have become.
        let probabilities = next_probabilities(model, &pass, products, n - 1).await?;
        for guess in &next_before {
            if next_after.iter().all(|g| g.id != guess.id) {
                let probability = probabilities.get(guess.id as usize).copied().unwrap_or(0.0);
                next_after.push(Guess { probability, ..guess.clone() });
            }
        }
    }
    let changed = Changed {
        attention_before: row(&trace.pattern),
        attention_after: after.first().map(|t| row(&t.pattern)).unwrap_or_default(),
        next_before,
        next_after,
    };
    out(Tell::Attention(AttentionTell::Changed(changed)), Vec::new());
    Ok(())
}

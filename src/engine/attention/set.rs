//! A set of prompts run through the model, every head measured against its controls.

use super::super::{Engine, heads};
use crate::circuits::prompts::{Content, Located, Prompt, generate, own_list, repeated_tokens};
use crate::circuits::sad_run::LayerRun;
use crate::circuits::sad_set::{EventSummary, HeadSet, Measures};
use crate::model::tokenizer::{Start, Tokenizer};
use crate::model::{ForwardPass, Model, Weights};
use crate::worker::protocol::attention::{
    SetEvent, SetHead, SetSpec, SetTask, Tell as AttentionTell,
};
use crate::worker::protocol::{Failure, Out, Tell};

/// Length of the list that is repeated in the induction task.
const LIST: usize = 10;

/// Prompts that go through the model together: their traces of one layer are in memory at a time.
const BATCH: usize = 32;

/// Measures every head over a set.
pub(super) fn set(engine: &mut Engine, spec: &SetSpec, out: Out<'_>) -> Result<(), Failure> {
    engine.load_tokenizer()?;
    let n_layers = engine.model()?.arch.n_layers;
    for layer in 0..n_layers {
        engine.bases(layer)?;
    }
    let tokenizer = engine.tokenizer.as_ref();
    let model = engine.model.as_ref().ok_or_else(|| Failure::new("no model is open"))?;
    let (prompts, located) = prompts(model, tokenizer, spec)?;
    let mut heads: Vec<((usize, usize), HeadSet)> = (engine.attention.bases.iter())
        .map(|(&(layer, head), basis)| {
            let stream = (layer * model.arch.n_heads + head) as u32;
            ((layer, head), HeadSet::new(basis.clone(), spec.options, stream))
        })
        .collect();
    heads.sort_by_key(|(at, _)| *at);

    let (mut correct, mut answered) = (0, 0);
    let steps = located.chunks(BATCH).len() * n_layers;
    for (batch, (prompts, located)) in prompts.chunks(BATCH).zip(located.chunks(BATCH)).enumerate()
    {
        let ids: Vec<Vec<u32>> = located.iter().map(|l| l.ids.clone()).collect();
        let mut pass = ForwardPass::of_tokens(model, &ids)?;
        for layer in 0..n_layers {
            let traces = pass.step(model, true, None)?;
            for (trace, located) in traces.iter().zip(located) {
                let Some(run) = LayerRun::of(&model.arch, trace) else { continue };
                for ((_, head), set) in heads.iter_mut().filter(|((l, _), _)| *l == layer) {
                    set.add(run.head(*head)?, run.scale, run.view, located.dest, located.src)?;
                }
            }
            out(Tell::Progress { done: batch * n_layers + layer + 1, total: steps }, Vec::new());
        }
        if model.arch.unembedding.is_none() {
            continue;
        }
        let ends: Vec<(usize, usize)> = located.iter().map(|l| l.dest).enumerate().collect();
        let logits = pass.logits(model, &ends)?;
        let width = logits.len() / ends.len().max(1);
        for (prompt, logits) in prompts.iter().zip(logits.chunks_exact(width.max(1))) {
            if let Some(answer) = prompt.score(logits) {
                answered += 1;
                correct += usize::from(answer.correct);
            }
        }
    }
    for ((layer, head), set) in &heads {
        out(
            Tell::Attention(AttentionTell::SetHead(Box::new(summary(
                *layer,
                *head,
                set,
                !spec.series,
            )))),
            Vec::new(),
        );
    }
    let label = |ids: &[u32]| {
        tokenizer.map_or_else(String::new, |t| ids.iter().map(|&id| t.label(id)).collect())
    };
    let example = match prompts.first().map(|p| &p.content) {
        Some(Content::Text { text, .. }) => text.clone(),
        Some(Content::Ids { ids, .. }) => label(ids),
        None => String::new(),
    };
    let correct = (answered > 0).then_some(correct);
    out(Tell::Attention(AttentionTell::SetDone { n: located.len(), correct, example }), Vec::new());
    let mut layers = if spec.series { 0..n_layers } else { 0..0 };
    layers.try_for_each(|layer| heads::spectra(engine, layer, Weights::Folded, out))
}

fn prompts(
    model: &Model,
    tokenizer: Option<&Tokenizer>,
    spec: &SetSpec,
) -> Result<(Vec<Prompt>, Vec<Located>), Failure> {
    let single = |word: &str| {
        let tokenizer = tokenizer?;
        tokenizer.single(word).or_else(|| tokenizer.single(word.trim_start()))
    };
    let prompts = match &spec.task {
        SetTask::Repeated => {
            let ids: Vec<u32> = (0..model.arch.d_vocab.unwrap_or(0) as u32).collect();
            repeated_tokens(spec.n, LIST.min(ids.len().saturating_sub(1)), &ids, spec.seed)?
        }
        _ if tokenizer.is_none() => {
            let mut failure =
                Failure::new("these prompts are words, and there is no tokenizer to read them");
            failure.hint =
                "Drop tokenizer.json together with the model, or use repeated random tokens."
                    .into();
            return Err(failure);
        }
        SetTask::Task(task) => generate(*task, spec.n, spec.seed, single)?,
        SetTask::Own(list) => own_list(list, single),
    };
    let start = match tokenizer.map(Tokenizer::start) {
        Some(Start::Bos { id, .. }) if model.arch.prepend_bos => vec![*id],
        Some(Start::Frame { before, .. }) if model.arch.prepend_bos => before.clone(),
        _ => Vec::new(),
    };
    let encode =
        |text: &str| tokenizer.and_then(|t| t.encode(text, false).ok()).unwrap_or_default();
    let located =
        prompts.iter().map(|p| p.locate(encode, &start)).collect::<Result<Vec<_>, _>>()?;
    if located.is_empty() {
        Err(Failure::new("the set has no prompts"))
    } else {
        Ok((prompts, located))
    }
}

fn summary(layer: usize, head: usize, set: &HeadSet, with_events: bool) -> SetHead {
    let report = set.report();
    let three = |of: fn(&Measures) -> Option<f64>| {
        [of(&report.real), of(&report.basis), of(&report.subspace)]
    };
    let n = report.events.len();
    SetHead {
        layer,
        head,
        n_events: n,
        attention: report.events.iter().map(|e| e.attention).sum::<f64>() / n.max(1) as f64,
        sparseness: three(|m| m.sparseness.map(|d| d.mean)),
        n_recon: three(|m| m.n_recon.map(|d| d.mean)),
        n_recon_90: three(|m| m.n_recon_90.map(|d| d.mean)),
        recurring: report.recurring.iter().take(5).map(|r| (r.k, r.share)).collect(),
        largest: report.largest,
        variance_shares: report.variance_shares,
        events: report.events.iter().filter(|_| with_events).map(event).collect(),
    }
}

fn event(of: &EventSummary) -> SetEvent {
    let (basis, subspace) = (&of.controls.basis, &of.controls.subspace);
    let n_recon_90 = of.sparsity.n_recon_90.map(|n| n as f64);
    SetEvent {
        relative: of.relative,
        attention: of.attention,
        sparseness: [of.sparsity.sparseness, basis.sparseness, subspace.sparseness],
        n_recon_90: [n_recon_90, basis.n_recon_90, subspace.n_recon_90],
    }
}

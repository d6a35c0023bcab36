//! Answers about attention: run a prompt, take scores apart, change a part, measure a set.

mod run;
pub(super) mod set;

use std::collections::HashMap;

#[cfg(feature = "gpu")]
use super::on_gpu;
use super::{Engine, Maker};
use crate::circuits::sad::intervention::Intervention;
use crate::circuits::sad::run::Look;
use crate::circuits::sad::terms::TermBasis;
use crate::model::{AttentionLayer, LayerTrace, Model, Part, Weights};
use crate::protocol::attention::{Ask, Attribute, Explain, Looks, Rerun, WritesOf};
use crate::protocol::gpu::GpuChoice;
use crate::protocol::{Failure, Out, Question, Tell};
use crate::study::StudyError;
use crate::study::attribution::{attribute, writes};
use crate::study::cell::{CellAt, cell};
use crate::study::change::Change;
use crate::study::looks::{head_basis, head_look};
use crate::study::prompt::{Guess, Prompt, PromptRun};
use crate::study::trace::CleanPrompt;

pub(super) use run::Run;

/// What this page remembers between questions.
#[derive(Default)]
pub(super) struct Memory {
    run: Option<Run>,
    /// By layer and head; `None` for heads that cannot be decomposed.
    bases: HashMap<(usize, usize), Option<TermBasis>>,
}

impl Memory {
    /// The prompt that was run last, as a trace reads it.
    pub(super) fn clean(&self) -> Option<CleanPrompt<'_>> {
        self.run.as_ref().map(Run::clean)
    }

    /// Whether this prompt was run last.
    pub(super) fn has_run(&self, prompt: &Prompt) -> bool {
        self.run.as_ref().is_some_and(|run| run.is_of(prompt))
    }

    /// The run itself, and what the model expects next.
    pub(super) fn ran(&self) -> Option<(&PromptRun, &[Guess])> {
        self.run.as_ref().map(Run::whole)
    }

    /// What one layer of the run left.
    pub(super) fn trace(&self, layer: usize) -> Option<&LayerTrace> {
        self.run.as_ref()?.traces.iter().find(|trace| trace.layer == layer)
    }
}

/// Answers one question.
pub(super) async fn answer(
    engine: &mut Engine,
    ask: Ask,
    gpu: Option<GpuChoice>,
    out: Out<'_>,
) -> Result<(), Failure> {
    match (ask, gpu) {
        #[cfg(feature = "gpu")]
        (Ask::Run(run), Some(choice)) => {
            on_gpu::forward(engine, on_gpu::Forward::Prompt(run.prompt), choice, out).await
        }
        #[cfg(feature = "gpu")]
        (Ask::SetSpec(spec), Some(choice)) => {
            on_gpu::forward(engine, on_gpu::Forward::Set(Box::new(spec)), choice, out).await
        }
        (Ask::Run(run), _) => engine.run_by(&mut Maker::default(), &run.prompt, out).await,
        (Ask::SetSpec(spec), _) => set::set(engine, &mut Maker::default(), &spec, out).await,
        (Ask::Looks(Looks { prompt, look }), _) => {
            engine.run(&prompt).await?;
            looks(engine, look, out)
        }
        (Ask::Explain(Explain { prompt, at }), _) => {
            engine.run(&prompt).await?;
            engine.bases(at.layer)?;
            let (model, run, basis) = engine.decomposed(at)?;
            let convention = engine.convention(Weights::Folded)?;
            let cell = cell(model, &run.traces, basis, at, &convention)?;
            out(Explain::tell(Box::new(cell)), Vec::new());
            Ok(())
        }
        (Ask::Attribute(Attribute { prompt, asking }), _) => {
            engine.load_for_answer([asking.answer.as_ref(), asking.wrong.as_ref()]).await?;
            engine.run(&prompt).await?;
            let (model, tokenizer) = (engine.model()?, engine.words.tokenizer());
            let clean = engine.attention.clean().ok_or_else(none)?;
            let products = &mut Maker::default();
            let found = attribute(products, model, tokenizer, clean, &asking).await?;
            out(Attribute::tell(Box::new(found)), Vec::new());
            Ok(())
        }
        (Ask::WritesOf(WritesOf { prompt, at, answer, wrong }), _) => {
            engine.run(&prompt).await?;
            let (model, tokenizer) = (engine.model()?, engine.words.tokenizer());
            let clean = engine.attention.clean().ok_or_else(none)?;
            let convention = engine.convention(Weights::Folded)?;
            let found = writes(model, tokenizer, clean, at, (answer, wrong), &convention)?;
            out(WritesOf::tell(Box::new(found)), Vec::new());
            Ok(())
        }
        (Ask::Rerun(Rerun { prompt, at, intervention }), _) => {
            engine.run(&prompt).await?;
            change(engine, at, &intervention, out).await
        }
    }
}

fn none() -> Failure {
    Failure::new("no prompt was run")
}

/// Every head's look from one destination, layer by layer.
fn looks(engine: &mut Engine, look: Look, out: Out<'_>) -> Result<(), Failure> {
    let n_layers = engine.model()?.arch.n_layers;
    for layer in 0..n_layers {
        if engine.model()?.arch.n_heads_of(layer) == 0 {
            continue;
        }
        engine.bases(layer)?;
        let (model, memory) = (engine.model()?, &engine.attention);
        let run = memory.run.as_ref().ok_or_else(none)?;
        let Some(trace) = run.traces.iter().find(|t| t.layer == layer) else { continue };
        // A decoder's prompt may be shorter than the encoder's: its last token looks then.
        let dest = look.dest.map(|dest| dest.min(trace.n.saturating_sub(1)));
        let look = Look { dest, ..look };
        let heads = (0..model.arch.n_heads_of(layer)).filter_map(|head| {
            let basis = memory.bases.get(&(layer, head))?.as_ref()?;
            head_look(model, trace, head, basis, look).ok()
        });
        out(Looks::tell(heads.collect()), Vec::new());
        out(Tell::Progress { done: layer + 1, total: n_layers }, Vec::new());
    }
    Ok(())
}

/// Reruns the model from the cell's layer on with an edit of its head's scores.
async fn change(
    engine: &mut Engine,
    at: CellAt,
    intervention: &Intervention,
    out: Out<'_>,
) -> Result<(), Failure> {
    engine.bases(at.layer)?;
    let (model, run, basis) = engine.decomposed(at)?;
    let mut change = Change::new(model, &run.traces, basis, at, intervention)?;
    let products = &mut Maker::default();
    while let Some(done) = change.step(products, model).await? {
        out(Tell::Progress { done, total: model.arch.n_layers }, Vec::new());
    }
    let tokenizer = engine.words.tokenizer();
    let changed = change.finish(products, model, tokenizer, run.next.clone()).await?;
    out(Rerun::tell(changed), Vec::new());
    Ok(())
}

impl Engine {
    /// The model, the prompt that was run, and the basis of a cell's head, once [`Engine::bases`] has those of its layer.
    fn decomposed(&self, at: CellAt) -> Result<(&Model, &Run, &TermBasis), Failure> {
        let none = || StudyError::NotDecomposed { layer: at.layer, head: at.head };
        let basis = self.attention.bases.get(&(at.layer, at.head));
        let basis = basis.and_then(Option::as_ref).ok_or_else(none)?;
        let run = self.attention.run.as_ref().ok_or_else(none)?;
        Ok((self.model()?, run, basis))
    }

    /// The bases of every head of a layer, decomposed once.
    fn bases(&mut self, layer: usize) -> Result<(), Failure> {
        let heads = 0..self.model()?.arch.n_heads_of(layer);
        if !heads.is_empty() && !self.attention.bases.contains_key(&(layer, 0)) {
            let model = self.model()?;
            let read = AttentionLayer::read(model, layer, Part::Qk)?;
            let basis = |head| ((layer, head), head_basis(&read, head, Weights::Folded).ok());
            let found: Vec<_> = (0..read.n_heads()).map(basis).collect();
            self.attention.bases.extend(found);
        }
        Ok(())
    }
}

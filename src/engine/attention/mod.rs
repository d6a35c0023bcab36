//! Answers about attention: run a prompt, take scores apart, change a part, measure a set.

mod cell;
mod run;
pub(super) mod set;

use std::collections::HashMap;

use super::{Engine, Maker};
use crate::circuits::omega::{Circuit, decompose};
use crate::circuits::sad::run::{HeadSad, LayerRun, Look};
use crate::circuits::sad::terms::TermBasis;
use crate::model::{AttentionLayer, Model, Part, Weights};
use crate::protocol::attention::{Ask, Tell as AttentionTell};
use crate::protocol::{Failure, Out, Tell};

pub(super) use run::Run;

/// What this page remembers between questions.
#[derive(Default)]
pub(super) struct Memory {
    run: Option<Run>,
    bases: HashMap<(usize, usize), TermBasis>,
}

/// Answers one question.
pub(super) async fn answer(engine: &mut Engine, ask: Ask, out: Out<'_>) -> Result<(), Failure> {
    match ask {
        // Where there is no GPU in the build, the CPU answers what it was offered.
        Ask::Run(prompt) | Ask::RunOnGpu(prompt, _) => {
            engine.run_by(&mut Maker::default(), &prompt, out).await
        }
        Ask::Set(spec) | Ask::SetOnGpu(spec, _) => {
            set::set(engine, &mut Maker::default(), &spec, out).await
        }
        Ask::Looks(prompt, look) => {
            engine.run(&prompt).await?;
            looks(engine, look, out)
        }
        Ask::Cell(prompt, at) => {
            engine.run(&prompt).await?;
            cell::cell(engine, at, out)
        }
        Ask::Change(prompt, at, intervention) => {
            engine.run(&prompt).await?;
            cell::change(engine, at, &intervention, out).await
        }
    }
}

/// Every head's look from one destination, layer by layer.
fn looks(engine: &mut Engine, look: Look, out: Out<'_>) -> Result<(), Failure> {
    let (n_layers, n_heads) = (engine.model()?.arch.n_layers, engine.model()?.arch.n_heads);
    for layer in 0..n_layers {
        engine.bases(layer)?;
        let (model, memory) = engine.attention()?;
        let Some(run) = &memory.run else { return Err(Failure::new("no prompt was run")) };
        let Some(layer_run) = run.traces.get(layer).and_then(|t| LayerRun::of(&model.arch, t))
        else {
            break;
        };
        let heads = (0..n_heads).filter_map(|head| {
            let basis = memory.bases.get(&(layer, head))?;
            HeadSad::of(&layer_run, (layer, head), basis, look).ok()
        });
        out(Tell::Attention(AttentionTell::Looks(heads.collect())), Vec::new());
        out(Tell::Progress { done: layer + 1, total: n_layers }, Vec::new());
    }
    Ok(())
}

impl Engine {
    /// The model and this page's memory.
    fn attention(&mut self) -> Result<(&Model, &mut Memory), Failure> {
        let model = self.model.as_ref().ok_or_else(|| Failure::new("no model is open"))?;
        Ok((model, &mut self.attention))
    }

    /// The bases of every head of a layer, decomposed once. Heads that cannot be decomposed are left out.
    fn bases(&mut self, layer: usize) -> Result<(), Failure> {
        let (model, memory) = self.attention()?;
        if memory.bases.contains_key(&(layer, 0)) {
            return Ok(());
        }
        let attention = AttentionLayer::read(model, layer, Part::Qk)?;
        for head in 0..model.arch.n_heads {
            let svd = attention
                .head(head, Weights::Folded)
                .ok()
                .and_then(|w| decompose(&w, Circuit::Qk).ok());
            if let Some(svd) = svd {
                memory.bases.insert((layer, head), TermBasis::of(&svd));
            }
        }
        Ok(())
    }
}

//! A set of prompts run through the model, every head measured against its controls.

use std::ops::Range;

use super::super::{Engine, heads};
use crate::circuits::prompts::{Content, Located, Prompt, generate, own_list, repeated_tokens};
use crate::circuits::sad::run::LayerRun;
use crate::circuits::sad::set::HeadSet;
use crate::model::forward::{Products, layer_bytes};
use crate::model::tokenizer::{Start, Tokenizer};
use crate::model::{ForwardPass, Model, Weights};
use crate::protocol::attention::{SetSpec, SetTask, Tell as AttentionTell};
use crate::protocol::{Failure, Out, Tell};

/// Length of the list that is repeated in the induction task.
const LIST: usize = 10;

/// Bytes of activations in memory at a time: as much as a layer of the model takes, within limits. As many prompts as fit go
/// through the model together, and the file is read once for them.
const ACTIVATIONS: [u64; 2] = [32 << 20, 256 << 20];

/// Measures every head over the worker's share of a set.
pub(in super::super) async fn set(
    engine: &mut Engine,
    products: &mut impl Products,
    spec: &SetSpec,
    out: Out<'_>,
) -> Result<(), Failure> {
    engine.load_tokenizer()?;
    let n_layers = engine.model()?.arch.n_layers;
    let tokenizer = engine.tokenizer.as_ref();
    let (prompts, located) = prompts(engine.model()?, tokenizer, spec)?;
    let example = example(tokenizer, &prompts);
    let own = spec.share.of_prompts(located.len());
    // Fewer prompts than shares: this one reads no file.
    if own.is_empty() {
        out(Tell::Attention(AttentionTell::SetDone { n: 0, correct: None, example }), Vec::new());
        return Ok(());
    }
    let (prompts, located) = (&prompts[own.clone()], &located[own]);
    for layer in 0..n_layers {
        engine.bases(layer)?;
        out(Tell::Progress { done: layer + 1, total: 2 * n_layers }, Vec::new());
    }
    let model = engine.model.as_ref().ok_or_else(|| Failure::new("no model is open"))?;
    let mut heads: Vec<((usize, usize), HeadSet)> = (engine.attention.bases.iter())
        .map(|(&(layer, head), basis)| {
            let stream = (layer * model.arch.n_heads + head) as u32;
            ((layer, head), HeadSet::new(basis.clone(), spec.options, stream))
        })
        .collect();
    heads.sort_by_key(|(at, _)| *at);

    let (mut correct, mut answered) = (0, 0);
    let [least, most] = ACTIVATIONS;
    let room = layer_bytes(model, 0)?.clamp(least, most) as usize;
    // A position takes about twelve residual streams.
    let batches = batches(located, room / (12 * 4 * model.arch.d_model.max(1)));
    let steps = batches.len() * n_layers;
    for (number, batch) in batches.into_iter().enumerate() {
        let (prompts, located) = (&prompts[batch.clone()], &located[batch]);
        let ids: Vec<Vec<u32>> = located.iter().map(|l| l.ids.clone()).collect();
        let mut pass = ForwardPass::of_tokens(model, &ids)?;
        for layer in 0..n_layers {
            let traces = pass.step_by(products, model, true, None).await?;
            for (trace, located) in traces.iter().zip(located) {
                let Some(run) = LayerRun::of(&model.arch, trace) else { continue };
                for ((_, head), set) in heads.iter_mut().filter(|((l, _), _)| *l == layer) {
                    set.add(run.head(*head)?, run.scale, run.view, located.dest, located.src)?;
                }
            }
            // One step of progress a layer, however many batches there are.
            let done = |step: usize| step * n_layers / steps;
            let step = number * n_layers + layer;
            if done(step + 1) > done(step) {
                let done = n_layers + done(step + 1);
                out(Tell::Progress { done, total: 2 * n_layers }, Vec::new());
            }
        }
        if model.arch.unembedding.is_none() {
            continue;
        }
        let ends: Vec<(usize, usize)> = located.iter().map(|l| l.dest).enumerate().collect();
        let logits = pass.logits_by(products, model, &ends).await?;
        let width = logits.len() / ends.len().max(1);
        for (prompt, logits) in prompts.iter().zip(logits.chunks_exact(width.max(1))) {
            if let Some(answer) = prompt.score(logits) {
                answered += 1;
                correct += usize::from(answer.correct);
            }
        }
    }
    for ((layer, head), set) in heads {
        let seen = Box::new(set.seen());
        out(Tell::Attention(AttentionTell::SetHead { layer, head, seen }), Vec::new());
    }
    let correct = (answered > 0).then_some(correct);
    out(Tell::Attention(AttentionTell::SetDone { n: located.len(), correct, example }), Vec::new());
    let mut layers = if spec.series { 0..n_layers } else { 0..0 };
    layers.try_for_each(|layer| heads::spectra(engine, layer, Weights::Folded, out))
}

/// Runs of prompts of at most `positions` tokens together, never less than one prompt.
fn batches(located: &[Located], positions: usize) -> Vec<Range<usize>> {
    let (mut batches, mut start, mut sum) = (Vec::new(), 0, 0);
    for (i, prompt) in located.iter().enumerate() {
        if i > start && sum + prompt.ids.len() > positions {
            batches.push(start..i);
            (start, sum) = (i, 0);
        }
        sum += prompt.ids.len();
    }
    batches.push(start..located.len());
    batches
}

/// One of the prompts, to show.
fn example(tokenizer: Option<&Tokenizer>, prompts: &[Prompt]) -> String {
    match prompts.first().map(|p| &p.content) {
        Some(Content::Text { text, .. }) => text.clone(),
        Some(Content::Ids { ids, .. }) => {
            tokenizer.map_or_else(String::new, |t| ids.iter().map(|&id| t.label(id)).collect())
        }
        None => String::new(),
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn batches_cover_every_prompt_once_and_stay_within_their_room() {
        let located: Vec<Located> =
            [5, 5, 5, 40, 1].map(|n| Located { ids: vec![0; n], dest: n - 1, src: None }).into();
        assert_eq!(batches(&located, 10), [0..2, 2..3, 3..4, 4..5]);
        assert_eq!(batches(&located, 1000), std::slice::from_ref(&(0..5)));
        assert_eq!(batches(&[], 10), std::slice::from_ref(&(0..0)));
    }
}

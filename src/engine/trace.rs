//! Answers about circuits: the prompt run through the model, then its firings taken apart, the highest layer first; and the model
//! run again with a circuit alone.

use super::{Engine, Files, Maker};
use crate::circuits::trace::directions::DirectionsRun;
use crate::circuits::trace::layer::decompose;
use crate::model::Weights;
use crate::protocol::trace::{
    Answer, Ask, Prompt, Question, RunAlone, RunChanged, RunDirections, SplitScore, Trace,
    TraceSet, TracedSet,
};
use crate::protocol::{Failure, Out, Question as _, Tell};
use crate::study::pairs::{meetings, open};
use crate::study::prompt_set::Prompts;
use crate::study::stamp::Stamp;
use crate::study::trace::set::trace_one;
use crate::study::trace::{AloneRun, EffectRun, TraceRun};
use crate::study::{StudyError, python};

/// Answers one question.
pub(super) async fn answer(
    engine: &mut Engine,
    ask: Ask,
    files: Files,
    out: Out<'_>,
) -> Result<(), Failure> {
    match ask {
        Ask::Trace(Trace { prompt, question }) => trace(engine, &prompt, &question, out).await,
        Ask::RunAlone(RunAlone { prompt, asked, rows, options }) => {
            engine.load_tokenizer().await?;
            let model = engine.model()?;
            let (ids, _) = prompt.ids(engine.words.tokenizer(), &model.arch)?;
            let mut run = AloneRun::new(model, &ids, &asked, rows, options)?;
            let (mut done, total) = (0, run.n_steps(model));
            while run.step(&mut Maker::default(), model).await? {
                done += 1;
                out(Tell::Progress { done, total }, Vec::new());
            }
            out(RunAlone::tell(run.finish()), Vec::new());
            Ok(())
        }
        Ask::RunChanged(RunChanged { prompt, asked, part, factor, rules }) => {
            engine.run(&prompt).await?;
            let (model, products) = (engine.model()?, &mut Maker::default());
            let none = || Failure::new("no prompt was run");
            let clean = engine.attention.clean().ok_or_else(none)?;
            let mut run = EffectRun::new(model, clean, &asked, &part, factor, &rules)?;
            let mut done = 0;
            while run.step(products, model).await? {
                done += 1;
                out(Tell::Progress { done, total: model.arch.n_layers }, Vec::new());
            }
            out(RunChanged::tell(run.finish(products, model).await?), Vec::new());
            Ok(())
        }
        Ask::SplitScore(SplitScore { prompt, at, options }) => {
            engine.run(&prompt).await?;
            let model = engine.model()?;
            let none = || Failure::new("no prompt was run");
            let clean = engine.attention.clean().ok_or_else(none)?;
            let dictionary = open(model, files.sources, &Default::default())?;
            let mut found = meetings(model, clean, &dictionary, at, options)?;
            let stamp = Stamp::of_model(&engine.convention(Weights::Folded)?);
            let stamp = stamp.how(format!("score split by {}", found.dictionary));
            found.python = python::pairs(model, &dictionary, &found, &stamp)?;
            out(SplitScore::tell(Box::new(found)), Vec::new());
            Ok(())
        }
        Ask::RunDirections(RunDirections { prompt, circuit, rules, options }) => {
            engine.run(&prompt).await?;
            let model = engine.model()?;
            let none = || Failure::new("no prompt was run");
            let clean = engine.attention.clean().ok_or_else(none)?;
            let mut run = DirectionsRun::new(&circuit, &rules, options);
            let total = run.left();
            while run.step(clean.run(model)).map_err(StudyError::from)? {
                out(Tell::Progress { done: total - run.left(), total }, Vec::new());
            }
            out(RunDirections::tell(Box::new(run.finish())), Vec::new());
            Ok(())
        }
        Ask::TraceSet(TraceSet { spec, rules, chance }) => {
            engine.load_tokenizer().await?;
            let (model, tokenizer) = (engine.model()?, engine.words.tokenizer());
            let prompts = Prompts::new(model, tokenizer, &spec)?;
            let (mut traced, total) = (Vec::new(), prompts.len());
            for of in prompts.asked() {
                let products = &mut Maker::default();
                traced.push(trace_one(products, model, tokenizer, of, &rules).await?);
                out(Tell::Progress { done: traced.len(), total }, Vec::new());
            }
            let found = TracedSet::of(model, traced, &prompts, chance);
            out(TraceSet::tell(Box::new(found)), Vec::new());
            Ok(())
        }
    }
}

async fn trace(
    engine: &mut Engine,
    prompt: &Prompt,
    question: &Question,
    out: Out<'_>,
) -> Result<(), Failure> {
    engine.load_for_answer([question.answer.as_ref(), question.wrong.as_ref()]).await?;
    let n_layers = engine.model()?.arch.n_layers;
    let total = 2 * n_layers;
    // Of the run only its progress is told: it is the first half of the work.
    let mut run_told = |tell: Tell, _: Vec<Vec<f32>>| {
        if let Tell::Progress { done, .. } = tell {
            out(Tell::Progress { done, total }, Vec::new());
        }
    };
    let products = &mut Maker::default();
    engine.run_by(products, prompt, &mut run_told).await?;
    let (model, tokenizer) = (engine.model()?, engine.words.tokenizer());
    let none = || Failure::new("no prompt was run");
    let clean = engine.attention.clean().ok_or_else(none)?;
    let mut run = TraceRun::new(products, model, tokenizer, clean, question).await?;
    while let Some(shares) = run.next_layer(clean, model) {
        let layer = shares.first().and_then(|share| share.first()).map_or(0, |first| first.layer);
        for share in shares {
            let options = *run.options();
            let found = decompose(clean.run(model), &share, &options, None);
            run.take(found.map_err(StudyError::from)?);
        }
        out(Tell::Progress { done: total - layer, total }, Vec::new());
    }
    let (ran, words) = (clean.ran().clone(), tokenizer.is_some());
    let answer = Answer { ran, words, traced: run.finish() };
    out(Trace::tell(Box::new(answer)), Vec::new());
    Ok(())
}

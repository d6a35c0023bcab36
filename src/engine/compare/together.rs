//! Answers about both models on one prompt: run it through both, take one score of the head in view apart.

use super::Second;
use crate::engine::{Engine, Maker, open};
use crate::model::LayerTrace;
use crate::protocol::compare::{ScoreAt, Scored, Together};
use crate::protocol::{Failure, Out, Question, Tell};
use crate::study::StudyError;
use crate::study::compare::{OnPrompt, across, next_of_both, shared_ids};
use crate::study::prompt::Prompt;
use crate::study::stamp::Stamp;

/// Tells what both models make of a prompt.
pub(super) async fn together(
    engine: &mut Engine,
    asked: Together,
    out: Out<'_>,
) -> Result<(), Failure> {
    engine.run_both(&asked.prompt, out).await?;
    let [a, b] = engine.both()?;
    let none = || Failure::new("no prompt was run");
    let of_a = engine.second()?.engine.attention.ran().ok_or_else(none)?;
    let of_b = engine.attention.ran().ok_or_else(none)?;
    let products = &mut Maker::default();
    let next = next_of_both(products, (a, of_a.0, of_a.1), (b, of_b.0, of_b.1)).await?;
    out(Together::tell(Box::new(OnPrompt::new([&of_a.0.ran, &of_b.0.ran], next))), Vec::new());
    Ok(())
}

/// Tells one head's patterns and one of its scores.
pub(super) async fn score(
    engine: &mut Engine,
    asked: ScoreAt,
    out: Out<'_>,
) -> Result<(), Failure> {
    let ScoreAt { name, prompt, layer, head, weights, match_heads, dest, src } = asked;
    engine.run_both(&prompt, out).await?;
    engine.cross(&prompt, layer).await?;
    let (pair, _) = engine.pair(layer, weights, match_heads)?;
    let (second, models) = (engine.second()?, engine.both()?);
    let none = || StudyError::NotDecomposed { layer, head };
    let traces = [
        second.engine.attention.trace(layer).ok_or_else(none)?,
        second.across.as_ref().map(|(.., trace)| trace).ok_or_else(none)?,
        engine.attention.trace(layer).ok_or_else(none)?,
    ];
    let found = pair.on_prompt(models, traces, head, (dest, src))?;
    let stamp = {
        let from = open::convention(models[0], Some(&name), weights);
        Stamp::between([&from, &engine.convention(weights)?]).score(found.dest, found.src)
    };
    let python = pair.score_python(models, traces, &found, &stamp)?;
    let pattern = |trace: &LayerTrace, head: usize| -> Vec<f32> {
        let size = trace.n * trace.n_src;
        trace.pattern.iter().copied().skip(head * size).take(size).collect()
    };
    let patterns = vec![pattern(traces[0], found.head), pattern(traces[2], found.head_b)];
    out(ScoreAt::tell(Box::new(Scored { found, python })), patterns);
    Ok(())
}

impl Engine {
    /// Runs the prompt through the open model and the same ids through the second, unless they were the last ones.
    async fn run_both(&mut self, prompt: &Prompt, out: Out<'_>) -> Result<(), Failure> {
        // Of the second run's parts only its progress is told: as the second half.
        for half in 0..2 {
            let mut tell = |tell: Tell, _| {
                if let Tell::Progress { done, total } = tell {
                    let progress = Tell::Progress { done: half * total + done, total: 2 * total };
                    out(progress, Vec::new());
                }
            };
            if half == 0 {
                if !self.attention.has_run(prompt) {
                    self.run_by(&mut Maker::default(), prompt, &mut tell).await?;
                }
                continue;
            }
            self.second_mut()?.engine.load_tokenizer().await?;
            let second = &self.second()?.engine;
            let tokenizers = [
                (second.words.tokenizer(), &second.model()?.arch),
                (self.words.tokenizer(), &self.model()?.arch),
            ];
            let same = Prompt::of_ids(&shared_ids(prompt, tokenizers)?);
            let second = &mut self.second_mut()?.engine;
            if !second.attention.has_run(&same) {
                second.run_by(&mut Maker::default(), &same, &mut tell).await?;
            }
        }
        Ok(())
    }

    /// Runs one layer of the open model at the second one's residuals, unless that was the last one.
    async fn cross(&mut self, prompt: &Prompt, layer: usize) -> Result<(), Failure> {
        let known = |(of, at, _): &(Prompt, usize, LayerTrace)| of == prompt && *at == layer;
        let second = self.second()?;
        if second.across.as_ref().is_some_and(known) {
            return Ok(());
        }
        let none = StudyError::NotDecomposed { layer, head: 0 };
        let trace = second.engine.attention.trace(layer).ok_or(none)?;
        let found = across(&mut Maker::default(), self.model()?, trace).await?;
        self.second_mut()?.across = Some((prompt.clone(), layer, found));
        Ok(())
    }

    fn second(&self) -> Result<&Second, Failure> {
        self.second.as_ref().ok_or_else(|| Failure::new("no second model is open"))
    }

    fn second_mut(&mut self) -> Result<&mut Second, Failure> {
        self.second.as_mut().ok_or_else(|| Failure::new("no second model is open"))
    }
}

//! From the reader's prompt to traces of every layer, remembered until another prompt comes.

use super::super::{Engine, Maker};
use crate::math::statistics::{largest_first, softmax};
use crate::model::architecture::Architecture;
use crate::model::forward::Products;
use crate::model::tokenizer::{Start, Tokenizer};
use crate::model::{ForwardPass, LayerTrace, Model, ModelError};
use crate::protocol::attention::{Guess, Prompt, Ran, Tell as AttentionTell};
use crate::protocol::{Failure, Out, Tell};

/// Guesses that are told after a prompt.
const GUESSES: usize = 8;

/// A prompt that was run, with what every head saw.
pub(in super::super) struct Run {
    prompt: Prompt,
    pub(super) traces: Vec<LayerTrace>,
    pub(super) next: Vec<Guess>,
    ran: Ran,
}

impl Run {
    /// Tells all of it again.
    fn tell(&self, out: Out<'_>) {
        out(Tell::Attention(AttentionTell::Ran(self.ran.clone())), Vec::new());
        self.traces.iter().for_each(|trace| tell_pattern(trace, out));
        out(Tell::Attention(AttentionTell::Next(self.next.clone())), Vec::new());
    }
}

fn tell_pattern(trace: &LayerTrace, out: Out<'_>) {
    let tell = AttentionTell::Pattern { layer: trace.layer, n: trace.n };
    out(Tell::Attention(tell), vec![trace.pattern.clone()]);
}

impl Engine {
    /// Runs `prompt` unless it was the last one, and tells what is known as it is known; what is remembered, at once.
    pub(in super::super) async fn run_by(
        &mut self,
        products: &mut impl Products,
        prompt: &Prompt,
        out: Out<'_>,
    ) -> Result<(), Failure> {
        if let Some(run) = self.attention.run.as_ref().filter(|run| run.prompt == *prompt) {
            run.tell(out);
            return Ok(());
        }
        self.attention.run = None;
        self.load_tokenizer()?;
        let model = self.model.as_ref().ok_or_else(|| Failure::new("no model is open"))?;
        let run = run(model, self.tokenizer.as_ref(), products, prompt, out).await?;
        self.attention.run = Some(run);
        Ok(())
    }

    /// Runs `prompt` on the CPU unless it was the last one, and tells nothing.
    pub(super) async fn run(&mut self, prompt: &Prompt) -> Result<(), Failure> {
        // Telling copies every pattern, which a question about one cell has no use for.
        if self.attention.run.as_ref().is_some_and(|run| run.prompt == *prompt) {
            return Ok(());
        }
        self.run_by(&mut Maker::default(), prompt, &mut |_, _| {}).await
    }
}

async fn run(
    model: &Model,
    tokenizer: Option<&Tokenizer>,
    products: &mut impl Products,
    prompt: &Prompt,
    out: Out<'_>,
) -> Result<Run, Failure> {
    let bos = prompt.bos.unwrap_or(model.arch.prepend_bos);
    let ids = ids_of(tokenizer, prompt, bos)?;
    let n = ids.len();
    let too_long = |error: ModelError| match error {
        ModelError::OutOfRange { what: "position", count, .. } => {
            let what = format!("the prompt has {n} tokens, and this model reads at most {count}");
            let hint = "Shorten it; the start token counts too.".into();
            Failure { hint, ..Failure::new(what) }
        }
        other => other.into(),
    };
    let mut pass = ForwardPass::of_tokens(model, std::slice::from_ref(&ids)).map_err(too_long)?;
    let label = |id: u32| tokenizer.map_or_else(|| format!("#{id}"), |t| t.label(id));
    let (last, tokens) = (ids.len() - 1, ids.iter().map(|&id| label(id)).collect());
    let ran = Ran { ids, tokens, bos, named: named(&model.arch) };
    out(Tell::Attention(AttentionTell::Ran(ran.clone())), Vec::new());
    let mut traces = Vec::with_capacity(model.arch.n_layers);
    for layer in 0..model.arch.n_layers {
        for trace in pass.step_by(products, model, true, None).await? {
            tell_pattern(&trace, out);
            traces.push(trace);
        }
        out(Tell::Progress { done: layer + 1, total: model.arch.n_layers }, Vec::new());
    }
    let next = guesses(model, &pass, products, last, &label).await?;
    out(Tell::Attention(AttentionTell::Next(next.clone())), Vec::new());
    Ok(Run { prompt: prompt.clone(), traces, next, ran })
}

/// The ids of a prompt: the tokenizer's, or the numbers in it.
fn ids_of(tokenizer: Option<&Tokenizer>, prompt: &Prompt, bos: bool) -> Result<Vec<u32>, Failure> {
    let ids = match tokenizer.filter(|_| !prompt.ids) {
        Some(tokenizer) => tokenizer.encode(&prompt.text, bos)?,
        None => {
            let words = prompt.text.split([' ', ',', '\n']).filter(|w| !w.is_empty());
            let read = |word: &str| {
                word.trim_start_matches('#').parse().map_err(|_| {
                    let mut failure = Failure::new(format!("“{word}” is not a token id"));
                    failure.hint = "Without a tokenizer a prompt is a list of numbers, such as 1 2 3. Drop tokenizer.json \
                                    together with the model to type words."
                        .into();
                    failure
                })
            };
            let mut ids = words.map(read).collect::<Result<Vec<u32>, _>>()?;
            if let (true, Some(Start::Bos { id, .. })) = (bos, tokenizer.map(Tokenizer::start)) {
                ids.insert(0, *id);
            }
            ids
        }
    };
    if ids.is_empty() {
        Err(Failure::new("the prompt is empty: type at least one word"))
    } else {
        Ok(ids)
    }
}

/// The probability of every token after `position`, `[d_vocab]`.
pub(super) async fn next_probabilities(
    model: &Model,
    pass: &ForwardPass,
    products: &mut impl Products,
    position: usize,
) -> Result<Vec<f64>, Failure> {
    let logits = pass.logits_by(products, model, &[(0, position)]).await?;
    Ok(softmax(&logits.into_iter().map(f64::from).collect::<Vec<_>>()))
}

/// What the model expects after `position`, likeliest first; empty where it has no unembedding or sees both ways.
pub(super) async fn guesses(
    model: &Model,
    pass: &ForwardPass,
    products: &mut impl Products,
    position: usize,
    label: &dyn Fn(u32) -> String,
) -> Result<Vec<Guess>, Failure> {
    if model.arch.unembedding.is_none() || !model.arch.causal {
        return Ok(Vec::new());
    }
    let probabilities = next_probabilities(model, pass, products, position).await?;
    let order = largest_first(&probabilities);
    let guess = |&id: &usize| Guess {
        id: id as u32,
        text: label(id as u32),
        probability: probabilities[id],
    };
    Ok(order.iter().take(GUESSES).map(guess).collect())
}

/// What happens to a score beside the bilinear part, in words.
fn named(arch: &Architecture) -> Vec<String> {
    let mut named = Vec::new();
    let attention = || arch.layers.iter().map(|l| &l.attention);
    if let Some(cap) = attention().find_map(|a| a.score_cap) {
        named.push(format!("soft-cap at {cap} after the score"));
    }
    if arch.alibi.is_some() {
        named.push("ALiBi adds a slope over distance to the score".into());
    }
    if let Some(window) = attention().find_map(|a| a.window) {
        named.push(format!("sliding window of {window} in some layers"));
    }
    if attention().any(|a| a.qk_norm.is_some()) {
        named.push("queries and keys are normed; their scale is frozen per token".into());
    }
    if attention().any(|a| a.rope.is_some()) {
        named.push("rotary positions: tokens are rotated, singular vectors are not".into());
    }
    named
}

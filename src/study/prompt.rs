//! One prompt run through the model: its tokens, every layer's attention, and what the model expects next.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::StudyError;
use super::input::{Given, places};
use super::ran::labels;
pub use super::ran::{Ran, label};
use crate::math::statistics::{largest_first, ln_softmax, softmax};
use crate::model::architecture::{Architecture, StackKind, Window};
use crate::model::config::Config;
use crate::model::forward::{Input, Products};
use crate::model::tokenizer::{Start, Tokenizer};
use crate::model::{ForwardPass, LayerTrace, Model, ModelError};

/// Guesses that are told after a prompt.
const GUESSES: usize = 8;

/// Bytes that the attention of one prompt may take: a half of what a browser gives a program, more where there is more.
const LARGEST: u64 = if cfg!(target_pointer_width = "32") { 2 << 30 } else { 32 << 30 };

/// A prompt as the reader gave it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Prompt {
    /// Text; or token ids separated by spaces or commas, where there is no tokenizer or `ids` says so.
    pub text: String,
    /// Whether the beginning-of-sequence token stands in front; `None`: as is usual for the family.
    pub bos: Option<bool>,
    /// The text is a list of ids.
    pub ids: bool,
    /// What the decoder reads beside an encoder that reads the text; empty for nothing, which leaves the decoder idle.
    #[serde(default)]
    pub decoder: String,
    /// A file that is read, too: an image, sound; ids in it are read instead of the text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub given: Option<Arc<Given>>,
}

impl Prompt {
    /// Token ids as they are, with nothing in front.
    pub fn of_ids(ids: &[u32]) -> Self {
        let text: Vec<String> = ids.iter().map(u32::to_string).collect();
        Self { text: text.join(" "), bos: Some(false), ids: true, ..Self::default() }
    }

    /// Whether a tokenizer must read it: numbers with nothing put in front need none.
    pub fn needs_reading(&self) -> bool {
        !self.ids || self.bos != Some(false)
    }

    /// The ids of the prompt: the tokenizer's, or the numbers in it; and whether its start token stands in front.
    ///
    /// # Errors
    /// [`StudyError::NotAnId`], [`StudyError::EmptyPrompt`], or what the tokenizer says.
    pub fn ids(
        &self,
        tokenizer: Option<&Tokenizer>,
        arch: &Architecture,
    ) -> Result<(Vec<u32>, bool), StudyError> {
        let bos = self.bos.unwrap_or(arch.prepend_bos);
        let ids = match tokenizer.filter(|words| !self.ids && words.reads()) {
            Some(tokenizer) => tokenizer.encode(&self.text, bos)?,
            None => {
                let mut ids = numbers(&self.text)?;
                if let (true, Some(Start::Bos { id, .. })) = (bos, tokenizer.map(Tokenizer::start))
                {
                    ids.insert(0, *id);
                }
                ids
            }
        };
        if ids.is_empty() { Err(StudyError::EmptyPrompt) } else { Ok((ids, bos)) }
    }

    /// The ids that the decoder reads; empty where it reads none. Words have the model's first decoder token in front.
    fn decoder_ids(
        &self,
        tokenizer: Option<&Tokenizer>,
        model: &Model,
    ) -> Result<Vec<u32>, StudyError> {
        if self.decoder.trim().is_empty() || !model.arch.reads_two_prompts() {
            return Ok(Vec::new());
        }
        let Some(tokenizer) = tokenizer.filter(|words| !self.ids && words.reads()) else {
            return numbers(&self.decoder);
        };
        let mut ids = tokenizer.encode(&self.decoder, false)?;
        let config = model.checkpoint.side_file("config.json").map(Config::parse).transpose()?;
        let start = config.and_then(|config| config.size(&["decoder_start_token_id"]));
        ids.splice(0..0, start.and_then(|id| u32::try_from(id).ok()));
        Ok(ids)
    }
}

/// Numbers separated by spaces or commas.
fn numbers(text: &str) -> Result<Vec<u32>, StudyError> {
    let words = text.split([' ', ',', '\n']).filter(|word| !word.is_empty());
    let read = |word: &str| {
        let number = word.trim_start_matches('#').parse();
        number.map_err(|_| StudyError::NotAnId { word: word.to_owned() })
    };
    words.map(read).collect()
}

/// A token and its probability.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Guess {
    /// The id.
    pub id: u32,
    /// The token as text.
    pub text: String,
    /// Its probability.
    pub probability: f64,
}

/// A prompt on its way through the model, a layer at a time.
pub struct PromptRun {
    pass: ForwardPass,
    /// The prompt as the model sees it.
    pub ran: Ran,
}

impl PromptRun {
    /// Embeds the prompt.
    ///
    /// # Errors
    /// What [`Prompt::ids`] says; [`StudyError::TooLong`], [`StudyError::TooLarge`]; a model whose forward pass cannot run.
    pub fn new(
        model: &Model,
        tokenizer: Option<&Tokenizer>,
        prompt: &Prompt,
    ) -> Result<Self, StudyError> {
        if let Some(given) = &prompt.given {
            return Self::of_given(model, tokenizer, prompt, given);
        }
        let (ids, bos) = prompt.ids(tokenizer, &model.arch)?;
        let decoder_ids = prompt.decoder_ids(tokenizer, model)?;
        let n = ids.len().max(decoder_ids.len());
        fits(n, all_heads(&model.arch), LARGEST)?;
        let pass = if decoder_ids.is_empty() {
            ForwardPass::of_tokens(model, std::slice::from_ref(&ids))
        } else {
            let (ids, decoder_ids) = (Some(ids.clone()), Some(decoder_ids.clone()));
            ForwardPass::of_input(model, &Input { ids, decoder_ids, ..Input::default() })
        };
        let pass = pass.map_err(|error| match error {
            ModelError::OutOfRange { what: "position", count, .. } => {
                StudyError::TooLong { n, most: count }
            }
            other => other.into(),
        })?;
        let [tokens, decoder] = [&ids, &decoder_ids].map(|ids| labels(tokenizer, ids));
        let named = named(&model.arch);
        let ran = Ran { ids, tokens, bos, decoder_ids, decoder, named, ..Ran::default() };
        Ok(Self { pass, ran })
    }

    /// Embeds what a file gives, and the prompt's words where the model reads words, too, and the file has none.
    fn of_given(
        model: &Model,
        tokenizer: Option<&Tokenizer>,
        prompt: &Prompt,
        given: &Given,
    ) -> Result<Self, StudyError> {
        let (mut input, arch, mut bos) = (given.read()?, &model.arch, false);
        let reads = |of: &dyn Fn(StackKind) -> bool| {
            arch.streams.iter().any(|s| s.embedding.front.is_none() && of(s.kind))
        };
        let nothing = input.ids.is_none() && input.decoder_ids.is_none();
        if nothing && reads(&|_| true) && !prompt.text.trim().is_empty() {
            let (ids, with_bos) = prompt.ids(tokenizer, arch)?;
            (input.ids, bos) = (Some(ids), with_bos);
        }
        let pass = ForwardPass::of_input(model, &input)?;
        let seen = arch.streams.iter().position(|s| s.embedding.front.is_some());
        let (n, grid) = seen.map_or((0, None), |stream| pass.positions_of(stream));
        let places = places(n, grid);
        let (ids, decoder_ids) = if reads(&|kind| kind != StackKind::Decoder) {
            (input.ids, input.decoder_ids)
        } else {
            (None, input.decoder_ids.or(input.ids))
        };
        let (ids, decoder_ids) = (ids.unwrap_or_default(), decoder_ids.unwrap_or_default());
        fits(n.max(ids.len()).max(decoder_ids.len()), all_heads(arch), LARGEST)?;
        let tokens = if ids.is_empty() { places.clone() } else { labels(tokenizer, &ids) };
        let decoder = labels(tokenizer, &decoder_ids);
        let (named, given) = (named(arch), given.name.clone());
        let ran = Ran { ids, tokens, bos, decoder_ids, decoder, given, places, named };
        Ok(Self { pass, ran })
    }

    /// Runs the next layer that has an attention; `None` after the last.
    ///
    /// # Errors
    /// What reading says, and what `products` says.
    pub async fn step(
        &mut self,
        products: &mut impl Products,
        model: &Model,
    ) -> Result<Option<LayerTrace>, StudyError> {
        while self.pass.next_layer() < model.arch.n_layers {
            // A layer without attention leaves no trace.
            let traces = self.pass.step_by(products, model, true, None).await?;
            if let Some(trace) = traces.into_iter().next() {
                return Ok(Some(trace));
            }
        }
        Ok(None)
    }

    /// The residual stream before the next layer, `[n, d_model]`.
    pub(super) fn stream(&self) -> &[f32] {
        self.pass.resid(0)
    }

    /// ln p of every token after `position`, `[d_vocab]`.
    pub(super) async fn log_probabilities(
        &self,
        products: &mut impl Products,
        model: &Model,
        position: usize,
    ) -> Result<Vec<f64>, StudyError> {
        let logits = self.pass.logits_by(products, model, &[(0, position)]).await?;
        Ok(ln_softmax(&logits.into_iter().map(f64::from).collect::<Vec<_>>()))
    }

    /// What the model expects after the last token, likeliest first; empty where it has no unembedding or sees both ways.
    ///
    /// # Errors
    /// What reading says, and what `products` says.
    pub async fn finish(
        &self,
        products: &mut impl Products,
        model: &Model,
        tokenizer: Option<&Tokenizer>,
    ) -> Result<Vec<Guess>, StudyError> {
        let Ran { ids, decoder_ids, .. } = &self.ran;
        let read = if decoder_ids.is_empty() { ids } else { decoder_ids };
        let Some(last) = read.len().checked_sub(1) else { return Ok(Vec::new()) };
        guesses(model, &self.pass, products, last, tokenizer).await
    }
}

fn all_heads(arch: &Architecture) -> usize {
    (0..arch.n_layers).map(|layer| arch.n_heads_of(layer)).sum()
}

/// Refuses a prompt of `n` tokens whose scores and attention in `n_heads` heads, remembered and told, take more than `largest` bytes.
fn fits(n: usize, n_heads: usize, largest: u64) -> Result<(), StudyError> {
    // Scores and attention are remembered in single precision; telling makes another copy of the attention.
    let each = 3 * 4 * n_heads.max(1) as u64;
    let bytes = (n as u64).saturating_mul(n as u64).saturating_mul(each);
    if bytes <= largest {
        return Ok(());
    }
    Err(StudyError::TooLarge { n, bytes, most: (largest / each).isqrt() as usize })
}

/// The probability of every token after `position`, `[d_vocab]`.
pub(super) async fn next_probabilities(
    model: &Model,
    pass: &ForwardPass,
    products: &mut impl Products,
    position: usize,
) -> Result<Vec<f64>, StudyError> {
    let logits = pass.logits_by(products, model, &[(0, position)]).await?;
    Ok(softmax(&logits.into_iter().map(f64::from).collect::<Vec<_>>()))
}

/// What the model expects after `position`, likeliest first; empty where it has no unembedding, sees both ways, or answers from a
/// stream that read nothing.
pub(super) async fn guesses(
    model: &Model,
    pass: &ForwardPass,
    products: &mut impl Products,
    position: usize,
    tokenizer: Option<&Tokenizer>,
) -> Result<Vec<Guess>, StudyError> {
    let arch = &model.arch;
    if arch.unembedding.is_none() || !arch.causal() || !pass.answers(model) {
        return Ok(Vec::new());
    }
    let probabilities = next_probabilities(model, pass, products, position).await?;
    let order = largest_first(&probabilities);
    let guess = |&id: &usize| Guess {
        id: id as u32,
        text: label(tokenizer, id as u32),
        probability: probabilities[id],
    };
    Ok(order.iter().take(GUESSES).map(guess).collect())
}

/// What happens to a score beside the bilinear part, in words.
fn named(arch: &Architecture) -> Vec<String> {
    let mut named = Vec::new();
    let attention = || arch.attentions();
    if let Some(cap) = attention().find_map(|a| a.score_cap) {
        named.push(format!("soft-cap at {cap} after the score"));
    }
    if arch.alibi.is_some() {
        named.push("ALiBi adds a slope over distance to the score".into());
    }
    if let Some(window) = attention().find_map(|a| a.window) {
        named.push(match window {
            Window::Last(n) => format!("sliding window of {n} in some layers"),
            Window::Around(n) => format!("{n} to either side are seen in some layers"),
            Window::Block(n) => format!("only the own block of {n} is seen in some layers"),
        });
    }
    if attention().any(|a| a.relative.is_some()) {
        named.push("relative positions add to the score".into());
    }
    if attention().any(|a| a.sinks.is_some()) {
        named.push("a sink takes a share of each head's attention: rows sum to less than 1".into());
    }
    if attention().any(|a| a.temperature.is_some()) {
        named.push("queries are multiplied with a factor that grows with the position".into());
    }
    if attention().any(|a| a.qk_norm.is_some()) {
        named.push("queries and keys are normed; their scale is frozen per token".into());
    }
    if attention().any(|a| a.rope.is_some()) {
        named.push("rotary positions: tokens are rotated, singular vectors are not".into());
    }
    named
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prompt_that_does_not_fit_is_told_how_long_it_may_be() {
        let refused = |n| match fits(n, 144, 2 << 30) {
            Err(StudyError::TooLarge { most, .. }) => most,
            other => panic!("{other:?}"),
        };
        let most = refused(20_000);
        assert!(most > 1024, "GPT-2 small reads its 1024 tokens: {most}");
        assert!(fits(most, 144, 2 << 30).is_ok());
        assert_eq!((refused(most + 1), refused(usize::MAX)), (most, most));
        assert!(fits(8, 0, 2 << 30).is_ok());
    }
}

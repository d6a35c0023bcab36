//! Sets of prompts whose answer is known, and with it where a head that finds the answer has to look.
//!
//! Sets are seeded and made of words that are single tokens in the model at hand, so a position means the same in every
//! prompt. Sources of the tasks: indirect object, Wang et al., arXiv:2211.00593; greater-than, Hanna et al.,
//! arXiv:2305.00586; pronoun, Mathwin et al., 2023; repeated random tokens, Olsson et al., arXiv:2209.11895.

mod words;

use std::collections::HashSet;
use std::ops::Range;

use serde::{Deserialize, Serialize};

use self::words::{
    EVENTS, GREATER_THAN, INDIRECT_OBJECT, NAMES, OBJECTS, PLACES, PRONOUN, Pronoun,
};
use crate::circuits::error::CircuitError;
use crate::math::random::Rng;

/// What a model is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Task {
    /// "When Mary and John went to the store, John gave a drink to": Mary.
    IndirectObject,
    /// "The war lasted from the year 1732 to the year 17": anything above 32. Needs a tokenizer that splits years in two.
    GreaterThan,
    /// "Mary went to the park because": she.
    Pronoun,
}

/// The words or tokens of a prompt, and where the answer is to be found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Content {
    /// Words, for the tokenizer.
    Text {
        /// The prompt.
        text: String,
        /// Bytes of the word that a head should find.
        source: Option<Range<usize>>,
    },
    /// Tokens as they are.
    Ids {
        /// The prompt, without a start token.
        ids: Vec<u32>,
        /// Index in `ids` of the token that a head should find.
        source: Option<usize>,
    },
}

/// One prompt of a set.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Prompt {
    /// What goes in.
    pub content: Content,
    /// Tokens that answer it; empty when nothing is known.
    pub answers: Vec<u32>,
    /// Tokens that would be the typical mistake.
    pub wrong: Vec<u32>,
}

/// A prompt in tokens.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Located {
    /// All tokens, the start token included.
    pub ids: Vec<u32>,
    /// The last position: the one that looks.
    pub dest: usize,
    /// The position it should look at, where that is known.
    pub src: Option<usize>,
}

impl Prompt {
    /// Tokens and positions: `encode` turns text into tokens without a start token, `start` goes in front.
    ///
    /// # Errors
    /// [`CircuitError::TooFew`] for an empty prompt.
    pub fn locate(
        &self,
        encode: impl Fn(&str) -> Vec<u32>,
        start: &[u32],
    ) -> Result<Located, CircuitError> {
        let (ids, src) = match &self.content {
            Content::Ids { ids, source } => (ids.clone(), *source),
            Content::Text { text, source } => {
                let ids = encode(text);
                // The word's last token is the last one that the text up to the word's end shares with the whole.
                let up_to = source.as_ref().and_then(|bytes| text.get(..bytes.end));
                let shared = |up_to: &str| {
                    encode(up_to).iter().zip(&ids).take_while(|(a, b)| a == b).count()
                };
                let src = up_to.map(shared).and_then(|n| n.checked_sub(1));
                (ids, src)
            }
        };
        let ids: Vec<u32> = start.iter().copied().chain(ids).collect();
        let Some(dest) = ids.len().checked_sub(1) else {
            return Err(CircuitError::TooFew {
                what: "tokens in a prompt".into(),
                found: 0,
                needed: 1,
            });
        };
        Ok(Located { dest, src: src.map(|src| src + start.len()), ids })
    }
}

/// `n` different prompts of a task, drawn with `seed`.
///
/// `is_single_token` says whether a word *with its leading space* (" Mary") is one token of the model's tokenizer, and
/// which; the unknown token is none. Templates with a word that is not are left out while there are others.
///
/// # Errors
/// [`CircuitError::TooFew`] when the vocabulary does not allow `n` different prompts.
pub fn generate(
    task: Task,
    n: usize,
    seed: u32,
    is_single_token: impl Fn(&str) -> Option<u32>,
) -> Result<Vec<Prompt>, CircuitError> {
    let words = Words::new(&is_single_token);
    let mut rng = Rng::of_stream(seed, task as u32);
    let mut seen = HashSet::new();
    let mut prompts = Vec::new();
    // Repetitions become likely near the end of a small vocabulary: give up when a prompt costs a hundred draws.
    for _ in 0..n.saturating_mul(100) {
        if prompts.len() == n {
            break;
        }
        let drawn = match task {
            Task::IndirectObject => words.indirect_object(&mut rng),
            Task::GreaterThan => words.greater_than(&mut rng),
            Task::Pronoun => words.pronoun(&mut rng),
        };
        let Some((text, prompt)) = drawn else { break };
        if seen.insert(text) {
            prompts.push(prompt);
        }
    }
    let (found, needed) = (prompts.len(), n);
    let what = || "different prompts from words that are single tokens of this model".into();
    if found == n { Ok(prompts) } else { Err(CircuitError::TooFew { what: what(), found, needed }) }
}

/// `n` prompts of `length` random tokens from `ids`, repeated up to the last but one: the answer is the last token of the
/// first copy, and the source is its place there.
///
/// # Errors
/// [`CircuitError::TooFew`] for a `length` under 2 or fewer tokens than that, since no token may come twice.
pub fn repeated_tokens(
    n: usize,
    length: usize,
    ids: &[u32],
    seed: u32,
) -> Result<Vec<Prompt>, CircuitError> {
    let (what, found) = ("different tokens for a repeated list".into(), ids.len().min(length));
    if length < 2 || ids.len() < length {
        return Err(CircuitError::TooFew { what, found, needed: length.max(2) });
    }
    let mut rng = Rng::of_stream(seed, 100);
    let one = |_| {
        let order = rng.permutation(ids.len());
        let mut list: Vec<u32> =
            order.iter().take(length).filter_map(|&at| ids.get(at).copied()).collect();
        let answers = list.last().copied().into_iter().collect();
        list.extend_from_within(..length - 1);
        let content = Content::Ids { ids: list, source: Some(length - 1) };
        Prompt { content, answers, wrong: Vec::new() }
    };
    Ok((0..n).map(one).collect())
}

/// The reader's own prompts, one a line: `When [[Mary]] and John went home, John gave a drink to => Mary | John`.
///
/// Double brackets mark the word to be found, `=>` the answer, `|` the typical mistake; all three may be missing. An answer
/// of several tokens counts by none. Empty lines are skipped.
pub fn own_list(list: &str, is_single_token: impl Fn(&str) -> Option<u32>) -> Vec<Prompt> {
    let token = |word: &str| is_single_token(&format!(" {}", word.trim()));
    let parse = |line: &str| {
        let (marked, expected) = line.split_once("=>").unwrap_or((line, ""));
        let (answer, wrong) = expected.split_once('|').unwrap_or((expected, ""));
        let marked = marked.trim();
        let parts = marked.split_once("[[").and_then(|(before, rest)| {
            let (word, after) = rest.split_once("]]")?;
            Some((format!("{before}{word}{after}"), before.len()..before.len() + word.len()))
        });
        let (text, source) =
            parts.map_or((marked.to_owned(), None), |(text, bytes)| (text, Some(bytes)));
        Prompt {
            content: Content::Text { text, source },
            answers: token(answer).into_iter().collect(),
            wrong: token(wrong).into_iter().collect(),
        }
    };
    list.lines().filter(|line| !line.trim().is_empty()).map(parse).collect()
}

/// How a model did on one prompt.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Answered {
    /// The best answer has a higher logit than every mistake; without known mistakes, than every other token.
    pub correct: bool,
    /// Best answer's logit minus the best mistake's, or minus the best other token's.
    pub margin: f64,
    /// Probability of all answers together.
    pub probability: f64,
}

impl Prompt {
    /// Scores the logits `[d_vocab]` after the last token; `None` when no answer is known or it is not in the vocabulary.
    pub fn score(&self, logits: &[f32]) -> Option<Answered> {
        let best = |ids: &mut dyn Iterator<Item = usize>| {
            ids.filter_map(|id| logits.get(id).map(|&l| f64::from(l))).reduce(f64::max)
        };
        let answer = best(&mut self.answers.iter().map(|&id| id as usize))?;
        let is_answer = |id: &usize| self.answers.iter().any(|&a| a as usize == *id);
        let mistake = match self.wrong.as_slice() {
            [] => best(&mut (0..logits.len()).filter(|id| !is_answer(id)))?,
            wrong => best(&mut wrong.iter().map(|&id| id as usize))?,
        };
        let most = logits.iter().fold(f32::NEG_INFINITY, |most, &l| most.max(l));
        let weight = |l: f32| f64::from(l - most).exp();
        let total: f64 = logits.iter().map(|&l| weight(l)).sum();
        let answers = self.answers.iter().filter_map(|&id| logits.get(id as usize));
        Some(Answered {
            correct: answer > mistake,
            margin: answer - mistake,
            probability: answers.map(|&l| weight(l)).sum::<f64>() / total,
        })
    }
}

/// The vocabulary's share of the word lists.
struct Words {
    names: Vec<(&'static str, Pronoun, u32)>,
    places: Vec<&'static str>,
    objects: Vec<&'static str>,
    events: Vec<&'static str>,
    indirect_object: Vec<&'static str>,
    pronoun: Vec<&'static str>,
    pronouns: Option<[u32; 2]>,
    centuries: Vec<u32>,
    years: Vec<Option<u32>>,
}

impl Words {
    fn new(is_single_token: &impl Fn(&str) -> Option<u32>) -> Self {
        let token = |word: &str| is_single_token(&format!(" {word}"));
        let known = |words: &[&'static str]| -> Vec<&'static str> {
            words.iter().copied().filter(|word| token(word).is_some()).collect()
        };
        let fits = |template: &str| {
            let mut words = template.split_whitespace().filter(|word| !word.starts_with('{'));
            words.all(|word| token(word.trim_matches(['.', ','])).is_some())
        };
        let templates = |all: &[&'static str]| -> Vec<&'static str> {
            let fitting: Vec<_> = all.iter().copied().filter(|t| fits(t)).collect();
            if fitting.is_empty() { all.to_vec() } else { fitting }
        };
        let named =
            |&(name, pronoun): &(&'static str, Pronoun)| token(name).map(|id| (name, pronoun, id));
        let years: Vec<Option<u32>> =
            (0..100).map(|year| is_single_token(&format!("{year:02}"))).collect();
        Self {
            names: NAMES.iter().filter_map(named).collect(),
            places: known(&PLACES),
            objects: known(&OBJECTS),
            events: known(&EVENTS),
            indirect_object: templates(&INDIRECT_OBJECT),
            pronoun: templates(&PRONOUN),
            pronouns: token("she").zip(token("he")).map(|(she, he)| [she, he]),
            centuries: (11..20).filter(|century| token(&century.to_string()).is_some()).collect(),
            years,
        }
    }

    fn indirect_object(&self, rng: &mut Rng) -> Option<(String, Prompt)> {
        let order = rng.permutation(self.names.len());
        let &(receiver, _, answer) = self.names.get(*order.first()?)?;
        let &(giver, _, wrong) = self.names.get(*order.get(1)?)?;
        let (first, second) = if rng.below(2) == 0 { (receiver, giver) } else { (giver, receiver) };
        let text = (pick(&self.indirect_object, rng)?)
            .replace("{first}", first)
            .replace("{second}", second)
            .replace("{s}", giver)
            .replace("{place}", pick(&self.places, rng)?)
            .replace("{object}", pick(&self.objects, rng)?);
        prompt(text, receiver, vec![answer], vec![wrong])
    }

    fn pronoun(&self, rng: &mut Rng) -> Option<(String, Prompt)> {
        let [she, he] = self.pronouns?;
        let (name, pronoun, _) = pick(&self.names, rng)?;
        let text = (pick(&self.pronoun, rng)?)
            .replace("{name}", name)
            .replace("{place}", pick(&self.places, rng).unwrap_or("house"));
        let (answer, wrong) = if pronoun.word() == "she" { (she, he) } else { (he, she) };
        prompt(text, name, vec![answer], vec![wrong])
    }

    fn greater_than(&self, rng: &mut Rng) -> Option<(String, Prompt)> {
        // Both ends keep at least one right and one wrong year.
        let usable: Vec<usize> =
            (2..98).filter(|&y| self.years.get(y).is_some_and(Option::is_some)).collect();
        let year = pick(&usable, rng)?;
        let (below, above) = self.years.split_at_checked(year + 1)?;
        let digits = format!("{year:02}");
        let text = GREATER_THAN
            .replace("{event}", pick(&self.events, rng)?)
            .replace("{century}", &pick(&self.centuries, rng)?.to_string())
            .replace("{year}", &digits);
        let at = text.find(" to the year")?;
        let content = Content::Text { source: Some(at - digits.len()..at), text: text.clone() };
        let (answers, wrong): (Vec<u32>, Vec<u32>) =
            (above.iter().flatten().copied().collect(), below.iter().flatten().copied().collect());
        (!answers.is_empty()).then_some((text, Prompt { content, answers, wrong }))
    }
}

fn prompt(
    text: String,
    source: &str,
    answers: Vec<u32>,
    wrong: Vec<u32>,
) -> Option<(String, Prompt)> {
    let start = text.find(source)?;
    let source = Some(start..start + source.len());
    Some((text.clone(), Prompt { content: Content::Text { text, source }, answers, wrong }))
}

fn pick<T: Copy>(words: &[T], rng: &mut Rng) -> Option<T> {
    words.get(rng.below(words.len() as u32) as usize).copied()
}

#[cfg(test)]
mod tests;

//! A set of prompts run through the model, every head measured against its controls.
//!
//! A head is looked at where the last token of the prompt itself looks (what a tokenizer puts behind a prompt is not part of a
//! set), at the place of the answer; where no answer is known, at the most attended place. As many prompts as a layer's worth
//! of activations go through the model together, and the file is read once for them.

use std::ops::Range;

use serde::{Deserialize, Serialize};

use super::StudyError;
use crate::circuits::prompts::{
    Content, Located, Prompt, Task, generate, own_list, repeated_tokens,
};
use crate::circuits::sad::run::LayerRun;
use crate::circuits::sad::set::{HeadEvents, HeadSet, SetOptions};
use crate::circuits::sad::terms::TermBasis;
use crate::math::order::sort_by_key;
use crate::model::forward::{Products, layer_bytes};
use crate::model::tokenizer::{Start, Tokenizer};
use crate::model::{ForwardPass, Model};

/// Length of the list that is repeated in the induction task.
const LIST: usize = 10;

/// Bytes of activations in memory at a time: as much as a layer of the model takes, within limits.
const ACTIVATIONS: [u64; 2] = [32 << 20, 256 << 20];

/// A set of prompts to measure.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SetSpec {
    /// Which task.
    pub task: SetTask,
    /// How many prompts at most.
    pub n: usize,
    /// Seed of the prompts.
    pub seed: u32,
    /// Which events count, and how controls are drawn.
    pub options: SetOptions,
    /// It is one checkpoint of a series: both spectra of every head are told as well.
    pub series: bool,
    /// The part of the prompts that is meant.
    pub share: Share,
}

/// One of several equal parts of a set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Share {
    /// Which.
    pub index: usize,
    /// Of how many.
    pub of: usize,
}

impl Share {
    /// All of it.
    pub const WHOLE: Self = Self { index: 0, of: 1 };

    /// Which of `n` prompts are in it.
    pub fn of_prompts(self, n: usize) -> Range<usize> {
        let at = |index: usize| (index * n / self.of.max(1)).min(n);
        at(self.index)..at(self.index + 1)
    }
}

/// Where the prompts of a set come from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum SetTask {
    /// One of the tasks with a known answer.
    Task(Task),
    /// The same random tokens twice.
    Repeated,
    /// The reader's lines.
    Own(String),
}

impl SetTask {
    /// Its name in words.
    pub fn words(&self) -> &'static str {
        match self {
            Self::Task(Task::IndirectObject) => "indirect object",
            Self::Task(Task::Pronoun) => "gendered pronoun",
            Self::Task(Task::GreaterThan) => "greater than",
            Self::Repeated => "repeated random tokens",
            Self::Own(_) => "the reader's own",
        }
    }
}

/// The prompts of a set in tokens, those of the asked share.
pub struct Prompts {
    prompts: Vec<Prompt>,
    located: Vec<Located>,
    /// One of the prompts of the whole set, to show.
    pub example: String,
}

impl Prompts {
    /// Makes the prompts of a set for this model.
    ///
    /// # Errors
    /// [`StudyError::WordsWithoutTokenizer`], [`StudyError::EmptySet`], or that the vocabulary does not allow the task.
    pub fn new(
        model: &Model,
        tokenizer: Option<&Tokenizer>,
        spec: &SetSpec,
    ) -> Result<Self, StudyError> {
        let prompts = written(model, tokenizer, spec)?;
        let start = match tokenizer.map(Tokenizer::start) {
            Some(Start::Bos { id, .. }) if model.arch.prepend_bos => vec![*id],
            Some(Start::Frame { before, .. }) if model.arch.prepend_bos => before.clone(),
            _ => Vec::new(),
        };
        let encode =
            |text: &str| tokenizer.and_then(|t| t.encode(text, false).ok()).unwrap_or_default();
        let located = prompts.iter().map(|p| p.locate(encode, &start));
        let located = located.collect::<Result<Vec<_>, _>>()?;
        if located.is_empty() {
            return Err(StudyError::EmptySet);
        }
        let example = example(tokenizer, &prompts);
        let own = spec.share.of_prompts(located.len());
        Ok(Self { prompts: prompts[own.clone()].to_vec(), located: located[own].to_vec(), example })
    }

    /// Prompts of the share.
    pub fn len(&self) -> usize {
        self.located.len()
    }

    /// Each prompt's ids, the position that its answer follows, and the answer and the typical mistake where there is one of each.
    pub fn asked(&self) -> impl Iterator<Item = (&[u32], usize, [Option<u32>; 2])> {
        let only = |ids: &[u32]| if let [id] = ids { Some(*id) } else { None };
        self.located.iter().zip(&self.prompts).map(move |(located, prompt)| {
            let answers = [only(&prompt.answers), only(&prompt.wrong)];
            (located.ids.as_slice(), located.dest, answers)
        })
    }

    /// Whether the share has none: there are more shares than prompts.
    pub fn is_empty(&self) -> bool {
        self.located.is_empty()
    }
}

/// A set on its way through the model: a layer of a batch of prompts at a time.
pub struct SetRun {
    prompts: Prompts,
    batches: Vec<Range<usize>>,
    batch: usize,
    pass: Option<ForwardPass>,
    heads: Vec<((usize, usize), HeadSet)>,
    /// One past the last layer that is run.
    end: usize,
    correct: usize,
    answered: usize,
}

impl SetRun {
    /// Ready to measure the heads whose bases are given. The pass ends before layer `end`, and then no answer is checked; or
    /// runs through all layers.
    ///
    /// # Errors
    /// What reading a layer's size says.
    pub fn new(
        model: &Model,
        prompts: Prompts,
        bases: impl IntoIterator<Item = ((usize, usize), TermBasis)>,
        options: SetOptions,
        end: Option<usize>,
    ) -> Result<Self, StudyError> {
        let n_heads = model.arch.n_heads;
        let set = |((layer, head), basis)| {
            let stream = (layer * n_heads + head) as u32;
            ((layer, head), HeadSet::new(basis, options, stream))
        };
        let mut heads: Vec<_> = bases.into_iter().map(set).collect();
        sort_by_key(&mut heads, |(at, _)| *at);
        let [least, most] = ACTIVATIONS;
        let room = layer_bytes(model, 0)?.clamp(least, most) as usize;
        // A position takes about twelve residual streams.
        let batches = batches(&prompts.located, room / (12 * 4 * model.arch.d_model.max(1)));
        let end = end.map_or(model.arch.n_layers, |end| end.min(model.arch.n_layers));
        let (batch, pass, correct, answered) = (0, None, 0, 0);
        Ok(Self { prompts, batches, batch, pass, heads, end, correct, answered })
    }

    /// Steps in all.
    pub fn n_steps(&self) -> usize {
        self.batches.len() * self.end
    }

    /// Runs the next layer of the batch under way, and checks its answers after the last; false when all is done.
    ///
    /// # Errors
    /// What reading says, what `products` says, or that a prompt does not fit the model.
    pub async fn step(
        &mut self,
        products: &mut impl Products,
        model: &Model,
    ) -> Result<bool, StudyError> {
        let Some(batch) = self.batches.get(self.batch).cloned() else { return Ok(false) };
        let located = &self.prompts.located[batch.clone()];
        let mut pass = match self.pass.take() {
            Some(pass) => pass,
            None => {
                let ids: Vec<Vec<u32>> = located.iter().map(|l| l.ids.clone()).collect();
                ForwardPass::of_tokens(model, &ids)?
            }
        };
        let layer = pass.next_layer();
        let measured = self.heads.iter().any(|((at, _), _)| *at == layer);
        let traces = pass.step_by(products, model, measured, None).await?;
        for (trace, located) in traces.iter().zip(located) {
            let Some(run) = LayerRun::of(&model.arch, trace) else { continue };
            for ((_, head), set) in self.heads.iter_mut().filter(|((l, _), _)| *l == layer) {
                set.add(run.head(*head)?, run.scale, run.view, located.dest, located.src)?;
            }
        }
        self.heads.iter_mut().filter(|((l, _), _)| *l == layer).for_each(|(_, set)| set.rest());
        if pass.next_layer() < self.end {
            self.pass = Some(pass);
            return Ok(true);
        }
        self.batch += 1;
        if pass.next_layer() == model.arch.n_layers && model.arch.unembedding.is_some() {
            let ends: Vec<(usize, usize)> = located.iter().map(|l| l.dest).enumerate().collect();
            let logits = pass.logits_by(products, model, &ends).await?;
            let width = logits.len() / ends.len().max(1);
            let prompts = &self.prompts.prompts[batch];
            for (prompt, logits) in prompts.iter().zip(logits.chunks_exact(width.max(1))) {
                if let Some(answer) = prompt.score(logits) {
                    self.answered += 1;
                    self.correct += usize::from(answer.correct);
                }
            }
        }
        Ok(true)
    }

    /// What was measured.
    pub fn finish(self) -> SetFound {
        let head = |((layer, head), set): ((usize, usize), HeadSet)| ((layer, head), set.seen());
        SetFound {
            n: self.prompts.len(),
            correct: (self.answered > 0).then_some(self.correct),
            answered: self.answered,
            example: self.prompts.example,
            heads: self.heads.into_iter().map(head).collect(),
        }
    }
}

/// What a set gave.
pub struct SetFound {
    /// Prompts run.
    pub n: usize,
    /// Prompts whose answer beat the typical mistake; `None` where there is no answer to check.
    pub correct: Option<usize>,
    /// Prompts with an answer to check.
    pub answered: usize,
    /// One of the prompts, to show.
    pub example: String,
    /// What every head showed, in order.
    pub heads: Vec<((usize, usize), HeadEvents)>,
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
    if start < located.len() {
        batches.push(start..located.len());
    }
    batches
}

fn example(tokenizer: Option<&Tokenizer>, prompts: &[Prompt]) -> String {
    match prompts.first().map(|p| &p.content) {
        Some(Content::Text { text, .. }) => text.clone(),
        Some(Content::Ids { ids, .. }) => {
            tokenizer.map_or_else(String::new, |t| ids.iter().map(|&id| t.label(id)).collect())
        }
        None => String::new(),
    }
}

fn written(
    model: &Model,
    tokenizer: Option<&Tokenizer>,
    spec: &SetSpec,
) -> Result<Vec<Prompt>, StudyError> {
    let single = |word: &str| {
        let tokenizer = tokenizer?;
        tokenizer.single(word).or_else(|| tokenizer.single(word.trim_start()))
    };
    match &spec.task {
        SetTask::Repeated => {
            let ids: Vec<u32> = (0..model.arch.d_vocab.unwrap_or(0) as u32).collect();
            let length = LIST.min(ids.len().saturating_sub(1));
            Ok(repeated_tokens(spec.n, length, &ids, spec.seed)?)
        }
        _ if !tokenizer.is_some_and(Tokenizer::reads) => Err(StudyError::WordsWithoutTokenizer),
        SetTask::Task(task) => Ok(generate(*task, spec.n, spec.seed, single)?),
        SetTask::Own(list) => Ok(own_list(list, single)),
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
        assert_eq!(batches(&[], 10), [0usize..0; 0]);
    }
}

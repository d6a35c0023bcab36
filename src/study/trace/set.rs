//! Circuits over a set of prompts: each traced from its own answer, then laid together.

use serde::{Deserialize, Serialize};

use super::consensus::{ChanceOptions, Consensus, consensus};
use super::{CleanPrompt, Question, TraceRun, Traced};
use crate::circuits::trace::Circuit;
use crate::circuits::trace::layer::decompose;
use crate::model::Model;
use crate::model::forward::Products;
use crate::model::tokenizer::Tokenizer;
use crate::study::StudyError;
use crate::study::prompt::{Prompt, PromptRun};

/// What is traced of one prompt of a set: its ids, the position that the answer follows, the answer and the typical mistake.
pub type OfSet<'a> = (&'a [u32], usize, [Option<u32>; 2]);

/// Runs and traces one prompt of a set under the rules of a question.
///
/// # Errors
/// What running or tracing says.
pub async fn trace_one(
    products: &mut impl Products,
    model: &Model,
    tokenizer: Option<&Tokenizer>,
    (ids, at, [answer, wrong]): OfSet<'_>,
    rules: &Question,
) -> Result<Traced, StudyError> {
    let mut run = PromptRun::new(model, tokenizer, &Prompt::of_ids(ids))?;
    let mut traces = Vec::new();
    while let Some(trace) = run.step(products, model).await? {
        traces.push(trace);
    }
    let clean = CleanPrompt::new(&run, &traces);
    let id = |id: Option<u32>| id.map(|id| format!("#{id}"));
    let mut question = Question { answer: id(answer), wrong: id(wrong), ..rules.clone() };
    question.options.at = Some(at);
    let mut run = TraceRun::new(products, model, tokenizer, clean, &question).await?;
    while let Some(shares) = run.next_layer(clean, model) {
        for share in shares {
            let options = *run.options();
            run.take(decompose(clean.run(model), &share, &options, None)?);
        }
    }
    Ok(run.finish())
}

/// A set of prompts, traced.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TracedSet {
    /// How many prompts.
    pub n_prompts: usize,
    /// Prompts whose answer was held against a typical mistake.
    pub n_compared: usize,
    /// Those with a better logit for the answer.
    pub n_correct: usize,
    /// One of the prompts.
    pub example: String,
    /// Their edges.
    #[serde(flatten)]
    pub consensus: Consensus,
}

impl TracedSet {
    /// Lays the circuits of a set together.
    pub fn of(model: &Model, traced: Vec<Traced>, example: String, chance: ChanceOptions) -> Self {
        let margins = || traced.iter().filter_map(|t| t.objective.logit_difference);
        let (n_compared, n_correct) = (margins().count(), margins().filter(|m| *m > 0.0).count());
        let circuits: Vec<Circuit> = traced.into_iter().map(|traced| traced.circuit).collect();
        Self {
            n_prompts: circuits.len(),
            n_compared,
            n_correct,
            example,
            consensus: consensus(&circuits, |layer| model.arch.n_heads_of(layer), chance),
        }
    }
}

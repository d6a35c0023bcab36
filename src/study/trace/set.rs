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
use crate::study::prompt_set::Prompts;

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
    /// Prompts with one expected answer; of the others the likeliest is traced, which says nothing of being right.
    pub n_expected: usize,
    /// Those of them whose answer was held against another.
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
    /// Lays the circuits of a set's prompts together.
    pub fn of(
        model: &Model,
        traced: Vec<Traced>,
        prompts: &Prompts,
        chance: ChanceOptions,
    ) -> Self {
        let expected = prompts.asked().map(|(_, _, [answer, _])| answer.is_some());
        let margins = traced.iter().map(|traced| traced.objective.logit_difference);
        let [n_expected, n_compared, n_correct] = counted(expected.zip(margins));
        let circuits: Vec<Circuit> = traced.into_iter().map(|traced| traced.circuit).collect();
        Self {
            n_prompts: circuits.len(),
            n_expected,
            n_compared,
            n_correct,
            example: prompts.example.clone(),
            consensus: consensus(&circuits, |layer| model.arch.n_heads_of(layer), chance),
        }
    }
}

/// Of prompts, each with whether an answer is expected and by how much the traced one leads: those with one, those that were
/// compared, and those that were right.
fn counted(prompts: impl Iterator<Item = (bool, Option<f64>)>) -> [usize; 3] {
    prompts.filter(|(expected, _)| *expected).fold([0; 3], |[n, compared, right], (_, lead)| {
        let leads = lead.is_some_and(|lead| lead > 0.0);
        [n + 1, compared + usize::from(lead.is_some()), right + usize::from(leads)]
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_asked_for_nothing_is_not_right() {
        let of = |prompts: &[(bool, Option<f64>)]| counted(prompts.iter().copied());
        assert_eq!(of(&[(false, Some(3.0)), (false, None)]), [0, 0, 0]);
        assert_eq!(of(&[(true, Some(3.0)), (true, Some(-1.0)), (false, Some(2.0))]), [2, 2, 1]);
        assert_eq!(of(&[(true, None), (true, Some(0.0))]), [2, 1, 0]);
    }
}

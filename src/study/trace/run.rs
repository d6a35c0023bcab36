//! A trace under way: seeds first, then the firings of one layer after the other, highest first.

use serde::{Deserialize, Serialize};

use super::clean::CleanPrompt;
use super::question::{Question, SeedRule, Tokens};
use crate::circuits::trace::layer::{Decomposed, shares};
use crate::circuits::trace::options::IG_STEPS;
use crate::circuits::trace::seeds::seeds;
use crate::circuits::trace::tracer::Tracer;
use crate::circuits::trace::{Circuit, Firing, Objective, TraceOptions};
use crate::model::Model;
use crate::model::forward::Products;
use crate::model::tokenizer::Tokenizer;
use crate::study::StudyError;
use crate::study::prompt::label;

/// What was traced, in numbers; natural logarithms.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Asked {
    /// How the seeds were found.
    pub seeding: SeedRule,
    /// The answer's id.
    pub answer: u32,
    /// The answer in words.
    pub answer_text: String,
    /// Its ln p in the clean run.
    pub answer_logprob: f64,
    /// The other token's id.
    pub wrong: Option<u32>,
    /// The other token in words.
    pub wrong_text: Option<String>,
    /// Logit of the answer minus that of the other token, in the clean run.
    pub logit_difference: Option<f64>,
    /// The part of it that the unembedding's bias alone makes (contrast).
    pub bias_difference: Option<f64>,
    /// Seeds were taken until this share of the rise of ln p over the bare bias was gone (probability).
    pub tau: Option<f64>,
    /// The answer's ln p with the unembedding's bias alone (probability).
    pub baseline_logprob: Option<f64>,
    /// Intervals of the integrals of gradients.
    pub ig_steps: usize,
    /// The position whose stream was traced.
    pub at: usize,
}

/// An answer's circuit, and what it is the circuit of.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Traced {
    /// What was traced.
    pub objective: Asked,
    /// The rules.
    pub options: TraceOptions,
    /// The graph.
    #[serde(flatten)]
    pub circuit: Circuit,
    /// What the reader must know beside it.
    pub notes: Vec<String>,
}

/// A trace under way.
pub struct TraceRun {
    objective: Asked,
    options: TraceOptions,
    tracer: Tracer,
    notes: Vec<String>,
}

impl TraceRun {
    /// Finds the seeds of an answer.
    ///
    /// # Errors
    /// [`StudyError::NotOneToken`], [`StudyError::NotAnId`], [`StudyError::NoOther`] for a contrast with nothing; a position or
    /// token that does not exist; a model whose logits are no sum of what its stream holds; what reading says.
    pub async fn new(
        products: &mut impl Products,
        model: &Model,
        tokenizer: Option<&Tokenizer>,
        prompt: CleanPrompt<'_>,
        question: &Question,
    ) -> Result<Self, StudyError> {
        let clean = prompt.run(model);
        let at = question.options.at.unwrap_or(clean.n().saturating_sub(1));
        let log_p = prompt.log_probabilities(products, model, at).await?;
        let Tokens { answer, wrong, notes: found } = question.tokens(tokenizer, &log_p)?;
        let mut notes: Vec<String> =
            model.notes.iter().chain(&prompt.ran().named).cloned().collect();
        notes.extend(found);
        let seeding = question.seed_rule();
        let objective = match (seeding, wrong) {
            (SeedRule::Probability, _) => Objective::Probability { answer },
            (SeedRule::Contrast, Some(wrong)) => Objective::Contrast { answer, wrong },
            (SeedRule::Contrast, None) => return Err(StudyError::NoOther),
        };
        let found = seeds(clean, &objective, &question.options, None)?;
        let expected = |id: u32| log_p.get(id as usize).copied().unwrap_or(f64::NEG_INFINITY);
        let by_probability = seeding == SeedRule::Probability;
        let objective = Asked {
            seeding,
            answer,
            answer_text: label(tokenizer, answer),
            answer_logprob: expected(answer),
            wrong,
            wrong_text: wrong.map(|id| label(tokenizer, id)),
            logit_difference: wrong.map(|wrong| expected(answer) - expected(wrong)),
            bias_difference: (!by_probability).then_some(found.baseline),
            tau: by_probability.then_some(question.options.tau),
            baseline_logprob: by_probability.then_some(found.baseline),
            ig_steps: IG_STEPS,
            at,
        };
        if found.seeds.is_empty() {
            notes.push(
                "nothing in the stream speaks for the answer, so there is nothing to trace".into(),
            );
        } else if !found.seeds.iter().any(|seed| seed.from.firing().is_some()) {
            notes.push("no head is among the components that carry the answer, so no attention leads to it".into());
        }
        let tracer = Tracer::new(found.seeds, found.share);
        Ok(Self { objective, options: question.options, tracer, notes })
    }

    /// The rules, which [`crate::circuits::trace::layer::decompose`] needs.
    pub fn options(&self) -> &TraceOptions {
        &self.options
    }

    /// The open firings of the highest layer, in shares that can be taken apart independently; `None` at the end.
    pub fn next_layer(
        &mut self,
        prompt: CleanPrompt<'_>,
        model: &Model,
    ) -> Option<Vec<Vec<Firing>>> {
        Some(shares(prompt.run(model), self.tracer.next_layer()?))
    }

    /// Takes up a share that has been taken apart.
    pub fn take(&mut self, decomposed: Vec<Decomposed>) {
        self.tracer.take(decomposed);
    }

    /// The circuit.
    pub fn finish(self) -> Traced {
        let Self { objective, options, tracer, notes } = self;
        Traced { objective, options, circuit: tracer.finish(), notes }
    }
}

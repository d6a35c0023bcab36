//! A trace under way: seeds first, then the firings of one layer after the other, highest first.

use serde::{Deserialize, Serialize};

use super::clean::CleanPrompt;
use super::question::{Question, SeedRule, Tokens};
use crate::circuits::CircuitError;
use crate::circuits::trace::graph::Seed;
use crate::circuits::trace::layer::{Decomposed, shares};
use crate::circuits::trace::options::IG_STEPS;
use crate::circuits::trace::seeds::{Seeding, seeds};
use crate::circuits::trace::tracer::Tracer;
use crate::circuits::trace::{Circuit, CleanRun, Firing, Objective, TraceOptions};
use crate::math::statistics::ln_softmax;
use crate::model::Model;
use crate::model::forward::Products;
use crate::model::tokenizer::Tokenizer;
use crate::study::StudyError;
use crate::study::prompt::label;

/// What was traced, in numbers; natural logarithms.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TracedObjective {
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
    /// The reading of a head that was traced, in place of the answer.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub reading: Option<Firing>,
}

impl TracedObjective {
    /// The unit of the seeds' weights.
    pub fn unit(&self) -> &'static str {
        match self.seeding {
            SeedRule::Contrast => "logits",
            SeedRule::Probability => "nats",
            SeedRule::Reading => "of attention",
        }
    }

    /// What a rerun measures.
    pub(super) fn measure(&self) -> &'static str {
        if self.logit_difference.is_some() { "logit_difference" } else { "logprob" }
    }

    /// It in the clean run.
    pub(super) fn clean(&self) -> f64 {
        self.logit_difference.unwrap_or(self.answer_logprob)
    }

    /// It in the logits `[d_vocab]` of another run.
    pub(super) fn measured(&self, logits: &[f32]) -> f64 {
        let all: Vec<f64> = logits.iter().copied().map(f64::from).collect();
        let log_p = ln_softmax(&all);
        let of = |id: u32| log_p.get(id as usize).copied().unwrap_or(f64::NAN);
        match self.wrong.filter(|_| self.logit_difference.is_some()) {
            Some(wrong) => of(self.answer) - of(wrong),
            None => of(self.answer),
        }
    }
}

/// An answer's circuit, and what it is the circuit of.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Traced {
    /// What was traced.
    pub objective: TracedObjective,
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
    objective: TracedObjective,
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
        let dest = question.reading.map(|firing| firing.dest);
        let at = dest.or(question.options.at).unwrap_or(clean.n().saturating_sub(1));
        question.reading.map(|firing| exists(clean, firing)).transpose()?;
        let log_p = prompt.log_probabilities(products, model, at).await?;
        let Tokens { answer, wrong, notes: found } = question.tokens(tokenizer, &log_p)?;
        let mut notes: Vec<String> =
            model.notes.iter().chain(&prompt.ran().named).cloned().collect();
        notes.extend(found);
        let seeding = question.seed_rule();
        let sought = |objective| seeds(clean, &objective, &question.options, None);
        let found = match (seeding, wrong, question.reading) {
            (SeedRule::Reading, _, Some(firing)) => read(clean, firing),
            (SeedRule::Contrast, Some(wrong), _) => sought(Objective::Contrast { answer, wrong })?,
            (SeedRule::Probability, ..) => sought(Objective::Probability { answer })?,
            (SeedRule::Contrast | SeedRule::Reading, ..) => return Err(StudyError::NoOther),
        };
        let expected = |id: u32| log_p.get(id as usize).copied().unwrap_or(f64::NEG_INFINITY);
        let by_probability = seeding == SeedRule::Probability;
        let by_contrast = seeding == SeedRule::Contrast;
        let objective = TracedObjective {
            seeding,
            answer,
            answer_text: label(tokenizer, answer),
            answer_logprob: expected(answer),
            wrong,
            wrong_text: wrong.map(|id| label(tokenizer, id)),
            logit_difference: wrong.map(|wrong| expected(answer) - expected(wrong)),
            bias_difference: by_contrast.then_some(found.baseline),
            tau: by_probability.then_some(question.options.tau),
            baseline_logprob: by_probability.then_some(found.baseline),
            ig_steps: IG_STEPS,
            at,
            reading: question.reading,
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

/// Fails for a reading that the run does not have.
fn exists(clean: CleanRun<'_>, firing: Firing) -> Result<(), StudyError> {
    let heads = clean.model.arch.n_heads_of(firing.layer);
    for (what, index, count) in [
        ("layer", firing.layer, clean.n_layers()),
        ("head", firing.head, heads),
        ("position", firing.dest.max(firing.src), clean.n()),
    ] {
        if index >= count {
            return Err(CircuitError::OutOfRange { what, index, count }.into());
        }
    }
    Ok(())
}

/// A reading as the only seed, its attention its weight.
fn read(clean: CleanRun<'_>, firing: Firing) -> Seeding {
    let weight = clean.attends(firing.layer, firing.head, firing.dest, firing.src);
    let seeds = vec![Seed { from: firing.node(), weight }];
    Seeding { seeds, share: 1.0, value: weight, baseline: 0.0 }
}

//! What a part of a circuit does: the model rerun with one edge or one reading changed, and the answer before and after.
//!
//! An edge is changed where it enters: what its component adds to the scores of its firing, through the edge's singular vectors, is
//! multiplied by a factor; nothing else that the component does changes. Of a reading the odds are multiplied: at 0 the head does
//! not see that token. From that layer on everything is rerun.

use serde::{Deserialize, Serialize};

use super::clean::CleanPrompt;
use super::run::Asked;
use crate::circuits::CircuitError;
use crate::circuits::trace::edge::with_terms;
use crate::circuits::trace::graph::Edge;
use crate::circuits::trace::{Firing, TraceOptions};
use crate::model::Model;
use crate::model::forward::{ForwardPass, Products, Site};
use crate::study::StudyError;

/// A part of a circuit that can be changed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Changing {
    /// An edge into a head.
    Edge(Edge),
    /// A head's reading of one token.
    Reading(Firing),
}

impl Changing {
    fn firing(&self) -> Firing {
        match self {
            Self::Edge(edge) => edge.to,
            Self::Reading(firing) => *firing,
        }
    }
}

/// Before and after a change.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Effect {
    /// What was measured: `logit_difference` or `logprob`.
    pub measure: String,
    /// It in the clean run.
    pub before: f64,
    /// And after the change.
    pub after: f64,
    /// The attention of the firing that was changed, in the clean run.
    pub attention_before: f64,
    /// And after the change.
    pub attention_after: f64,
}

/// A changed run under way.
pub struct EffectRun {
    asked: Asked,
    firing: Firing,
    /// New scores of the destination, by source; `None` where the reading's own score moves by `shift`.
    edited: Option<(usize, Vec<f32>)>,
    shift: f32,
    pass: ForwardPass,
    n: usize,
    attention_before: f64,
    attention_after: f64,
}

impl EffectRun {
    /// Ready to run with `part` multiplied by `factor`; the layers before it are not run again.
    ///
    /// # Errors
    /// [`StudyError::NotDecomposed`] for an edge without singular vectors or a head that the model does not have; a negative
    /// factor of a reading; what reading or decomposing says.
    pub fn new(
        model: &Model,
        clean: CleanPrompt<'_>,
        asked: &Asked,
        part: &Changing,
        factor: f64,
        rules: &TraceOptions,
    ) -> Result<Self, StudyError> {
        let (firing, run) = (part.firing(), clean.run(model));
        let none = || StudyError::NotDecomposed { layer: firing.layer, head: firing.head };
        let trace = run.traces.iter().find(|t| t.layer == firing.layer).ok_or_else(none)?;
        let found = model.arch.attention(firing.layer).ok_or_else(none)?;
        let alibi = model.arch.alibi.as_ref().map(|alibi| (alibi, firing.head));
        let edited = match part {
            Changing::Reading(_) if factor.is_nan() || factor < 0.0 => {
                return Err(StudyError::NoOdds { factor });
            }
            Changing::Reading(_) => None,
            Changing::Edge(edge) => {
                let scores = with_terms(run, firing.layer, &[edge], rules, |_, terms| {
                    let terms = terms?;
                    let start = terms.visible().start;
                    let score = |(i, x): (usize, f64)| {
                        // The model's own function takes q·k, before the scale.
                        found.score(x / found.score_scale, alibi, start + i) as f32
                    };
                    let scores = terms.scores_without(1.0 - factor);
                    Some((start, scores.into_iter().enumerate().map(score).collect()))
                })?;
                Some(scores.into_iter().next().flatten().ok_or_else(none)?)
            }
        };
        let n = trace.n;
        Ok(Self {
            asked: asked.clone(),
            firing,
            edited,
            shift: libm::log(factor) as f32,
            pass: ForwardPass::of_hidden(model, firing.layer, vec![n], trace.resid_pre.clone())?,
            n,
            attention_before: run.attends(firing.layer, firing.head, firing.dest, firing.src),
            attention_after: f64::NAN,
        })
    }

    /// Runs the next layer; false when there is none left.
    ///
    /// # Errors
    /// What reading says, and what `products` says.
    pub async fn step(
        &mut self,
        products: &mut impl Products,
        model: &Model,
    ) -> Result<bool, StudyError> {
        let layer = self.pass.next_layer();
        if layer >= model.arch.n_layers {
            return Ok(false);
        }
        if layer != self.firing.layer {
            self.pass.step_by(products, model, false, None).await?;
            return Ok(true);
        }
        let Firing { head, dest, src, .. } = self.firing;
        let (edited, shift, n) = (&self.edited, self.shift, self.n);
        let mut edit = |site: Site, scores: &mut [f32]| {
            let Some(row) = scores.chunks_mut(n).nth(dest).filter(|_| site.head == head) else {
                return;
            };
            match edited {
                Some((start, new)) => {
                    row.iter_mut().skip(*start).zip(new).for_each(|(score, new)| *score = *new);
                }
                None => row.iter_mut().skip(src).take(1).for_each(|score| *score += shift),
            }
        };
        let traces = self.pass.step_by(products, model, true, Some(&mut edit)).await?;
        let at = (head * n + dest) * n + src;
        let after = traces.first().and_then(|trace| trace.pattern.get(at)).copied();
        let absent = CircuitError::OutOfRange { what: "head", index: head, count: 0 };
        self.attention_after = f64::from(after.ok_or(absent)?);
        Ok(true)
    }

    /// The answer after all.
    ///
    /// # Errors
    /// What reading says, and what `products` says.
    pub async fn finish(
        self,
        products: &mut impl Products,
        model: &Model,
    ) -> Result<Effect, StudyError> {
        let logits = self.pass.logits_by(products, model, &[(0, self.asked.at)]).await?;
        Ok(Effect {
            measure: self.asked.measure().to_owned(),
            before: self.asked.clean(),
            after: self.asked.measured(&logits),
            attention_before: self.attention_before,
            attention_after: self.attention_after,
        })
    }
}

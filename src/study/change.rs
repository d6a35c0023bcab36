//! The model rerun from one head on, with a part of its scores left out or changed, a layer at a time.

use serde::{Deserialize, Serialize};

use super::StudyError;
use super::cell::CellAt;
use super::prompt::{Guess, guesses, next_probabilities};
use crate::circuits::sad::intervention::Intervention;
use crate::circuits::sad::run::{LayerRun, edited_scores, position_scores};
use crate::circuits::sad::terms::TermBasis;
use crate::model::Model;
use crate::model::forward::{ForwardPass, LayerTrace, Products, Site};
use crate::model::tokenizer::Tokenizer;

/// Before and after a change.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Changed {
    /// The attention of the destination at the head, before.
    pub attention_before: Vec<f32>,
    /// And after.
    pub attention_after: Vec<f32>,
    /// Next tokens before.
    pub next_before: Vec<Guess>,
    /// The same tokens, and the new likeliest, after.
    pub next_after: Vec<Guess>,
}

/// A changed run under way.
pub struct Change {
    at: CellAt,
    edited: Vec<f32>,
    n: usize,
    pass: ForwardPass,
    attention_before: Vec<f32>,
    attention_after: Vec<f32>,
}

impl Change {
    /// Changes the scores of the cell's head; the layers before it are not run again.
    ///
    /// # Errors
    /// [`StudyError::NotDecomposed`] if there is no trace of its layer; what the circuits layer says.
    pub fn new(
        model: &Model,
        traces: &[LayerTrace],
        basis: &TermBasis,
        at: CellAt,
        intervention: &Intervention,
    ) -> Result<Self, StudyError> {
        let trace = traces.iter().find(|t| t.layer == at.layer).ok_or_else(|| at.none())?;
        let run = LayerRun::of(&model.arch, trace).ok_or_else(|| at.none())?;
        let terms = run.terms(at.head, basis)?;
        let (place, added) = ((at.layer, at.head), position_scores(trace, at.head));
        let edited = edited_scores(&model.arch, place, &terms, intervention, added)?;
        let n = trace.n;
        let pass = ForwardPass::of_hidden(model, at.layer, vec![n], trace.resid_pre.clone())?;
        let attention_before = row(&trace.pattern, at, n);
        Ok(Self { at, edited, n, pass, attention_before, attention_after: Vec::new() })
    }

    /// Runs the next layer: layers done; `None` after the last.
    ///
    /// # Errors
    /// What reading says, and what `products` says.
    pub async fn step(
        &mut self,
        products: &mut impl Products,
        model: &Model,
    ) -> Result<Option<usize>, StudyError> {
        let layer = self.pass.next_layer();
        if layer >= model.arch.n_layers {
            return Ok(None);
        }
        if layer == self.at.layer {
            let (head, edited) = (self.at.head, &self.edited);
            let mut edit = |site: Site, scores: &mut [f32]| {
                if site.head == head && scores.len() == edited.len() {
                    scores.copy_from_slice(edited);
                }
            };
            let after = self.pass.step_by(products, model, true, Some(&mut edit)).await?;
            self.attention_after =
                after.first().map(|trace| row(&trace.pattern, self.at, self.n)).unwrap_or_default();
        } else {
            self.pass.step_by(products, model, false, None).await?;
        }
        Ok(Some(self.pass.next_layer()))
    }

    /// What became of the head's attention, and of `next_before`, the guesses without the change.
    ///
    /// # Errors
    /// What reading says, and what `products` says.
    pub async fn finish(
        self,
        products: &mut impl Products,
        model: &Model,
        tokenizer: Option<&Tokenizer>,
        next_before: Vec<Guess>,
    ) -> Result<Changed, StudyError> {
        let last = self.n - 1;
        let mut next_after = guesses(model, &self.pass, products, last, tokenizer).await?;
        if !next_before.is_empty() {
            // The tokens that were likely before are shown after, however unlikely they have become.
            let probabilities = next_probabilities(model, &self.pass, products, last).await?;
            for guess in &next_before {
                if next_after.iter().all(|g| g.id != guess.id) {
                    let probability = probabilities.get(guess.id as usize).copied().unwrap_or(0.0);
                    next_after.push(Guess { probability, ..guess.clone() });
                }
            }
        }
        let Self { attention_before, attention_after, .. } = self;
        Ok(Changed { attention_before, attention_after, next_before, next_after })
    }
}

/// The attention of the cell's destination, `[n]`.
fn row(pattern: &[f32], at: CellAt, n: usize) -> Vec<f32> {
    let start = (at.head * n + at.dest) * n;
    pattern.get(start..start + n).map(<[f32]>::to_vec).unwrap_or_default()
}

//! What a circuit is worth: the model run with its rows of attention alone, and without them, beside random circuits.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::run::TracedObjective;
use crate::circuits::trace::rows::{Row, possible, random};
use crate::math::random::Rng;
use crate::math::statistics::empirical_p;
use crate::model::Model;
use crate::model::forward::{ForwardPass, Products, Site};
use crate::study::StudyError;

/// Positions that go through the model together.
const AT_ONCE: usize = 512;

/// Below this the model does as well with all attention levelled, and no share can be said.
const NOTHING: f64 = 1e-6;

/// A random circuit may be the circuit itself: rounding must not make it beat itself.
const ROUNDING: f64 = 1e-5;

/// How random circuits are drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct AloneOptions {
    /// How many.
    pub draws: usize,
    /// Their seed.
    pub seed: u32,
}

impl Default for AloneOptions {
    fn default() -> Self {
        Self { draws: 64, seed: 0 }
    }
}

/// What became of the answer; its measure is the logit difference, or ln p where it was held against nothing.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Alone {
    /// What was measured: `logit_difference` or `logprob`.
    pub measure: String,
    /// What the rest of the attention is.
    pub outside: String,
    /// Rows of attention in the circuit: heads at destinations.
    pub rows: usize,
    /// The measure in the clean run.
    pub full: f64,
    /// With all attention levelled.
    pub none: f64,
    /// With the circuit alone.
    pub alone: f64,
    /// With everything but the circuit.
    pub without: f64,
    /// `(alone - none) / (full - none)`; `None` if those two are the same.
    pub kept: Option<f64>,
    /// `(without - none) / (full - none)`.
    pub kept_without: Option<f64>,
    /// `kept` of random circuits: as many rows in the same layers at the same destinations, of heads drawn at random.
    pub random: Vec<f64>,
    /// How many circuits of that shape there are.
    pub possible: f64,
    /// The chance that a random circuit keeps as much: `(1 + #{random ≥ kept}) / (1 + draws)`.
    pub p: Option<f64>,
    /// How the random circuits were drawn.
    pub options: AloneOptions,
}

/// Rows that keep their attention.
enum Kept {
    Only(BTreeSet<Row>),
    AllBut(BTreeSet<Row>),
}

impl Kept {
    fn keeps(&self, row: &Row) -> bool {
        match self {
            Self::Only(rows) => rows.contains(row),
            Self::AllBut(rows) => !rows.contains(row),
        }
    }
}

/// The runs under way, some of them at a time.
pub struct AloneRun {
    ids: Vec<u32>,
    asked: TracedObjective,
    options: AloneOptions,
    rows: usize,
    possible: f64,
    /// Nothing, the circuit, all but the circuit, then random ones.
    variants: Vec<Kept>,
    /// Those that are in the model now.
    pass: Option<ForwardPass>,
    values: Vec<f64>,
}

impl AloneRun {
    /// The rows of a circuit of what was asked, on a prompt of these ids.
    ///
    /// # Errors
    /// A row that the model does not have.
    pub fn new(
        model: &Model,
        ids: &[u32],
        asked: &TracedObjective,
        rows: BTreeSet<Row>,
        options: AloneOptions,
    ) -> Result<Self, StudyError> {
        let n_heads = |layer: usize| model.arch.n_heads_of(layer);
        let there = |row: &Row| row.layer < model.arch.n_layers && row.head < n_heads(row.layer);
        if let Some(row) = rows.iter().find(|row| !there(row)) {
            return Err(StudyError::NotDecomposed { layer: row.layer, head: row.head });
        }
        let mut rng = Rng::new(options.seed);
        let mut variants =
            vec![Kept::Only(BTreeSet::new()), Kept::Only(rows.clone()), Kept::AllBut(rows.clone())];
        let drawn = (0..options.draws).map(|_| Kept::Only(random(&rows, n_heads, &mut rng)));
        variants.extend(drawn);
        Ok(Self {
            ids: ids.to_vec(),
            asked: asked.clone(),
            options,
            rows: rows.len(),
            possible: possible(&rows, n_heads),
            variants,
            pass: None,
            values: Vec::new(),
        })
    }

    fn at_once(&self) -> usize {
        (AT_ONCE / self.ids.len().max(1)).max(1)
    }

    /// Layers to run in all.
    pub fn n_steps(&self, model: &Model) -> usize {
        self.variants.len().div_ceil(self.at_once()) * model.arch.n_layers
    }

    /// Runs the next layer of some of the variants; false when there is nothing left.
    ///
    /// # Errors
    /// What reading says, and what `products` says.
    pub async fn step(
        &mut self,
        products: &mut impl Products,
        model: &Model,
    ) -> Result<bool, StudyError> {
        let (first, most) = (self.values.len(), self.at_once());
        let now = self.variants.get(first..).unwrap_or_default();
        let now = now.get(..most).unwrap_or(now);
        if now.is_empty() {
            return Ok(false);
        }
        let mut pass = match self.pass.take() {
            Some(pass) => pass,
            None => ForwardPass::of_tokens(model, &vec![self.ids.clone(); now.len()])?,
        };
        let mut level = |site: Site, scores: &mut [f32]| {
            let Some(variant) = now.get(site.prompt) else { return };
            for (dest, row) in scores.chunks_mut(site.n).enumerate() {
                if !variant.keeps(&Row { layer: site.layer, dest, head: site.head }) {
                    row.fill(0.0);
                }
            }
        };
        pass.step_by(products, model, false, Some(&mut level)).await?;
        if pass.next_layer() < model.arch.n_layers {
            self.pass = Some(pass);
            return Ok(true);
        }
        for prompt in 0..now.len() {
            let logits = pass.logits_by(products, model, &[(prompt, self.asked.at)]).await?;
            self.values.push(self.asked.measured(&logits));
        }
        Ok(true)
    }

    /// What was found.
    pub fn finish(self) -> Alone {
        let full = self.asked.clean();
        let value = |i: usize| self.values.get(i).copied().unwrap_or(f64::NAN);
        let [none, alone, without] = [value(0), value(1), value(2)];
        let whole = full - none;
        let share = |value: f64| (whole.abs() > NOTHING).then(|| (value - none) / whole);
        let random: Vec<f64> =
            self.values.iter().skip(3).filter_map(|value| share(*value)).collect();
        let kept = share(alone);
        Alone {
            measure: self.asked.measure().to_owned(),
            outside: "every other head at every destination gives all tokens that it sees the same attention; everything is rerun".to_owned(),
            rows: self.rows,
            full,
            none,
            alone,
            without,
            kept,
            kept_without: share(without),
            p: kept.filter(|_| !random.is_empty()).map(|kept| empirical_p(kept - ROUNDING, &random)),
            random,
            possible: self.possible,
            options: self.options,
        }
    }
}

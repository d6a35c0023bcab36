//! What a part of a circuit does: the model rerun with it changed, and the answer before and after.
//!
//! ```text
//! edge      what its component adds to the scores of its firing, through the edge's singular vectors, times a factor; nothing else
//!           that the component does changes
//! reading   the odds of looking there, times a factor: at 0 the head does not see that token
//! head      all its scores at every token, times a factor: at 0 it looks at all that it sees alike
//! output    what a head writes at every token, times a factor; it looks where it looked
//! written   what an MLP or the embedding writes at its token, times a factor
//! ```
//! From that layer on everything is rerun.

use serde::{Deserialize, Serialize};

use super::clean::CleanPrompt;
use super::run::TracedObjective;
use crate::circuits::CircuitError;
use crate::circuits::trace::edge::with_terms;
use crate::circuits::trace::graph::{Edge, Kind};
use crate::circuits::trace::{Firing, Node, TraceOptions, writers};
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
    /// A whole head, wherever it looks.
    Head {
        /// Its layer.
        layer: usize,
        /// Its number there.
        head: usize,
    },
    /// What a whole head writes, at every token.
    Output {
        /// Its layer.
        layer: usize,
        /// Its number there.
        head: usize,
    },
    /// What an MLP or the embedding writes at one token.
    Written(Node),
}

impl Changing {
    fn firing(&self) -> Option<Firing> {
        match self {
            Self::Edge(edge) => Some(edge.to),
            Self::Reading(firing) => Some(*firing),
            Self::Head { .. } | Self::Output { .. } | Self::Written(_) => None,
        }
    }

    /// The layer in which it is, and its head.
    fn place(&self) -> (usize, usize) {
        match self {
            Self::Edge(Edge { to: Firing { layer, head, .. }, .. })
            | Self::Reading(Firing { layer, head, .. })
            | Self::Head { layer, head }
            | Self::Output { layer, head } => (*layer, *head),
            Self::Written(node) => (node.layer.unwrap_or(0), 0),
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
    /// The attention of the firing that was changed, in the clean run; `None` where it is not one firing that was.
    pub attention_before: Option<f64>,
    /// And after the change.
    pub attention_after: Option<f64>,
}

/// What happens in the layer that is changed.
enum Edit {
    /// New scores of one destination of a head, from a source on.
    Row(Firing, usize, Vec<f32>),
    /// A score moves.
    Odds(Firing, f32),
    /// All scores of a head are multiplied.
    Scores(usize, f32),
    /// What a head writes is multiplied.
    Output(usize, f32),
    /// Something is added to the stream at a position, before the layer or behind it.
    Stream { position: usize, before: bool, added: Vec<f32> },
}

/// A changed run under way.
pub struct EffectRun {
    asked: TracedObjective,
    layer: usize,
    firing: Option<Firing>,
    edit: Edit,
    pass: ForwardPass,
    n: usize,
    attention_before: Option<f64>,
    attention_after: Option<f64>,
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
        asked: &TracedObjective,
        part: &Changing,
        factor: f64,
        rules: &TraceOptions,
    ) -> Result<Self, StudyError> {
        let (firing, run, (layer, head)) = (part.firing(), clean.run(model), part.place());
        let none = || StudyError::NotDecomposed { layer, head };
        let trace = run.traces.iter().find(|t| t.layer == layer).ok_or_else(none)?;
        let edit = match part {
            Changing::Reading(_) | Changing::Head { .. } if factor.is_nan() || factor < 0.0 => {
                return Err(StudyError::NoOdds { factor });
            }
            Changing::Reading(firing) => Edit::Odds(*firing, libm::log(factor) as f32),
            Changing::Head { .. } => Edit::Scores(head, factor as f32),
            Changing::Output { .. } => Edit::Output(head, factor as f32),
            Changing::Edge(edge) => {
                let found = model.arch.attention(layer).ok_or_else(none)?;
                let alibi = model.arch.alibi.as_ref().map(|alibi| (alibi, head));
                let scores = with_terms(run, layer, &[edge], rules, |_, terms| {
                    let terms = terms?;
                    let start = terms.visible().start;
                    let score = |(i, x): (usize, f64)| {
                        // The model's own function takes q·k, before the scale.
                        found.score(x / found.score_scale, alibi, start + i) as f32
                    };
                    let scores = terms.scores_without(1.0 - factor);
                    Some((start, scores.into_iter().enumerate().map(score).collect()))
                })?;
                let (start, scores) = scores.into_iter().next().flatten().ok_or_else(none)?;
                Edit::Row(edge.to, start, scores)
            }
            Changing::Written(node) => {
                let before = node.kind == Kind::Embed;
                let front = if before { 0 } else { layer + 1 };
                let written = writers::vectors(run, &[*node], front)?.pop().ok_or_else(none)?;
                let added = written.into_iter().map(|x| ((factor - 1.0) * x) as f32).collect();
                Edit::Stream { position: node.dest, before, added }
            }
        };
        let (n, mut resid) = (trace.n, trace.resid_pre.clone());
        if let Edit::Stream { position, before: true, added } = &edit {
            add(&mut resid, *position, added);
        }
        let mut pass = ForwardPass::of_hidden(model, layer, vec![n], resid)?;
        if let Edit::Output(head, factor) = edit {
            let count = model.arch.attention(layer).map_or(0, |found| found.sizes.n_heads);
            if head >= count {
                return Err(none());
            }
            pass.weigh_head(layer, head, factor);
        }
        Ok(Self {
            asked: asked.clone(),
            layer,
            firing,
            edit,
            pass,
            n,
            attention_before: firing.map(|f| run.attends(f.layer, f.head, f.dest, f.src)),
            attention_after: None,
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
        if layer != self.layer {
            self.pass.step_by(products, model, false, None).await?;
            return Ok(true);
        }
        let (edit, n) = (&self.edit, self.n);
        let mut change = |site: Site, scores: &mut [f32]| match edit {
            Edit::Row(firing, start, new) if site.head == firing.head => {
                let row = scores.chunks_mut(n).nth(firing.dest).unwrap_or_default();
                row.iter_mut().skip(*start).zip(new).for_each(|(score, new)| *score = *new);
            }
            Edit::Odds(firing, shift) if site.head == firing.head => {
                let row = scores.chunks_mut(n).nth(firing.dest).unwrap_or_default();
                row.iter_mut().skip(firing.src).take(1).for_each(|score| *score += shift);
            }
            Edit::Scores(head, factor) if site.head == *head => {
                scores.iter_mut().for_each(|score| *score *= factor);
            }
            _ => {}
        };
        let traces = self.pass.step_by(products, model, true, Some(&mut change)).await?;
        if let Edit::Stream { position, before: false, added } = edit {
            add(self.pass.resid_mut(0), *position, added);
        }
        if let Some(Firing { head, dest, src, .. }) = self.firing {
            let at = (head * n + dest) * n + src;
            let after = traces.first().and_then(|trace| trace.pattern.get(at)).copied();
            let absent = CircuitError::OutOfRange { what: "head", index: head, count: 0 };
            self.attention_after = Some(f64::from(after.ok_or(absent)?));
        }
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

/// Adds a row to the stream at a position.
fn add(stream: &mut [f32], position: usize, added: &[f32]) {
    let row = stream.chunks_mut(added.len().max(1)).nth(position).unwrap_or_default();
    row.iter_mut().zip(added).for_each(|(x, more)| *x += more);
}

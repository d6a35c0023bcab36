//! Two models, head by head: which heads can be compared, what became of each, and the document that leaves the program.
//!
//! Both models are streamed: of each, one layer's attention is in memory at a time.

mod on_prompt;
mod third;
mod words;

pub use on_prompt::{
    HeadOnPrompt, NextToken, OnPrompt, PromptDocument, across, next_of_both, shared_ids,
};
use third::Third;
pub use third::hold_against_third;
pub use words::nearest_tokens;

use serde::{Deserialize, Serialize};

use super::StudyError;
use super::spectra::BrokenHead;
use crate::circuits::alignment::SideAlignment;
use crate::circuits::compare::CircuitChange;
use crate::circuits::compare::chance::correct;
use crate::circuits::compare::same_heads::match_heads;
use crate::circuits::convention::Convention;
use crate::circuits::head_statistics::HeadStatistics;
use crate::circuits::omega::Circuit;
use crate::model::{AttentionLayer, HeadWeights, Model, ModelError, Part, Weights};

/// What stands beside the numbers as chance.
const NULLS: &str = "change, inside_left, inside_right: a random perturbation of the two factors by as much as they moved, \
    two-sided; overlap_left, overlap_right: random subspaces of the same size, one-sided; q: Benjamini-Hochberg over all heads \
    and circuits compared, for each kind of question";

/// What of two models can be compared.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Common {
    /// Layers whose attention can be read in both, ascending.
    pub layers: Vec<usize>,
    /// What differs and what is left out, in sentences.
    pub notes: Vec<String>,
}

impl Common {
    /// Looks at two models without reading their weights.
    ///
    /// # Errors
    /// [`StudyError::OtherWidth`], [`StudyError::NoCommonLayer`].
    pub fn of(a: &Model, b: &Model) -> Result<Self, StudyError> {
        let (of_a, of_b) = (&a.arch, &b.arch);
        if of_a.d_model != of_b.d_model {
            return Err(StudyError::OtherWidth { a: of_a.d_model, b: of_b.d_model });
        }
        let (in_a, in_b) = (a.readable_layers(), b.readable_layers());
        let layers: Vec<usize> = in_a.iter().copied().filter(|l| in_b.contains(l)).collect();
        if layers.is_empty() {
            return Err(StudyError::NoCommonLayer);
        }
        let mut notes = Vec::new();
        if of_a.family != of_b.family {
            notes.push(format!(
                "The first model is of the family {}, the second of {}: layers and heads are compared by number.",
                of_a.family, of_b.family
            ));
        }
        for (which, other, there) in [("first", "second", &in_a), ("second", "first", &in_b)] {
            let only: Vec<String> =
                there.iter().filter(|l| !layers.contains(l)).map(|l| format!("L{l}")).collect();
            if !only.is_empty() {
                notes.push(format!(
                    "Left out, since the {other} model does not have them: {} of the {which}.",
                    only.join(", ")
                ));
            }
        }
        if let (Some(a), Some(b)) = (of_a.d_vocab, of_b.d_vocab)
            && a != b
        {
            notes.push(format!(
                "The vocabularies have {a} and {b} tokens; heads can still be compared."
            ));
        }
        for &layer in &layers {
            let sizes = [a, b].map(|model| model.arch.attention(layer).map(|found| found.sizes));
            let [Some(a), Some(b)] = sizes else { continue };
            if a.n_heads != b.n_heads {
                notes.push(format!(
                    "L{layer} has {} and {} heads; the rest of the larger layer is left out.",
                    a.n_heads, b.n_heads
                ));
            }
            if (a.d_head, a.d_value) != (b.d_head, b.d_value) {
                notes
                    .push(format!("The heads of L{layer} are {} and {} wide.", a.d_head, b.d_head));
            }
        }
        Ok(Self { layers, notes })
    }
}

/// What became of one head.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct HeadChange {
    /// The layer.
    pub layer: usize,
    /// The head of the first model.
    pub head: usize,
    /// The head of the second.
    pub head_b: usize,
    /// Half the sum of the cosines between their QK and their OV matrices, where heads were matched by likeness.
    pub cosine: Option<f64>,
    /// `Ω = W_Q W_Kᵀ`.
    pub qk: CircuitChange,
    /// `W_V W_O`.
    pub ov: CircuitChange,
    /// Statistics of QK in the first model and in the second.
    pub statistics_qk: [HeadStatistics; 2],
    /// Statistics of OV.
    pub statistics_ov: [HeadStatistics; 2],
}

/// How far the gains of the norms in front of one layer's attention moved: `‖g_B − g_A‖ / ‖g_A‖`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct NormChange {
    /// The layer.
    pub layer: usize,
    /// Of the norm in front of queries; `None` where one of the models has none there.
    pub queries: Option<f64>,
    /// Of the norm in front of keys and values: the same norm in most families.
    pub keys: Option<f64>,
}

/// A head of the first model and its partner in the second.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Partners {
    head: usize,
    head_b: usize,
    cosine: Option<f64>,
}

/// One layer of both models.
pub struct LayerPair {
    models: [AttentionLayer; 2],
    weights: Weights,
    partners: Vec<Partners>,
}

impl LayerPair {
    /// Reads one layer of both models; heads of one number belong together.
    ///
    /// # Errors
    /// What reading says.
    pub fn read(models: [&Model; 2], layer: usize, weights: Weights) -> Result<Self, ModelError> {
        let [a, b] = models.map(|model| AttentionLayer::read(model, layer, Part::Both));
        let models = [a?, b?];
        let n = models[0].n_heads().min(models[1].n_heads());
        let same = |head| Partners { head, head_b: head, cosine: None };
        Ok(Self { models, weights, partners: (0..n).map(same).collect() })
    }

    /// Matches the heads by likeness instead, one to one, and says in a sentence which are at another place, or why they stay where
    /// they are: one broken head keeps all others from being matched. Holds all heads of both layers as numbers meanwhile, and costs
    /// as much again as the comparison.
    pub fn match_heads(&mut self) -> Option<String> {
        self.by_likeness().unwrap_or_else(|error| {
            let layer = self.layer();
            Some(format!("Heads of L{layer} are compared by number, not by likeness: {error}."))
        })
    }

    fn by_likeness(&mut self) -> Result<Option<String>, ModelError> {
        let all = |layer: &AttentionLayer| -> Result<Vec<HeadWeights>, ModelError> {
            (0..layer.n_heads()).map(|head| layer.head(head, self.weights)).collect()
        };
        let (a, b) = (all(&self.models[0])?, all(&self.models[1])?);
        self.partners = match_heads(&a, &b)
            .into_iter()
            .map(|same| Partners {
                head: same.head,
                head_b: same.head_b,
                cosine: Some(same.cosine),
            })
            .collect();
        let moved = self.partners.iter().filter(|p| p.head != p.head_b);
        let moved: Vec<String> = moved
            .map(|p| {
                let cosine = p.cosine.unwrap_or(0.0);
                format!("H{} is H{} there (cosine {cosine:.3})", p.head, p.head_b)
            })
            .collect();
        let layer = self.layer();
        Ok((!moved.is_empty()).then(|| {
            format!(
                "By likeness, heads of L{layer} have other numbers in the second model: {}.",
                moved.join(", ")
            )
        }))
    }

    /// The layer's number.
    pub fn layer(&self) -> usize {
        self.models[0].layer()
    }

    /// Heads that are compared, in order of the first model's.
    pub fn heads(&self) -> Vec<usize> {
        self.partners.iter().map(|partners| partners.head).collect()
    }

    /// What became of a head of the first model. Heads do not depend on each other, so threads may share them out.
    ///
    /// # Errors
    /// [`BrokenHead`] if it has no partner, weights of either are not finite, or a decomposition does not settle.
    pub fn compare(&self, head: usize) -> Result<HeadChange, BrokenHead> {
        let layer = self.layer();
        self.changed(head).map_err(|error| BrokenHead { layer, head, why: error.to_string() })
    }

    /// The partners of a head of the first model.
    fn partners(&self, head: usize) -> Result<Partners, StudyError> {
        let found = self.partners.iter().find(|partners| partners.head == head);
        found.copied().ok_or(StudyError::NotDecomposed { layer: self.layer(), head })
    }

    /// The matrices of a head of the first model and of its partner.
    fn both(&self, head: usize) -> Result<[HeadWeights; 2], StudyError> {
        let partner = self.partners(head)?.head_b;
        let [a, b] = &self.models;
        Ok([a.head(head, self.weights)?, b.head(partner, self.weights)?])
    }

    fn changed(&self, head: usize) -> Result<HeadChange, StudyError> {
        let Partners { head_b, cosine, .. } = self.partners(head)?;
        let [old, new] = self.both(head)?;
        let circuit = |circuit: Circuit| -> Result<_, StudyError> {
            let ((a, b), (new_a, new_b)) = (circuit.factors(&old), circuit.factors(&new));
            let found = CircuitChange::new((&a, &b), (&new_a, &new_b))?;
            let statistics = [(&old, &found.sigma_a), (&new, &found.sigma_b)]
                .map(|(head, s)| HeadStatistics::of(head, circuit, s, a.nrows()));
            Ok((found, statistics))
        };
        let ((qk, statistics_qk), (ov, statistics_ov)) =
            (circuit(Circuit::Qk)?, circuit(Circuit::Ov)?);
        let layer = self.layer();
        Ok(HeadChange { layer, head, head_b, cosine, qk, ov, statistics_qk, statistics_ov })
    }

    /// How far the gains in front of this layer moved: what folded weights hold and raw ones do not.
    pub fn norms(&self) -> NormChange {
        let [a, b] = self.models.each_ref().map(AttentionLayer::gains);
        let moved = |at: usize| {
            let (old, new) = (a.get(at)?.as_ref()?, b.get(at)?.as_ref()?);
            let step: f64 = old.iter().zip(new.iter()).map(|(a, b)| (b - a) * (b - a)).sum();
            let norm: f64 = old.iter().map(|a| a * a).sum();
            (old.len() == new.len() && norm > 0.0).then(|| (step / norm).sqrt())
        };
        NormChange { layer: self.layer(), queries: moved(0), keys: moved(1) }
    }
}

/// Corrects every p-value for all heads and circuits compared.
pub fn correct_all<'a>(heads: impl IntoIterator<Item = &'a mut HeadChange>) {
    correct(heads.into_iter().flat_map(|head| [&mut head.qk, &mut head.ov]));
}

/// All that a comparison found.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Found {
    /// Heads, in the order compared.
    pub heads: Vec<HeadChange>,
    /// The norms in front of the layers compared.
    pub norms: Vec<NormChange>,
    /// Heads that could not be compared.
    pub failed: Vec<BrokenHead>,
    /// The leading pairs of ΔΩ against the tokens of the first model.
    pub words: Vec<SideAlignment>,
    /// What differs and what is left out, in sentences.
    pub notes: Vec<String>,
    /// The third model that every change was held against, where one was given.
    pub third: Option<String>,
}

/// One of the two models, as the document names it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Named<'a> {
    model: &'a str,
    family: &'a str,
    heads_assumed: bool,
}

impl<'a> Named<'a> {
    fn of(convention: &'a Convention) -> Self {
        let Convention { model, family, heads_assumed, .. } = convention;
        Self { model, family, heads_assumed: *heads_assumed }
    }
}

/// A whole comparison as it leaves the program: what `omega compare` prints and the page saves.
#[derive(Debug, Serialize)]
pub struct CompareDocument<'a> {
    convention: &'a Convention,
    a: Named<'a>,
    b: Named<'a>,
    chance: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    third: Option<Third<'a>>,
    heads: &'a [HeadChange],
    norms: &'a [NormChange],
    failed: &'a [BrokenHead],
    /// The leading pairs of ΔΩ in words, where they were asked for.
    #[serde(skip_serializing_if = "<[SideAlignment]>::is_empty")]
    words: &'a [SideAlignment],
    /// Both models on a prompt, where one was given.
    #[serde(skip_serializing_if = "Option::is_none")]
    prompt: Option<PromptDocument<'a>>,
    notes: &'a [String],
}

impl<'a> CompareDocument<'a> {
    /// The document of what was found; conventions of the first model and of the second.
    pub fn new([a, b]: [&'a Convention; 2], found: &'a Found) -> Self {
        let (named_a, named_b) = (Named::of(a), Named::of(b));
        let Found { heads, norms, failed, words, notes, third } = found;
        Self {
            convention: a,
            a: named_a,
            b: named_b,
            chance: NULLS,
            third: third.as_deref().map(Third::new),
            heads,
            norms,
            failed,
            words,
            prompt: None,
            notes,
        }
    }

    /// The same with both models on a prompt.
    #[must_use]
    pub fn on(self, prompt: Option<PromptDocument<'a>>) -> Self {
        Self { prompt, ..self }
    }
}

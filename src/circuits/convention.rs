//! The convention that a result was computed under; every result that leaves the program carries it.
//!
//! Worded here and nowhere else: the command line prints the fields, the page the line.

use serde::{Deserialize, Serialize};

use crate::model::{Model, Weights};

/// The program and its version, as exports name them.
pub const PROGRAM: &str = concat!("omega-lens ", env!("CARGO_PKG_VERSION"));

/// What a reader must know to reproduce or compare the numbers of one model.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Convention {
    /// Program and version.
    pub program: String,
    /// What was opened, by the name that its reader knows: a file, a folder, a built-in model.
    pub model: String,
    /// Family that the checkpoint was read as.
    pub family: String,
    /// Which form of the weights.
    pub weights: Weights,
    /// What that form means for this family.
    pub folding: String,
    /// Whether folding changes anything in this family.
    pub folds: bool,
    /// What the QK circuit is.
    pub qk: String,
    /// What the OV circuit is.
    pub ov: String,
    /// What is left out of both.
    pub outside: String,
    /// How singular vectors are ordered and signed.
    pub gauge: String,
    /// Whether the head count is an assumption, not the file's.
    pub heads_assumed: bool,
    /// What the weights are, where they are not as somebody trained them: decoded from codes, changed by an adapter.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub marks: Vec<String>,
}

impl Convention {
    /// The convention of `model` under `weights`; the model is called as its first file.
    pub fn of(model: &Model, weights: Weights) -> Self {
        let norm = model.arch.layers.first().and_then(|layer| layer.before_attention.as_ref());
        let folding = match (weights, norm.map(|norm| norm.kind)) {
            (Weights::Raw, _) => "none: the matrices as they are in the file",
            (Weights::Folded, None) => {
                "no norm stands in front of the attention, so only QK-norm gains are folded, if any"
            }
            (Weights::Folded, Some(kind)) if kind.centres() => {
                "LayerNorm in front of the attention folded into W_Q, W_K, W_V and centred; W_O centred over d_model"
            }
            (Weights::Folded, Some(_)) => {
                "RMSNorm weight in front of the attention folded into W_Q, W_K, W_V; QK-norm gains too, if any"
            }
        };
        Self {
            program: PROGRAM.to_owned(),
            model: model.checkpoint.files().next().map_or_else(String::new, |(name, _)| name.to_owned()),
            family: model.arch.family.to_owned(),
            weights,
            folding: folding.to_owned(),
            folds: model.arch.folds_norms(),
            qk: "QK = W_Q W_K^T, rows destination, columns source; left vectors read the destination, right ones the source"
                .to_owned(),
            ov: "OV = W_V W_O; left vectors are read, right vectors are written".to_owned(),
            outside: "score scale, biases, rotary embedding, soft-cap, ALiBi, norms on the attention's output".to_owned(),
            gauge: "singular values descending; the largest entry of each left vector is positive".to_owned(),
            heads_assumed: model.arch.heads_assumed,
            marks: model.checkpoint.marks().to_vec(),
        }
    }

    /// The same convention of a model that its reader knows by another name.
    #[must_use]
    pub fn named(self, model: impl Into<String>) -> Self {
        Self { model: model.into(), ..self }
    }

    /// Model, weights and what was assumed, in a line.
    pub fn line(&self) -> String {
        let folded = match (self.weights, self.folds) {
            (Weights::Raw, _) => "raw weights",
            (Weights::Folded, true) => "folded weights",
            (Weights::Folded, false) => "folded weights (nothing to fold in this family)",
        };
        let assumed = if self.heads_assumed { " · head count assumed" } else { "" };
        let marks: String = self.marks.iter().map(|mark| format!(" · {mark}")).collect();
        format!("{} ({}) · {folded}{assumed}{marks}", self.model, self.family)
    }
}

/// What stands on the terms of scores beside the general convention.
#[derive(Debug, Serialize)]
pub struct SadConvention {
    #[serde(flatten)]
    general: Convention,
    terms: &'static str,
    relative: &'static str,
    sparseness: &'static str,
    n_recon: &'static str,
    controls: &'static str,
}

impl SadConvention {
    /// The convention of scores of a model.
    pub fn of(general: Convention) -> Self {
        Self {
            general,
            terms: "score scale, biases, norms and rotary embedding inside; before soft-cap, ALiBi and mask; score = sum of terms \
                + remainder",
            relative: "score minus the mean score of the destination's other visible sources, term by term",
            sparseness: "(mean |t|)^2 / mean(t^2) of the relative terms; lower is sparser",
            n_recon: "fewest terms that sum to (tau - 5e-6) |relative|, tau 1 and 0.9; 1 to 4 is what random heads have at small \
                scores",
            controls: "basis: one random rotation inside the rank that keeps every score; subspace: u and v rotated independently; matched: \
                directions drawn anew that make the same score under the same spectrum; means over draws; p: rank of the real S \
                among them, the largest of the three leads",
        }
    }
}

/// What stands on a circuit beside the general convention.
#[derive(Debug, Serialize)]
pub struct TraceConvention {
    #[serde(flatten)]
    general: Convention,
    frozen: &'static str,
    cells: &'static str,
    weights_of_edges: &'static str,
    weights_of_seeds: &'static str,
    source: &'static str,
}

impl TraceConvention {
    /// The convention of circuits of a model.
    pub fn of(general: Convention) -> Self {
        Self {
            general,
            frozen: "attention, values, norm scales and MLP outputs are those of one clean run; nothing is rerun to find edges",
            cells: "component x singular vector k (0 the strongest) of the head that reads; biases, norms, rotary embedding and \
                score scale inside",
            weights_of_edges: "sum over the removed cells of the drop of attention at the moment each is zeroed, given all zeroed \
                before: a probability, not a score",
            weights_of_seeds: "prob: integrated gradient of ln p(answer), nats; linear: share of the logit difference",
            source: "ACC++, arXiv:2602.13483; rule accpp removes a component at all keys, as accpp-tracer 0.3.0 does, rule key at one",
        }
    }
}

/// What stands on the shares of a logit beside the general convention.
#[derive(Debug, Serialize)]
pub struct LogitConvention {
    #[serde(flatten)]
    general: Convention,
    shares: &'static str,
    answer: &'static str,
    heads: &'static str,
}

impl LogitConvention {
    /// The convention of direct shares in a model.
    pub fn of(general: Convention) -> Self {
        Self {
            general,
            shares: "direct: a component's summand of the last stream over the final norm's scale (held), through its gains, centring and \
                W_U, in logits; what it does by way of later components is counted at those; logit_difference = bias + embed + layers + \
                remainder",
            answer: "logit of the answer minus that of the other token, or minus the mean of all tokens; before any soft-cap",
            heads: "by the token that was read: attention x (value without what every value holds) x W_O; what every value holds and b_O are \
                the layer's bias",
        }
    }
}

/// What stands on a score split by features beside the general convention.
#[derive(Debug, Serialize)]
pub struct PairsConvention {
    #[serde(flatten)]
    general: Convention,
    score: &'static str,
    terms: &'static str,
    meeting: &'static str,
}

impl PairsConvention {
    /// The convention of feature pairs of a model.
    pub fn of(general: Convention) -> Self {
        Self {
            general,
            score: "scale included; before soft-cap, ALiBi and mask; norm scales held at those of the run",
            terms: "score = sum of pairs + dest_error (error x features) + src_error (features x error) + both_errors + bias (everything \
                with the dictionary's constant or the bias of query or key on at least one side) + remainder; by_k: the same through \
                each singular vector, k = 0 the strongest",
            meeting: "reach: largest |cos| of an active feature with each singular vector, weighted by |term k| of the score; rotations \
                turn U and V inside their spans, each by itself, with all else",
        }
    }
}

/// What the tensors of a forward pass are, in files that leave the program.
pub const TENSORS: &str = "attention.{layer} [n_heads, n, n]: destinations on rows, sources on columns; hidden.{layer} [n, d_model]: \
    the residual stream before the layer, the last one after the final norm where the library reports it so; of several stacks with \
    the stack's name in front, cross.attention.{layer} [n_heads, n of the decoder, n of the encoder]; last_hidden after the final norm; f32";

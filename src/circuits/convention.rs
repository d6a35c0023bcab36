//! The convention that a result was computed under; every result that leaves the program carries it.

use serde::Serialize;

use crate::model::architecture::NormKind;
use crate::model::{Model, Weights};

/// What a reader must know to reproduce or compare the numbers of one model.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Convention {
    /// Program and version.
    pub program: String,
    /// Family that the checkpoint was read as.
    pub family: &'static str,
    /// Which form of the weights.
    pub weights: Weights,
    /// What that form means for this family.
    pub folding: &'static str,
    /// What the QK circuit is.
    pub qk: &'static str,
    /// What the OV circuit is.
    pub ov: &'static str,
    /// What is left out of both.
    pub outside: &'static str,
    /// How singular vectors are ordered and signed.
    pub gauge: &'static str,
    /// Whether the head count is an assumption, not the file's.
    pub heads_assumed: bool,
}

impl Convention {
    /// The convention of `model` under `weights`.
    pub fn of(model: &Model, weights: Weights) -> Self {
        let norm = model.arch.layers.first().and_then(|layer| layer.before_attention.as_ref());
        Self {
            program: format!("omega-lens {}", env!("CARGO_PKG_VERSION")),
            family: model.arch.family,
            weights,
            folding: match (weights, norm.map(|norm| norm.kind)) {
                (Weights::Raw, _) => "none: the matrices as they are in the file",
                (Weights::Folded, None) => {
                    "no norm stands in front of the attention, so only QK-norm gains are folded, if any"
                }
                (Weights::Folded, Some(NormKind::Layer)) => {
                    "LayerNorm in front of the attention folded into W_Q, W_K, W_V and centred; W_O centred over d_model"
                }
                (Weights::Folded, Some(_)) => {
                    "RMSNorm weight in front of the attention folded into W_Q, W_K, W_V; QK-norm gains too, if any"
                }
            },
            qk: "QK = W_Q W_K^T, rows destination, columns source; left vectors read the destination, right ones the source",
            ov: "OV = W_V W_O; left vectors are read, right vectors are written",
            outside: "score scale, biases, rotary embedding, soft-cap, ALiBi, norms on the attention's output",
            gauge: "singular values descending; the largest entry of each left vector is positive",
            heads_assumed: model.arch.heads_assumed,
        }
    }
}

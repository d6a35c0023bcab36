//! What every result of the command line says about how to read its numbers.

use serde::Serialize;

use crate::model::{Model, Weights};

/// The convention a result was computed under: everything that another program needs to get the same numbers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Convention {
    /// `"folded"` or `"raw"`.
    pub weights: Weights,
    /// Whether folding does anything in this family: no where the norm is not in front of the attention.
    pub folds: bool,
    /// Which matrices, and which side is which.
    pub matrices: &'static str,
    /// What is not inside the matrices.
    pub outside: &'static str,
    /// The sign of a singular pair.
    pub gauge: &'static str,
    /// The query head's key/value head, for grouped-query models.
    pub kv_head: &'static str,
    /// The head count is a guess or the caller's, not the file's.
    pub heads_assumed: bool,
    /// Arithmetic of the decomposition.
    pub precision: &'static str,
    /// This program and its version.
    pub program: &'static str,
}

impl Convention {
    /// The convention of results about `model` under `weights`.
    pub fn of(model: &Model, weights: Weights) -> Convention {
        Convention {
            weights,
            folds: model.arch.folds_norms(),
            matrices: "row vectors; qk: W_Q W_K^T, rows destination (query), columns source (key); ov: W_V W_O, left read, \
                right written",
            outside: "score scale, rotary embedding, biases, soft-cap, ALiBi, norms on the attention's output",
            gauge: "the entry of u_k with the largest magnitude is positive; u_k and v_k flip together",
            kv_head: "head / (n_heads / n_kv_heads)",
            heads_assumed: model.arch.heads_assumed,
            precision: "f64",
            program: concat!("omega-lens ", env!("CARGO_PKG_VERSION")),
        }
    }
}

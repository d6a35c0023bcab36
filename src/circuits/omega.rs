//! Ω = W_Q W_Kᵀ and OV = W_V W_O of one head, as two thin factors, and their decomposition.

use serde::{Deserialize, Serialize};

use crate::math::{
    Mat, MathError, ProductSvd, SingularValues, product_singular_values, product_svd,
};
use crate::model::HeadWeights;

/// One of the two matrices of a head.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Circuit {
    /// `Ω = W_Q W_Kᵀ`: rows are the destination's side, columns the source's.
    #[default]
    Qk,
    /// `W_V W_O`: left vectors are read, right vectors are written.
    Ov,
}

impl Circuit {
    /// The factors `A, B: [d_model, d_head]` with `A Bᵀ` the circuit's matrix.
    pub fn factors(self, weights: &HeadWeights) -> (Mat, Mat) {
        match self {
            Self::Qk => (weights.w_q.clone(), weights.w_k.clone()),
            Self::Ov => (weights.w_v.clone(), weights.w_o.transpose()),
        }
    }
}

/// The thin SVD of one circuit of a head: `u`, `v` are `[d_model, d_head]`, one vector a column.
///
/// # Errors
/// As [`product_svd`].
///
/// # Source
/// Franco, Loughridge & Crovella, arXiv:2602.13524, section 2.
pub fn decompose(weights: &HeadWeights, circuit: Circuit) -> Result<ProductSvd, MathError> {
    let (a, b) = circuit.factors(weights);
    product_svd(&a, &b)
}

/// The singular values of one circuit alone, certified.
///
/// # Errors
/// As [`product_svd`].
pub fn singular_values(
    weights: &HeadWeights,
    circuit: Circuit,
) -> Result<SingularValues, MathError> {
    let (a, b) = circuit.factors(weights);
    product_singular_values(&a, &b)
}

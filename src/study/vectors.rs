//! The singular vectors of one head: as numbers, as a file, and the tokens at both ends of every direction.

use serde::{Deserialize, Serialize};

use super::StudyError;
use crate::checkpoint::{Named, to_safetensors};
use crate::circuits::alignment::{HeadSide, Match, Side, SideAlignment};
use crate::circuits::biases::BiasOffset;
use crate::circuits::convention::Convention;
use crate::circuits::dictionary::Builtin;
use crate::circuits::omega::{Circuit, decompose};
use crate::math::ProductSvd;
use crate::math::layout::to_row_major;
use crate::model::{AttentionLayer, Head, HeadWeights, Model, Weights};

/// One circuit of one head under one convention.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct HeadAt {
    /// The layer.
    pub layer: usize,
    /// The head.
    pub head: usize,
    /// QK or OV.
    pub circuit: Circuit,
    /// The weights as they are in the file, or with norms folded in.
    pub weights: Weights,
}

/// The decomposition of one circuit of one head.
pub struct Vectors {
    at: HeadAt,
    /// `u`, `v`: `[d_model, d_head]`, one vector a column.
    pub svd: ProductSvd,
}

impl Vectors {
    /// Decomposes the head in view.
    ///
    /// # Errors
    /// What reading its matrices or the decomposition says.
    pub fn new(attention: &AttentionLayer, at: HeadAt) -> Result<Self, StudyError> {
        let svd = decompose(&attention.head(at.head, at.weights)?, at.circuit)?;
        Ok(Self::of(at, svd))
    }

    /// A decomposition that was made elsewhere, of the circuit at `at` or of its change.
    pub fn of(at: HeadAt, svd: ProductSvd) -> Self {
        Self { at, svd }
    }

    /// The vectors of a head of `attention` as a safetensors file, in f64, and a name for it. Beside those of QK stand the offsets
    /// of its biases, where it has some.
    ///
    /// # Errors
    /// What reading its matrices or writing says.
    pub fn file(
        &self,
        attention: &AttentionLayer,
        convention: &Convention,
    ) -> Result<(String, Vec<u8>), StudyError> {
        let (at, svd) = (self.at, &self.svd);
        let mut arrays = vec![
            Named::f64("u", &[svd.u.nrows(), svd.u.ncols()], to_row_major(&svd.u)),
            Named::f64("s", &[svd.s.len()], svd.s.clone()),
            Named::f64("v", &[svd.v.nrows(), svd.v.ncols()], to_row_major(&svd.v)),
        ];
        let (circuit, form) = (at.circuit.slug(), at.weights.slug());
        let mut metadata = vec![
            ("convention", serde_json::to_string(convention).unwrap_or_else(|_| convention.line())),
            ("columns", "columns of u and v are singular vectors".to_owned()),
            ("residual", svd.residual.to_string()),
            ("orthogonality", svd.orthogonality.to_string()),
        ];
        let HeadWeights { w_q, w_k, b_q, b_k, .. } = attention.head(at.head, at.weights)?;
        let sides = [("o_q", w_q, b_q), ("o_k", w_k, b_k)];
        for (name, w, b) in sides.into_iter().filter(|_| at.circuit == Circuit::Qk) {
            if b.iter().any(|b| *b != 0.0) {
                arrays.push(Named::f64(name, &[w.nrows()], BiasOffset::new(&w, &b)?.offset));
            }
        }
        if arrays.len() > 3 {
            let score = "a score is (x + o_q) u diag(s) v^T (y + o_k)^T times its scale; one that is not there is 0";
            metadata.push(("offsets", score.to_owned()));
        }
        let name = format!("{}-{circuit}-{form}.safetensors", Head::new(at.layer, at.head));
        Ok((name, to_safetensors(&arrays, &metadata)?))
    }

    /// What the two sides of this circuit are compared with to find the tokens that they point at: token embeddings, and for
    /// what OV writes, unembeddings where there are some. Sides with one dictionary come together.
    pub fn token_sides(&self, model: &Model) -> Vec<(Builtin, Vec<HeadSide>)> {
        let (at, svd) = (self.at, &self.svd);
        let side = |side, vectors| HeadSide::new(at.layer, at.head, side, vectors, &svd.s);
        let [left, right] = Side::of(at.circuit);
        let (left, right) = (side(left, &svd.u), side(right, &svd.v));
        match at.circuit {
            Circuit::Ov if model.arch.unembedding.is_some() => {
                vec![(Builtin::Embed, vec![left]), (Builtin::Unembed, vec![right])]
            }
            _ => vec![(Builtin::Embed, vec![left, right])],
        }
    }

    /// The tokens at both ends of every pair, from what comparing [`Vectors::token_sides`] found.
    pub fn pairs(
        &self,
        sides: &[SideAlignment],
        label: &dyn Fn(usize) -> String,
    ) -> Vec<PairTokens> {
        let tokens = |found: &[Match]| {
            let token =
                |m: &Match| TokenCosine { id: m.index, text: label(m.index), cosine: m.cos as f32 };
            found.iter().map(token).collect()
        };
        let ends = |side: &SideAlignment, k: usize| {
            let direction = side.directions.iter().find(|d| d.k == k);
            direction
                .map(|d| SideTokens { plus: tokens(&d.positive), minus: tokens(&d.negative) })
                .unwrap_or_default()
        };
        let [left, right] = sides else { return Vec::new() };
        (0..self.svd.s.len())
            .map(|k| PairTokens { k, left: ends(left, k), right: ends(right, k) })
            .collect()
    }
}

/// The tokens at both ends of both sides of one singular pair.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PairTokens {
    /// Which pair.
    pub k: usize,
    /// The destination (QK) or read (OV) side.
    pub left: SideTokens,
    /// The source (QK) or written (OV) side.
    pub right: SideTokens,
}

/// The tokens at both ends of one direction.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct SideTokens {
    /// Largest cosine first.
    pub plus: Vec<TokenCosine>,
    /// Smallest cosine first.
    pub minus: Vec<TokenCosine>,
}

/// A token and its cosine with a direction.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TokenCosine {
    /// Its row in the embedding.
    pub id: usize,
    /// The token as text, spaces kept; `#id` without a tokenizer.
    pub text: String,
    /// The cosine, signed.
    pub cosine: f32,
}

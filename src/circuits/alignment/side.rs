//! One side of one circuit of one head: the directions that are compared with a dictionary.

use std::ops::Range;

use serde::{Deserialize, Serialize};

use crate::circuits::omega::{Circuit, decompose};
use crate::circuits::spectrum;
use crate::math::{Mat, MathError};
use crate::model::HeadWeights;

/// Which vectors of which circuit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Side {
    /// Left vectors of Ω: what the destination is read for.
    Dest,
    /// Right vectors of Ω: what the source is read for.
    Src,
    /// Left vectors of OV: what is read from the source.
    Read,
    /// Right vectors of OV: what is written to the destination.
    Write,
}

impl Side {
    /// All four, in the order of the page.
    pub const ALL: [Side; 4] = [Side::Dest, Side::Src, Side::Read, Side::Write];

    /// The name in exports and on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Side::Dest => "dest",
            Side::Src => "src",
            Side::Read => "read",
            Side::Write => "write",
        }
    }

    /// The sides of a circuit: of its left vectors, of its right ones.
    pub fn of(circuit: Circuit) -> [Side; 2] {
        match circuit {
            Circuit::Qk => [Side::Dest, Side::Src],
            Circuit::Ov => [Side::Read, Side::Write],
        }
    }

    /// The circuit that it is a side of.
    pub fn circuit(self) -> Circuit {
        match self {
            Side::Dest | Side::Src => Circuit::Qk,
            Side::Read | Side::Write => Circuit::Ov,
        }
    }
}

/// The singular directions of one side of a head, null directions left out.
#[derive(Debug, Clone, PartialEq)]
pub struct HeadSide {
    /// Layer of the head.
    pub layer: usize,
    /// Head in the layer.
    pub head: usize,
    /// Which side.
    pub side: Side,
    /// Singular values, descending.
    pub sigma: Vec<f64>,
    /// Orthonormal directions, `[d_model, sigma.len()]`.
    pub basis: Mat,
    /// How many null directions were left out.
    pub n_null: usize,
}

impl HeadSide {
    /// The side of a head with singular vectors `vectors: [d_model, h]` and values `s`, descending.
    ///
    /// Directions with `σ_k / σ_1 < d_model · ε(f32)` are null: rounding of the weights decides where they point.
    pub fn new(layer: usize, head: usize, side: Side, vectors: &Mat, s: &[f64]) -> Self {
        let kept = spectrum::null_from(s, vectors.nrows()).min(vectors.ncols());
        let basis = vectors.columns(0, kept).into_owned();
        Self { layer, head, side, sigma: s[..kept].to_vec(), basis, n_null: s.len() - kept }
    }

    /// Blocks of at least two neighbours with `1 − σ_{k+1}/σ_k < 1e-2`: inside one, only the subspace means something.
    pub fn degenerate_blocks(&self) -> Vec<Range<usize>> {
        let mut blocks = spectrum::blocks(&self.sigma);
        blocks.retain(|block| block.len() > 1);
        blocks
    }

    /// Both sides of one circuit of a head.
    ///
    /// # Errors
    /// As [`decompose`].
    pub fn both(
        layer: usize,
        head: usize,
        circuit: Circuit,
        weights: &HeadWeights,
    ) -> Result<[Self; 2], MathError> {
        let svd = decompose(weights, circuit)?;
        let [left, right] = Side::of(circuit);
        Ok([
            Self::new(layer, head, left, &svd.u, &svd.s),
            Self::new(layer, head, right, &svd.v, &svd.s),
        ])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn null_directions_are_left_out_and_equal_neighbours_form_blocks() {
        let s = [5.0, 3.0, 2.99, 2.98, 1.0, 1e-9, 0.0];
        let side = HeadSide::new(0, 1, Side::Src, &Mat::identity(10, 7), &s);
        assert_eq!((side.sigma.len(), side.n_null, side.basis.ncols()), (5, 2, 5));
        assert_eq!(side.degenerate_blocks(), std::slice::from_ref(&(1..4)));
        let flat = HeadSide::new(0, 0, Side::Dest, &Mat::identity(4, 4), &[1.0; 4]);
        assert_eq!(flat.degenerate_blocks(), std::slice::from_ref(&(0..4)));
    }

    #[test]
    fn a_zero_head_has_no_directions() {
        let side = HeadSide::new(0, 0, Side::Read, &Mat::zeros(4, 2), &[0.0, 0.0]);
        assert!(side.sigma.is_empty() && side.degenerate_blocks().is_empty());
    }
}

//! The same comparison made by another program, a GPU for instance: what has to be multiplied with every feature, and how what was found comes back.

use super::bound::KEPT;
use super::observe::Observed;
use super::{Alignment, Rotations};
use crate::circuits::CircuitError;
use crate::circuits::dictionary::LOST;
use crate::math::Mat;
use crate::math::layout::to_row_major_f32;
use crate::math::top_k::Ranked;

/// How many of the longest projections on a whole side are wanted.
pub const LONGEST: usize = KEPT;

/// One side's part of the work.
#[derive(Debug, Clone, PartialEq)]
pub struct SideOperands {
    /// Number of directions.
    pub rank: usize,
    /// The directions in the frame, not made unit: `[rank, d_model]` row-major. Products with them are coordinates.
    pub directions: Vec<f32>,
    /// What turns a coordinate into a cosine; zero where projection has lost the direction. `[rank]`
    pub scales: Vec<f32>,
    /// Orthonormal bases of the degenerate blocks, one after the other: `[Σ spans, d_model]` row-major.
    pub bases: Vec<f32>,
    /// Dimensions of each degenerate block.
    pub spans: Vec<usize>,
    /// An orthonormal basis of the whole side, `[dimensions, d_model]` row-major; empty where the projections are of no use.
    pub whole: Vec<f32>,
}

/// What was found for one side in all of the dictionary, lists by falling magnitude.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct SideFound {
    /// The best positive cosines of every direction.
    pub positive: Vec<Vec<Ranked>>,
    /// The best negative cosines of every direction.
    pub negative: Vec<Vec<Ranked>>,
    /// The longest projections on every degenerate block.
    pub spans: Vec<Vec<Ranked>>,
    /// The [`LONGEST`] longest projections on the whole side, where it has a basis.
    pub longest: Vec<Ranked>,
    /// The largest |coordinate| along each of [`Alignment::rotated_axes`].
    pub rotated: Vec<f32>,
}

impl Alignment {
    /// What has to be multiplied with every feature, side by side.
    pub fn operands(&self) -> Vec<SideOperands> {
        self.sides.iter().map(Observed::operands).collect()
    }

    /// The axes of all rotations of a side with `rank` directions, `[rotations · rank, rank]` row-major; empty for none.
    pub fn rotated_axes(&self, rank: usize) -> Vec<f32> {
        self.rotations.get(&rank).map(Rotations::axes).unwrap_or_default()
    }

    /// Takes what was found in `n_rows` rows of the dictionary, of which `n_features` are features; one entry for each side.
    ///
    /// # Errors
    /// [`CircuitError::TooFew`] if a side, a direction or a rotation is missing.
    pub fn take(
        &mut self,
        found: Vec<SideFound>,
        n_rows: usize,
        n_features: usize,
    ) -> Result<(), CircuitError> {
        let fits = |(side, found): (&Observed, &SideFound)| {
            found.positive.len() == side.rank()
                && found.negative.len() == side.rank()
                && found.spans.len() == side.blocks.len()
                && found.rotated.len() == side.rotated.len()
        };
        let n = self.sides.iter().zip(&found).filter(|&pair| fits(pair)).count();
        if n != self.sides.len() || n != found.len() {
            let what = "sides that were compared by another program".to_owned();
            return Err(CircuitError::TooFew { what, found: n, needed: self.sides.len() });
        }
        for (side, found) in self.sides.iter_mut().zip(found) {
            side.top.add(&found.positive, &found.negative);
            side.block_top.add(&found.spans, &[]);
            side.longest.add(&[found.longest], &[]);
            side.rotated.iter_mut().zip(found.rotated).for_each(|(a, b)| *a = a.max(b));
        }
        self.rows_done += n_rows;
        self.features_done += n_features;
        Ok(())
    }
}

impl Observed {
    fn operands(&self) -> SideOperands {
        let rank = self.rank();
        let mut directions = self.directions.clone();
        let d = (directions.len() / rank.max(1)).max(1);
        for (row, &norm) in directions.chunks_exact_mut(d).zip(&self.norms) {
            row.iter_mut().for_each(|x| *x *= norm as f32);
        }
        let scale = |&norm: &f64| if norm > LOST { (1.0 / norm) as f32 } else { 0.0 };
        SideOperands {
            rank,
            scales: self.norms.iter().map(scale).collect(),
            bases: self.block_bases.clone(),
            spans: self.block_sizes.clone(),
            whole: self.span.as_ref().map_or_else(Vec::new, |span| {
                let mapped = directions.iter().map(|&x| f64::from(x)).collect::<Vec<_>>();
                to_row_major_f32(&(&span.orthonormal * Mat::from_row_slice(rank, d, &mapped)))
            }),
            directions,
        }
    }
}

impl Rotations {
    /// Row `r * h + j` is direction `j` of rotation `r`, row-major.
    fn axes(&self) -> Vec<f32> {
        self.pieces.concat()
    }
}

//! Do singular vectors point at features, and is it more than chance?
//!
//! ```text
//! survey the dictionary → Frame           what is taken out of features and directions alike
//! Alignment::new(sides, frame, options)   B = the directions in that frame
//! step(block) …                           cosines, best features, rotated maxima; the caller owns the loop
//! report()                                z, p, q, MMCS against its rotations; at any time, for partial results
//! ```
//! A block of 1000 to 4000 rows is a good size.
//! Memory: the directions in `f32`, and `rotations` maxima for each of them; for all heads of a large model go layer by layer.

mod bound;
mod evidence;
mod inverse;
mod observe;
mod operands;
mod report;
mod rotation;
mod side;
mod summary;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::CircuitError;
use super::dictionary::{Frame, UnitBlock};
use super::whitening::Gram;
pub use inverse::{FeatureHit, FeatureSearch, joined};
use observe::Observed;
pub use operands::{LONGEST, SideFound, SideOperands};
pub use report::{
    AlignmentReport, BlockAlignment, Comparison, DirectionAlignment, Disagreement, Family, Form,
    Isotropic, IsotropicLevel, Match, Method, RotatedDirection, RotatedMean, RotationNull,
    SideAlignment,
};
pub use rotation::RotationCount;
use rotation::Rotations;
pub use side::{HeadSide, Side};

/// What to find and what to compare it with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct AlignOptions {
    /// Features kept per direction, at each end.
    pub top: usize,
    /// Random rotations of each subspace.
    pub rotations: RotationCount,
    /// Seed of the rotations.
    pub seed: u32,
}

impl Default for AlignOptions {
    fn default() -> Self {
        Self { top: 10, rotations: RotationCount::ByWidth, seed: 0 }
    }
}

/// Sides of heads on their way through a dictionary.
#[derive(Debug, Clone)]
pub struct Alignment {
    frame: Frame,
    options: AlignOptions,
    whitened: bool,
    n_rows: usize,
    rows_done: usize,
    features_done: usize,
    sides: Vec<Observed>,
    rotations: BTreeMap<usize, Rotations>,
}

impl Alignment {
    /// Ready for the first block of a dictionary with `n_rows` rows.
    ///
    /// With `gram`, directions are whitened: `Σ_X u` is compared instead of `u` (Theorem 1; exact for heads of rank one only).
    ///
    /// # Errors
    /// [`CircuitError::Shape`] if a side or the Gram matrix has another width than the frame.
    pub fn new(
        sides: Vec<HeadSide>,
        frame: Frame,
        n_rows: usize,
        gram: Option<&Gram>,
        options: AlignOptions,
    ) -> Result<Self, CircuitError> {
        let d = frame.d_model;
        let misfit = |what, expected, found| CircuitError::Shape { what, expected, found };
        if let Some(side) = sides.iter().find(|side| side.basis.nrows() != d) {
            let h = side.basis.ncols();
            return Err(misfit("singular directions", (d, h), (side.basis.nrows(), h)));
        }
        if let Some(gram) = gram.filter(|gram| gram.matrix().nrows() != d) {
            return Err(misfit("Gram matrix", (d, d), gram.matrix().shape()));
        }
        let mut rotations = BTreeMap::new();
        for h in sides.iter().map(|side| side.sigma.len()) {
            let count = options.rotations.of(h);
            if count > 0 {
                rotations.entry(h).or_insert_with(|| Rotations::new(h, count, options.seed));
            }
        }
        let sides =
            sides.into_iter().map(|side| Observed::new(side, &frame, gram, &options)).collect();
        let whitened = gram.is_some();
        Ok(Self {
            frame,
            options,
            whitened,
            n_rows,
            rows_done: 0,
            features_done: 0,
            sides,
            rotations,
        })
    }

    /// Takes one block of features, prepared in this alignment's frame. Each row of the dictionary must come once, in any order.
    ///
    /// # Errors
    /// [`CircuitError::Shape`] if the block has another width.
    pub fn step(&mut self, block: &UnitBlock) -> Result<(), CircuitError> {
        if block.d != self.frame.d_model {
            let (expected, found) = ((block.len(), self.frame.d_model), (block.len(), block.d));
            return Err(CircuitError::Shape { what: "dictionary block", expected, found });
        }
        for side in &mut self.sides {
            side.step(block, self.rotations.get(&side.rank()));
        }
        self.rows_done += block.len();
        self.features_done += block.len() - block.skipped.len();
        Ok(())
    }

    /// Width of the directions and of the features.
    pub fn d_model(&self) -> usize {
        self.frame.d_model
    }

    /// How much of the dictionary has been seen, `(rows done, rows)`.
    pub fn progress(&self) -> (usize, usize) {
        (self.rows_done, self.n_rows)
    }
}

//! What an alignment says: plain values, ready for the page, a file or a message.

use serde::{Deserialize, Serialize};

use super::Side;
use crate::math::statistics::benjamini_hochberg;

/// One feature beside one direction.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Match {
    /// Row of the dictionary.
    pub index: usize,
    /// Its name; empty until [`AlignmentReport::label_with`].
    pub label: String,
    /// Signed cosine (for a degenerate block: the norm of the projection).
    pub cos: f64,
}

/// One singular direction against the whole dictionary.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DirectionAlignment {
    /// Index of the singular value, from 0.
    pub k: usize,
    /// The singular value.
    pub sigma: f64,
    /// Place in [`SideAlignment::blocks`], if the direction lies in a degenerate block and means nothing by itself.
    pub block: Option<usize>,
    /// Best |cosine|, in standard deviations of the isotropic chance level above its mean.
    pub z: f64,
    /// Probability of so large a best |cosine| by chance: closed form, or the rotations' where a whitened direction rules it out.
    pub p: f64,
    /// Its natural logarithm, which goes on where `p` underflows.
    pub ln_p: f64,
    /// False-discovery-adjusted `p` over every direction in the report.
    pub q: f64,
    /// Probability against all rotated directions of the same subspace together; `None` without rotations.
    pub p_rotation: Option<f64>,
    /// The best features by |cosine|.
    pub best: Vec<Match>,
    /// The best features at the positive end.
    pub positive: Vec<Match>,
    /// The best features at the negative end.
    pub negative: Vec<Match>,
}

/// A degenerate block: the subspace that its directions span, against the whole dictionary.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BlockAlignment {
    /// First direction.
    pub start: usize,
    /// One past the last direction.
    pub end: usize,
    /// Closed-form probability that some feature has so large a projection by chance.
    pub p: f64,
    /// Features with the largest projection on the subspace (the largest cosine with any of its directions).
    pub best: Vec<Match>,
}

/// The statistic of a side against random rotations of the same subspace.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RotationNull {
    /// Mean over the rotations.
    pub mean: f64,
    /// Standard deviation over the rotations.
    pub sd: f64,
    /// Observed, in standard deviations above the mean.
    pub z: f64,
    /// `(1 + #{rotated ≥ observed}) / (rotations + 1)`: exact, never below `1 / (rotations + 1)`.
    pub p: f64,
    /// The normal tail of `z`: finer than `p` allows, and only as good as the normal law of a mean over many directions.
    pub p_normal: f64,
    /// Number of rotations.
    pub rotations: usize,
    /// Their seed.
    pub seed: u32,
}

/// Why the closed form and the rotations do not tell the same story.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Disagreement {
    /// Far above isotropic chance, yet no better than any other basis of the same subspace: the head reads where the
    /// dictionary's variance lies (anisotropy), and its singular vectors single out nothing.
    SubspaceNotBasis,
    /// Better than other bases of the subspace, yet no better than isotropic chance: the subspace avoids the features, and what
    /// is left of them falls on the basis.
    BasisNotSubspace,
}

/// One side of one head against the whole dictionary.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SideAlignment {
    /// Layer of the head.
    pub layer: usize,
    /// Head in the layer.
    pub head: usize,
    /// Which side.
    pub side: Side,
    /// Mean over directions of the best |cosine|.
    pub mmcs: f64,
    /// The same, weighted by σ.
    pub mmcs_weighted: f64,
    /// `mmcs` in standard errors above the isotropic chance level, as if directions were independent of the dictionary.
    pub z_isotropic: f64,
    /// `mmcs` against rotations; `None` without rotations, or with fewer than two directions.
    pub rotation_null: Option<RotationNull>,
    /// `mmcs_weighted` against the same rotations.
    pub rotation_null_weighted: Option<RotationNull>,
    /// `p_normal` of the rotation null, false-discovery-adjusted over the sides in the report.
    pub q_rotation: Option<f64>,
    /// Set where the two nulls disagree at the 5 % level.
    pub disagreement: Option<Disagreement>,
    /// Null directions that were left out.
    pub n_null: usize,
    /// Every direction, by σ.
    pub directions: Vec<DirectionAlignment>,
    /// Degenerate blocks.
    pub blocks: Vec<BlockAlignment>,
}

/// What the directions were compared under.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Comparison {
    /// Rows seen so far; less than `n_rows` in a partial report.
    pub rows_done: usize,
    /// Rows of the dictionary.
    pub n_rows: usize,
    /// Features among them.
    pub n_features: usize,
    /// Dimensions of the isotropic null: d_model, less one for centring, less one for mean removal.
    pub d_null: usize,
    /// Rows and directions are orthogonal to the all-ones vector.
    pub centred: bool,
    /// The common direction was removed.
    pub mean_removed: bool,
    /// Directions were multiplied by the dictionary's Gram matrix.
    pub whitened: bool,
    /// Best |cosine| that one random direction gets on average.
    pub chance: f64,
    /// Standard deviation of that.
    pub chance_sd: f64,
    /// Best |cosine| that chance exceeds once in twenty.
    pub critical: f64,
}

/// Every side that was asked for, against one dictionary.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AlignmentReport {
    /// What the directions were compared under.
    pub comparison: Comparison,
    /// The sides, in the order given.
    pub sides: Vec<SideAlignment>,
}

impl AlignmentReport {
    /// Adds the sides of another report on the same dictionary and options, and adjusts every q to the larger family of tests.
    pub fn append(&mut self, other: Self) {
        self.sides.extend(other.sides);
        self.adjust();
    }

    /// One report for each head, each with the q of its own family of tests. Sides of a head have to be neighbours.
    pub fn by_head(self) -> Vec<Self> {
        let mut reports: Vec<Self> = Vec::new();
        for side in self.sides {
            let same = |last: &SideAlignment| (last.layer, last.head) == (side.layer, side.head);
            match reports.last_mut() {
                Some(report) if report.sides.last().is_some_and(same) => report.sides.push(side),
                _ => {
                    reports.push(Self { comparison: self.comparison.clone(), sides: vec![side] });
                }
            }
        }
        reports.iter_mut().for_each(Self::adjust);
        reports
    }

    /// Sets q over every direction, and over every side.
    pub(super) fn adjust(&mut self) {
        let directions = self.sides.iter().flat_map(|side| &side.directions);
        let q = benjamini_hochberg(&directions.map(|direction| direction.p).collect::<Vec<_>>());
        let shown = self.sides.iter_mut().flat_map(|side| &mut side.directions);
        shown.zip(q).for_each(|(direction, q)| direction.q = q);
        let tested = |side: &SideAlignment| {
            side.rotation_null.as_ref().map_or(f64::NAN, |null| null.p_normal)
        };
        let q = benjamini_hochberg(&self.sides.iter().map(tested).collect::<Vec<_>>());
        self.sides
            .iter_mut()
            .zip(q)
            .for_each(|(side, q)| side.q_rotation = (!q.is_nan()).then_some(q));
    }

    /// Fills in the names of all features that appear.
    pub fn label_with(&mut self, mut label: impl FnMut(usize) -> String) {
        for side in &mut self.sides {
            let blocks = side.blocks.iter_mut().map(|block| &mut block.best);
            let directions = side
                .directions
                .iter_mut()
                .flat_map(|d| [&mut d.best, &mut d.positive, &mut d.negative]);
            blocks.chain(directions).flatten().for_each(|found| found.label = label(found.index));
        }
    }
}

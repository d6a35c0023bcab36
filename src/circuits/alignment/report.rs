//! What an alignment says: plain values, ready for the page, a file or a message.

use serde::{Deserialize, Serialize};

use super::Side;
use crate::math::order::set_of;
use crate::math::statistics::FalseDiscovery;

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
    /// Best |cosine|, in standard deviations above the mean of what one rotated direction reaches; `None` without rotations.
    pub z: Option<f64>,
    /// Probability that a random direction of the same subspace reaches so large a |cosine|: all rotated directions of the side
    /// together, or a closed-form bound where that is smaller; `None` without rotations, or with fewer than two directions.
    pub p: Option<f64>,
    /// False-discovery-adjusted `p` over every direction in the report.
    pub q: Option<f64>,
    /// The same question if features were isotropic; `None` for a whitened direction, where no closed form holds.
    pub isotropic: Option<Isotropic>,
    /// The best features by |cosine|.
    pub best: Vec<Match>,
    /// The best features at the positive end.
    pub positive: Vec<Match>,
    /// The best features at the negative end.
    pub negative: Vec<Match>,
}

/// A best |cosine| against the law for features, or a direction, that point anywhere. Real dictionaries are far from it: a random
/// direction that leans where a vocabulary's variance lies has p < 0.05 nearly always.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Isotropic {
    /// In standard deviations above the mean.
    pub z: f64,
    /// Closed-form probability of so large a best |cosine|.
    pub p: f64,
    /// Its natural logarithm, which goes on where `p` underflows.
    pub ln_p: f64,
}

/// A degenerate block: the subspace that its directions span, against the whole dictionary.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BlockAlignment {
    /// First direction.
    pub start: usize,
    /// One past the last direction.
    pub end: usize,
    /// Closed-form probability that some feature has so large a projection if features were isotropic; `None` when whitened.
    pub p_isotropic: Option<f64>,
    /// Features with the largest projection on the subspace (the largest cosine with any of its directions).
    pub best: Vec<Match>,
}

/// How a p was obtained.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Method {
    /// The share of rotations that are as surprising.
    Counted,
    /// More surprising than nearly all rotations: the count of the eighth of them, scaled with the score.
    Scaled,
    /// A closed-form bound for the closest direction, times the number of directions.
    Bounded,
}

/// In what form a side's directions differ from those of a random basis.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Form {
    /// A few of them are closer to features.
    Few,
    /// All together are closer.
    ManyCloser,
    /// All together are farther away, as when the basis gathers what the dictionary varies along in few directions.
    ManyFarther,
}

/// A side against random rotations of the same subspace.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RotationNull {
    /// Mean of the rotations' MMCS.
    pub mean: f64,
    /// Standard deviation of the rotations' MMCS.
    pub sd: f64,
    /// Observed MMCS, in standard deviations above the mean.
    pub z: f64,
    /// Probability of so surprising a basis, in any [`Form`] and in both tails, if any basis of the subspace would do.
    pub p: f64,
    /// Number of rotations.
    pub rotations: usize,
    /// Their seed.
    pub seed: u32,
    /// The smallest p that this many rotations can tell; a [`Method::Bounded`] one may lie below.
    pub resolution: f64,
    /// How `p` was obtained.
    pub method: Method,
    /// In what form the side is most surprising.
    pub form: Form,
    /// The directions that are closer to features than chance makes so few; empty where none are (at p < 0.01).
    pub carried_by: Vec<usize>,
}

/// The σ-weighted mean against the same rotations.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RotatedMean {
    /// Mean over the rotations.
    pub mean: f64,
    /// Standard deviation over the rotations.
    pub sd: f64,
    /// Observed, in standard deviations above the mean.
    pub z: f64,
}

/// What *one* direction reaches in a random basis of the side's subspace: the chance level that belongs beside its cosines.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RotatedDirection {
    /// Mean of the best |cosine|.
    pub mean: f64,
    /// Its standard deviation.
    pub sd: f64,
    /// The best |cosine| that chance exceeds once in twenty.
    pub critical: f64,
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
    /// `mmcs` in standard errors above the chance level if features were isotropic; `None` when whitened.
    pub z_isotropic: Option<f64>,
    /// The side against rotations; `None` without them, or with fewer than two directions, which have no other basis.
    pub rotation_null: Option<RotationNull>,
    /// `mmcs_weighted` against the same rotations.
    pub rotation_null_weighted: Option<RotatedMean>,
    /// What one direction reaches in the same rotations.
    pub rotated_direction: Option<RotatedDirection>,
    /// `p` of the rotation null, false-discovery-adjusted over the sides in the report.
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
    /// The chance level if features were isotropic; `None` when whitened, where no closed form holds.
    pub isotropic: Option<IsotropicLevel>,
}

/// The best |cosine| of one random direction with isotropic features.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct IsotropicLevel {
    /// Its mean.
    pub mean: f64,
    /// Its standard deviation.
    pub sd: f64,
    /// What it exceeds once in twenty.
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

/// All that was tested with one dictionary so far: sides are corrected together, and directions are. Whoever looks at twelve heads
/// one after the other makes as many tests as if they had come in one report.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Family {
    directions: FalseDiscovery,
    sides: FalseDiscovery,
    n_heads: usize,
}

impl Family {
    /// The sides of all reports that have rotations; one without has not been tested yet.
    pub fn of<'a>(reports: impl IntoIterator<Item = &'a AlignmentReport>) -> Self {
        let reports = reports.into_iter().flat_map(|report| &report.sides);
        let sides: Vec<&SideAlignment> = reports.filter(|s| s.rotation_null.is_some()).collect();
        let heads = set_of(sides.iter().map(|side| (side.layer, side.head)));
        let directions = sides.iter().flat_map(|side| &side.directions).filter_map(|d| d.p);
        Self {
            directions: FalseDiscovery::over(directions),
            n_heads: heads.len(),
            sides: FalseDiscovery::over(
                sides.iter().filter_map(|side| side.rotation_null.as_ref()).map(|null| null.p),
            ),
        }
    }

    /// The q of a side; `None` without rotations.
    pub fn q(&self, side: &SideAlignment) -> Option<f64> {
        side.rotation_null.as_ref().map(|null| self.sides.q(null.p))
    }

    /// Directions, sides and heads that were tested.
    pub fn tests(&self) -> [usize; 3] {
        [self.directions.tests(), self.sides.tests(), self.n_heads]
    }
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

    /// Sets q over every direction, and over every side, of this report alone.
    pub(super) fn adjust(&mut self) {
        self.adjust_to(&Family::of([&*self]));
    }

    /// Sets every q to what it is in a larger family of tests, of which this report is a part.
    pub fn adjust_to(&mut self, family: &Family) {
        for side in &mut self.sides {
            side.q_rotation = family.q(side);
            for direction in &mut side.directions {
                direction.q = direction.p.map(|p| family.directions.q(p));
            }
        }
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

//! How far a set of features is from isotropic, what that allows (Theorem 2), and random sets to see the bound with.

use super::metrics::unit_rows;
use super::theorems::inverse;
use crate::math::Mat;
use crate::math::order::sort_by;
use crate::math::random::Rng;
use serde::{Deserialize, Serialize};

/// The spectrum of `Σ_X = Xᵀ X = c (I + E)` and what follows for the angle between a feature and its singular vector.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Isotropy {
    /// Eigenvalues of Σ_X, descending, `[D]`.
    pub eigenvalues: Vec<f64>,
    /// `‖E‖₂`, with c the mean eigenvalue.
    pub norm_e: f64,
    /// λ_max / λ_min; none when Σ_X is singular.
    pub condition: Option<f64>,
    /// `√(1 − ‖E‖²)`, a lower bound of cos(x, Σ⁻¹x) for every x, that is sin∠ ≤ ‖E‖; none from ‖E‖ = 1 on.
    pub bound: Option<f64>,
    /// `2√κ / (1 + κ)`, the bound at the best c, attained by some x (Kantorovich); 0 when Σ_X is singular.
    pub kantorovich: f64,
    /// `A = √(harmonic mean / arithmetic mean)` of the eigenvalues: the average cosine that Theorem 1 predicts. None when
    /// Σ_X is singular.
    pub average: Option<f64>,
}

/// The isotropy of features in rows, `[N, D]`.
pub fn isotropy(features: &Mat) -> Isotropy {
    let mut eigenvalues: Vec<f64> =
        features.tr_mul(features).symmetric_eigenvalues().iter().copied().collect();
    sort_by(&mut eigenvalues, |a, b| b.total_cmp(a));
    let d = eigenvalues.len().max(1) as f64;
    let c = eigenvalues.iter().sum::<f64>() / d;
    let (high, low) =
        (eigenvalues.first().copied().unwrap_or(0.0), eigenvalues.last().copied().unwrap_or(0.0));
    let regular = low > 1e-12 * high;
    let condition = regular.then(|| high / low);
    let norm_e = if c > 0.0 { (high / c - 1.0).max(1.0 - low / c) } else { 0.0 };
    let harmonic = d / eigenvalues.iter().map(|value| 1.0 / value).sum::<f64>();
    Isotropy {
        norm_e,
        condition,
        bound: (norm_e < 1.0).then(|| (1.0 - norm_e * norm_e).sqrt()),
        kantorovich: condition.map_or(0.0, |k| 2.0 * k.sqrt() / (1.0 + k)),
        average: regular.then(|| (harmonic / c).sqrt()),
        eigenvalues,
    }
}

/// cos(x_i, Σ_X⁺ x_i) for every feature, `[N]`: how well its singular vector would align if the head served it alone.
pub fn alignment_with_inverse(features: &Mat) -> Vec<f64> {
    let images = unit_rows(&(features * inverse(&features.tr_mul(features))));
    let unit = unit_rows(features);
    unit.row_iter().zip(images.row_iter()).map(|(x, image)| x.dot(&image)).collect()
}

/// Features `[N, D]` of one kind, drawn from a seed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FeatureKind {
    /// Independent normal directions.
    Random,
    /// The same plus a common direction: strength is its length over theirs.
    Cone,
    /// The same with axis variances that fall as a power: strength is the exponent.
    PowerLaw,
    /// A tight frame (random rotations side by side) with a normal disturbance: strength is its relative size.
    NearlyTight,
}

impl FeatureKind {
    /// All kinds.
    pub const ALL: [Self; 4] = [Self::Random, Self::Cone, Self::PowerLaw, Self::NearlyTight];

    /// Features with unit rows, but for [`FeatureKind::PowerLaw`], whose lengths vary.
    pub fn draw(self, n_features: usize, d_model: usize, strength: f64, rng: &mut Rng) -> Mat {
        let normals = rng.normal_matrix(n_features, d_model);
        match self {
            Self::Random => unit_rows(&normals),
            Self::Cone => {
                let cone = unit_rows(&rng.normal_matrix(1, d_model)) * strength;
                let mut rows = unit_rows(&normals);
                rows.row_iter_mut().for_each(|mut row| row += &cone);
                unit_rows(&rows)
            }
            Self::PowerLaw => Mat::from_fn(n_features, d_model, |i, axis| {
                normals[(i, axis)] * libm::pow(axis as f64 + 1.0, -strength / 2.0)
            }),
            Self::NearlyTight => {
                let frames: Vec<Mat> = (0..n_features.div_ceil(d_model.max(1)))
                    .map(|_| rng.haar_rotation(d_model))
                    .collect();
                let disturbance = strength / (d_model as f64).sqrt();
                unit_rows(&Mat::from_fn(n_features, d_model, |i, axis| {
                    frames[i / d_model][(i % d_model, axis)] + disturbance * normals[(i, axis)]
                }))
            }
        }
    }
}

/// One random set of features: the angle of its first feature against what the theorem allows.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct CloudPoint {
    /// What was drawn.
    pub kind: FeatureKind,
    /// D.
    pub d_model: usize,
    /// N.
    pub n_features: usize,
    /// ‖E‖₂.
    pub norm_e: f64,
    /// cos(x₁, Σ⁻¹ x₁) = cos(u₁, x₁).
    pub cos: f64,
    /// √(1 − ‖E‖²), where ‖E‖ < 1.
    pub bound: Option<f64>,
    /// The Kantorovich bound.
    pub kantorovich: f64,
    /// A, the average over features; none when Σ_X is singular.
    pub average: Option<f64>,
}

/// Draw `index` of the cloud of `seed`: 2 to 12 dimensions, up to six times as many features, any kind and strength.
pub fn cloud_point(seed: u32, index: u32) -> CloudPoint {
    let mut rng = Rng::of_stream(seed, index);
    let kind = FeatureKind::ALL[rng.below(4) as usize];
    let d_model = 2 + rng.below(11) as usize;
    let n_features = d_model + rng.below(5 * d_model as u32 + 1) as usize;
    let strength = match kind {
        FeatureKind::NearlyTight => 0.6 * rng.uniform(),
        _ => 3.0 * rng.uniform(),
    };
    let features = kind.draw(n_features, d_model, strength, &mut rng);
    let isotropy = isotropy(&features);
    let cos = alignment_with_inverse(&features).first().copied().unwrap_or(0.0);
    CloudPoint {
        kind,
        d_model,
        n_features,
        norm_e: isotropy.norm_e,
        cos,
        bound: isotropy.bound,
        kantorovich: isotropy.kantorovich,
        average: isotropy.average,
    }
}

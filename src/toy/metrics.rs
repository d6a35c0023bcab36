//! What a toy has learned: which singular vector serves which pair, how aligned it is, and who stands in whose way.

use super::config::Config;
use super::error::ToyError;
use super::model::Params;
use super::template::Entry;
use crate::math::assignment::best_assignment;
use crate::math::statistics::ranked;
use crate::math::{Mat, ProductSvd, product_svd};
use serde::{Deserialize, Serialize};

/// One pair of the template and the singular vectors matched with it.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct PairFit {
    /// Feature of the query.
    pub query: usize,
    /// Feature of the key.
    pub key: usize,
    /// Target logit T.
    pub target: f64,
    /// What the head gives instead, `w_query Ω w_keyᵀ`.
    pub effective: f64,
    /// The singular direction matched with the pair; none when there are more pairs than directions.
    pub k: Option<usize>,
    /// |cos| of the query feature with u_k; 0 without a match.
    pub cos_u: f64,
    /// |cos| of the key feature with v_k; 0 without a match.
    pub cos_v: f64,
    /// Mean |cos| of the query feature with every feature outside the pair.
    pub others_u: f64,
    /// Mean |cos| of the key feature with every feature outside the pair.
    pub others_v: f64,
}

/// The state of a toy in numbers. All are pure functions of the parameters; cosines with a zero vector are 0.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Metrics {
    /// The template's pairs, in its order, matched so that the sum of `cos_u cos_v` is the largest possible.
    pub pairs: Vec<PairFit>,
    /// Smallest of all `cos_u` and `cos_v`: 1 means that every served feature is a singular vector.
    pub least_cos: f64,
    /// Mean of all `cos_u` and `cos_v`.
    pub mean_cos: f64,
    /// Mean over pairs of |cos| with the singular vectors of the same rank (strongest pair, largest σ).
    pub same_rank_cos: f64,
    /// Whether the matched singular values fall in the order of the template's strengths.
    pub in_order: bool,
    /// Singular values of Ω, descending.
    pub sigma: Vec<f64>,
    /// The first singular value that no pair asked for, over the largest.
    pub surplus_sigma: f64,
    /// Mean over attended features of `Σ_{j≠i} cos²(w_i, w_j)`: 1 for an antipodal pair, 0 when orthogonal to all.
    pub interference: f64,
    /// The same over all other features.
    pub interference_others: f64,
    /// Largest |cos| of an attended with an unattended feature.
    pub crowding: f64,
    /// Mean |cos| among unattended features.
    pub others_among_themselves: f64,
    /// `‖E‖₂` of `X Xᵀ = c (I + E)`, c the mean eigenvalue: 0 for an isotropic frame.
    pub anisotropy: f64,
}

impl Metrics {
    /// Measures `params` against the template of `config`.
    ///
    /// # Errors
    /// [`ToyError::Math`] if Ω cannot be decomposed (a run that diverged), [`ToyError::Length`] if shapes differ.
    pub fn of(config: &Config, params: &Params) -> Result<Self, ToyError> {
        params.check(config)?;
        let (_, w_q, w_k) = params.matrices();
        Ok(Self::with_svd(config, params, &product_svd(&w_q, &w_k)?))
    }

    /// The same with Ω's decomposition at hand.
    pub(super) fn with_svd(config: &Config, params: &Params, svd: &ProductSvd) -> Self {
        let entries = config.template.entries();
        let (features, w_q, w_k) = params.matrices();
        let unit = unit_rows(&features);
        let cosines = (&unit * unit.transpose()).abs();
        let (cos_u, cos_v) = ((&unit * &svd.u).abs(), (&unit * &svd.v).abs());
        let effective = (&features * w_q) * (&features * w_k).transpose();
        let n_directions = svd.s.len();
        let scores: Vec<f64> = entries
            .iter()
            .flat_map(|e| {
                (0..n_directions)
                    .map(|k| cos_u[(e.query, k)] * cos_v[(e.key, k)])
                    .collect::<Vec<_>>()
            })
            .collect();
        let matched = best_assignment(&scores, entries.len(), n_directions);
        let pairs: Vec<PairFit> = entries
            .iter()
            .zip(matched)
            .map(|(e, k)| PairFit {
                query: e.query,
                key: e.key,
                target: e.strength,
                effective: effective[(e.query, e.key)],
                k,
                cos_u: k.map_or(0.0, |k| cos_u[(e.query, k)]),
                cos_v: k.map_or(0.0, |k| cos_v[(e.key, k)]),
                others_u: mean_outside(&cosines, e.query, e),
                others_v: mean_outside(&cosines, e.key, e),
            })
            .collect();
        let ranked = by_strength(&pairs);
        let same_rank = ranked
            .iter()
            .zip(0..n_directions)
            .map(|(p, k)| (cos_u[(p.query, k)] + cos_v[(p.key, k)]) / 2.0);
        let largest = svd.s.first().copied().filter(|s| *s > 0.0);
        let surplus = svd.s.get(entries.len()).zip(largest).map_or(0.0, |(s, largest)| s / largest);
        let attended = attended(&entries, config.n_features);
        let interference = |i: usize| cosines.row(i).norm_squared() - cosines[(i, i)];
        let (served, others): (Vec<usize>, Vec<usize>) =
            (0..config.n_features).partition(|&i| attended[i]);
        let crossing = served.iter().flat_map(|&i| others.iter().map(move |&j| (i, j)));
        let among = others
            .iter()
            .flat_map(|&i| others.iter().filter(move |&&j| j < i).map(move |&j| (i, j)));
        Self {
            least_cos: pairs.iter().map(|p| p.cos_u.min(p.cos_v)).reduce(f64::min).unwrap_or(0.0),
            mean_cos: mean(pairs.iter().map(|p| (p.cos_u + p.cos_v) / 2.0)),
            same_rank_cos: mean(same_rank),
            in_order: ranked
                .windows(2)
                .all(|two| two[0].target == two[1].target || two[0].k < two[1].k),
            surplus_sigma: surplus,
            interference: mean(served.iter().map(|&i| interference(i))),
            interference_others: mean(others.iter().map(|&i| interference(i))),
            crowding: crossing.map(|place| cosines[place]).fold(0.0, f64::max),
            others_among_themselves: mean(among.map(|place| cosines[place])),
            anisotropy: anisotropy(&features),
            sigma: svd.s.clone(),
            pairs,
        }
    }
}

/// The rows of `m`, each of length one; zero rows stay zero.
pub(super) fn unit_rows(m: &Mat) -> Mat {
    let mut unit = m.clone();
    for mut row in unit.row_iter_mut() {
        let norm = row.norm();
        if norm > 0.0 {
            row /= norm;
        }
    }
    unit
}

/// `‖XᵀX / c − I‖₂` for features in rows, c the mean eigenvalue of `XᵀX`; 0 without features.
fn anisotropy(features: &Mat) -> f64 {
    let scatter = features.tr_mul(features);
    let c = scatter.trace() / scatter.nrows() as f64;
    if c.is_nan() || c <= 0.0 {
        return 0.0;
    }
    scatter.symmetric_eigenvalues().iter().map(|value| (value / c - 1.0).abs()).fold(0.0, f64::max)
}

fn attended(entries: &[Entry], n_features: usize) -> Vec<bool> {
    let mut attended = vec![false; n_features];
    for entry in entries {
        (attended[entry.query], attended[entry.key]) = (true, true);
    }
    attended
}

fn by_strength(pairs: &[PairFit]) -> Vec<&PairFit> {
    let served: Vec<&PairFit> = pairs.iter().filter(|p| p.k.is_some()).collect();
    ranked(&served, |pair| pair.target.abs())
}

fn mean_outside(cosines: &Mat, feature: usize, pair: &Entry) -> f64 {
    mean(
        (0..cosines.ncols())
            .filter(|&j| j != pair.query && j != pair.key)
            .map(|j| cosines[(feature, j)]),
    )
}

fn mean(values: impl Iterator<Item = f64>) -> f64 {
    let (sum, n) = values.fold((0.0, 0), |(sum, n), x| (sum + x, n + 1));
    if n > 0 { sum / f64::from(n) } else { 0.0 }
}

//! The parameters of a toy and how they start.

use super::config::{Config, FeatureInit, HeadInit};
use super::error::ToyError;
use crate::math::random::Stream;
use crate::math::{Mat, layout};
use serde::{Deserialize, Serialize};

/// Features, decoder bias and head of a toy model, all row-major.
///
/// A token with activations f is `r = Σ f_i features_i`; it is read back as `ReLU(features · r + bias)`; a query r and a key s
/// have the logit `r W_Q W_Kᵀ sᵀ`, without a scale. Shapes are those of TransformerLens, one vector per row; the paper writes
/// the transposes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Params {
    /// `[N, D]`: feature i is row i.
    pub features: Vec<f64>,
    /// `[N]`, decoder bias.
    pub bias: Vec<f64>,
    /// `[D, H]`.
    pub w_q: Vec<f64>,
    /// `[D, H]`.
    pub w_k: Vec<f64>,
}

impl Params {
    /// The parameters as single-precision numbers, one after the other, little-endian: enough to be looked at.
    pub fn to_f32(&self) -> Vec<u8> {
        let numbers = self.parts().into_iter().flatten();
        numbers.flat_map(|x| (*x as f32).to_le_bytes()).collect()
    }

    /// Reads what [`Params::to_f32`] wrote for a run of `config`.
    ///
    /// # Errors
    /// [`ToyError::Length`] if there are more or fewer numbers than `config` has parameters.
    pub fn from_f32(config: &Config, bytes: &[u8]) -> Result<Self, ToyError> {
        let (n, d, h) = (config.n_features, config.d_model, config.d_head);
        let expected = n * d + n + 2 * d * h;
        if bytes.len() != 4 * expected {
            let what = "the stored parameters";
            return Err(ToyError::Length { what, expected, found: bytes.len() / 4 });
        }
        let mut numbers =
            bytes.as_chunks::<4>().0.iter().map(|b| f64::from(f32::from_le_bytes(*b)));
        let mut take = |count: usize| numbers.by_ref().take(count).collect::<Vec<f64>>();
        Ok(Self { features: take(n * d), bias: take(n), w_q: take(d * h), w_k: take(d * h) })
    }
}

/// Streams of the seed: what each part of the start is drawn from.
const FEATURES: u32 = 0;
const W_Q: u32 = 1;
const W_K: u32 = 2;
const FEATURE_CONE: u32 = 3;
const COMMON: u32 = 4;

impl Params {
    /// All zero, in the shapes of `config`.
    pub fn zeros(config: &Config) -> Self {
        let (n, d, h) = (config.n_features, config.d_model, config.d_head);
        Self {
            features: vec![0.0; n * d],
            bias: vec![0.0; n],
            w_q: vec![0.0; d * h],
            w_k: vec![0.0; d * h],
        }
    }

    /// The start of the run that `config` describes.
    pub fn initial(config: &Config) -> Self {
        let (n, d, h) = (config.n_features, config.d_model, config.d_head);
        let mut params = Self::zeros(config);
        // The paper's matrices [D, N] and [H, D] are drawn row by row; these are their transposes.
        let spread = (2.0 / (n + d) as f64).sqrt();
        fill_transposed(&mut params.features, d, &Stream::new(config.seed, FEATURES), spread);
        match config.features {
            FeatureInit::Xavier => {}
            FeatureInit::Cone { strength } => {
                let cone = unit(config.seed, FEATURE_CONE, d);
                let length = strength * spread * (d as f64).sqrt();
                for feature in params.features.chunks_exact_mut(d) {
                    feature.iter_mut().zip(&cone).for_each(|(x, c)| *x += length * c);
                }
            }
            FeatureInit::PowerLaw { exponent } => {
                let variances: Vec<f64> =
                    (1..=d).map(|axis| libm::pow(axis as f64, -exponent)).collect();
                let mean = variances.iter().sum::<f64>() / d as f64;
                for feature in params.features.chunks_exact_mut(d) {
                    feature.iter_mut().zip(&variances).for_each(|(x, v)| *x *= (v / mean).sqrt());
                }
            }
        }
        match config.head {
            HeadInit::Xavier => params.draw_head(config, (2.0 / (h + d) as f64).sqrt()),
            HeadInit::Normal { std } => params.draw_head(config, std),
            HeadInit::RankOne { strength } => {
                let u = unit(config.seed, W_Q, d);
                let v = orthogonal_to(&u, unit(config.seed, W_K, d));
                for (w, direction) in [(&mut params.w_q, u), (&mut params.w_k, v)] {
                    for (row, x) in w.chunks_exact_mut(h).zip(direction) {
                        row[0] = strength.sqrt() * x;
                    }
                }
            }
        }
        params
    }

    fn draw_head(&mut self, config: &Config, spread: f64) {
        fill_transposed(&mut self.w_q, config.d_head, &Stream::new(config.seed, W_Q), spread);
        fill_transposed(&mut self.w_k, config.d_head, &Stream::new(config.seed, W_K), spread);
    }

    /// Whether the arrays have the shapes of `config`.
    ///
    /// # Errors
    /// [`ToyError::Length`] with the first that has not.
    pub fn check(&self, config: &Config) -> Result<(), ToyError> {
        let (n, d, h) = (config.n_features, config.d_model, config.d_head);
        for (what, found, expected) in [
            ("features", self.features.len(), n * d),
            ("bias", self.bias.len(), n),
            ("w_q", self.w_q.len(), d * h),
            ("w_k", self.w_k.len(), d * h),
        ] {
            if found != expected {
                return Err(ToyError::Length { what, expected, found });
            }
        }
        Ok(())
    }

    /// `(features [N, D], W_Q [D, H], W_K [D, H])` as matrices.
    pub fn matrices(&self) -> (Mat, Mat, Mat) {
        let n = self.bias.len().max(1);
        let d = (self.features.len() / n).max(1);
        let h = self.w_q.len() / d;
        let matrix = layout::from_row_major;
        (matrix(n, d, &self.features), matrix(d, h, &self.w_q), matrix(d, h, &self.w_k))
    }

    pub(super) fn parts(&self) -> [&[f64]; 4] {
        [&self.features, &self.bias, &self.w_q, &self.w_k]
    }

    pub(super) fn parts_mut(&mut self) -> [&mut Vec<f64>; 4] {
        [&mut self.features, &mut self.bias, &mut self.w_q, &mut self.w_k]
    }
}

/// The unit direction common to all tokens when `common` is not 0, `[D]`.
pub fn common_direction(config: &Config) -> Vec<f64> {
    unit(config.seed, COMMON, config.d_model)
}

/// `w[c, r] = spread · normal(r, c)` for a stream read as a row-major matrix with `n_rows` rows.
fn fill_transposed(w: &mut [f64], n_rows: usize, stream: &Stream, spread: f64) {
    let n_cols = w.len() / n_rows;
    for (c, row) in w.chunks_exact_mut(n_rows).enumerate() {
        for (r, x) in row.iter_mut().enumerate() {
            *x = spread * stream.normal((r * n_cols + c) as u32);
        }
    }
}

fn unit(seed: u32, stream: u32, d: usize) -> Vec<f64> {
    let stream = Stream::new(seed, stream);
    normed((0..d as u32).map(|i| stream.normal(i)).collect())
}

/// `v` without its part along the unit vector `u`, of length one; `v` itself in one dimension.
fn orthogonal_to(u: &[f64], v: Vec<f64>) -> Vec<f64> {
    if u.len() < 2 {
        return v;
    }
    let along: f64 = u.iter().zip(&v).map(|(u, v)| u * v).sum();
    normed(v.iter().zip(u).map(|(v, u)| v - along * u).collect())
}

fn normed(direction: Vec<f64>) -> Vec<f64> {
    let norm = direction.iter().map(|x| x * x).sum::<f64>().sqrt();
    direction.iter().map(|x| x / norm).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cone_start_is_anisotropic_and_a_rank_one_head_has_its_strength() {
        let config = Config {
            n_features: 100,
            d_model: 50,
            features: FeatureInit::Cone { strength: 1.0 },
            head: HeadInit::RankOne { strength: 10.0 },
            ..Config::default()
        };
        let (features, w_q, w_k) = Params::initial(&config).matrices();
        let scatter = features.transpose() * &features;
        let largest = scatter.symmetric_eigenvalues().max() / (scatter.trace() / 50.0);
        assert!((20.0..30.0).contains(&largest), "{largest}");
        let omega = w_q * w_k.transpose();
        assert!((omega.norm() - 10.0).abs() < 1e-12 && omega.rank(1e-9) == 1);
    }
}

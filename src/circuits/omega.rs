//! Ω = W_Q W_Kᵀ and OV = W_V W_O of one head, as two thin factors, and their decomposition.

use serde::{Deserialize, Serialize};

use crate::math::svd::middle_singular_values;
use crate::math::{
    Factor, Mat, MathError, ProductSvd, SingularValues, product_singular_values, product_svd,
};
use crate::model::HeadWeights;
use crate::model::rope::Rope;

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
    /// Its name in text.
    pub fn name(self) -> &'static str {
        match self {
            Self::Qk => "QK",
            Self::Ov => "OV",
        }
    }

    /// Its short name, in addresses and files.
    pub fn slug(self) -> &'static str {
        match self {
            Self::Qk => "qk",
            Self::Ov => "ov",
        }
    }

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
    match circuit {
        Circuit::Qk => product_singular_values(&weights.w_q, &weights.w_k),
        Circuit::Ov => product_singular_values(&weights.w_v, &weights.w_o.transpose()),
    }
}

/// Ω seen at a distance: the spectra of `Ω_Δ = W_Q R_Δ W_Kᵀ` for a rotary head, one tall QR per side for all of them.
///
/// `R_Δ` turns a query at position `p` against a key at `p − Δ`; `Ω_0` is Ω but for the rotary attention factor.
pub struct RotarySpectrum {
    query: Factor,
    key: Factor,
}

impl RotarySpectrum {
    /// Prepares the head.
    ///
    /// # Errors
    /// [`MathError::NotFinite`] for NaN or infinities in the weights.
    pub fn new(weights: &HeadWeights) -> Result<Self, MathError> {
        let query = Factor::new(&weights.w_q, "W_Q")?;
        Ok(Self { query, key: Factor::new(&weights.w_k, "W_K")? })
    }

    /// The `d_head` singular values of `Ω_Δ` in a prompt of `n` positions.
    ///
    /// # Errors
    /// As [`product_svd`].
    pub fn at(&self, rope: &Rope, delta: f64, n: usize) -> Result<Vec<f64>, MathError> {
        let d_head = self.query.r().ncols();
        let angles = rope.angles(delta, n);
        // Row i is a unit query turned by Δ; dimensions that do not turn keep their factor of one.
        let mut rotation = Mat::zeros(d_head, d_head);
        for i in 0..d_head {
            let mut row = vec![0.0; d_head];
            row[i] = 1.0;
            rope.rotate(&mut row, &angles);
            rotation.row_mut(i).copy_from_slice(&row);
        }
        middle_singular_values(&self.query, &rotation, &self.key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::math::random::Rng;
    use crate::model::rope::{Pairing, RopeConfig, Scaling};

    fn head(rng: &mut Rng, d_model: usize, d_head: usize) -> HeadWeights {
        HeadWeights {
            w_q: rng.normal_matrix(d_model, d_head),
            w_k: rng.normal_matrix(d_model, d_head),
            w_v: rng.normal_matrix(d_model, d_head),
            w_o: rng.normal_matrix(d_head, d_model),
            b_q: vec![0.5; d_head],
            b_k: vec![0.0; d_head],
            b_v: vec![0.0; d_head],
            rotary: None,
        }
    }

    #[test]
    fn the_spectrum_at_a_distance_is_that_of_the_rotated_product() {
        let weights = head(&mut Rng::new(3), 24, 8);
        let config = RopeConfig { theta: 100.0, fraction: 1.0, scaling: Scaling::None };
        for (pairing, rotary_dim) in [(Pairing::Half, 8), (Pairing::Adjacent, 4)] {
            let rope = Rope::new(pairing, rotary_dim, &config);
            let spectrum = RotarySpectrum::new(&weights).unwrap();
            let plain = singular_values(&weights, Circuit::Qk).unwrap().s;
            for (s, plain) in spectrum.at(&rope, 0.0, 10).unwrap().iter().zip(&plain) {
                assert!((s - plain).abs() < 1e-12 * plain);
            }
            let mut turned = weights.w_q.clone();
            for mut row in turned.row_iter_mut() {
                let mut query: Vec<f64> = row.iter().copied().collect();
                rope.rotate(&mut query, &rope.angles(5.0, 10));
                row.copy_from_slice(&query);
            }
            let full = (turned * weights.w_k.transpose()).singular_values();
            for (s, full) in spectrum.at(&rope, 5.0, 10).unwrap().iter().zip(full.iter()) {
                assert!((s - full).abs() < 1e-12 * full);
            }
        }
    }
}

//! One frame of a run: everything a live view draws, small enough to send thirty times a second.

use super::error::ToyError;
use super::gradients::Losses;
use super::metrics::{Metrics, unit_rows};
use super::trainer::Trainer;
use crate::math::layout::to_row_major_f32;
use crate::math::statistics::largest_first;
use crate::math::{Mat, product_svd};
use serde::{Deserialize, Serialize};

/// A toy at one step. Arrays are row-major `f32`, because they are drawn; `metrics` are exact.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Snapshot {
    /// Steps done.
    pub step: usize,
    /// Losses on the batch of the next step, with these parameters.
    pub losses: Losses,
    /// `[N, D]`, the features.
    pub features: Vec<f32>,
    /// `[N]`, decoder bias.
    pub bias: Vec<f32>,
    /// `[N, N]`, cosines between features.
    pub cosines: Vec<f32>,
    /// `[N, H]`, cosines of features with the left singular vectors.
    pub cosines_u: Vec<f32>,
    /// `[N, H]`, cosines of features with the right singular vectors.
    pub cosines_v: Vec<f32>,
    /// `[D, H]`, left singular vectors of Ω in columns: what the query is read for.
    pub u: Vec<f32>,
    /// `[D, H]`, right singular vectors of Ω in columns: what the key is read for.
    pub v: Vec<f32>,
    /// `[N, N]`, the logit that a query with feature i gives a key with feature j, `X Ω Xᵀ`: to be compared with T.
    pub logits: Vec<f32>,
    /// `[N, 3]`, features in their first three principal directions (of their uncentred second moments).
    pub principal: Vec<f32>,
    /// The numbers.
    pub metrics: Metrics,
}

impl Snapshot {
    /// The state of `trainer`. Costs one small SVD and one batch of losses.
    ///
    /// # Errors
    /// [`ToyError::Math`] if Ω is not finite or cannot be decomposed: the run diverged.
    pub fn of(trainer: &mut Trainer) -> Result<Self, ToyError> {
        let losses = trainer.losses();
        let (config, params, step) = (trainer.config(), trainer.params(), trainer.state().step);
        let (features, w_q, w_k) = params.matrices();
        let svd = product_svd(&w_q, &w_k)?;
        let unit = unit_rows(&features);
        let logits = (&features * w_q) * (&features * w_k).transpose();
        Ok(Self {
            step,
            losses,
            features: to_row_major_f32(&features),
            bias: params.bias.iter().map(|&b| b as f32).collect(),
            cosines: to_row_major_f32(&(&unit * unit.transpose())),
            cosines_u: to_row_major_f32(&(&unit * &svd.u)),
            cosines_v: to_row_major_f32(&(&unit * &svd.v)),
            u: to_row_major_f32(&svd.u),
            v: to_row_major_f32(&svd.v),
            logits: to_row_major_f32(&logits),
            principal: to_row_major_f32(&principal(&features)),
            metrics: Metrics::with_svd(config, params, &svd),
        })
    }
}

impl Snapshot {
    /// Takes the arrays out, to travel beside the rest by transfer.
    pub fn take_arrays(&mut self) -> Vec<Vec<f32>> {
        self.arrays().map(std::mem::take).to_vec()
    }

    /// Puts the arrays of [`Snapshot::take_arrays`] back; missing ones stay empty.
    pub fn put_arrays(&mut self, arrays: Vec<Vec<f32>>) {
        for (place, array) in self.arrays().into_iter().zip(arrays) {
            *place = array;
        }
    }

    fn arrays(&mut self) -> [&mut Vec<f32>; 9] {
        [
            &mut self.features,
            &mut self.bias,
            &mut self.cosines,
            &mut self.cosines_u,
            &mut self.cosines_v,
            &mut self.u,
            &mut self.v,
            &mut self.logits,
            &mut self.principal,
        ]
    }
}

/// Coordinates of the rows on the three leading eigenvectors of `XᵀX`, `[N, 3]`; the largest entry of each axis is positive.
fn principal(features: &Mat) -> Mat {
    let eigen = features.tr_mul(features).symmetric_eigen();
    let order = largest_first(eigen.eigenvalues.as_slice());
    let mut coordinates = Mat::zeros(features.nrows(), 3);
    for (place, &axis) in order.iter().take(3).enumerate() {
        let axis = eigen.eigenvectors.column(axis);
        coordinates.set_column(place, &(features * axis * axis[axis.icamax()].signum()));
    }
    coordinates
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Config;

    #[test]
    fn a_snapshot_survives_the_journey_of_its_arrays() {
        let whole = Snapshot::of(&mut Trainer::new(Config::default()).unwrap()).unwrap();
        let mut moved = whole.clone();
        let arrays = moved.take_arrays();
        assert!(moved.cosines.is_empty() && arrays[2] == whole.cosines);
        moved.put_arrays(arrays);
        assert_eq!(moved, whole);
    }
}

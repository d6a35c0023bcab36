//! What is taken away from features and directions alike before they are compared.

use serde::{Deserialize, Serialize};

use super::{DictionarySurvey, UnitBlock};
use crate::math::Mat;
use crate::math::layout::center_columns;
use crate::math::wide::dot;

/// A unit direction that projection makes shorter than this lay in what was removed.
pub(crate) const LOST: f64 = 1e-6;

/// The subspace in which features and directions are compared: the residual stream, less what all features share.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Frame {
    /// Width of the residual stream.
    pub d_model: usize,
    /// The all-ones direction is taken out: the reader is a LayerNorm.
    pub centre: bool,
    /// The common direction m̂, unit, to be taken out; empty for none.
    pub mean: Vec<f32>,
}

impl Frame {
    /// Without mean removal: what the survey itself is made in.
    pub fn plain(d_model: usize, centre: bool) -> Self {
        Self { d_model, centre, mean: Vec::new() }
    }

    /// The frame after a survey. If the unit rows cancel there is no common direction, and nothing is removed.
    pub fn after(
        survey: &DictionarySurvey,
        d_model: usize,
        centre: bool,
        remove_mean: bool,
    ) -> Self {
        let mean = if remove_mean { survey.mean_direction.clone() } else { Vec::new() };
        Self { d_model, centre, mean }
    }

    /// Dimensions that are left.
    pub fn dimensions(&self) -> usize {
        self.d_model.saturating_sub(usize::from(self.centre) + usize::from(self.removes_mean()))
    }

    /// Whether a common direction is taken out.
    pub fn removes_mean(&self) -> bool {
        !self.mean.is_empty()
    }

    /// Unit features from rows `first ..` of a dictionary, `rows: [len, d_model]`.
    pub fn unit_block(&self, first: usize, rows: Vec<f32>) -> UnitBlock {
        let mean = self.removes_mean().then_some(self.mean.as_slice());
        UnitBlock::new(first, self.d_model, rows, self.centre, mean)
    }

    /// The part of each column of `vectors: [d_model, h]` that lies in the frame; not normalised.
    pub fn project(&self, vectors: &Mat) -> Mat {
        let mut projected = vectors.clone();
        if self.centre {
            center_columns(&mut projected);
        }
        if self.removes_mean() {
            for mut column in projected.column_iter_mut() {
                // m̂ is rounded to f32; dividing by its own square keeps the projection exact.
                let along: f64 =
                    column.iter().zip(&self.mean).map(|(x, &m)| x * f64::from(m)).sum();
                let along = along / dot(&self.mean, &self.mean);
                column.iter_mut().zip(&self.mean).for_each(|(x, &m)| *x -= along * f64::from(m));
            }
        }
        projected
    }

    /// The columns of `vectors: [d_model, h]` as unit rows in the frame, `[h, d_model]` row-major; zero where nothing is left.
    pub fn unit_directions(&self, vectors: &Mat) -> Vec<f32> {
        let projected = self.project(vectors);
        let unit = |x: f64, norm: f64| if norm > LOST { (x / norm) as f32 } else { 0.0 };
        projected
            .column_iter()
            .flat_map(|column| {
                let norm = column.norm();
                column.iter().map(move |&x| unit(x, norm)).collect::<Vec<_>>()
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::math::random::Rng;

    #[test]
    fn directions_are_projected_like_features() {
        let mut rng = Rng::new(5);
        let mean: Vec<f64> = (0..6).map(|_| rng.normal()).collect();
        let centre = mean.iter().sum::<f64>() / 6.0;
        let length = mean.iter().map(|x| (x - centre).powi(2)).sum::<f64>().sqrt();
        let mean = mean.iter().map(|x| ((x - centre) / length) as f32).collect();
        let frame = Frame { d_model: 6, centre: true, mean };
        let vectors = rng.normal_matrix(6, 3);
        let projected = frame.project(&vectors);
        let rows = vectors.as_slice().iter().map(|&x| x as f32).collect();
        let block = frame.unit_block(0, rows);
        for (row, column) in block.rows.chunks(6).zip(projected.column_iter()) {
            let cosine: f64 = row.iter().zip(&column).map(|(&x, y)| f64::from(x) * y).sum::<f64>()
                / column.norm();
            assert!((cosine - 1.0).abs() < 1e-6);
        }
        assert_eq!(frame.dimensions(), 4);
    }
}

//! One matrix of the file, still in bytes, and the parts that are cut out of it.

use super::architecture::{Linear, Orientation};
use super::{Model, ModelError};
use crate::checkpoint::{Dtype, Tensor};
use crate::math::Mat;
use crate::math::layout::{not_finite, write_rows};

/// Rows of a matrix that are turned into columns together.
const TOGETHER: usize = 16;

/// A linear map of a layer, read.
pub(super) struct Matrix {
    name: String,
    tensor: Tensor,
    orientation: Orientation,
    d_in: usize,
    d_out: usize,
    pub(super) bias: Option<Vec<f64>>,
}

impl Matrix {
    /// Reads a map from `d_in` to `d_out`.
    pub(super) fn read(
        model: &Model,
        linear: &Linear,
        d_in: usize,
        d_out: usize,
    ) -> Result<Self, ModelError> {
        let tensor = model.read_linear(linear, d_in, d_out)?;
        let bias = linear.bias.as_deref().map(|name| model.read_vector(name, d_out)).transpose()?;
        Ok(Self {
            name: linear.weight.clone(),
            tensor,
            orientation: linear.orientation,
            d_in,
            d_out,
            bias,
        })
    }

    /// `[d_in, len]`: the outputs from `start` on.
    pub(super) fn outputs(&self, start: usize, len: usize) -> Result<Mat, ModelError> {
        self.finite(match self.orientation {
            Orientation::OutIn => self.rows(self.d_in, start, len)?,
            Orientation::InOut => self.columns(self.d_in, self.d_out, start, len)?,
        })
    }

    /// `[len, d_out]`: the inputs from `start` on.
    pub(super) fn inputs(&self, start: usize, len: usize) -> Result<Mat, ModelError> {
        self.finite(match self.orientation {
            Orientation::OutIn => self.columns(self.d_out, self.d_in, start, len)?.transpose(),
            Orientation::InOut => self.rows(self.d_out, start, len)?.transpose(),
        })
    }

    /// Rows of the tensor as the columns of `[n_columns, len]`: both are stored alike.
    fn rows(&self, n_columns: usize, start: usize, len: usize) -> Result<Mat, ModelError> {
        let values = self.tensor.f64s_of(start * n_columns..(start + len) * n_columns)?;
        Ok(Mat::from_vec(n_columns, len, values))
    }

    fn columns(
        &self,
        n_rows: usize,
        n_columns: usize,
        start: usize,
        len: usize,
    ) -> Result<Mat, ModelError> {
        let mut found = Mat::zeros(n_rows, len);
        if self.tensor.dtype == Dtype::F64 {
            for row in 0..n_rows {
                let from = row * n_columns + start;
                let mut places = found.row_mut(row);
                let values = self.tensor.f64s_of(from..from + len)?;
                places.iter_mut().zip(values).for_each(|(place, x)| *place = x);
            }
            return Ok(found);
        }
        // All others are exact in `f32`. Some rows at a time, so that what is written lies side by side as well.
        let mut rows = Vec::with_capacity(TOGETHER * len);
        for first in (0..n_rows).step_by(TOGETHER) {
            rows.clear();
            for row in first..n_rows.min(first + TOGETHER) {
                let from = row * n_columns + start;
                rows.extend_from_slice(&self.tensor.f32s_at(from..from + len)?);
            }
            write_rows(&mut found, first, &rows);
        }
        Ok(found)
    }

    fn finite(&self, m: Mat) -> Result<Mat, ModelError> {
        match not_finite(&m) {
            0 => Ok(m),
            count => Err(ModelError::NotFinite { name: self.name.clone(), count }),
        }
    }
}

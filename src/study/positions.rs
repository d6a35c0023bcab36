//! A model's position embeddings beside its heads: where positions are told apart, and the cosine of every position with a direction.

use super::StudyError;
use crate::circuits::dictionary::{Builtin, Dictionary, DictionaryError, Frame};
use crate::circuits::null::IsotropicNull;
use crate::circuits::positional::PositionSpace;
use crate::math::Mat;
use crate::model::{Model, Weights};

/// The position embeddings of a model, less their mean.
pub struct PositionTable {
    /// `[d_model, n]`, one position a column, in the frame and of length 1, or zero.
    directions: Mat,
    frame: Frame,
    space: Option<PositionSpace>,
}

impl PositionTable {
    /// Those of a model; `None` where its positions are no vectors of the residual stream, or where it has several streams.
    ///
    /// # Errors
    /// What reading them says.
    pub fn read(model: &Model, weights: Weights) -> Result<Option<Self>, StudyError> {
        let positions = model.arch.embedding().and_then(|embedding| embedding.positions.as_ref());
        let Some(first) = positions.filter(|_| model.arch.stacks.len() == 1).map(|p| p.offset)
        else {
            return Ok(None);
        };
        let table = match Dictionary::of_model(model, Builtin::Positions, weights) {
            Err(DictionaryError::Absent { .. } | DictionaryError::WrongWidth { .. }) => {
                return Ok(None);
            }
            table => table?,
        };
        let (d, n) = (table.about.d_model, table.about.n_rows);
        let rows = table.rows(Some(&model.checkpoint), first.min(n)..n)?;
        let mut columns =
            Mat::from_iterator(d, n - first.min(n), rows.iter().map(|&x| f64::from(x)));
        if columns.ncols() < 2 {
            return Ok(None);
        }
        let mean = columns.column_mean();
        columns.column_iter_mut().for_each(|mut column| column -= &mean);
        let centre = weights == Weights::Folded && model.arch.reads_through_layer_norm();
        let space = PositionSpace::of(&columns, centre);
        let frame = Frame::plain(d, centre);
        let mut directions = frame.project(&columns);
        directions.column_iter_mut().for_each(|mut column| {
            let norm = column.norm();
            if norm > 0.0 {
                column /= norm;
            }
        });
        Ok(Some(Self { directions, frame, space }))
    }

    /// The directions in which positions differ.
    pub fn space(&self) -> Option<&PositionSpace> {
        self.space.as_ref()
    }

    /// How many positions there are.
    pub fn count(&self) -> usize {
        self.directions.ncols()
    }

    /// The cosines of every position with every column of `vectors: [d_model, h]`, `[h, n]` row-major; empty where the vectors live in
    /// another stream.
    pub fn cosines(&self, vectors: &Mat) -> Vec<f32> {
        if vectors.nrows() != self.directions.nrows() {
            return Vec::new();
        }
        // Column-major, positions down: row-major with one row a vector.
        self.directions.tr_mul(vectors).iter().map(|&cosine| cosine as f32).collect()
    }

    /// The |cosine| that a random direction exceeds with some position once in twenty.
    pub fn critical(&self) -> f64 {
        IsotropicNull { d: self.frame.dimensions(), n: self.count() }.critical(0.05)
    }
}

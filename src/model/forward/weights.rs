//! The weights that a step needs: a small layer is read in one go, a large one a block of rows at a time.

use std::collections::BTreeMap;
use std::ops::Range;

use crate::checkpoint::{Tensor, plan};
use crate::model::architecture::{Linear, Norm, Orientation};
use crate::model::{Model, ModelError};

/// Bytes of a layer that is read in one go. In a browser a read takes milliseconds whatever its length.
const TOGETHER: u64 = 64 << 20;

/// Bytes of a matrix that are in memory at once where its layer is larger.
const BLOCK: u64 = 16 << 20;

/// Where the numbers of a model come from: tensors in memory, else its files.
pub(super) struct Weights<'a> {
    /// The model.
    pub(super) model: &'a Model,
    together: BTreeMap<&'a str, Tensor>,
}

/// A run of rows of a linear map as it lies in the file, decoded.
pub(super) struct Part<'a> {
    /// `[outputs, inputs]` or `[inputs, outputs]`, row-major.
    pub(super) values: &'a [f32],
    /// How it lies.
    pub(super) orientation: Orientation,
    /// The inputs that it covers.
    pub(super) inputs: Range<usize>,
    /// The outputs that it covers.
    pub(super) outputs: Range<usize>,
}

impl<'a> Weights<'a> {
    /// Every tensor is read when it is asked for.
    pub(super) fn of(model: &'a Model) -> Self {
        Self { model, together: BTreeMap::new() }
    }

    /// A layer's tensors are read now, unless they are many. What is missing is an error once it is asked for.
    pub(super) fn of_layer(model: &'a Model, layer: usize) -> Result<Self, ModelError> {
        let mut names = model.layer(layer)?.tensors();
        names.retain(|name| model.checkpoint.entry(name).is_some());
        let bytes = names.iter().filter_map(|name| model.checkpoint.entry(name));
        if bytes.map(|entry| entry.bytes()).sum::<u64>() > TOGETHER {
            return Ok(Self::of(model));
        }
        let tensors = model.checkpoint.read_all(&names)?;
        Ok(Self { model, together: names.into_iter().zip(tensors).collect() })
    }

    /// A vector of `n` numbers.
    pub(super) fn vector(&self, name: &str, n: usize) -> Result<Vec<f32>, ModelError> {
        self.model.check(name, &[Some(n)])?;
        Ok(match self.together.get(name) {
            Some(tensor) => tensor.f32s()?,
            None => self.model.checkpoint.read(name)?.f32s()?,
        })
    }

    /// A norm's gains, `1 +` included where the family adds it, and its bias.
    pub(super) fn norm(
        &self,
        norm: &Norm,
        n: usize,
    ) -> Result<(Vec<f64>, Option<Vec<f64>>), ModelError> {
        norm.values(|name| match self.together.get(name) {
            Some(tensor) => {
                self.model.check(name, &[Some(n)])?;
                Ok(tensor.f64s()?)
            }
            None => self.model.read_vector(name, n),
        })
    }

    /// Hands over a linear map from `d_in` to `d_out`, at most `values` numbers at a time but never less than a row.
    pub(super) fn parts(
        &self,
        linear: &Linear,
        d_in: usize,
        d_out: usize,
        values: usize,
        mut take: impl FnMut(Part<'_>),
    ) -> Result<(), ModelError> {
        let (name, orientation) = (linear.weight.as_str(), linear.orientation);
        let (n_rows, n_columns) = match orientation {
            Orientation::OutIn => (d_out, d_in),
            Orientation::InOut => (d_in, d_out),
        };
        self.model.check(name, &[Some(n_rows), Some(n_columns)])?;
        let at_once = (values / n_columns.max(1)).max(1);
        let mut within = |tensor: &Tensor, first: usize, count: usize| -> Result<(), ModelError> {
            for start in (0..count).step_by(at_once) {
                let rows = start..count.min(start + at_once);
                let values = tensor.f32s_of(rows.start * n_columns..rows.end * n_columns)?;
                let rows = first + rows.start..first + rows.end;
                let (inputs, outputs) = match orientation {
                    Orientation::OutIn => (0..d_in, rows),
                    Orientation::InOut => (rows, 0..d_out),
                };
                take(Part { values: &values, orientation, inputs, outputs });
            }
            Ok(())
        };
        match (self.together.get(name), self.model.checkpoint.entry(name)) {
            (Some(tensor), _) => within(tensor, 0, n_rows),
            (None, Some(entry)) => plan::row_blocks(entry, BLOCK).try_for_each(|rows| {
                let tensor = self.model.checkpoint.read_rows(name, rows.clone())?;
                within(&tensor, rows.start, rows.len())
            }),
            (None, None) => Ok(()),
        }
    }
}

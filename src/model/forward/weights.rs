//! The weights that a step needs: a small layer is read in one go, a large one a block of rows at a time.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::ops::Range;

use crate::checkpoint::{Tensor, plan};
use crate::math::order::map_of;
use crate::math::streamed::Part;
use crate::model::architecture::{Linear, Norm, Orientation};
use crate::model::{Model, ModelError};

/// Bytes of a layer that is read in one go. In a browser a read takes milliseconds whatever its length.
const TOGETHER: u64 = 64 << 20;

/// Bytes of a matrix that are in memory at once where its layer is larger.
const BLOCK: u64 = 16 << 20;

/// Where the numbers of a model come from: tensors in memory, else its files.
pub struct LayerWeights<'a> {
    /// The model.
    pub(super) model: &'a Model,
    together: BTreeMap<&'a str, Tensor>,
}

/// A run of rows of a linear map as it lies in the file, `[n_rows, n_columns]`.
#[derive(Debug, Clone)]
pub struct RowBlock<'a> {
    /// The rows' bytes.
    pub tensor: Cow<'a, Tensor>,
    /// The first row.
    pub first: usize,
    /// How many.
    pub n_rows: usize,
    /// Numbers in each.
    pub n_columns: usize,
}

/// Bytes of a layer in the files.
///
/// # Errors
/// [`ModelError::OutOfRange`] if there is no such layer.
pub fn layer_bytes(model: &Model, layer: usize) -> Result<u64, ModelError> {
    let names = model.layer(layer)?.tensors();
    let entries = names.iter().filter_map(|name| model.checkpoint.entry(name));
    Ok(entries.map(|entry| entry.bytes()).sum())
}

impl<'a> LayerWeights<'a> {
    /// Every tensor is read when it is asked for.
    pub(super) fn of(model: &'a Model) -> Self {
        Self { model, together: BTreeMap::new() }
    }

    /// A layer's tensors are read now, unless they are many. What is missing is an error once it is asked for.
    ///
    /// # Errors
    /// What reading says.
    pub fn of_layer(model: &'a Model, layer: usize) -> Result<Self, ModelError> {
        if layer_bytes(model, layer)? > TOGETHER {
            return Ok(Self::of(model));
        }
        let mut names = model.layer(layer)?.tensors();
        names.retain(|name| model.checkpoint.entry(name).is_some());
        let tensors = model.checkpoint.read_all(&names)?;
        Ok(Self { model, together: map_of(names.into_iter().zip(tensors)) })
    }

    /// A vector of `n` numbers.
    ///
    /// # Errors
    /// What reading says.
    pub fn vector(&self, name: &str, n: usize) -> Result<Vec<f32>, ModelError> {
        self.model.check_vector(name, n)?;
        Ok(match self.together.get(name) {
            Some(tensor) => tensor.f32s()?,
            None => self.model.checkpoint.read(name)?.f32s()?,
        })
    }

    /// The numbers of a tensor of this shape.
    pub(super) fn array(&self, name: &str, shape: &[usize]) -> Result<Vec<f32>, ModelError> {
        let wanted: Vec<Option<usize>> = shape.iter().copied().map(Some).collect();
        self.model.check(name, &wanted)?;
        Ok(match self.together.get(name) {
            Some(tensor) => tensor.f32s()?,
            None => self.model.checkpoint.read(name)?.f32s()?,
        })
    }

    /// The bias of a map to `n` outputs, where it has one.
    ///
    /// # Errors
    /// What reading says.
    pub fn bias(&self, linear: &Linear, n: usize) -> Result<Option<Vec<f32>>, ModelError> {
        let Some(name) = linear.bias.as_deref() else { return Ok(None) };
        let Some(member) = linear.member else { return self.vector(name, n).map(Some) };
        self.model.check(name, &[None, Some(n)])?;
        Ok(Some(self.member(name, member)?.f32s()?))
    }

    /// What a router adds to the scores of `n` experts: `[n]` or `[1, n]`.
    pub(super) fn correction(&self, name: &str, n: usize) -> Result<Vec<f32>, ModelError> {
        let flat = self.model.checkpoint.entry(name).is_none_or(|entry| entry.shape.len() < 2);
        if flat {
            return self.vector(name, n);
        }
        self.model.check(name, &[Some(1), Some(n)])?;
        Ok(self.member(name, 0)?.f32s()?)
    }

    /// One matrix of a stack of them, or one vector.
    fn member(&self, name: &str, member: usize) -> Result<Tensor, ModelError> {
        let Some(stack) = self.together.get(name) else {
            let read = self.model.checkpoint.read_rows(name, member..member + 1)?;
            return Ok(Tensor { shape: read.shape.get(1..).unwrap_or_default().to_vec(), ..read });
        };
        let count = stack.shape.first().copied().unwrap_or(0);
        let width = stack.bytes.len() / count.max(1);
        let bytes = stack.bytes.get(member * width..(member + 1) * width);
        let bytes = bytes.ok_or(ModelError::OutOfRange { what: "expert", index: member, count })?;
        let shape = stack.shape.get(1..).unwrap_or_default().to_vec();
        Ok(Tensor { dtype: stack.dtype, shape, bytes: bytes.to_vec() })
    }

    /// The only number of a tensor; `None` if the tensor is not in the files.
    pub(super) fn number(&self, name: &str) -> Result<Option<f32>, ModelError> {
        if self.model.checkpoint.entry(name).is_none() {
            return Ok(None);
        }
        let values = self.model.checkpoint.read(name)?.f32s()?;
        match values.as_slice() {
            &[one] => Ok(Some(one)),
            _ => Err(ModelError::Mismatch {
                what: format!("numbers in {name}"),
                first: "1 needed".into(),
                second: format!("{} there", values.len()),
            }),
        }
    }

    /// Multiplies rows of `d` numbers by the gains of that name, if there are any.
    pub(super) fn gain(
        &self,
        name: Option<&str>,
        rows: &mut [f32],
        d: usize,
    ) -> Result<(), ModelError> {
        let Some(name) = name else { return Ok(()) };
        let gains = self.vector(name, d)?;
        for row in rows.chunks_exact_mut(d.max(1)) {
            row.iter_mut().zip(&gains).for_each(|(x, g)| *x *= g);
        }
        Ok(())
    }

    /// A norm's gains, `1 +` included where the family adds it, and its bias.
    pub(super) fn norm(
        &self,
        norm: &Norm,
        n: usize,
    ) -> Result<(Vec<f64>, Option<Vec<f64>>), ModelError> {
        norm.values(n, |name| match self.together.get(name) {
            Some(tensor) => {
                self.model.check_vector(name, n)?;
                Ok(tensor.f64s()?)
            }
            None => self.model.read_vector(name, n),
        })
    }

    /// The rows of a linear map from `d_in` to `d_out` as they lie in the file, at most `most` bytes at a time but never less
    /// than one; all at once where they are in memory anyway, or where the matrix is one of a stack.
    ///
    /// # Errors
    /// What reading says; [`ModelError::Mismatch`] for a matrix of another shape.
    pub fn blocks(
        &self,
        linear: &Linear,
        (d_in, d_out): (usize, usize),
        most: u64,
    ) -> Result<impl Iterator<Item = Result<RowBlock<'_>, ModelError>>, ModelError> {
        let name = linear.weight.as_str();
        let (n_rows, n_columns) = match linear.orientation {
            Orientation::OutIn => (d_out, d_in),
            Orientation::InOut => (d_in, d_out),
        };
        let shape = [None, Some(n_rows), Some(n_columns)];
        let tensor = match linear.member {
            Some(member) => {
                self.model.check(name, &shape)?;
                Some(Cow::Owned(self.member(name, member)?))
            }
            None if self.model.lies_by_head(linear) => {
                Some(Cow::Owned(self.model.read_by_head(linear, d_in, d_out)?))
            }
            None => {
                self.model.check(name, &shape[1..])?;
                self.together.get(name).map(Cow::Borrowed)
            }
        };
        let whole = tensor.map(|tensor| Ok(RowBlock { tensor, first: 0, n_rows, n_columns }));
        let entry = self.model.checkpoint.entry(name).filter(|_| whole.is_none());
        let ranges = entry.into_iter().flat_map(move |entry| plan::row_blocks(entry, most));
        let read = move |rows: Range<usize>| {
            let tensor = Cow::Owned(self.model.checkpoint.read_rows(name, rows.clone())?);
            Ok(RowBlock { tensor, first: rows.start, n_rows: rows.len(), n_columns })
        };
        Ok(whole.into_iter().chain(ranges.map(read)))
    }

    /// Hands over a linear map from `d_in` to `d_out`, decoded, at most `values` numbers at a time but never less than a row.
    pub(super) fn parts(
        &self,
        linear: &Linear,
        d_in: usize,
        d_out: usize,
        values: usize,
        mut take: impl FnMut(Part<'_>),
    ) -> Result<(), ModelError> {
        let orientation = linear.orientation;
        for block in self.blocks(linear, (d_in, d_out), BLOCK)? {
            let block = block?;
            let at_once = (values / block.n_columns.max(1)).max(1);
            for start in (0..block.n_rows).step_by(at_once) {
                let rows = start..block.n_rows.min(start + at_once);
                let range = rows.start * block.n_columns..rows.end * block.n_columns;
                let values = block.tensor.f32s_at(range)?;
                let rows = block.first + rows.start..block.first + rows.end;
                let (inputs, outputs) = match orientation {
                    Orientation::OutIn => (0..d_in, rows),
                    Orientation::InOut => (rows, 0..d_out),
                };
                take(Part { values: &values, orientation, inputs, outputs });
            }
        }
        Ok(())
    }
}

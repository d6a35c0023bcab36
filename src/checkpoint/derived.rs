//! Tensors that are computed when they are read: codes that become numbers again, weights with an adapter on them.

use std::ops::Range;

use super::plan::{self, Span};
use super::{ByteSource, CheckpointError, Dtype, Shareable, Tensor, TensorEntry};

/// A tensor that is computed from what lies in the files.
pub(super) trait Derive: Shareable {
    /// Rows of the first axis, row-major.
    ///
    /// # Errors
    /// What reading the parts says.
    fn rows(&self, read: &Reader<'_>, rows: Range<usize>) -> Result<Vec<f32>, CheckpointError>;
}

/// Reads parts of derived tensors.
#[derive(Clone, Copy)]
pub(super) struct Reader<'a>(pub(super) &'a [Box<dyn ByteSource>]);

impl Reader<'_> {
    /// A whole tensor.
    pub(super) fn whole(&self, entry: &TensorEntry) -> Result<Tensor, CheckpointError> {
        let bytes = self.span(&plan::whole(entry))?;
        Ok(Tensor { dtype: entry.dtype, shape: entry.shape.clone(), bytes })
    }

    /// Rows of the first axis.
    pub(super) fn rows(
        &self,
        entry: &TensorEntry,
        rows: Range<usize>,
    ) -> Result<Tensor, CheckpointError> {
        let bytes = self.span(&plan::rows(entry, rows.clone())?)?;
        let mut shape = entry.shape.clone();
        if let Some(first) = shape.first_mut() {
            *first = rows.len();
        }
        Ok(Tensor { dtype: entry.dtype, shape, bytes })
    }

    /// A run of bytes of a tensor, counted from its first.
    pub(super) fn bytes(
        &self,
        entry: &TensorEntry,
        bytes: Range<u64>,
    ) -> Result<Vec<u8>, CheckpointError> {
        let end = entry.start.saturating_add(bytes.end).min(entry.end);
        self.span(&Span { file: entry.file, bytes: entry.start + bytes.start..end })
    }

    fn span(&self, span: &Span) -> Result<Vec<u8>, CheckpointError> {
        match self.0.get(span.file) {
            Some(source) => source.read(span.bytes.clone()),
            None => Err(CheckpointError::NoFiles),
        }
    }
}

/// The entry of a derived tensor: numbers in f32, as if they lay there.
pub(super) fn entry(name: String, shape: Vec<usize>, file: usize, from: String) -> TensorEntry {
    let end = shape.iter().product::<usize>() as u64 * 4;
    TensorEntry { name, dtype: Dtype::F32, shape, file, start: 0, end, from: Some(from) }
}

/// Numbers as the bytes of a tensor.
pub(super) fn tensor(values: &[f32], shape: Vec<usize>) -> Tensor {
    let bytes = values.iter().flat_map(|value| value.to_le_bytes()).collect();
    Tensor { dtype: Dtype::F32, shape, bytes }
}

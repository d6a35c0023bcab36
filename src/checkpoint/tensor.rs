//! Where a tensor lies, and its bytes once they are read.

use std::borrow::Cow;
use std::ops::Range;

use serde::Serialize;

use super::{CheckpointError, Dtype, NonFinite};

/// One tensor of a checkpoint: what it is and which bytes of which file hold it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TensorEntry {
    /// Name in the file.
    pub name: String,
    /// Number format.
    pub dtype: Dtype,
    /// Sizes, row-major. Empty for a scalar.
    pub shape: Vec<usize>,
    /// Which file of the checkpoint, counted from 0.
    pub file: usize,
    /// First byte, counted from the start of the file.
    pub start: u64,
    /// One past the last byte.
    pub end: u64,
    /// What its numbers are made from, where they do not lie in the file as they are: "GPTQ 4 bits". Then the dtype is that of
    /// the result, and the bytes count as if it lay there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
}

impl TensorEntry {
    /// Bytes in the file.
    pub fn bytes(&self) -> u64 {
        self.end - self.start
    }

    /// Number of elements; the header parser has checked that the product fits.
    pub fn elements(&self) -> usize {
        self.shape.iter().product()
    }

    /// What holds its numbers in the file, for people: the dtype, or the codes that they are made from.
    pub fn stored_as(&self) -> &str {
        self.from.as_deref().unwrap_or(self.dtype.name())
    }

    /// Size of the first axis; a scalar is one row.
    pub fn rows(&self) -> usize {
        self.shape.first().copied().unwrap_or(1)
    }
}

/// The bytes of a tensor, or of some of its rows, still in the file's number format.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tensor {
    /// Number format.
    pub dtype: Dtype,
    /// Sizes, row-major.
    pub shape: Vec<usize>,
    /// Little-endian, row-major.
    pub bytes: Vec<u8>,
}

impl Tensor {
    /// Number of elements.
    pub fn elements(&self) -> usize {
        self.shape.iter().product()
    }

    /// All elements as f64, row-major.
    ///
    /// # Errors
    /// [`CheckpointError::NotWeights`] for integers and other dtypes that are not decoded.
    pub fn f64s(&self) -> Result<Vec<f64>, CheckpointError> {
        self.f64s_of(0..self.elements())
    }

    /// All elements as f32, row-major.
    ///
    /// # Errors
    /// [`CheckpointError::NotWeights`] for integers and other dtypes that are not decoded.
    pub fn f32s(&self) -> Result<Vec<f32>, CheckpointError> {
        self.f32s_of(0..self.elements())
    }

    /// The elements of `range`, counted row-major, as f64.
    ///
    /// # Errors
    /// [`CheckpointError::NotWeights`], or [`CheckpointError::Elements`] if the range leaves the tensor.
    pub fn f64s_of(&self, range: Range<usize>) -> Result<Vec<f64>, CheckpointError> {
        let bytes = self.bytes_of(&range)?;
        let mut values = Vec::with_capacity(range.len());
        self.dtype.decode_f64(bytes, |value| values.push(value));
        Ok(values)
    }

    /// The elements of `range`, counted row-major, as f32.
    ///
    /// # Errors
    /// [`CheckpointError::NotWeights`], or [`CheckpointError::Elements`] if the range leaves the tensor.
    pub fn f32s_of(&self, range: Range<usize>) -> Result<Vec<f32>, CheckpointError> {
        Ok(self.dtype.f32s(self.bytes_of(&range)?))
    }

    /// As [`Tensor::f32s_of`], without a copy where the file holds `f32`.
    ///
    /// # Errors
    /// As [`Tensor::f32s_of`].
    pub fn f32s_at(&self, range: Range<usize>) -> Result<Cow<'_, [f32]>, CheckpointError> {
        let bytes = self.bytes_of(&range)?;
        if self.dtype == Dtype::F32
            && cfg!(target_endian = "little")
            && let Ok(values) = bytemuck::try_cast_slice(bytes)
        {
            return Ok(Cow::Borrowed(values));
        }
        Ok(Cow::Owned(self.dtype.f32s(bytes)))
    }

    /// NaN and infinite elements: how many and where the first one is; `None` when all are finite.
    ///
    /// # Errors
    /// [`CheckpointError::NotWeights`] for integers and other dtypes that are not decoded.
    pub fn non_finite(&self) -> Result<Option<NonFinite>, CheckpointError> {
        let bytes = self.bytes_of(&(0..self.elements()))?;
        Ok(NonFinite::locate(self.dtype, bytes))
    }

    fn bytes_of(&self, range: &Range<usize>) -> Result<&[u8], CheckpointError> {
        let Some(width) = self.dtype.weight_bytes() else {
            return Err(CheckpointError::NotWeights { dtype: self.dtype.name() });
        };
        let scaled = range.start.checked_mul(width).zip(range.end.checked_mul(width));
        scaled.and_then(|(start, end)| self.bytes.get(start..end)).ok_or(
            CheckpointError::Elements {
                start: range.start as u64,
                end: range.end as u64,
                elements: (self.bytes.len() / width) as u64,
            },
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_are_counted_and_out_of_range_is_an_error() {
        let bytes = [1f32, 2.0, 3.0, 4.0].iter().flat_map(|x| x.to_le_bytes()).collect();
        let tensor = Tensor { dtype: Dtype::F32, shape: vec![2, 2], bytes };
        assert_eq!(tensor.f64s().unwrap(), [1.0, 2.0, 3.0, 4.0]);
        assert_eq!(tensor.f32s_of(1..3).unwrap(), [2.0, 3.0]);
        assert_eq!(*tensor.f32s_at(1..3).unwrap(), [2.0, 3.0]);
        assert!(tensor.f32s_at(3..5).is_err());
        let half = Tensor { dtype: Dtype::Bf16, shape: vec![1], bytes: vec![0x80, 0x3f] };
        assert_eq!(*half.f32s_at(0..1).unwrap(), [1.0]);
        assert!(matches!(tensor.f64s_of(3..5), Err(CheckpointError::Elements { elements: 4, .. })));
        assert!(tensor.f64s_of(0..usize::MAX).is_err());
    }

    #[test]
    fn integers_are_not_weights() {
        let dtype = Dtype::from_name("I64").unwrap();
        let tensor = Tensor { dtype, shape: vec![1], bytes: vec![0; 8] };
        assert_eq!(tensor.f32s(), Err(CheckpointError::NotWeights { dtype: "I64" }));
    }
}

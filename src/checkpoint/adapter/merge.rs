//! A matrix with LoRA's correction on it: `W + scale · B A`, in DoRA with a new length for each output.

use std::ops::Range;

use crate::checkpoint::derived::{Derive, Reader};
use crate::checkpoint::{CheckpointError, TensorEntry};

/// A weight and its correction.
pub(crate) struct Merged {
    /// The weight as it lies in the model.
    pub(super) base: TensorEntry,
    /// How it is computed, where it is not stored as numbers.
    pub(super) under: Option<Box<dyn Derive>>,
    pub(super) a: TensorEntry,
    pub(super) b: TensorEntry,
    pub(super) magnitude: Option<TensorEntry>,
    pub(super) scale: f64,
    /// The weight lies `[d_in, d_out]`.
    pub(super) turned: bool,
}

impl Merged {
    fn base(&self, read: &Reader<'_>, rows: Range<usize>) -> Result<Vec<f64>, CheckpointError> {
        match &self.under {
            Some(derive) => Ok(derive.rows(read, rows)?.into_iter().map(f64::from).collect()),
            None => read.rows(&self.base, rows)?.f64s(),
        }
    }

    /// `W + scale · B A`, rows as the weight lies.
    fn added(&self, read: &Reader<'_>, rows: Range<usize>) -> Result<Vec<f64>, CheckpointError> {
        let mut values = self.base(read, rows.clone())?;
        let (a, b) = (read.whole(&self.a)?.f64s()?, read.whole(&self.b)?.f64s()?);
        let (rank, d_in) = (self.a.rows(), self.a.elements() / self.a.rows().max(1));
        let d_out = self.b.rows();
        let width = if self.turned { d_out } else { d_in };
        for (row, line) in rows.zip(values.chunks_exact_mut(width.max(1))) {
            for r in 0..rank {
                if self.turned {
                    let factor = self.scale * a[r * d_in + row];
                    line.iter_mut()
                        .enumerate()
                        .for_each(|(output, w)| *w += factor * b[output * rank + r]);
                } else {
                    let factor = self.scale * b[row * rank + r];
                    line.iter_mut().zip(&a[r * d_in..]).for_each(|(w, a)| *w += factor * a);
                }
            }
        }
        Ok(values)
    }
}

impl Derive for Merged {
    fn rows(&self, read: &Reader<'_>, rows: Range<usize>) -> Result<Vec<f32>, CheckpointError> {
        let Some(magnitude) = &self.magnitude else {
            return Ok(self.added(read, rows)?.into_iter().map(|w| w as f32).collect());
        };
        let lengths = read.whole(magnitude)?.f64s()?;
        // The length of an output is that of all its inputs: a column of a turned weight, so that all rows are needed.
        let all = 0..self.base.rows();
        let mut values = self.added(read, if self.turned { all } else { rows.clone() })?;
        let width =
            if self.turned { self.b.rows() } else { self.a.elements() / self.a.rows().max(1) };
        let width = width.max(1);
        if self.turned {
            for (output, length) in lengths.iter().enumerate() {
                let norm =
                    values.iter().skip(output).step_by(width).map(|w| w * w).sum::<f64>().sqrt();
                values.iter_mut().skip(output).step_by(width).for_each(|w| *w *= length / norm);
            }
            values = values.get(rows.start * width..rows.end * width).unwrap_or_default().to_vec();
        } else {
            for (row, line) in rows.zip(values.chunks_exact_mut(width)) {
                let norm = line.iter().map(|w| w * w).sum::<f64>().sqrt();
                let length = lengths.get(row).copied().unwrap_or(f64::NAN);
                line.iter_mut().for_each(|w| *w *= length / norm);
            }
        }
        Ok(values.into_iter().map(|w| w as f32).collect())
    }
}

//! Dictionaries: sets of directions with names, that singular vectors are compared with.
//!
//! Token embeddings, unembeddings, positions, MLP neurons ([`Builtin`]), singular vectors of other heads, SAE decoders and the
//! reader's own files ([`FileChoice`]). Whatever the source, rows are read in blocks and prepared in a [`Frame`]:
//!
//! ```text
//! for rows in dictionary.blocks(n)   survey.step(&dictionary.block(model, rows, &plain)?)      first pass
//! let frame = Frame::after(&survey.finish(), …)
//! for rows in dictionary.blocks(n)   alignment.step(&dictionary.block(model, rows, &frame)?)   second pass
//! ```
//! A sparse dictionary with an [`Encoder`] also says which of its features a residual stream holds.
//!
//! A dictionary that lies in the model's own files is read through the checkpoint that is passed in, so it borrows nothing.

mod about;
mod activation;
mod builtin;
mod csv;
mod encoder;
mod error;
mod file;
mod frame;
mod heads;
mod matrix;
mod npy;
mod places;
mod sae;
mod survey;
mod unit;

use std::ops::Range;

use nalgebra::{DMatrix, DMatrixView};

pub use about::{About, Hook, Space, neuronpedia_url};
pub use builtin::Builtin;
pub use encoder::{Active, Encoder};
pub use error::DictionaryError;
pub use file::FileChoice;
pub use frame::Frame;
pub(crate) use frame::LOST;
pub use matrix::Along;
pub use survey::{DictionarySurvey, Survey};
pub use unit::{Skip, UnitBlock};

use crate::checkpoint::quoting::python;
use crate::checkpoint::{ByteSource, Checkpoint, Tensor};
use npy::Npy;

/// A set of directions in the residual stream, with names.
pub struct Dictionary {
    /// What it is.
    pub about: About,
    labels: Labels,
    store: Store,
    transform: Transform,
}

/// What rows are called.
enum Labels {
    /// "feature 12".
    Counted(String),
    /// One each.
    Given(Vec<String>),
}

/// Where the numbers are.
enum Store {
    /// In the model's own files.
    Model(Matrix),
    /// In a checkpoint of its own.
    Own(Box<Checkpoint>, Matrix),
    /// In a numpy file.
    Npy(Box<dyn ByteSource>, Npy, Along),
    /// In memory, `[n, d_model]`: what was text or was computed.
    Memory(Vec<f32>),
    /// In memory, a head after the other.
    Heads(heads::OfHeads),
}

/// A matrix of a checkpoint, or every `step`-th of its features from `first` on.
struct Matrix {
    tensor: String,
    shape: [usize; 2],
    along: Along,
    first: usize,
    step: usize,
}

/// Features that are read together where only some are wanted.
const TOGETHER: usize = 64;

/// What makes a vector of the residual stream out of a stored feature; in this order.
#[derive(Default)]
struct Transform {
    /// `[d_model, width]`: from the stored width (heads' outputs, a narrower embedding) to the residual stream.
    map: Option<DMatrix<f32>>,
    /// Subtracted from every row: the mean over the vocabulary.
    offset: Option<Vec<f32>>,
    /// Factor on every component: the norm's gains.
    gain: Option<Vec<f32>>,
}

impl Dictionary {
    /// Ranges of at most `rows` rows that cover the dictionary in order.
    pub fn blocks(&self, rows: usize) -> impl Iterator<Item = Range<usize>> + use<> {
        let (n, step) = (self.about.n_rows, rows.max(1));
        (0..n).step_by(step).map(move |start| start..n.min(start + step))
    }

    /// The name of a row.
    pub fn label(&self, row: usize) -> String {
        match &self.labels {
            Labels::Counted(what) => format!("{what} {row}"),
            Labels::Given(labels) => {
                labels.get(row).cloned().unwrap_or_else(|| format!("row {row}"))
            }
        }
    }

    /// Python that evaluates to the features as rows, given a function `tensor` that reads one by its name; `None` where they are not
    /// those of one tensor of a checkpoint as it stands.
    pub fn python_rows(&self) -> Option<String> {
        let Transform { map: None, offset: None, gain: None } = &self.transform else {
            return None;
        };
        let Store::Own(_, Matrix { tensor, along, first, step, .. }) = &self.store else {
            return None;
        };
        let turned = if *along == Along::Columns { ".T" } else { "" };
        Some(format!("tensor({}){turned}[{first}::{step}]", python(tensor)))
    }

    /// Features `range` as vectors of the residual stream, `[range.len(), d_model]`, neither centred nor normalised.
    ///
    /// `model` is the checkpoint of the model that the dictionary was made for; only dictionaries inside it need it.
    ///
    /// # Errors
    /// [`DictionaryError::Rows`] past the end, [`DictionaryError::ModelNeeded`], or what reading says.
    pub fn rows(
        &self,
        model: Option<&Checkpoint>,
        range: Range<usize>,
    ) -> Result<Vec<f32>, DictionaryError> {
        if range.start > range.end || range.end > self.about.n_rows {
            let (start, end, n_rows) = (range.start, range.end, self.about.n_rows);
            return Err(DictionaryError::Rows { start, end, n_rows });
        }
        let stored = match &self.store {
            Store::Model(matrix) => matrix.read(model.ok_or(DictionaryError::ModelNeeded)?, range),
            Store::Own(checkpoint, matrix) => matrix.read(checkpoint, range),
            Store::Npy(source, npy, along) => matrix::features(npy.shape, *along, range, |run| {
                let width = u64::from(npy.dtype.bits() / 8);
                let at = |element: u64| npy.start + element * width;
                let bytes = source.read(at(run.start)..at(run.end))?;
                Ok(Tensor { dtype: npy.dtype, shape: vec![bytes.len() / width as usize], bytes }
                    .f32s()?)
            }),
            Store::Memory(rows) => {
                let d = self.about.d_model;
                Ok(rows.get(range.start * d..range.end * d).unwrap_or_default().to_vec())
            }
            Store::Heads(heads) => Ok(heads.rows(range, self.about.d_model)),
        }?;
        Ok(self.transform.apply(stored))
    }

    /// Features `range`, prepared in `frame`.
    ///
    /// # Errors
    /// As [`Dictionary::rows`].
    pub fn block(
        &self,
        model: Option<&Checkpoint>,
        range: Range<usize>,
        frame: &Frame,
    ) -> Result<UnitBlock, DictionaryError> {
        Ok(frame.unit_block(range.start, self.rows(model, range)?))
    }
}

impl Matrix {
    fn read(
        &self,
        checkpoint: &Checkpoint,
        range: Range<usize>,
    ) -> Result<Vec<f32>, DictionaryError> {
        let read = |range: Range<usize>| {
            matrix::features(self.shape, self.along, range, |run| {
                Ok(checkpoint.read_elements(&self.tensor, run)?.f32s()?)
            })
        };
        if self.step == 1 {
            return read(range.start + self.first..range.end + self.first);
        }
        let width = self.shape[usize::from(self.along == Along::Rows)].max(1);
        let mut rows = Vec::with_capacity(range.len() * width);
        for start in range.clone().step_by(TOGETHER) {
            let end = range.end.min(start + TOGETHER);
            let all = read(start * self.step..end * self.step)?;
            all.chunks_exact(width)
                .skip(self.first)
                .step_by(self.step)
                .for_each(|row| rows.extend_from_slice(row));
        }
        Ok(rows)
    }
}

impl Transform {
    fn apply(&self, mut rows: Vec<f32>) -> Vec<f32> {
        if let Some(map) = self.map.as_ref().filter(|map| map.ncols() > 0) {
            let n = rows.len() / map.ncols();
            let stored = DMatrixView::from_slice(&rows, map.ncols(), n);
            let mut mapped = DMatrix::zeros(map.nrows(), n);
            mapped.gemm(1.0, map, &stored, 0.0);
            rows = mapped.data.into();
        }
        if let Some(offset) = &self.offset {
            for row in rows.chunks_exact_mut(offset.len().max(1)) {
                row.iter_mut().zip(offset).for_each(|(x, mean)| *x -= mean);
            }
        }
        if let Some(gain) = &self.gain {
            for row in rows.chunks_exact_mut(gain.len().max(1)) {
                row.iter_mut().zip(gain).for_each(|(x, g)| *x *= g);
            }
        }
        rows
    }
}

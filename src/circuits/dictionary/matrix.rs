//! A row-major matrix in a file, of which features are rows or columns, read in blocks of features.

use std::ops::Range;

use serde::{Deserialize, Serialize};

use super::DictionaryError;

/// Which axis of a matrix counts features.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Along {
    /// One feature per row: `[n_features, width]`.
    Rows,
    /// One feature per column: `[width, n_features]`.
    Columns,
}

impl Along {
    /// The axis that counts features in a matrix of `shape` whose features have `width` components; `said` decides where both fit.
    ///
    /// # Errors
    /// [`DictionaryError::WrongWidth`] if neither side fits, [`DictionaryError::RowsOrColumns`] if both do and nobody said.
    pub fn detect(
        name: &str,
        shape: &[usize],
        width: usize,
        said: Option<Self>,
    ) -> Result<Self, DictionaryError> {
        let misfit =
            || DictionaryError::WrongWidth { name: name.to_owned(), shape: shape.to_vec(), width };
        let &[n_rows, n_columns] = shape else { return Err(misfit()) };
        match (n_columns == width, n_rows == width, said) {
            (true, _, Some(Self::Rows)) | (true, false, _) => Ok(Self::Rows),
            (_, true, Some(Self::Columns)) | (false, true, _) => Ok(Self::Columns),
            (true, true, None) => {
                Err(DictionaryError::RowsOrColumns { name: name.to_owned(), width })
            }
            (false, false, _) => Err(misfit()),
        }
    }
}

/// Features `range` of a row-major matrix `[n_rows, n_columns]`, as rows: `[range.len(), width]`.
///
/// `read` fetches runs of elements, counted row-major. Rows are one run; columns are one run for each row of the matrix. Elements are
/// counted in 64 bits: a file may hold more of them than a browser's `usize` counts.
pub(super) fn features(
    shape: [usize; 2],
    along: Along,
    range: Range<usize>,
    mut read: impl FnMut(Range<u64>) -> Result<Vec<f32>, DictionaryError>,
) -> Result<Vec<f32>, DictionaryError> {
    let [n_rows, n_columns] = shape;
    match along {
        Along::Rows => read(element(range.start, n_columns, 0)..element(range.end, n_columns, 0)),
        Along::Columns => {
            let mut out = vec![0.0; range.len() * n_rows];
            for row in 0..n_rows {
                let at = |column| element(row, n_columns, column);
                let run = read(at(range.start)..at(range.end))?;
                out.iter_mut().skip(row).step_by(n_rows).zip(run).for_each(|(x, value)| *x = value);
            }
            Ok(out)
        }
    }
}

/// The place of an element among all, row-major.
fn element(row: usize, n_columns: usize, column: usize) -> u64 {
    row as u64 * n_columns as u64 + column as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn orientation_is_detected_and_asked_for_where_both_fit() {
        let detect = |shape: &[usize], said| Along::detect("w", shape, 4, said);
        assert_eq!(detect(&[9, 4], None), Ok(Along::Rows));
        assert_eq!(detect(&[4, 9], Some(Along::Rows)), Ok(Along::Columns));
        assert_eq!(detect(&[4, 4], Some(Along::Columns)), Ok(Along::Columns));
        assert!(matches!(detect(&[4, 4], None), Err(DictionaryError::RowsOrColumns { .. })));
        assert!(matches!(detect(&[5, 9], None), Err(DictionaryError::WrongWidth { .. })));
        assert!(detect(&[4], None).is_err() && detect(&[4, 1, 9], None).is_err());
    }

    #[test]
    fn columns_of_a_matrix_are_rows_of_its_transpose() {
        let values: Vec<f32> = (0..12).map(|i| i as f32).collect();
        let read = |run: Range<u64>| Ok(values[run.start as usize..run.end as usize].to_vec());
        assert_eq!(features([3, 4], Along::Rows, 1..2, read).unwrap(), [4.0, 5.0, 6.0, 7.0]);
        assert_eq!(
            features([3, 4], Along::Columns, 1..3, read).unwrap(),
            [1.0, 5.0, 9.0, 2.0, 6.0, 10.0]
        );
    }

    #[test]
    fn elements_beyond_the_count_of_32_bits_keep_their_place() {
        let mut runs = Vec::new();
        let (n_rows, n_columns) = (1 << 20, 1 << 14);
        let last = n_rows - 1..n_rows;
        let read = |run: Range<u64>| {
            runs.push(run);
            Ok(Vec::new())
        };
        features([n_rows, n_columns], Along::Rows, last, read).unwrap();
        assert_eq!(runs, vec![Range { start: (1 << 34) - (1 << 14), end: 1 << 34 }]);
        assert_eq!(element(u32::MAX as usize, u32::MAX as usize, 1), u64::MAX - (1 << 33) + 3);
    }
}

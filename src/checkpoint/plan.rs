//! Which bytes a question needs: pure arithmetic, executed by whoever owns the files.

use std::ops::Range;

use super::error::quoted;
use super::{CheckpointError, TensorEntry};

/// A run of bytes in one file of the checkpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Span {
    /// Which file, counted from 0.
    pub file: usize,
    /// Bytes, counted from the start of the file.
    pub bytes: Range<u64>,
}

/// The bytes of a whole tensor.
pub fn whole(entry: &TensorEntry) -> Span {
    Span { file: entry.file, bytes: entry.start..entry.end }
}

/// The bytes of `rows` of the first axis; they are contiguous, because the file is row-major.
///
/// # Errors
/// [`CheckpointError::Rows`] if there are not so many rows, or if a row does not start on a byte (4- and 6-bit formats).
pub fn rows(entry: &TensorEntry, rows: Range<usize>) -> Result<Span, CheckpointError> {
    let n_rows = entry.rows();
    let refused = || CheckpointError::Rows {
        name: quoted(&entry.name),
        start: rows.start,
        end: rows.end,
        rows: n_rows,
    };
    if rows.start > rows.end || rows.end > n_rows {
        return Err(refused());
    }
    if n_rows == 0 {
        return Ok(whole(entry));
    }
    let width = entry.bytes() / n_rows as u64;
    if width * n_rows as u64 != entry.bytes() {
        return Err(refused());
    }
    let at = |row: usize| entry.start + row as u64 * width;
    Ok(Span { file: entry.file, bytes: at(rows.start)..at(rows.end) })
}

/// The bytes of a run of elements, counted row-major.
///
/// # Errors
/// [`CheckpointError::NotWeights`] for dtypes that are not decoded, [`CheckpointError::Elements`] past the end.
pub fn elements(entry: &TensorEntry, elements: Range<u64>) -> Result<Span, CheckpointError> {
    let Some(width) = entry.dtype.weight_bytes() else {
        return Err(CheckpointError::NotWeights { dtype: entry.dtype.name() });
    };
    let all = entry.shape.iter().map(|&n| n as u64).product();
    if elements.start > elements.end || elements.end > all {
        return Err(CheckpointError::Elements {
            start: elements.start,
            end: elements.end,
            elements: all,
        });
    }
    let at = |element: u64| entry.start + element * width as u64;
    Ok(Span { file: entry.file, bytes: at(elements.start)..at(elements.end) })
}

/// Runs of rows that cover `entry` in order, each at most `max_bytes` long but never less than one row.
///
/// A dictionary of a hundred thousand token vectors is read so, one block in memory at a time.
pub fn row_blocks(
    entry: &TensorEntry,
    max_bytes: u64,
) -> impl Iterator<Item = Range<usize>> + use<> {
    let n_rows = entry.rows();
    let width = (entry.bytes() / (n_rows as u64).max(1)).max(1);
    let step = usize::try_from(max_bytes / width).unwrap_or(usize::MAX).clamp(1, n_rows.max(1));
    (0..n_rows).step_by(step).map(move |start| start..n_rows.min(start.saturating_add(step)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checkpoint::Dtype;

    fn entry(shape: &[usize]) -> TensorEntry {
        let bytes = shape.iter().product::<usize>() as u64 * 2;
        TensorEntry {
            name: "w".into(),
            dtype: Dtype::F16,
            shape: shape.to_vec(),
            file: 1,
            start: 10,
            end: 10 + bytes,
            from: None,
        }
    }

    #[test]
    fn rows_are_where_row_major_puts_them() {
        let span = rows(&entry(&[4, 3]), 1..3).unwrap();
        assert_eq!(span, Span { file: 1, bytes: 16..28 });
        assert_eq!(rows(&entry(&[4, 3]), 0..4).unwrap(), whole(&entry(&[4, 3])));
        assert_eq!(rows(&entry(&[0, 3]), 0..0).unwrap().bytes, 10..10);
        assert!(rows(&entry(&[4, 3]), 3..5).is_err());
    }

    #[test]
    fn elements_are_counted_across_rows() {
        assert_eq!(elements(&entry(&[4, 3]), 2..5).unwrap(), Span { file: 1, bytes: 14..20 });
        assert!(elements(&entry(&[4, 3]), 11..13).is_err());
        assert!(elements(&entry(&[4, 3]), 0..u64::MAX).is_err());
    }

    #[test]
    fn blocks_cover_every_row_once() {
        let blocks: Vec<_> = row_blocks(&entry(&[10, 3]), 20).collect();
        assert_eq!(blocks, [0..3, 3..6, 6..9, 9..10]);
        assert_eq!(row_blocks(&entry(&[2, 3]), 1).collect::<Vec<_>>(), [0..1, 1..2]);
        assert_eq!(row_blocks(&entry(&[0, 3]), 1).count(), 0);
    }
}

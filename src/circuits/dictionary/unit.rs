//! Rows to unit rows: centring, removal of the common direction, normalisation, and what had to be skipped.

use serde::{Deserialize, Serialize};

use crate::math::wide::{add_scaled, dot, scale, shift, sum};

/// A row whose norm falls below this part of itself was made of what was removed, and what is left is rounding.
const VANISHED: f64 = 1e-5;

/// Why a row is no feature.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Skip {
    /// All zeros (padding tokens, dead features).
    Zero,
    /// A NaN or an infinity, first at this component.
    NotFinite {
        /// Component of the row, from 0.
        column: usize,
    },
    /// Nothing but what centring or mean removal takes away.
    Vanished,
}

/// Unit features `first .. first + len`, row-major `[len, d]`. Skipped rows are all zero, so they score nothing.
#[derive(Debug, Clone, PartialEq)]
pub struct UnitBlock {
    /// Index of the first row in the dictionary.
    pub first: usize,
    /// Width of a row.
    pub d: usize,
    /// The rows.
    pub rows: Vec<f32>,
    /// Indices of the skipped rows, and why.
    pub skipped: Vec<(usize, Skip)>,
}

impl UnitBlock {
    /// Prepares `rows` (`[len, d]`, as they are in the dictionary's own space).
    ///
    /// `centre` subtracts each row's mean over `d`; `mean` is the unit common direction to project out. Sums are in `f64`.
    pub fn new(
        first: usize,
        d: usize,
        mut rows: Vec<f32>,
        centre: bool,
        mean: Option<&[f32]>,
    ) -> Self {
        let mut skipped = Vec::new();
        rows.truncate(rows.len().checked_div(d).unwrap_or(0) * d);
        for (i, row) in rows.chunks_exact_mut(d.max(1)).enumerate() {
            if let Err(skip) = make_unit(row, centre, mean) {
                row.fill(0.0);
                skipped.push((first + i, skip));
            }
        }
        Self { first, d, rows, skipped }
    }

    /// Number of rows, the skipped ones included.
    pub fn len(&self) -> usize {
        self.rows.len().checked_div(self.d).unwrap_or(0)
    }

    /// True if the block has no rows.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }
}

fn make_unit(row: &mut [f32], centre: bool, mean: Option<&[f32]>) -> Result<(), Skip> {
    let before = dot(row, row).sqrt();
    if !before.is_finite() {
        let column = row.iter().position(|x| !x.is_finite()).unwrap_or(0);
        return Err(Skip::NotFinite { column });
    }
    if before == 0.0 {
        return Err(Skip::Zero);
    }
    if centre {
        let mean = (sum(row) / row.len() as f64) as f32;
        shift(row, -mean);
    }
    if let Some(mean) = mean {
        let along = dot(row, mean) as f32;
        add_scaled(row, -along, mean);
    }
    let after = dot(row, row).sqrt();
    if after <= VANISHED * before {
        return Err(Skip::Vanished);
    }
    let factor = (1.0 / after) as f32;
    if factor.is_finite() {
        scale(row, factor);
    } else {
        row.iter_mut().for_each(|x| *x = (f64::from(*x) / after) as f32);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_become_unit_and_orthogonal_to_what_is_removed() {
        let mean = [0.5f32, -0.5, 0.5, -0.5];
        let block =
            UnitBlock::new(7, 4, vec![3.0, 1.0, 4.0, 1.5, 9.0, 2.0, 6.0, 5.0], true, Some(&mean));
        for row in block.rows.chunks(4) {
            assert!((dot(row, row) - 1.0).abs() < 1e-6);
            assert!(dot(row, &[1.0; 4]).abs() < 1e-6 && dot(row, &mean).abs() < 1e-6);
        }
        assert!(block.skipped.is_empty() && block.len() == 2);
    }

    #[test]
    fn zero_nan_and_vanishing_rows_are_skipped_and_named() {
        let rows = vec![0.0, 0.0, 1.0, f32::NAN, 5.0, 5.0, 1e-30, 0.0, 3e38, 3e38];
        let block = UnitBlock::new(10, 2, rows, true, None);
        let skips = [
            (10, Skip::Zero),
            (11, Skip::NotFinite { column: 1 }),
            (12, Skip::Vanished),
            (14, Skip::Vanished),
        ];
        assert_eq!(block.skipped, skips);
        assert_eq!(block.rows[0..6], [0.0; 6]);
        assert!((block.rows[6] - 0.5f32.sqrt()).abs() < 1e-6);
    }
}

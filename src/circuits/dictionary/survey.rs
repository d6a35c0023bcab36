//! The first pass over a dictionary: what is in it, what was skipped, and which direction all of it shares.

use serde::{Deserialize, Serialize};

use super::{Skip, UnitBlock};
use crate::math::wide::add_scaled;

/// How many rows that are not finite are named one by one.
const NAMED: usize = 10;

/// The common direction is removed only if the mean of the unit rows is at least this long.
const SHORTEST_MEAN: f64 = 1e-6;

/// Rows that are summed in `f32` before they are added to the `f64` sum.
const SUMMED: usize = 64;

/// Sums of one pass, block by block; start with `Survey::default()`.
#[derive(Debug, Clone, Default)]
pub struct Survey {
    n_rows: usize,
    n_zero: usize,
    n_vanished: usize,
    n_not_finite: usize,
    not_finite: Vec<(usize, usize)>,
    sum: Vec<f64>,
}

impl Survey {
    /// Adds a block that was prepared without mean removal.
    pub fn step(&mut self, block: &UnitBlock) {
        self.n_rows += block.len();
        self.sum.resize(block.d, 0.0);
        // Sixty-four unit rows lose nothing in f32 that their own rounding has not lost.
        for rows in block.rows.chunks(SUMMED * block.d.max(1)) {
            let mut partial = vec![0f32; block.d];
            for row in rows.chunks_exact(block.d.max(1)) {
                add_scaled(&mut partial, 1.0, row);
            }
            self.sum.iter_mut().zip(partial).for_each(|(sum, x)| *sum += f64::from(x));
        }
        for &(row, skip) in &block.skipped {
            match skip {
                Skip::Zero => self.n_zero += 1,
                Skip::Vanished => self.n_vanished += 1,
                Skip::NotFinite { column } => {
                    self.n_not_finite += 1;
                    self.not_finite.push((row, column));
                }
            }
        }
        self.not_finite.truncate(NAMED);
    }

    /// What the pass found.
    pub fn finish(self) -> DictionarySurvey {
        let kept = self.n_rows - self.n_zero - self.n_vanished - self.n_not_finite;
        let n = kept.max(1) as f64;
        let length = self.sum.iter().map(|x| x * x).sum::<f64>().sqrt();
        // Σ over ordered pairs of distinct rows of their cosine = |Σ x̂|² − n.
        let pairs = if kept > 1 { n * (n - 1.0) } else { 1.0 };
        DictionarySurvey {
            n_rows: self.n_rows,
            n_features: kept,
            n_zero: self.n_zero,
            n_vanished: self.n_vanished,
            n_not_finite: self.n_not_finite,
            not_finite: self.not_finite,
            mean_cosine: (length * length - kept as f64) / pairs,
            mean_length: length / n,
            mean_direction: if length > SHORTEST_MEAN * n {
                self.sum.iter().map(|x| (x / length) as f32).collect()
            } else {
                Vec::new()
            },
        }
    }
}

/// What one pass over a dictionary found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DictionarySurvey {
    /// Rows in the file.
    pub n_rows: usize,
    /// Rows that are features: all but the skipped.
    pub n_features: usize,
    /// Rows of zeros, skipped.
    pub n_zero: usize,
    /// Rows that centring left nothing of, skipped.
    pub n_vanished: usize,
    /// Rows with NaN or infinities, skipped.
    pub n_not_finite: usize,
    /// Row and column of the first few of those.
    pub not_finite: Vec<(usize, usize)>,
    /// Mean cosine between two different features: 0 for an isotropic dictionary, well above for a cone.
    pub mean_cosine: f64,
    /// Length of the mean of the unit rows, between 0 and 1.
    pub mean_length: f64,
    /// The common direction m̂, `[d]`, unit; empty if the unit rows cancel.
    pub mean_direction: Vec<f32>,
}

impl DictionarySurvey {
    /// That of rows whose signs are a convention, so that a mean over them is one too.
    pub fn of_either_sign(self) -> Self {
        Self { mean_cosine: 0.0, mean_length: 0.0, mean_direction: Vec::new(), ..self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_blocks_hold_what_one_holds() {
        let rows = [1.0f32, 0.0, 0.0, 1.0, 0.0, 0.0, f32::NAN, 1.0];
        let block =
            |first: usize, part: &[f32]| UnitBlock::new(first, 2, part.to_vec(), false, None);
        let mut whole = Survey::default();
        whole.step(&block(0, &rows));
        let mut parts = Survey::default();
        parts.step(&block(0, &rows[..4]));
        parts.step(&block(2, &rows[4..]));
        let survey = whole.finish();
        assert_eq!(survey, parts.finish());
        assert_eq!(
            (survey.n_rows, survey.n_features, survey.n_zero, survey.n_not_finite),
            (4, 2, 1, 1)
        );
        assert_eq!(survey.not_finite, [(3, 0)]);
        assert!(
            survey.mean_cosine.abs() < 1e-12 && (survey.mean_length - 0.5f64.sqrt()).abs() < 1e-12
        );
    }

    #[test]
    fn opposite_rows_have_no_common_direction() {
        let mut survey = Survey::default();
        survey.step(&UnitBlock::new(0, 2, vec![1.0, 0.0, -1.0, 0.0], false, None));
        let survey = survey.finish();
        assert!(survey.mean_direction.is_empty());
        assert!((survey.mean_cosine + 1.0).abs() < 1e-12);
    }
}

//! Positions that enter the score by the distance between destination and source, through tables in the file.
//!
//! T5 and MPNet add one number per head and bucket of distances, BEiT one per head and step on the image's grid. DeBERTa compares
//! queries and keys with vectors of distances. All of it comes after the bilinear part, so Ω does not hold it.

use serde::Serialize;

use super::parts::{Linear, Norm};

/// What relative positions do to a layer's scores.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Relative {
    /// A number per head and bucket of distances, added after the score is scaled.
    Buckets {
        /// Name of the table, `[n_buckets, n_heads]`.
        table: String,
        /// How distances fall into buckets.
        buckets: Buckets,
    },
    /// A number per head and step on the grid of patches, added after the score is scaled (BEiT).
    Grid {
        /// Name of the table, `[(2 rows − 1)(2 columns − 1) + 3, n_heads]`: the last three are to, from and at the class token.
        table: String,
    },
    /// Queries meet keys of distances and keys meet queries of distances, scaled with the score (DeBERTa).
    Disentangled(Box<Disentangled>),
}

/// DeBERTa's vectors of distances.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Disentangled {
    /// Name of the vectors, `[2 span, d_model]`.
    pub table: String,
    /// Norm of the vectors.
    pub norm: Option<Norm>,
    /// Makes keys of them, which queries meet; `None` where the model has no such term.
    pub keys: Option<Linear>,
    /// Makes queries of them, which keys meet.
    pub queries: Option<Linear>,
    /// Distances from this one on fall into buckets of growing width, `(buckets, longest)`; `None` where each has its own.
    pub log_buckets: Option<(usize, usize)>,
}

/// T5's buckets of distances: near ones alone, far ones in buckets of growing width.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Buckets {
    /// Sources behind the destination have the other half of the buckets.
    pub bidirectional: bool,
    /// From this distance on everything is in the last bucket.
    pub max_distance: usize,
}

impl Buckets {
    /// The bucket, of `n`, of a source `src − dest` away; in `f32`, where the library rounds.
    ///
    /// # Source
    /// Raffel et al., arXiv:1910.10683, section 2.1; `T5Attention._relative_position_bucket` of transformers.
    pub fn of(self, offset: isize, n: usize) -> usize {
        let (n, first) = match (self.bidirectional, offset > 0) {
            (true, behind) => (n / 2, if behind { n / 2 } else { 0 }),
            (false, _) => (n, 0),
        };
        let distance =
            if self.bidirectional { offset.unsigned_abs() } else { (-offset).max(0) as usize };
        let exact = n / 2;
        let bucket = if distance < exact || exact == 0 {
            distance
        } else {
            let far = (distance as f32 / exact as f32).ln();
            let farthest = (self.max_distance as f64 / exact as f64).ln() as f32;
            exact + (far / farthest * (n - exact) as f32) as usize
        };
        first + bucket.min(n.saturating_sub(1))
    }
}

impl Disentangled {
    /// The row of the vectors, of `2 span`, for a destination and a source.
    ///
    /// # Source
    /// He et al., arXiv:2006.03654, equation 3; `make_log_bucket_position` of transformers.
    pub fn row(&self, dest: usize, src: usize, span: usize) -> usize {
        let distance = dest as isize - src as isize;
        let bucketed = match self.log_buckets {
            Some((buckets, longest)) if distance.unsigned_abs() > buckets / 2 => {
                let (away, mid) = (distance.unsigned_abs() as f32, (buckets / 2) as f32);
                let most = ((longest as f32 - 1.0) / mid).ln();
                let log = ((away / mid).ln() / most * (mid - 1.0)).ceil() + mid;
                log as isize * distance.signum()
            }
            _ => distance,
        };
        bucketed.saturating_add(span as isize).min(2 * span as isize - 1).max(0) as usize
    }
}

/// The row of BEiT's table for two tokens of an image of `rows × columns` patches, the class token in front.
pub fn grid_row(dest: usize, src: usize, [rows, columns]: [usize; 2]) -> usize {
    let steps = (2 * rows - 1) * (2 * columns - 1);
    let (Some(dest), Some(src)) = (dest.checked_sub(1), src.checked_sub(1)) else {
        return steps
            + match (dest, src) {
                (0, 0) => 2,
                (0, _) => 0,
                _ => 1,
            };
    };
    let y = dest / columns + rows - 1 - src / columns;
    let x = dest % columns + columns - 1 - src % columns;
    y * (2 * columns - 1) + x
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_distances_have_a_bucket_each_and_far_ones_share() {
        let both = Buckets { bidirectional: true, max_distance: 128 };
        let row = |offsets: &[isize]| offsets.iter().map(|&o| both.of(o, 32)).collect::<Vec<_>>();
        // Sixteen buckets a side: eight exact ones, then 8, 12, 16, 23, 32, 46, 64, 91 and beyond.
        assert_eq!(
            row(&[0, -1, -7, -8, -11, -12, -16, -127, -500]),
            [0, 1, 7, 8, 8, 9, 10, 15, 15]
        );
        assert_eq!(row(&[1, 7, 8, 500]), [17, 23, 24, 31]);
        let back = Buckets { bidirectional: false, max_distance: 128 };
        assert_eq!([5, 0, -1, -15, -16, -1000].map(|o| back.of(o, 32)), [0, 0, 1, 15, 16, 31]);
    }

    #[test]
    fn rows_of_a_grid_tell_steps_and_the_class_token_apart() {
        let grid = [2, 3];
        // One step down and two to the left of the source.
        assert_eq!(grid_row(1 + 3, 1 + 2, grid), (1 + 1) * 5);
        assert_eq!(grid_row(1, 1, grid), 5 + 2);
        assert_eq!(
            [grid_row(0, 4, grid), grid_row(4, 0, grid), grid_row(0, 0, grid)],
            [15, 16, 17]
        );
    }

    #[test]
    fn deberta_keeps_short_distances_and_gathers_long_ones() {
        let mut d = Disentangled {
            table: String::new(),
            norm: None,
            keys: None,
            queries: None,
            log_buckets: Some((8, 32)),
        };
        assert_eq!(
            [(4, 4), (4, 0), (0, 4), (31, 0), (0, 31)].map(|(i, j)| d.row(i, j, 8)),
            [8, 12, 4, 15, 1]
        );
        d.log_buckets = None;
        assert_eq!((d.row(9, 0, 8), d.row(0, 9, 8)), (15, 0));
    }
}

//! The largest scores at both ends of a stream, for many vectors at once: nothing but the winners is kept.
//!
//! A product of directions with a dictionary arrives in blocks of columns, one column per feature. Each vector has a bar that a
//! score must pass; after the first blocks almost none does, so the cost is one comparison per score. Zeros never enter: a
//! skipped feature is a column of zeros.

use crate::order::sort_by;
use serde::{Deserialize, Serialize};

/// One winner: which feature, and its signed score.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Ranked {
    /// Place of the feature in the stream.
    pub index: usize,
    /// Signed score.
    pub score: f32,
}

/// The `k` largest positive and the `k` most negative scores of each of `n` vectors.
#[derive(Debug, Clone)]
pub struct TopK {
    k: usize,
    positive: Vec<Vec<Ranked>>,
    negative: Vec<Vec<Ranked>>,
    /// What a score must exceed (fall below) to enter; zero until a list is full.
    high: Vec<f32>,
    low: Vec<f32>,
}

impl TopK {
    /// Empty lists for `n` vectors. `k = 0` keeps nothing.
    pub fn new(n: usize, k: usize) -> Self {
        let (high, low) = if k == 0 { (f32::INFINITY, f32::NEG_INFINITY) } else { (0.0, 0.0) };
        Self {
            k,
            positive: vec![Vec::with_capacity(k); n],
            negative: vec![Vec::with_capacity(k); n],
            high: vec![high; n],
            low: vec![low; n],
        }
    }

    /// Takes a block: `scores[i * n + j]` is the score of feature `first + i` with vector `j`. NaN never enters.
    ///
    /// Of equal scores the earlier feature wins. A trailing incomplete column is left out.
    pub fn push(&mut self, scores: &[f32], first: usize) {
        let n = self.high.len();
        if n == 0 || self.k == 0 {
            return;
        }
        for (i, column) in scores.chunks_exact(n).enumerate() {
            // Lanes of comparisons without a branch; only a column with a winner is looked at one by one.
            let bars = self.high.iter().zip(&self.low);
            let passes =
                column.iter().zip(bars).fold(false, |any, (s, (h, l))| any | (s > h) | (s < l));
            if passes {
                self.push_column(column, first + i);
            }
        }
    }

    fn push_column(&mut self, column: &[f32], index: usize) {
        for (j, &score) in column.iter().enumerate() {
            if score > self.high[j] {
                self.high[j] = insert(&mut self.positive[j], self.k, Ranked { index, score });
            } else if score < self.low[j] {
                self.low[j] = insert(&mut self.negative[j], self.k, Ranked { index, score });
            }
        }
    }

    /// Adds what was found elsewhere for the same vectors in other features, one list a vector: positive scores and negative ones.
    /// The order of adding does not matter.
    pub fn add(&mut self, positive: &[Vec<Ranked>], negative: &[Vec<Ranked>]) {
        let n = self.positive.len();
        for (j, &ranked) in each(positive).filter(|(j, _)| *j < n) {
            self.high[j] = insert(&mut self.positive[j], self.k, ranked);
        }
        for (j, &ranked) in each(negative).filter(|(j, _)| *j < n) {
            self.low[j] = insert(&mut self.negative[j], self.k, ranked);
        }
    }

    /// The positive winners of vector `j`, largest first; empty if there is no such vector.
    pub fn positive(&self, j: usize) -> &[Ranked] {
        self.positive.get(j).map_or(&[], Vec::as_slice)
    }

    /// The negative winners of vector `j`, most negative first; empty if there is no such vector.
    pub fn negative(&self, j: usize) -> &[Ranked] {
        self.negative.get(j).map_or(&[], Vec::as_slice)
    }

    /// The `k` winners of vector `j` by magnitude, signs kept.
    pub fn by_magnitude(&self, j: usize) -> Vec<Ranked> {
        let mut both = [self.positive(j), self.negative(j)].concat();
        sort_by(&mut both, |a, b| {
            b.score.abs().total_cmp(&a.score.abs()).then(a.index.cmp(&b.index))
        });
        both.truncate(self.k);
        both
    }
}

/// Every entry of some lists, with the number of its list.
fn each(lists: &[Vec<Ranked>]) -> impl Iterator<Item = (usize, &Ranked)> {
    lists.iter().enumerate().flat_map(|(j, list)| list.iter().map(move |ranked| (j, ranked)))
}

/// Puts `ranked` in its place by magnitude, drops what falls off the end, and says what the next one must pass.
fn insert(list: &mut Vec<Ranked>, k: usize, ranked: Ranked) -> f32 {
    let size = ranked.score.abs();
    let place = list.partition_point(|kept| {
        kept.score.abs() > size || (kept.score.abs() == size && kept.index < ranked.index)
    });
    list.insert(place, ranked);
    list.truncate(k);
    if list.len() < k { 0.0 } else { list.last().map_or(0.0, |last| last.score) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Rng;

    /// The oracle: sort everything.
    fn sorted(scores: &[f32], n: usize, j: usize, k: usize) -> Vec<Ranked> {
        let column = scores.iter().skip(j).step_by(n).enumerate();
        let mut all: Vec<Ranked> = column.map(|(index, &score)| Ranked { index, score }).collect();
        all.sort_by(|a, b| b.score.abs().total_cmp(&a.score.abs()).then(a.index.cmp(&b.index)));
        all.truncate(k);
        all
    }

    #[test]
    fn blocks_and_workers_find_what_a_sort_finds() {
        let (n, features, k) = (7, 500, 5);
        let mut rng = Rng::new(1);
        // Few distinct values, so that ties are common.
        let scores: Vec<f32> =
            (0..n * features).map(|_| (rng.normal() * 8.0).round() as f32).collect();
        let (mut here, mut there) = (TopK::new(n, k), TopK::new(n, k));
        for block in 0..10 {
            let worker = if block % 2 == 0 { &mut here } else { &mut there };
            worker.push(&scores[block * 50 * n..(block + 1) * 50 * n], block * 50);
        }
        here.add(&there.positive, &there.negative);
        for j in 0..n {
            assert_eq!(here.by_magnitude(j), sorted(&scores, n, j, k));
            assert!(
                here.positive(j).iter().all(|r| r.score > 0.0)
                    && here.negative(j).iter().all(|r| r.score < 0.0)
            );
        }
    }

    #[test]
    fn zeros_and_nan_never_enter() {
        let mut top = TopK::new(2, 3);
        top.push(&[0.0, f32::NAN, 0.5, 0.0], 10);
        assert_eq!(top.by_magnitude(0), [Ranked { index: 11, score: 0.5 }]);
        assert!(top.by_magnitude(1).is_empty() && top.positive(9).is_empty());
    }
}

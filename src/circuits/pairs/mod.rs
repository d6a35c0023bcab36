//! Which features meet in a score: one score of a head split exactly by a sparse dictionary.
//!
//! A residual stream is features plus a constant plus what the dictionary misses, its error; the query and the key are linear in it
//! once the norm's scale is held. So a score is a sum over pairs of what stands on its two sides:
//!
//! ```text
//! score = Σ_fg feature f × feature g     + error × features + features × error + error × error
//!       + everything with a bias on at least one side (the decoder's, the query's, the key's)
//! ```
//! and every one of these is a sum over singular vectors: a table of three ways, feature × feature × k, that adds up along each.
//!
//! # Source
//! Kamath et al., "Tracing attention computation through feature interactions", transformer-circuits.pub, 2025, for the split by
//! features; Franco, Loughridge & Crovella, arXiv:2602.13524, for that by singular vectors.

pub mod meeting;

use crate::math::order::sort_by;
use serde::{Deserialize, Serialize};

/// A feature that is active on one side of a score.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ActiveFeature {
    /// Its number.
    pub feature: usize,
    /// Its name.
    pub label: String,
    /// Its activation, as the dictionary's makers count it.
    pub activation: f64,
    /// What its row of the decoder is multiplied by in the stream.
    pub times: f64,
    /// What it adds to the query's (or key's) coefficient on each singular vector, `[d_head]`.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub coefficients: Vec<f64>,
}

/// One side of a score as summands, coefficients `[d_head]` each.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SplitSide {
    /// Active features.
    pub features: Vec<ActiveFeature>,
    /// What the dictionary misses.
    pub error: Vec<f64>,
    /// The dictionary's constant, and the bias of the query or key.
    pub bias: Vec<f64>,
    /// What the norms in front of the attention, and on queries or keys, divide by at this position.
    pub divisor: f64,
    /// `[d_head, d_head]`, row-major: how queries or keys turn at this position; none where heads do not turn.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub turn: Vec<f64>,
}

impl SplitSide {
    /// All features together.
    fn summed(&self) -> Vec<f64> {
        let mut sum = vec![0.0; self.error.len()];
        for feature in &self.features {
            sum.iter_mut().zip(&feature.coefficients).for_each(|(s, c)| *s += c);
        }
        sum
    }
}

/// A score, split on both sides.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Split {
    /// The score of the run: scale included, before soft-cap and what is added by distance.
    pub score: f64,
    /// What a product of coefficients is multiplied by.
    pub scale: f64,
    /// The query's side.
    pub dest: SplitSide,
    /// The key's side.
    pub src: SplitSide,
}

/// One feature that meets another.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Pair {
    /// The destination's feature.
    pub dest_feature: usize,
    /// The source's.
    pub src_feature: usize,
    /// What they add to the score.
    pub value: f64,
    /// The same through each singular vector, `[d_head]`; its sum is `value`.
    pub by_k: Vec<f64>,
}

/// The kinds of terms, whose sum is the score but for rounding.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Kinds<T> {
    /// All pairs of features.
    pub features: T,
    /// The destination's error with the source's features.
    pub dest_error: T,
    /// The destination's features with the source's error.
    pub src_error: T,
    /// Error with error.
    pub both_errors: T,
    /// Everything with a bias on at least one side.
    pub bias: T,
}

impl Split {
    /// The features of both sides that meet, by their places; the value alone, without its table.
    pub fn value(&self, dest: usize, src: usize) -> f64 {
        self.by_k(dest, src).iter().sum()
    }

    /// What a pair of features adds through each singular vector, `[d_head]`; empty past the last feature.
    pub fn by_k(&self, dest: usize, src: usize) -> Vec<f64> {
        let both = self.dest.features.get(dest).zip(self.src.features.get(src));
        both.map_or_else(Vec::new, |(a, b)| self.times(&a.coefficients, &b.coefficients))
    }

    /// Every pair of active features, the largest first by size.
    pub fn pairs(&self) -> Vec<Pair> {
        let mut pairs = Vec::with_capacity(self.dest.features.len() * self.src.features.len());
        for a in &self.dest.features {
            for b in &self.src.features {
                let by_k = self.times(&a.coefficients, &b.coefficients);
                let (dest_feature, src_feature) = (a.feature, b.feature);
                pairs.push(Pair { dest_feature, src_feature, value: by_k.iter().sum(), by_k });
            }
        }
        sort_by(&mut pairs, |a, b| b.value.abs().total_cmp(&a.value.abs()));
        pairs
    }

    /// The kinds of terms through each singular vector, `[d_head]` each.
    pub fn kinds_by_k(&self) -> Kinds<Vec<f64>> {
        let (q, k) = (self.dest.summed(), self.src.summed());
        let plus = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a + b).collect::<Vec<_>>();
        let (q_all, k_all) = (plus(&q, &self.dest.error), plus(&k, &self.src.error));
        let on_dest = self.times(&self.dest.bias, &plus(&k_all, &self.src.bias));
        Kinds {
            features: self.times(&q, &k),
            dest_error: self.times(&self.dest.error, &k),
            src_error: self.times(&q, &self.src.error),
            both_errors: self.times(&self.dest.error, &self.src.error),
            bias: plus(&on_dest, &self.times(&q_all, &self.src.bias)),
        }
    }

    /// The kinds of terms.
    pub fn kinds(&self) -> Kinds<f64> {
        let by_k = self.kinds_by_k();
        let sum = |terms: Vec<f64>| terms.iter().sum();
        Kinds {
            features: sum(by_k.features),
            dest_error: sum(by_k.dest_error),
            src_error: sum(by_k.src_error),
            both_errors: sum(by_k.both_errors),
            bias: sum(by_k.bias),
        }
    }

    /// Everything on one side with everything on the other, row by row: the destination's features, its error, its bias; the source's in
    /// columns. Its sum is the score but for the remainder.
    pub fn table(&self) -> Vec<Vec<f64>> {
        let all = |side: &SplitSide| -> Vec<Vec<f64>> {
            let features = side.features.iter().map(|feature| feature.coefficients.clone());
            features.chain([side.error.clone(), side.bias.clone()]).collect()
        };
        let columns = all(&self.src);
        let row = |a: &Vec<f64>| columns.iter().map(|b| self.times(a, b).iter().sum()).collect();
        all(&self.dest).iter().map(row).collect()
    }

    /// What of the score no term has: rounding, and of a head without full rank what no singular vector carries.
    pub fn remainder(&self) -> f64 {
        let Kinds { features, dest_error, src_error, both_errors, bias } = self.kinds();
        self.score - features - dest_error - src_error - both_errors - bias
    }

    fn times(&self, a: &[f64], b: &[f64]) -> Vec<f64> {
        a.iter().zip(b).map(|(a, b)| a * b * self.scale).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::math::random::Rng;

    fn side(rng: &mut Rng, n: usize) -> SplitSide {
        let mut row = || (0..5).map(|_| rng.normal()).collect::<Vec<_>>();
        let feature = |(feature, coefficients)| ActiveFeature {
            feature,
            label: String::new(),
            activation: 1.0,
            times: 1.0,
            coefficients,
        };
        let rows: Vec<_> = (0..n).map(|_| row()).collect();
        SplitSide {
            features: rows.into_iter().enumerate().map(feature).collect(),
            error: row(),
            bias: row(),
            divisor: 1.0,
            turn: Vec::new(),
        }
    }

    #[test]
    fn every_way_through_the_table_adds_up() {
        let mut rng = Rng::new(5);
        let (dest, src) = (side(&mut rng, 4), side(&mut rng, 3));
        let whole = |side: &SplitSide| -> Vec<f64> {
            let all = side.features.iter().map(|f| &f.coefficients);
            let all: Vec<_> = all.chain([&side.error, &side.bias]).collect();
            (0..5).map(|k| all.iter().map(|row| row[k]).sum()).collect()
        };
        let score = whole(&dest).iter().zip(whole(&src)).map(|(q, k)| q * k * 0.25).sum::<f64>();
        let split = Split { score, scale: 0.25, dest, src };
        assert!(split.remainder().abs() < 1e-12, "{}", split.remainder());
        let pairs = split.pairs();
        assert_eq!(pairs.len(), 12);
        assert!(pairs.is_sorted_by(|a, b| a.value.abs() >= b.value.abs()));
        let by_k = split.kinds_by_k().features;
        for (k, of_k) in by_k.iter().enumerate() {
            let sum: f64 = pairs.iter().map(|pair| pair.by_k[k]).sum();
            assert!((sum - of_k).abs() < 1e-12, "k {k}");
        }
        let sum: f64 = pairs.iter().map(|pair| pair.value).sum();
        assert!((sum - split.kinds().features).abs() < 1e-12);
        let first = &pairs[0];
        assert_eq!(first.value, split.value(first.dest_feature, first.src_feature));
        assert!(split.by_k(4, 0).is_empty());
        let table = split.table();
        assert_eq!((table.len(), table[0].len()), (6, 5));
        assert!((table.iter().flatten().sum::<f64>() - score).abs() < 1e-12);
        assert!(
            (table[5].iter().sum::<f64>() + (0..5).map(|i| table[i][4]).sum::<f64>()
                - split.kinds().bias)
                .abs()
                < 1e-12
        );
    }
}

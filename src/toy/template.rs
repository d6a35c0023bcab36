//! What the head is asked to attend to: which feature of the query wants which feature of a key, and how much.

use super::error::ToyError;
use crate::math::order::sort_by_key;
use serde::{Deserialize, Serialize};

/// The template T `[N, N]`: target logit `Σ_ij T_ij f_i(query) f_j(key)`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Template {
    /// Feature 0 of the query wants feature 1 of the key.
    OnePair {
        /// T, the target logit when both features are 1.
        strength: f64,
    },
    /// Feature k wants feature `n_pairs + k`, with strengths that fall linearly.
    Pairs {
        /// P, how many pairs.
        n_pairs: usize,
        /// T of the first pair.
        strongest: f64,
        /// T of the last pair.
        weakest: f64,
    },
    /// Any entries; the rest is zero.
    Free {
        /// Non-zero entries of T, each place at most once.
        entries: Vec<Entry>,
    },
}

/// One non-zero entry of a template.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// Feature of the query.
    pub query: usize,
    /// Feature of the key.
    pub key: usize,
    /// T, the target logit when both features are 1.
    pub strength: f64,
}

impl Template {
    /// The non-zero entries, in the order in which they are listed.
    pub fn entries(&self) -> Vec<Entry> {
        match self {
            Template::OnePair { strength } => vec![Entry { query: 0, key: 1, strength: *strength }],
            Template::Pairs { n_pairs, strongest, weakest } => {
                let gap = (weakest - strongest) / (n_pairs.saturating_sub(1).max(1)) as f64;
                let strength = |k: usize| {
                    if k + 1 == *n_pairs && k > 0 { *weakest } else { strongest + gap * k as f64 }
                };
                (0..*n_pairs)
                    .map(|k| Entry { query: k, key: n_pairs + k, strength: strength(k) })
                    .collect()
            }
            Template::Free { entries } => entries.clone(),
        }
    }

    /// T as `[N, N]`, row-major.
    pub fn matrix(&self, n_features: usize) -> Vec<f64> {
        let mut t = vec![0.0; n_features * n_features];
        for entry in self.entries() {
            if let Some(place) = t.get_mut(entry.query * n_features + entry.key) {
                *place = entry.strength;
            }
        }
        t
    }

    /// The same template with every strength multiplied by `factor`.
    pub fn scaled(&self, factor: f64) -> Template {
        match self {
            Template::OnePair { strength } => Template::OnePair { strength: strength * factor },
            Template::Pairs { n_pairs, strongest, weakest } => Template::Pairs {
                n_pairs: *n_pairs,
                strongest: strongest * factor,
                weakest: weakest * factor,
            },
            Template::Free { entries } => Template::Free {
                entries: entries
                    .iter()
                    .map(|e| Entry { strength: e.strength * factor, ..*e })
                    .collect(),
            },
        }
    }

    /// Checks that every entry names features that exist.
    ///
    /// # Errors
    /// [`ToyError::Setting`] with the first entry that does not fit.
    pub fn check(&self, n_features: usize) -> Result<(), ToyError> {
        let refuse = |found: String, needed: String| {
            Err(ToyError::Setting { setting: "template", found, needed })
        };
        if let Template::Pairs { n_pairs, .. } = self
            && (*n_pairs == 0 || *n_pairs > n_features / 2)
        {
            return refuse(
                format!("{n_pairs} pairs"),
                format!("between 1 and {} pairs", n_features / 2),
            );
        }
        let mut seen = std::collections::HashSet::new();
        for Entry { query, key, strength } in self.entries() {
            if query >= n_features || key >= n_features {
                return refuse(
                    format!("an entry at ({query}, {key})"),
                    format!("inside {n_features} × {n_features}"),
                );
            }
            if !strength.is_finite() || strength.abs() > 1e6 {
                return refuse(
                    format!("{strength} at ({query}, {key})"),
                    "between −10⁶ and 10⁶".into(),
                );
            }
            if !seen.insert((query, key)) {
                return refuse(
                    format!("given twice at ({query}, {key})"),
                    "given once per place".into(),
                );
            }
        }
        Ok(())
    }
}

/// A template sorted by row, as the loss reads it.
#[derive(Debug, Clone)]
pub struct Rows {
    start: Vec<usize>,
    entries: Vec<(usize, f64)>,
}

impl Rows {
    pub(super) fn new(template: &Template, n_features: usize) -> Self {
        let mut sorted = template.entries();
        sort_by_key(&mut sorted, |e| (e.query, e.key));
        let start = (0..=n_features).map(|i| sorted.partition_point(|e| e.query < i)).collect();
        Self { start, entries: sorted.iter().map(|e| (e.key, e.strength)).collect() }
    }

    /// `(key feature, T)` of the entries in the row of `query`.
    #[inline]
    pub fn of(&self, query: usize) -> &[(usize, f64)] {
        &self.entries[self.start[query]..self.start[query + 1]]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_fall_linearly_and_end_exactly_at_the_weakest() {
        let template = Template::Pairs { n_pairs: 8, strongest: 10.0, weakest: 2.5 };
        let strengths: Vec<f64> = template.entries().iter().map(|e| e.strength).collect();
        assert_eq!((strengths[0], strengths[7]), (10.0, 2.5));
        assert!((strengths[1] - 8.928_571_428_571_429).abs() < 1e-14);
        assert_eq!(template.matrix(40)[3 * 40 + 11], strengths[3]);
        assert_eq!(Rows::new(&template, 40).of(3), [(11, strengths[3])]);
        assert!(Rows::new(&template, 40).of(12).is_empty());
        assert!(template.check(15).is_err() && template.check(16).is_ok());
    }

    #[test]
    fn an_entry_outside_or_given_twice_is_refused() {
        let entry = Entry { query: 1, key: 2, strength: 1.0 };
        assert!(Template::Free { entries: vec![entry] }.check(2).is_err());
        assert!(Template::Free { entries: vec![entry] }.check(3).is_ok());
        assert!(Template::Free { entries: vec![entry, entry] }.check(3).is_err());
        assert!(Template::Free { entries: vec![] }.check(3).is_ok());
    }
}

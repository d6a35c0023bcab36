//! Tokens as lists of the features that are present: one in ten is, and the loss pays only for those.

use super::config::Config;
use super::error::ToyError;
use crate::math::random::Stream;

/// The tokens of one step: first the B queries, then m keys for each query.
#[derive(Debug, Clone, PartialEq)]
pub struct Batch {
    pub(super) n_queries: usize,
    pub(super) n_keys: usize,
    start: Vec<usize>,
    feature: Vec<u32>,
    value: Vec<f64>,
    present: Vec<u32>,
}

/// Batches of step s come from this stream number plus s.
const FIRST_STREAM: u32 = 1000;

impl Batch {
    /// An empty batch for `n_queries` queries with `n_keys` keys each.
    pub(super) fn empty(n_queries: usize, n_keys: usize) -> Self {
        Self {
            n_queries,
            n_keys,
            start: vec![0],
            feature: Vec::new(),
            value: Vec::new(),
            present: Vec::new(),
        }
    }

    /// The batch of `step`: feature e of the flattened tokens is `uniform(2e) < p ? uniform(2e + 1) : 0`.
    pub fn of_step(config: &Config, step: usize) -> Self {
        let mut batch = Self::empty(config.batch, config.n_keys);
        batch.draw(config, step);
        batch
    }

    /// Tokens from dense activations: queries `[B, N]`, keys `[B, m, N]`, row-major.
    ///
    /// # Errors
    /// [`ToyError::Length`] unless the keys are m times as many as the queries.
    pub fn from_dense(
        queries: &[f64],
        keys: &[f64],
        n_features: usize,
        n_keys: usize,
    ) -> Result<Self, ToyError> {
        let n_queries = queries.len() / n_features.max(1);
        for (what, found, expected) in [
            ("the activations of the queries", queries.len(), n_queries * n_features),
            ("the activations of the keys", keys.len(), n_queries * n_features * n_keys),
        ] {
            if found != expected {
                return Err(ToyError::Length { what, expected, found });
            }
        }
        let mut batch = Self::empty(n_queries, n_keys);
        for token in queries.chunks_exact(n_features).chain(keys.chunks_exact(n_features)) {
            for (i, &f) in token.iter().enumerate().filter(|(_, f)| **f != 0.0) {
                batch.feature.push(i as u32);
                batch.value.push(f);
            }
            batch.start.push(batch.feature.len());
        }
        Ok(batch)
    }

    /// Whether a model with these sizes can take the batch.
    ///
    /// # Errors
    /// [`ToyError::Length`] with what does not fit.
    pub(super) fn check(&self, n_features: usize, n_keys: usize) -> Result<(), ToyError> {
        if self.n_keys != n_keys {
            return Err(ToyError::Length {
                what: "the keys of a query",
                expected: n_keys,
                found: self.n_keys,
            });
        }
        let needs = self.feature.iter().max().map_or(0, |&i| i as usize + 1);
        if needs > n_features {
            return Err(ToyError::Length { what: "a token", expected: n_features, found: needs });
        }
        Ok(())
    }

    /// Refills with the batch of `step`, keeping the memory.
    pub(super) fn draw(&mut self, config: &Config, step: usize) {
        let n = config.n_features;
        let stream = Stream::new(config.seed, FIRST_STREAM.wrapping_add(step as u32));
        // `uniform < p`, asked of the 24 bits that make the uniform.
        let under = (config.p * 16_777_216.0).ceil() as u32;
        (self.n_queries, self.n_keys) = (config.batch, config.n_keys);
        self.start.truncate(1);
        self.feature.clear();
        self.value.clear();
        self.present.resize(n, 0);
        for token in 0..config.batch * (1 + config.n_keys) {
            let first = (token * n) as u32;
            for (i, bits) in (0_u32..).zip(self.present.iter_mut()) {
                *bits = stream.bits(2 * (first + i)) >> 8;
            }
            for (i, bits) in (0_u32..).zip(&self.present) {
                if *bits < under {
                    let magnitude = stream.uniform(2 * (first + i) + 1);
                    if magnitude != 0.0 {
                        self.feature.push(i);
                        self.value.push(magnitude);
                    }
                }
            }
            self.start.push(self.feature.len());
        }
    }

    /// How many tokens there are, queries and keys.
    pub fn n_tokens(&self) -> usize {
        self.n_queries * (1 + self.n_keys)
    }

    /// The features present in `token`, ascending, and their values.
    #[inline]
    pub fn token(&self, token: usize) -> (&[u32], &[f64]) {
        let here = self.start[token]..self.start[token + 1];
        (&self.feature[here.clone()], &self.value[here])
    }

    /// Number of key `key` of query `query` among the tokens.
    #[inline]
    pub fn key(&self, query: usize, key: usize) -> usize {
        self.n_queries + query * self.n_keys + key
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_batch_is_the_uniforms_of_its_stream() {
        let config = Config { batch: 5, n_keys: 3, seed: 11, ..Config::default() };
        let n = config.n_features;
        let stream = Stream::new(11, 1007);
        let dense: Vec<f64> = (0..(5 * 4 * n) as u32)
            .map(|e| if stream.uniform(2 * e) < 0.1 { stream.uniform(2 * e + 1) } else { 0.0 })
            .collect();
        let expected = Batch::from_dense(&dense[..5 * n], &dense[5 * n..], n, 3).unwrap();
        let drawn = Batch::of_step(&config, 7);
        assert_eq!(
            (&drawn.start, &drawn.feature, &drawn.value),
            (&expected.start, &expected.feature, &expected.value)
        );
        assert!(Batch::from_dense(&dense[..5 * n], &dense[4 * n..], n, 3).is_err());
    }

    #[test]
    fn every_feature_is_present_when_p_is_one() {
        let batch = Batch::of_step(&Config { p: 1.0, ..Config::default() }, 0);
        assert!((0..batch.n_tokens()).all(|t| batch.token(t).0.len() == 20));
    }
}

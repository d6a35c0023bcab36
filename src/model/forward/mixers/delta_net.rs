//! A gated delta net: every head of values keeps a matrix from keys to values, forgets a share of it, and corrects what it holds
//! at the present key.

use super::{Taps, sigmoid, silu, softplus};
use crate::model::ModelError;
use crate::model::forward::norm;
use crate::model::forward::products::Map;
use crate::model::forward::weights::LayerWeights;
use crate::model::mixers::{DeltaNet, DeltaReads};

/// ε inside the root of the length of queries and keys; no config sets it.
const EPS: f64 = 1e-6;

/// What all positions bring, a row per position.
struct Rows {
    /// All queries, all keys, all values.
    qkv: Vec<f32>,
    /// Gates, `[n_value_heads, d_value]`.
    gates: Vec<f32>,
    /// Logits of β, `[n_value_heads]`.
    beta: Vec<f32>,
    /// Steps, `[n_value_heads]`.
    step: Vec<f32>,
}

/// The maps that read the stream.
pub(super) fn reads(net: &DeltaNet) -> Vec<Map<'_>> {
    let &DeltaNet { n_key_heads, d_key, n_value_heads, d_value, .. } = net;
    let values = n_value_heads * d_value;
    let channels = 2 * n_key_heads * d_key + values;
    let map = |(linear, d_out)| Map { linear, d_out };
    match &net.reads {
        DeltaReads::Apart(all) => {
            let outputs = [channels, values, n_value_heads, n_value_heads];
            all.iter().zip(outputs).map(map).collect()
        }
        DeltaReads::ByHead(all, steps) => {
            [(all, channels + values), (steps, 2 * n_value_heads)].map(map).into()
        }
    }
}

/// What the heads give out, `[all positions, n_value_heads d_value]`, from what the maps read.
pub(super) fn run(
    weights: &LayerWeights<'_>,
    net: &DeltaNet,
    read: Vec<Vec<f32>>,
    lengths: &[usize],
) -> Result<Vec<f32>, ModelError> {
    let &DeltaNet { n_key_heads, d_key, n_value_heads, d_value, width, .. } = net;
    let Rows { qkv, gates, beta, step } = rows(net, read);
    let (keys, values) = (n_key_heads * d_key, n_value_heads * d_value);
    let channels = 2 * keys + values;
    let mut mixed = Taps::read(weights, &net.convolution, channels, width)?.along(&qkv, lengths);
    mixed.iter_mut().for_each(|x| *x = silu(*x));
    for row in mixed.chunks_exact_mut(channels.max(1)) {
        for (i, head) in row[..2 * keys].chunks_exact_mut(d_key).enumerate() {
            let square: f64 = head.iter().map(|&x| f64::from(x) * f64::from(x)).sum();
            let root = if i < n_key_heads { (d_key as f64).sqrt() } else { 1.0 };
            let scale = 1.0 / ((square + EPS).sqrt() * root);
            head.iter_mut().for_each(|x| *x = (f64::from(*x) * scale) as f32);
        }
    }
    let a_log = weights.vector(&net.a_log, n_value_heads)?;
    let dt_bias = weights.vector(&net.dt_bias, n_value_heads)?;
    let (gains, bias) = weights.norm(&net.norm, d_value)?;
    let per_key = n_value_heads / n_key_heads.max(1);
    let mut y = vec![0.0; gates.len()];
    for head in 0..n_value_heads {
        let key = head / per_key.max(1) * d_key;
        let mut start = 0;
        for &n in lengths {
            let mut state = State::new(d_key, d_value);
            for t in start..start + n {
                let row = &mixed[t * channels..(t + 1) * channels];
                let decay = -f64::from(a_log[head]).exp()
                    * softplus(step[t * n_value_heads + head] + dt_bias[head]);
                let found = state.step(
                    [&row[key..key + d_key], &row[keys + key..keys + key + d_key]],
                    &row[2 * keys + head * d_value..2 * keys + (head + 1) * d_value],
                    decay.exp(),
                    sigmoid(beta[t * n_value_heads + head]),
                );
                let place = t * values + head * d_value;
                y[place..place + d_value].copy_from_slice(&found);
            }
            start += n;
        }
    }
    norm::rows_in_place(&mut y, net.norm.kind, net.norm.eps, &gains, bias.as_deref());
    y.iter_mut().zip(&gates).for_each(|(y, gate)| *y *= silu(*gate));
    Ok(y)
}

/// The rows of what the maps read, whichever way they lie.
fn rows(net: &DeltaNet, read: Vec<Vec<f32>>) -> Rows {
    let &DeltaNet { n_key_heads, d_key, n_value_heads, d_value, .. } = net;
    let values = n_value_heads * d_value;
    let channels = 2 * n_key_heads * d_key + values;
    let mut found = read.into_iter();
    let mut next = || found.next().unwrap_or_default();
    match &net.reads {
        DeltaReads::Apart(_) => Rows { qkv: next(), gates: next(), beta: next(), step: next() },
        DeltaReads::ByHead(..) => {
            let (packed, pairs) = (next(), next());
            let own = values / n_key_heads.max(1);
            let per_key = n_value_heads / n_key_heads.max(1);
            let parts = [0..d_key, d_key..2 * d_key, 2 * d_key..2 * d_key + own];
            let width = 2 * (d_key + own);
            let (mut qkv, mut gates) = (Vec::new(), Vec::new());
            for row in packed.chunks_exact((channels + values).max(1)) {
                for part in &parts {
                    qkv.extend(row.chunks_exact(width).flat_map(|head| &head[part.clone()]));
                }
                gates.extend(row.chunks_exact(width).flat_map(|head| &head[2 * d_key + own..]));
            }
            let (mut beta, mut step) = (Vec::new(), Vec::new());
            for pair in pairs.chunks_exact((2 * per_key).max(1)) {
                beta.extend_from_slice(&pair[..per_key]);
                step.extend_from_slice(&pair[per_key..]);
            }
            Rows { qkv, gates, beta, step }
        }
    }
}

/// What one head holds: a matrix `[d_key, d_value]`.
struct State {
    matrix: Vec<f64>,
    d_value: usize,
}

impl State {
    fn new(d_key: usize, d_value: usize) -> Self {
        Self { matrix: vec![0.0; d_key * d_value], d_value }
    }

    /// Takes in a key and its value, and answers a query.
    fn step(&mut self, [q, k]: [&[f32]; 2], v: &[f32], decay: f64, beta: f64) -> Vec<f32> {
        self.matrix.iter_mut().for_each(|x| *x *= decay);
        let held = self.times(k);
        let change: Vec<f64> =
            v.iter().zip(held).map(|(v, held)| beta * (f64::from(*v) - held)).collect();
        for (row, k) in self.matrix.chunks_exact_mut(self.d_value.max(1)).zip(k) {
            row.iter_mut().zip(&change).for_each(|(x, c)| *x += f64::from(*k) * c);
        }
        self.times(q).into_iter().map(|x| x as f32).collect()
    }

    /// `Sᵀ x`.
    fn times(&self, x: &[f32]) -> Vec<f64> {
        let mut y = vec![0.0; self.d_value];
        for (row, x) in self.matrix.chunks_exact(self.d_value.max(1)).zip(x) {
            y.iter_mut().zip(row).for_each(|(y, s)| *y += s * f64::from(*x));
        }
        y
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_at_a_key_is_read_there_and_replaced_by_the_next() {
        let mut state = State::new(2, 1);
        let (a, b) = ([1.0, 0.0], [0.0, 1.0]);
        assert_eq!(state.step([&a, &a], &[3.0], 1.0, 1.0), [3.0]);
        assert_eq!(state.step([&a, &b], &[5.0], 0.5, 1.0), [1.5]);
        assert_eq!(state.step([&a, &a], &[7.0], 1.0, 1.0), [7.0]);
        assert_eq!(state.step([&b, &a], &[7.0], 1.0, 0.0), [5.0]);
    }
}

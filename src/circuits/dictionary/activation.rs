//! What makes activations out of an encoder's sums: ReLU, top-k, JumpReLU, gated; and what happens to an input first.
//!
//! # Source
//! SAELens 6 (`sae_lens/saes`): what a dictionary trained with batch-top-k is saved as is a JumpReLU with one threshold. Top-k:
//! Gao et al., arXiv:2406.04093; JumpReLU: Rajamanoharan et al., arXiv:2407.14435; gated: the same, arXiv:2404.16014.

use crate::math::statistics::largest_first;

/// What SAELens adds to a standard deviation before it divides by it.
const EPSILON: f64 = 1e-5;

/// From `x W_enc`, `[n_features]`, to activations.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Activation {
    /// `max(sum + b_enc, 0)`.
    Relu,
    /// The same for the `k` largest, 0 for all others.
    TopK(usize),
    /// `sum + b_enc` where that is above zero and above the threshold: one for all, or one each.
    JumpRelu(Vec<f64>),
    /// Active where `sum + b_gate > 0`; then `max(sum · exp(r_mag) + b_mag, 0)`.
    Gated {
        /// `[n_features]`.
        b_gate: Vec<f64>,
        /// `[n_features]`.
        r_mag: Vec<f64>,
        /// `[n_features]`.
        b_mag: Vec<f64>,
    },
}

impl Activation {
    /// Turns `sums` into activations; `b_enc` and the decoder's row norms, where activations are rescaled by those, are one each or
    /// none.
    pub(super) fn apply(&self, sums: &mut [f64], b_enc: &[f64], norms: &[f64]) {
        if !matches!(self, Self::Gated { .. }) {
            sums.iter_mut().zip(b_enc).for_each(|(x, b)| *x += b);
            sums.iter_mut().zip(norms).for_each(|(x, norm)| *x *= norm);
        }
        match self {
            Self::Relu => sums.iter_mut().for_each(|x| *x = x.max(0.0)),
            Self::TopK(k) => {
                let mut kept = vec![0.0; sums.len()];
                for i in largest_first(sums).into_iter().take(*k) {
                    kept[i] = sums[i].max(0.0);
                }
                sums.copy_from_slice(&kept);
            }
            Self::JumpRelu(thresholds) => {
                let threshold = |i: usize| match thresholds.as_slice() {
                    [one] => *one,
                    each => each.get(i).copied().unwrap_or(0.0),
                };
                for (i, x) in sums.iter_mut().enumerate() {
                    *x = if *x > threshold(i).max(0.0) { *x } else { 0.0 };
                }
            }
            Self::Gated { b_gate, r_mag, b_mag } => {
                for (i, x) in sums.iter_mut().enumerate() {
                    let size = (*x * libm::exp(r_mag[i]) + b_mag[i]).max(0.0);
                    *x = if *x + b_gate[i] > 0.0 { size } else { 0.0 };
                }
            }
        }
    }
}

/// What an input goes through before it is encoded, and a reconstruction after it was decoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum InputNorm {
    /// Nothing.
    None,
    /// Mean taken out, divided by the standard deviation (`n − 1` below the root).
    Layer,
    /// Brought to the length `√d`.
    Length,
}

impl InputNorm {
    /// Norms `x`; a reconstruction is what comes out times the first number plus the second.
    pub(super) fn apply(self, x: &mut [f64]) -> (f64, f64) {
        let d = x.len() as f64;
        match self {
            Self::None => (1.0, 0.0),
            Self::Layer => {
                let mean = x.iter().sum::<f64>() / d;
                x.iter_mut().for_each(|x| *x -= mean);
                let sd = (x.iter().map(|x| x * x).sum::<f64>() / (d - 1.0)).sqrt();
                x.iter_mut().for_each(|x| *x /= sd + EPSILON);
                (sd, mean)
            }
            Self::Length => {
                let length = x.iter().map(|x| x * x).sum::<f64>().sqrt();
                if length == 0.0 {
                    return (1.0, 0.0);
                }
                x.iter_mut().for_each(|x| *x *= d.sqrt() / length);
                (length / d.sqrt(), 0.0)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn applied(activation: &Activation, sums: &[f64]) -> Vec<f64> {
        let mut sums = sums.to_vec();
        activation.apply(&mut sums, &[0.5, 0.0, 0.0, 0.0], &[]);
        sums
    }

    #[test]
    fn each_kind_keeps_what_its_formula_keeps() {
        let sums = [1.0, -1.0, 2.0, 0.25];
        assert_eq!(applied(&Activation::Relu, &sums), [1.5, 0.0, 2.0, 0.25]);
        assert_eq!(applied(&Activation::TopK(1), &sums), [0.0, 0.0, 2.0, 0.0]);
        assert_eq!(applied(&Activation::TopK(9), &sums), [1.5, 0.0, 2.0, 0.25]);
        assert_eq!(applied(&Activation::JumpRelu(vec![0.5]), &sums), [1.5, 0.0, 2.0, 0.0]);
        let each = Activation::JumpRelu(vec![1.5, 0.0, 0.0, 0.0]);
        assert_eq!(applied(&each, &sums), [0.0, 0.0, 2.0, 0.25], "a threshold must be exceeded");
        let gated = Activation::Gated {
            b_gate: vec![-1.5, 2.0, 0.0, 0.0],
            r_mag: vec![0.0; 4],
            b_mag: vec![0.0, 3.0, 0.0, 1.0],
        };
        assert_eq!(applied(&gated, &sums), [0.0, 2.0, 2.0, 1.25], "b_enc has no part in it");
    }

    #[test]
    fn decoder_norms_decide_which_are_largest() {
        let mut sums = [1.0, 2.0];
        Activation::TopK(1).apply(&mut sums, &[0.0, 0.0], &[5.0, 1.0]);
        assert_eq!(sums, [5.0, 0.0]);
    }

    #[test]
    fn norms_can_be_undone() {
        for norm in [InputNorm::None, InputNorm::Layer, InputNorm::Length] {
            let x = [3.0, -1.0, 4.0, 1.0];
            let mut y = x;
            let (times, plus) = norm.apply(&mut y);
            for (x, y) in x.iter().zip(y) {
                assert!((x - (y * times + plus)).abs() < 1e-4, "{norm:?}");
            }
        }
        let mut zero = [0.0; 3];
        assert_eq!(InputNorm::Length.apply(&mut zero), (1.0, 0.0));
    }
}

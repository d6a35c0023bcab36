//! Convolutions over time, as products: each window becomes a row.

use super::linear;
use crate::math::streamed::product;
use crate::model::architecture::Orientation;

/// A convolution in memory.
pub(super) struct Convolution<'a> {
    /// `[d_out, d_in / groups, width]`, row-major.
    pub(super) weights: &'a [f32],
    /// `[d_out]`.
    pub(super) bias: Option<&'a [f32]>,
    /// Channels in.
    pub(super) d_in: usize,
    /// Channels out.
    pub(super) d_out: usize,
    /// Taps.
    pub(super) width: usize,
    /// Positions from one window to the next.
    pub(super) stride: usize,
    /// Zeros at either end.
    pub(super) padding: usize,
    /// Channels fall into so many groups that do not mix.
    pub(super) groups: usize,
}

impl Convolution<'_> {
    /// Positions that come out of `n`.
    pub(super) fn n_out(&self, n: usize) -> usize {
        let long = n + 2 * self.padding;
        if long < self.width { 0 } else { (long - self.width) / self.stride.max(1) + 1 }
    }

    /// `x: [n, d_in]` to `[n_out, d_out]`.
    pub(super) fn apply(&self, x: &[f32]) -> Vec<f32> {
        let n = x.len() / self.d_in.max(1);
        let n_out = self.n_out(n);
        let (own_in, own_out) = (self.d_in / self.groups, self.d_out / self.groups);
        let mut y = vec![0.0; n_out * self.d_out];
        for group in 0..self.groups {
            let mut windows = Vec::with_capacity(n_out * own_in * self.width);
            for t in 0..n_out {
                for channel in group * own_in..(group + 1) * own_in {
                    windows.extend((0..self.width).map(|tap| {
                        let at = (t * self.stride + tap).checked_sub(self.padding);
                        at.filter(|at| *at < n).map_or(0.0, |at| x[at * self.d_in + channel])
                    }));
                }
            }
            let size = own_out * own_in * self.width;
            let weights = &self.weights[group * size..(group + 1) * size];
            let part = product(&windows, weights, Orientation::OutIn, own_in * self.width, own_out);
            for (row, part) in y.chunks_exact_mut(self.d_out).zip(part.chunks_exact(own_out)) {
                row[group * own_out..(group + 1) * own_out].copy_from_slice(part);
            }
        }
        if let Some(bias) = self.bias {
            linear::add_bias(&mut y, bias);
        }
        y
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_are_summed_tap_by_tap_and_groups_do_not_mix() {
        let x = [1.0, 10.0, 2.0, 20.0, 3.0, 30.0]; // three positions, two channels
        let plain = Convolution {
            weights: &[1.0, 0.0, -1.0, 0.0, 1.0, 0.0],
            bias: Some(&[0.5]),
            d_in: 2,
            d_out: 1,
            width: 3,
            stride: 2,
            padding: 1,
            groups: 1,
        };
        // Position 0 sees 0, 1, 2 of the first channel and 10 of the second; position 2 sees 2, 3, 0 and 30.
        assert_eq!(plain.apply(&x), [0.0 - 2.0 + 10.0 + 0.5, 2.0 - 0.0 + 30.0 + 0.5]);
        let grouped = Convolution {
            weights: &[1.0, 2.0],
            bias: None,
            d_out: 2,
            width: 1,
            stride: 1,
            padding: 0,
            groups: 2,
            ..plain
        };
        assert_eq!(grouped.apply(&x), [1.0, 20.0, 2.0, 40.0, 3.0, 60.0]);
        assert_eq!(grouped.apply(&[]), [0.0; 0]);
    }
}

//! The layers of hybrids that are not attention, a position after the other, with their states in `f64`.

mod delta_net;
mod state_space;

use super::products::{Map, Products};
use super::weights::LayerWeights;
use crate::model::ModelError;
use crate::model::architecture::{Linear, Mixer};
use crate::model::mixers::ShortConvolution;

/// What a mixer reads: all prompts of a batch.
pub(super) struct Reading<'a> {
    /// `[all positions, d_model]`, normed.
    pub(super) x: &'a [f32],
    /// Positions of each prompt.
    pub(super) lengths: &'a [usize],
    /// Width of the stream.
    pub(super) d_model: usize,
}

/// What a mixer writes, `[all positions, d_model]`. Only the first and the last product are made by whoever makes them.
pub(super) async fn run(
    weights: &LayerWeights<'_>,
    products: &mut impl Products,
    mixer: &Mixer,
    reading: &Reading<'_>,
) -> Result<Vec<f32>, ModelError> {
    let (maps, factor) = reads(mixer)?;
    let x: Vec<f32> = reading.x.iter().map(|x| x * factor as f32).collect();
    let read = products.linear(weights, &maps, &x, reading.d_model).await?;
    let (made, output) = made(weights, mixer, read, reading.lengths)?;
    let Some(linear) = output else { return Ok(made) };
    let d_in = made.len() / reading.lengths.iter().sum::<usize>().max(1);
    let map = Map { linear, d_out: reading.d_model };
    let mut written =
        products.linear(weights, &[map], &made, d_in).await?.pop().unwrap_or_default();
    if let Mixer::Mamba2(m) = mixer {
        written.iter_mut().for_each(|y| *y *= m.factors.output as f32);
    }
    Ok(written)
}

/// The maps that read the stream, and the factor on what they read.
fn reads(mixer: &Mixer) -> Result<(Vec<Map<'_>>, f64), ModelError> {
    let one = |linear, d_out| vec![Map { linear, d_out }];
    Ok(match mixer {
        Mixer::DeltaNet(net) => (delta_net::reads(net), 1.0),
        Mixer::Mamba(m) => (one(&m.input, 2 * m.d_inner), 1.0),
        Mixer::Mamba2(m) => (one(&m.input, state_space::outputs(m)), m.factors.input),
        Mixer::ShortConvolution(conv) => (one(&conv.input, 3 * conv.channels), 1.0),
        Mixer::Unsupported(reason) => {
            return Err(ModelError::CannotRun { reason: reason.clone() });
        }
    })
}

/// What is made of it, and the map that takes it back to the stream.
fn made<'a>(
    weights: &LayerWeights<'_>,
    mixer: &'a Mixer,
    read: Vec<Vec<f32>>,
    lengths: &[usize],
) -> Result<(Vec<f32>, Option<&'a Linear>), ModelError> {
    Ok(match mixer {
        Mixer::DeltaNet(net) => (delta_net::run(weights, net, read, lengths)?, Some(&net.output)),
        Mixer::Mamba(m) => {
            (state_space::mamba(weights, m, &read.concat(), lengths)?, Some(&m.output))
        }
        Mixer::Mamba2(m) => {
            (state_space::mamba2(weights, m, read.concat(), lengths)?, Some(&m.output))
        }
        Mixer::ShortConvolution(c) => {
            (short(weights, c, &read.concat(), lengths)?, Some(&c.output))
        }
        Mixer::Unsupported(_) => (Vec::new(), None),
    })
}

/// `C ⊙ conv(B ⊙ x)`.
fn short(
    weights: &LayerWeights<'_>,
    conv: &ShortConvolution,
    all: &[f32],
    lengths: &[usize],
) -> Result<Vec<f32>, ModelError> {
    let c = conv.channels;
    let mut into = Vec::with_capacity(all.len() / 3);
    for row in all.chunks_exact((3 * c).max(1)) {
        into.extend(row[..c].iter().zip(&row[2 * c..]).map(|(b, x)| b * x));
    }
    let taps = Taps::read(weights, &conv.convolution, c, conv.width)?;
    let mut y = taps.along(&into, lengths);
    for (y, row) in y.chunks_exact_mut(c.max(1)).zip(all.chunks_exact((3 * c).max(1))) {
        y.iter_mut().zip(&row[c..2 * c]).for_each(|(y, gate)| *y *= gate);
    }
    Ok(y)
}

/// A convolution over time of every channel by itself; the last tap is the present position's.
struct Taps {
    /// `[channels, width]`.
    values: Vec<f32>,
    bias: Option<Vec<f32>>,
    channels: usize,
    width: usize,
}

impl Taps {
    fn read(
        weights: &LayerWeights<'_>,
        linear: &Linear,
        channels: usize,
        width: usize,
    ) -> Result<Self, ModelError> {
        let values = weights.array(&linear.weight, &[channels, 1, width])?;
        Ok(Self { values, bias: weights.bias(linear, channels)?, channels, width })
    }

    /// `[all positions, channels]`, of which no prompt sees another.
    fn along(&self, x: &[f32], lengths: &[usize]) -> Vec<f32> {
        let (c, width) = (self.channels, self.width);
        let mut y = Vec::with_capacity(x.len());
        let mut start = 0;
        for &n in lengths {
            let rows = &x[start * c..(start + n) * c];
            for t in 0..n {
                for channel in 0..c {
                    let taps = &self.values[channel * width..(channel + 1) * width];
                    let bias = self.bias.as_ref().map_or(0.0, |bias| bias[channel]);
                    let seen = (0..width).filter_map(|tap| {
                        let at = (t + tap + 1).checked_sub(width)?;
                        Some(taps[tap] * rows[at * c + channel])
                    });
                    y.push(bias + seen.sum::<f32>());
                }
            }
            start += n;
        }
        y
    }
}

fn sigmoid(x: f32) -> f64 {
    1.0 / (1.0 + (-f64::from(x)).exp())
}

fn silu(x: f32) -> f32 {
    (f64::from(x) * sigmoid(x)) as f32
}

fn softplus(x: f32) -> f64 {
    let x = f64::from(x);
    x.max(0.0) + (-x.abs()).exp().ln_1p()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_convolution_over_time_sees_the_past_of_its_own_prompt() {
        let taps = Taps { values: vec![10.0, 1.0], bias: Some(vec![0.5]), channels: 1, width: 2 };
        assert_eq!(taps.along(&[1.0, 2.0, 3.0, 4.0], &[3, 1]), [1.5, 12.5, 23.5, 4.5]);
    }

    #[test]
    fn softplus_is_the_logarithm_of_one_and_an_exponential_and_never_overflows() {
        assert!((softplus(0.5) - 0.5f64.exp().ln_1p()).abs() < 1e-15);
        assert_eq!((softplus(1000.0), softplus(-1000.0)), (1000.0, 0.0));
    }
}

//! Sound to the first residual stream: frames of a spectrogram, or samples of a wave.

use super::convolution::Convolution;
use super::products::Map;
use super::weights::LayerWeights;
use super::{Spectrogram, linear, norm};
use crate::model::activation::Activation;
use crate::model::architecture::Linear;
use crate::model::front::{PositionConvolution, Wave, WaveLayer};
use crate::model::{Model, ModelError};

/// `[frames / 2, d_model]`: two convolutions with a GELU each.
pub(super) fn mel(
    model: &Model,
    (first, second): (&Linear, &Linear),
    spectrogram: &Spectrogram,
    d: usize,
) -> Result<Vec<f32>, ModelError> {
    let [mels, frames] = spectrogram.shape;
    if spectrogram.values.len() != mels * frames || mels == 0 {
        return Err(ModelError::Mismatch {
            what: "size of the spectrogram".into(),
            first: format!("{:?}", spectrogram.shape),
            second: format!("{} values", spectrogram.values.len()),
        });
    }
    // The file's order is channels first, ours positions first.
    let mut x = Vec::with_capacity(spectrogram.values.len());
    for t in 0..frames {
        x.extend(spectrogram.values.iter().skip(t).step_by(frames));
    }
    for (linear, d_in, stride) in [(first, mels, 1), (second, d, 2)] {
        x = convolve(model, linear, &x, d_in, stride, 1)?.0;
        Activation::Gelu.apply(&mut x);
    }
    Ok(x)
}

/// `[windows, d_model]` of samples of a wave, positions included.
pub(super) fn wave(
    model: &Model,
    wave: &Wave,
    samples: &[f32],
    d: usize,
) -> Result<Vec<f32>, ModelError> {
    let (mut x, mut channels) = (samples.to_vec(), 1);
    for WaveLayer { convolution, stride, norm, over_time } in &wave.layers {
        (x, channels) = convolve(model, convolution, &x, channels, *stride, 0)?;
        if let Some(norm) = norm {
            let (gains, bias) = model.read_norm(norm, channels)?;
            if *over_time {
                over_each_channel(&mut x, channels, norm.eps, &gains, bias.as_deref());
            } else {
                norm::rows_in_place(&mut x, norm.kind, norm.eps, &gains, bias.as_deref());
            }
        }
        wave.activation.apply(&mut x);
    }
    if x.is_empty() {
        return Err(ModelError::Mismatch {
            what: "length of the wave".into(),
            first: format!("{} samples", samples.len()),
            second: "more are needed for one window".into(),
        });
    }
    if let Some(norm) = &wave.norm {
        let (gains, bias) = model.read_norm(norm, channels)?;
        norm::rows_in_place(&mut x, norm.kind, norm.eps, &gains, bias.as_deref());
    }
    let weights = LayerWeights::of(model);
    let mut x = linear::apply(&weights, Map { linear: &wave.project, d_out: d }, &x, channels)?;
    let mut positions = position_convolution(model, &wave.positions, &x, d)?;
    wave.activation.apply(&mut positions);
    super::add(&mut x, &positions);
    Ok(x)
}

/// `x: [n, d_in]` through a convolution of the file, and the number of its channels.
fn convolve(
    model: &Model,
    linear: &Linear,
    x: &[f32],
    d_in: usize,
    stride: usize,
    padding: usize,
) -> Result<(Vec<f32>, usize), ModelError> {
    let tensor = model.read(&linear.weight, &[None, Some(d_in), None])?;
    let (d_out, width) = (tensor.shape[0], tensor.shape[2]);
    let bias = linear
        .bias
        .as_ref()
        .map(|name| model.read(name, &[Some(d_out)])?.f32s().map_err(ModelError::from));
    let (weights, bias) = (tensor.f32s()?, bias.transpose()?);
    let convolution = Convolution {
        weights: &weights,
        bias: bias.as_deref(),
        d_in,
        d_out,
        width,
        stride,
        padding,
        groups: 1,
    };
    Ok((convolution.apply(x), d_out))
}

/// Each channel of `x: [n, channels]` normed over time.
fn over_each_channel(
    x: &mut [f32],
    channels: usize,
    eps: f64,
    gains: &[f64],
    bias: Option<&[f64]>,
) {
    let n = (x.len() / channels.max(1)).max(1) as f64;
    for c in 0..channels {
        let values = || x.iter().skip(c).step_by(channels).map(|&v| f64::from(v));
        let mean = values().sum::<f64>() / n;
        let scale = (values().map(|v| (v - mean) * (v - mean)).sum::<f64>() / n + eps).sqrt();
        let shift = bias.map_or(0.0, |bias| bias[c]);
        for v in x.iter_mut().skip(c).step_by(channels) {
            *v = ((f64::from(*v) - mean) / scale * gains[c] + shift) as f32;
        }
    }
}

/// What the positions add before their activation, `[n, d]`; an even width gives one row too many, which is dropped.
fn position_convolution(
    model: &Model,
    positions: &PositionConvolution,
    x: &[f32],
    d: usize,
) -> Result<Vec<f32>, ModelError> {
    let v = model.read(&positions.direction, &[Some(d), None, None])?;
    let (own, width) = (v.shape[1], v.shape[2]);
    if own == 0 || width == 0 || !d.is_multiple_of(own) {
        return Err(ModelError::Mismatch {
            what: format!("{} does not split into groups", positions.direction),
            first: format!("shape {:?}", v.shape),
            second: format!("d_model {d}"),
        });
    }
    let gain = model.read(&positions.gain, &[Some(1), Some(1), Some(width)])?.f32s()?;
    let mut weights = v.f32s()?;
    for (tap, gain) in gain.iter().enumerate() {
        let squares = weights.iter().skip(tap).step_by(width).map(|&v| f64::from(v) * f64::from(v));
        let scale = f64::from(*gain) / squares.sum::<f64>().sqrt();
        let taps = weights.iter_mut().skip(tap).step_by(width);
        taps.for_each(|v| *v = (f64::from(*v) * scale) as f32);
    }
    let bias = positions
        .bias
        .as_ref()
        .map(|name| model.read(name, &[Some(d)])?.f32s().map_err(ModelError::from));
    let bias = bias.transpose()?;
    let convolution = Convolution {
        weights: &weights,
        bias: bias.as_deref(),
        d_in: d,
        d_out: d,
        width,
        stride: 1,
        padding: width / 2,
        groups: d / own,
    };
    let mut y = convolution.apply(x);
    y.truncate(x.len());
    Ok(y)
}

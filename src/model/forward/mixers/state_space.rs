//! Selective state spaces: every channel keeps a few numbers, forgets a share of them by a step that the input sets, and adds itself.

use super::{Taps, silu, softplus};
use crate::model::ModelError;
use crate::model::forward::products::Map;
use crate::model::forward::weights::LayerWeights;
use crate::model::forward::{linear, norm};
use crate::model::mixers::{Mamba, Mamba2};

/// Mamba: a step and a decay per channel.
pub(super) fn mamba(
    weights: &LayerWeights<'_>,
    m: &Mamba,
    both: &[f32],
    lengths: &[usize],
) -> Result<Vec<f32>, ModelError> {
    let &Mamba { d_inner, d_state, d_step, width, .. } = m;
    let rows = || both.chunks_exact((2 * d_inner).max(1));
    let u: Vec<f32> = rows().flat_map(|row| &row[..d_inner]).copied().collect();
    let mut u = Taps::read(weights, &m.convolution, d_inner, width)?.along(&u, lengths);
    u.iter_mut().for_each(|x| *x = silu(*x));
    let sizes = [d_step, d_state, d_state];
    let wide = d_step + 2 * d_state;
    let map = Map { linear: &m.project, d_out: wide };
    let projected = linear::apply(weights, map, &u, d_inner)?;
    let mut parts = [Vec::new(), Vec::new(), Vec::new()];
    for row in projected.chunks_exact(wide.max(1)) {
        let mut start = 0;
        for (part, size) in parts.iter_mut().zip(sizes) {
            part.extend_from_slice(&row[start..start + size]);
            start += size;
        }
    }
    for ((part, norm), size) in parts.iter_mut().zip(&m.norms).zip(sizes) {
        let Some(norm) = norm else { continue };
        let (gains, bias) = weights.norm(norm, size)?;
        norm::rows_in_place(part, norm.kind, norm.eps, &gains, bias.as_deref());
    }
    let [latent, into, out] = parts;
    let map = Map { linear: &m.step, d_out: d_inner };
    let steps = linear::apply(weights, map, &latent, d_step)?;
    let a_log = weights.array(&m.a_log, &[d_inner, d_state])?;
    let decays: Vec<f64> = a_log.iter().map(|a| -f64::from(*a).exp()).collect();
    let own = weights.vector(&m.d, d_inner)?;
    let mut y = vec![0.0; u.len()];
    let mut start = 0;
    for &n in lengths {
        let mut state = vec![0.0; d_inner * d_state];
        for t in start..start + n {
            let (into, out) =
                (&into[t * d_state..(t + 1) * d_state], &out[t * d_state..(t + 1) * d_state]);
            for (channel, own) in own.iter().enumerate() {
                let at = t * d_inner + channel;
                let (step, x) = (softplus(steps[at]), f64::from(u[at]));
                let places = channel * d_state..(channel + 1) * d_state;
                let mut sum = f64::from(*own) * x;
                let held = state[places.clone()].iter_mut().zip(&decays[places]);
                for ((held, decay), (b, c)) in held.zip(into.iter().zip(out)) {
                    *held = *held * (step * decay).exp() + step * f64::from(*b) * x;
                    sum += *held * f64::from(*c);
                }
                y[at] = sum as f32;
            }
        }
        start += n;
    }
    for (y, row) in y.chunks_exact_mut(d_inner.max(1)).zip(rows()) {
        y.iter_mut().zip(&row[d_inner..]).for_each(|(y, gate)| *y *= silu(*gate));
    }
    Ok(y)
}

/// Outputs of the map with which a Mamba 2 reads.
pub(super) fn outputs(m: &Mamba2) -> usize {
    2 * m.d_inner + 2 * m.n_groups * m.d_state + m.n_heads
}

/// Mamba 2: a step and a decay per head.
pub(super) fn mamba2(
    weights: &LayerWeights<'_>,
    m: &Mamba2,
    mut all: Vec<f32>,
    lengths: &[usize],
) -> Result<Vec<f32>, ModelError> {
    let &Mamba2 { d_inner, n_heads, n_groups, d_state, width, factors, .. } = m;
    let (d_head, ways) = (d_inner / n_heads.max(1), n_groups * d_state);
    let (channels, all_outputs) = (d_inner + 2 * ways, outputs(m));
    let ends = [d_inner, d_inner, ways, ways, n_heads];
    for row in all.chunks_exact_mut(all_outputs.max(1)) {
        let mut start = 0;
        for (size, factor) in ends.into_iter().zip(factors.parts) {
            row[start..start + size].iter_mut().for_each(|x| *x *= factor as f32);
            start += size;
        }
    }
    let rows = || all.chunks_exact(all_outputs.max(1));
    let mixed: Vec<f32> =
        rows().flat_map(|row| &row[d_inner..d_inner + channels]).copied().collect();
    let mut mixed = Taps::read(weights, &m.convolution, channels, width)?.along(&mixed, lengths);
    mixed.iter_mut().for_each(|x| *x = silu(*x));
    let a_log = weights.vector(&m.a_log, n_heads)?;
    let (own, dt_bias) = (weights.vector(&m.d, n_heads)?, weights.vector(&m.dt_bias, n_heads)?);
    let mut y = Vec::with_capacity(all.len());
    let (mut start, all_steps) = (0, d_inner + channels);
    for &n in lengths {
        let mut state = vec![0.0; d_inner * d_state];
        for (row, mixed) in rows().zip(mixed.chunks_exact(channels.max(1))).skip(start).take(n) {
            for head in 0..n_heads {
                let step = softplus(row[all_steps + head] + dt_bias[head]);
                let step = step.max(factors.steps[0]).min(factors.steps[1]);
                let decay = (-f64::from(a_log[head]).exp() * step).exp();
                let group = head / (n_heads / n_groups).max(1) * d_state;
                let into = &mixed[d_inner + group..d_inner + group + d_state];
                let out = &mixed[d_inner + ways + group..d_inner + ways + group + d_state];
                for channel in head * d_head..(head + 1) * d_head {
                    let x = f64::from(mixed[channel]);
                    let held = state[channel * d_state..(channel + 1) * d_state].iter_mut();
                    let mut sum = f64::from(own[head]) * x;
                    for (held, (b, c)) in held.zip(into.iter().zip(out)) {
                        *held = *held * decay + step * f64::from(*b) * x;
                        sum += *held * f64::from(*c);
                    }
                    y.push(sum as f32);
                }
            }
        }
        start += n;
    }
    let gate = |y: &mut [f32]| {
        for (y, row) in y.chunks_exact_mut(d_inner.max(1)).zip(rows()) {
            y.iter_mut().zip(&row[..d_inner]).for_each(|(y, gate)| *y *= silu(*gate));
        }
    };
    match &m.norm {
        None => gate(&mut y),
        Some(norm) => {
            let (gains, _) = weights.norm(norm, d_inner)?;
            if !m.norm_before_gate {
                gate(&mut y);
            }
            // Each group of heads by itself.
            let size = (d_inner / n_groups.max(1)).max(1);
            let gains = gains.chunks(size).cycle();
            for (part, gains) in y.chunks_exact_mut(size).zip(gains) {
                norm::rows_in_place(part, norm.kind, norm.eps, gains, None);
            }
            if m.norm_before_gate {
                gate(&mut y);
            }
        }
    }
    Ok(y)
}

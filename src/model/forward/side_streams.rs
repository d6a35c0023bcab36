//! Inputs of layers' own, and several streams at once, on many positions.

use std::collections::BTreeMap;

use super::products::Map;
use super::weights::LayerWeights;
use super::{linear, norm};
use crate::model::architecture::{Layer, Linear};
use crate::model::side_streams::{AltUp, LayerInput, LayerInputs, SideStreams};
use crate::model::{Model, ModelError};

/// Below this a stream's mean square is taken to be it.
const SMALLEST: f64 = 1e-5;

/// The inputs of all layers, `[positions, n_layers width]`, from the tokens and their embedding `x: [positions, d]`.
pub(super) fn inputs(
    model: &Model,
    all: &LayerInputs,
    prompts: &[Vec<u32>],
    x: &[f32],
    d: usize,
) -> Result<Vec<f32>, ModelError> {
    let (weights, wide) = (LayerWeights::of(model), all.n_layers * all.width);
    let d_vocab = model.check(&all.table, &[None, Some(wide)])?[0];
    let mut rows: BTreeMap<u32, Vec<f32>> = BTreeMap::new();
    for &id in prompts.iter().flatten() {
        let index = id as usize;
        if index >= d_vocab {
            return Err(ModelError::OutOfRange { what: "token id", index, count: d_vocab });
        }
        if let std::collections::btree_map::Entry::Vacant(slot) = rows.entry(id) {
            slot.insert(model.checkpoint.read_rows(&all.table, index..index + 1)?.f32s()?);
        }
    }
    let mut found = linear::apply(&weights, Map { linear: &all.project, d_out: wide }, x, d)?;
    let shrink = (d as f64).sqrt().recip() as f32;
    found.iter_mut().for_each(|x| *x *= shrink);
    let (gains, bias) = weights.norm(&all.norm, all.width)?;
    norm::rows_in_place(&mut found, all.norm.kind, all.norm.eps, &gains, bias.as_deref());
    let grow = (all.width as f64).sqrt() as f32;
    let table = prompts.iter().flatten().filter_map(|id| rows.get(id)).flatten();
    for (found, own) in found.iter_mut().zip(table) {
        *found = (own * grow + *found) * std::f32::consts::FRAC_1_SQRT_2;
    }
    Ok(found)
}

/// What a layer's input adds to the stream `x: [n, d]`; `all` are the inputs of all layers.
pub(super) fn added(
    weights: &LayerWeights<'_>,
    (layer, input): (&Layer, &LayerInput),
    x: &[f32],
    all: &[f32],
    d: usize,
) -> Result<Vec<f32>, ModelError> {
    let width = linear::d_out(weights, &input.gate, d)?;
    let mut gate = linear::apply(weights, Map { linear: &input.gate, d_out: width }, x, d)?;
    layer.activation.apply(&mut gate);
    let n = x.len() / d.max(1);
    let wide = all.len().checked_div(n).unwrap_or(0);
    let start = layer.number * width;
    for (gate, all) in gate.chunks_exact_mut(width.max(1)).zip(all.chunks_exact(wide.max(1))) {
        let own = all.get(start..start + width).ok_or(ModelError::OutOfRange {
            what: "input of layer",
            index: layer.number,
            count: wide.checked_div(width).unwrap_or(0),
        })?;
        gate.iter_mut().zip(own).for_each(|(gate, own)| *gate *= own);
    }
    let map = Map { linear: &input.project, d_out: d };
    let written = linear::apply(weights, map, &gate, width)?;
    Ok(norm::maybe(weights, Some(&input.norm), &written, d)?.0)
}

/// All streams' first states from the active one's.
pub(super) fn begin(
    model: &Model,
    sides: &SideStreams,
    x: &[f32],
    d: usize,
) -> Result<Vec<Vec<f32>>, ModelError> {
    let mut streams = through(model, &sides.into, &vec![x.to_vec(); sides.into.len()], x, d)?;
    if sides.active > streams.len() {
        return Err(ModelError::OutOfRange {
            what: "active stream (altup_active_idx)",
            index: sides.active,
            count: streams.len() + 1,
        });
    }
    streams.insert(sides.active, x.to_vec());
    Ok(streams)
}

/// The mean of all streams' last states, the others' on their way back.
pub(super) fn end(
    model: &Model,
    sides: &SideStreams,
    streams: &[Vec<f32>],
    d: usize,
) -> Result<Vec<f32>, ModelError> {
    let Some((first, rest)) = streams.split_first() else { return Ok(Vec::new()) };
    let back = through(model, &sides.out, rest, first, d)?;
    let mut sum = first.clone();
    back.iter().for_each(|stream| super::add(&mut sum, stream));
    let share = 1.0 / streams.len() as f32;
    sum.iter_mut().for_each(|x| *x *= share);
    Ok(sum)
}

/// Each stream through its map, its rows then as large as those of `like`.
fn through(
    model: &Model,
    maps: &[Linear],
    streams: &[Vec<f32>],
    like: &[f32],
    d: usize,
) -> Result<Vec<Vec<f32>>, ModelError> {
    let weights = LayerWeights::of(model);
    let one = |(linear, x): (&Linear, &Vec<f32>)| {
        let mut y = linear::apply(&weights, Map { linear, d_out: d }, x, d)?;
        for (row, like) in y.chunks_exact_mut(d.max(1)).zip(like.chunks_exact(d.max(1))) {
            let size = norm::mean_square(row).max(SMALLEST).sqrt();
            let factor = (norm::mean_square(like).sqrt() / size) as f32;
            row.iter_mut().for_each(|x| *x *= factor);
        }
        Ok(y)
    };
    maps.iter().zip(streams).map(one).collect()
}

/// What each stream is taken to become, from all of them; the layer then runs on the active one.
pub(super) fn predicted(
    weights: &LayerWeights<'_>,
    altup: &AltUp,
    (active, streams): (usize, &[Vec<f32>]),
    d: usize,
) -> Result<Vec<Vec<f32>>, ModelError> {
    let count = streams.len();
    let Some(x) = streams.get(active) else { return Ok(streams.to_vec()) };
    let weighed = modalities(weights, altup, x, count, d)?;
    let map = Map { linear: &altup.predict, d_out: count * count };
    let shares = linear::apply(weights, map, &weighed, count)?;
    let mut found = streams.to_vec();
    for (to, found) in found.iter_mut().enumerate() {
        for (from, stream) in streams.iter().enumerate() {
            for (t, row) in found.chunks_exact_mut(d.max(1)).enumerate() {
                let share = shares[t * count * count + to * count + from];
                row.iter_mut().zip(&stream[t * d..]).for_each(|(y, x)| *y += share * x);
            }
        }
    }
    Ok(found)
}

/// All streams after a layer that made `x` of the active one's prediction; `added` gives what the layer's own input adds.
pub(super) fn corrected(
    weights: &LayerWeights<'_>,
    altup: &AltUp,
    (active, predicted): (usize, Vec<Vec<f32>>),
    x: &[f32],
    d: usize,
    added: impl Fn(&[f32]) -> Result<Vec<f32>, ModelError>,
) -> Result<Vec<Vec<f32>>, ModelError> {
    let count = predicted.len();
    let weighed = modalities(weights, altup, x, count, d)?;
    let shares =
        linear::apply(weights, Map { linear: &altup.correct, d_out: count }, &weighed, count)?;
    let own = predicted.get(active).cloned().unwrap_or_default();
    let mut found = predicted;
    for (to, found) in found.iter_mut().enumerate() {
        for (t, row) in found.chunks_exact_mut(d.max(1)).enumerate() {
            let share = 1.0 + shares[t * count + to];
            let change = x[t * d..].iter().zip(&own[t * d..]);
            row.iter_mut().zip(change).for_each(|(y, (x, own))| *y += share * (x - own));
        }
    }
    let mut first = found.get(active).cloned().unwrap_or_default();
    weights.gain(altup.scale.as_deref(), &mut first, d)?;
    let more = added(&first)?;
    found.iter_mut().skip(1).for_each(|stream| super::add(stream, &more));
    Ok(found)
}

/// What the narrow map beside attention makes of the attention's input, `x` included.
pub(super) fn laurel(
    weights: &LayerWeights<'_>,
    altup: &AltUp,
    x: &[f32],
    d: usize,
) -> Result<Vec<f32>, ModelError> {
    let (left, right, after) = &altup.laurel;
    let rank = linear::d_out(weights, left, d)?;
    let narrow = linear::apply(weights, Map { linear: left, d_out: rank }, x, d)?;
    let wide = linear::apply(weights, Map { linear: right, d_out: d }, &narrow, rank)?;
    let mut y = norm::maybe(weights, Some(after), &wide, d)?.0;
    super::add(&mut y, x);
    Ok(y)
}

/// One weight per stream and position, `[n, count]`.
fn modalities(
    weights: &LayerWeights<'_>,
    altup: &AltUp,
    x: &[f32],
    count: usize,
    d: usize,
) -> Result<Vec<f32>, ModelError> {
    let mut normed = norm::maybe(weights, Some(&altup.router_norm), x, d)?.0;
    normed.iter_mut().for_each(|x| *x /= d as f32);
    let map = Map { linear: &altup.router, d_out: count };
    let mut found = linear::apply(weights, map, &normed, d)?;
    found.iter_mut().for_each(|x| *x = x.tanh());
    Ok(found)
}

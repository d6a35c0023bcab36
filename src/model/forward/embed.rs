//! Token ids to the first state of a residual stream.

use std::collections::BTreeMap;

use super::batch::State;
use super::embedded::{EmbeddingPart, Parts};
use super::products::Map;
use super::weights::LayerWeights;
use super::{input, linear, norm, side_streams};
use crate::model::architecture::{PositionVectors, Positions, Stream};
use crate::model::{Model, ModelError};

/// The first state of a stream that reads tokens; only the rows of the tokens that occur are read.
pub(super) fn tokens(
    model: &Model,
    stream: usize,
    prompts: &[Vec<u32>],
) -> Result<State, ModelError> {
    let none = || ModelError::CannotRun { reason: input::wanted(model) };
    let what = model.arch.streams.get(stream).ok_or_else(none)?;
    let (d, embedding) = (what.d_model, &what.embedding);
    let table = embedding.tokens.as_ref().ok_or_else(none)?;
    if let Some(prompt) = prompts.iter().position(Vec::is_empty) {
        return Err(ModelError::EmptyPrompt { prompt });
    }
    let shape = model.check(table, &[None, None])?;
    let (d_vocab, d_embed) = (shape[0], shape[1]);
    let mut rows: BTreeMap<u32, Vec<f32>> = BTreeMap::new();
    for &id in prompts.iter().flatten() {
        if let std::collections::btree_map::Entry::Vacant(slot) = rows.entry(id) {
            let index = id as usize;
            if index >= d_vocab {
                return Err(ModelError::OutOfRange { what: "token id", index, count: d_vocab });
            }
            slot.insert(model.checkpoint.read_rows(table, index..index + 1)?.f32s()?);
        }
    }
    let mut x: Vec<f32> =
        prompts.iter().flatten().filter_map(|id| rows.get(id)).flatten().copied().collect();
    if embedding.scale != 1.0 {
        x.iter_mut().for_each(|x| *x *= embedding.scale as f32);
    }
    let summed = embedding.positions.is_some() || embedding.token_types.is_some();
    let mut parts = Parts::of(EmbeddingPart::Tokens, &x, summed);
    let weights = LayerWeights::of(model);
    let project = |x: &[f32], parts: &mut Parts| match &embedding.project {
        Some(linear) => {
            let map = Map { linear, d_out: d };
            parts.project(&weights, map, d_embed)?;
            linear::apply(&weights, map, x, d_embed)
        }
        None => Ok(x.to_vec()),
    };
    if embedding.project.is_none() && d_embed != d {
        model.check(table, &[Some(d_vocab), Some(d)])?;
    }
    if !embedding.projects_last {
        x = project(&x, &mut parts)?;
    }
    // Everything up to the norm is as wide as what it is added to.
    let width = if embedding.projects_last { d_embed } else { d };
    if let Some(types) = &embedding.token_types {
        model.check(types, &[None, Some(width)])?;
        let rows = model.checkpoint.read_rows(types, 0..1)?.f32s()?.repeat(x.len() / width.max(1));
        super::add(&mut x, &rows);
        parts.add(EmbeddingPart::Types, rows);
    }
    if let Some(positions) = &embedding.positions {
        let rows = position_vectors(model, positions, prompts, width)?;
        super::add(&mut x, &rows);
        parts.add(EmbeddingPart::Positions, rows);
    }
    let scales;
    (x, scales) = norm::maybe(&weights, embedding.norm.as_ref(), &x, width)?;
    parts.norm(&weights, embedding.norm.as_ref(), &scales, width)?;
    if embedding.projects_last {
        x = project(&x, &mut parts)?;
    }
    let lengths = prompts.iter().map(Vec::len).collect();
    let inputs = embedding.layer_inputs.as_ref();
    let inputs = inputs.map(|all| side_streams::inputs(model, all, prompts, &x, d)).transpose()?;
    let sides = embedding.side_streams.as_ref();
    let streams = sides.map(|sides| side_streams::begin(model, sides, &x, d)).transpose()?;
    let state = State::new(lengths, x, d, None);
    let (layer_inputs, streams) = (inputs.unwrap_or_default(), streams.unwrap_or_default());
    Ok(State { layer_inputs, streams, embedded: parts.finish(), ..state })
}

/// The first state of a stream that reads no tokens, from `x: [n, d_model]`, which a front has made: positions and norm.
pub(super) fn after_front(
    model: &Model,
    stream: &Stream,
    mut x: Vec<f32>,
    grid: Option<[usize; 2]>,
) -> Result<State, ModelError> {
    let d = stream.d_model;
    let n = x.len() / d.max(1);
    let weights = LayerWeights::of(model);
    let summed = stream.embedding.positions.is_some();
    let mut parts = Parts::of(EmbeddingPart::Front, &x, summed);
    if let Some(Positions { vectors: PositionVectors::Table(name), .. }) =
        &stream.embedding.positions
    {
        // [1, n, d_model] in ViT, [n, d_model] in CLIP.
        let table = model.checkpoint.read(name)?.f32s()?;
        if table.len() != x.len() {
            return Err(ModelError::Mismatch {
                what: "length of the input".into(),
                first: format!("{n} positions"),
                second: format!("{} in the model", table.len() / d.max(1)),
            });
        }
        super::add(&mut x, &table);
        parts.add(EmbeddingPart::Positions, table);
    }
    let norm = stream.embedding.norm.as_ref();
    let (resid, scales) = norm::maybe(&weights, norm, &x, d)?;
    parts.norm(&weights, norm, &scales, d)?;
    Ok(State { embedded: parts.finish(), ..State::new(vec![n], resid, d, grid) })
}

/// The row of the table of each position of a prompt.
fn position_rows(positions: &Positions, prompt: &[u32]) -> Vec<usize> {
    let mut next = positions.offset;
    let row = |&id: &u32| {
        if positions.skipped_token == Some(id) {
            return positions.offset.saturating_sub(1);
        }
        let here = next;
        next = next.saturating_add(1);
        here
    };
    prompt.iter().map(row).collect()
}

/// `[all positions, d]`: the vector of each position of each prompt.
fn position_vectors(
    model: &Model,
    positions: &Positions,
    prompts: &[Vec<u32>],
    d: usize,
) -> Result<Vec<f32>, ModelError> {
    let rows: Vec<usize> =
        prompts.iter().flat_map(|prompt| position_rows(positions, prompt)).collect();
    let last = rows.iter().copied().max().unwrap_or(0);
    let table = match &positions.vectors {
        PositionVectors::Table(name) => {
            let n_rows = model.check(name, &[None, Some(d)])?[0];
            if last >= n_rows {
                let count = n_rows.saturating_sub(positions.offset);
                return Err(ModelError::OutOfRange {
                    what: "position",
                    index: last.saturating_sub(positions.offset),
                    count,
                });
            }
            model.checkpoint.read_rows(name, 0..last + 1)?.f32s()?
        }
        PositionVectors::Sinusoids { steps } => sinusoids(last + 1, d, *steps),
    };
    Ok(rows.iter().flat_map(|row| &table[row * d..(row + 1) * d]).copied().collect())
}

/// `[n, d]`: sines in the first half of each row, cosines in the second.
fn sinusoids(n: usize, d: usize, steps: f64) -> Vec<f32> {
    let half = d / 2;
    let mut table = vec![0.0; n * d];
    for (position, row) in table.chunks_exact_mut(d.max(1)).enumerate() {
        for i in 0..half {
            let angle = position as f64 * 10_000f64.powf(-(i as f64) / steps.max(1.0));
            (row[i], row[half + i]) = (angle.sin() as f32, angle.cos() as f32);
        }
    }
    table
}

//! Token ids or pixels to the first residual stream.

use std::collections::BTreeMap;

use super::product::product;
use super::products::Map;
use super::weights::LayerWeights;
use super::{Image, linear, norm};
use crate::model::architecture::{Orientation, Positions};
use crate::model::{Model, ModelError};

/// `[all positions, d_model]` of prompts; only the rows of the tokens that occur are read.
pub(super) fn tokens(model: &Model, prompts: &[Vec<u32>]) -> Result<Vec<f32>, ModelError> {
    let (arch, embedding) = (&model.arch, &model.arch.embedding);
    let d = arch.d_model;
    let Some(table) = &embedding.tokens else {
        return Err(ModelError::CannotRun { reason: "it reads images, not tokens".into() });
    };
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
    if let Some(project) = &embedding.project {
        let map = Map { linear: project, d_out: d };
        x = linear::apply(&LayerWeights::of(model), map, &x, d_embed)?;
    } else if d_embed != d {
        model.check(table, &[Some(d_vocab), Some(d)])?;
    }
    if let Some(types) = &embedding.token_types {
        model.check(types, &[None, Some(d)])?;
        linear::add_bias(&mut x, &model.checkpoint.read_rows(types, 0..1)?.f32s()?);
    }
    if let Some(positions) = &embedding.positions {
        add_positions(model, positions, prompts, &mut x)?;
    }
    Ok(norm::maybe(&LayerWeights::of(model), embedding.norm.as_ref(), &x)?.0)
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

fn add_positions(
    model: &Model,
    positions: &Positions,
    prompts: &[Vec<u32>],
    x: &mut [f32],
) -> Result<(), ModelError> {
    let d = model.arch.d_model;
    let n_rows = model.check(&positions.table, &[None, Some(d)])?[0];
    let rows: Vec<usize> =
        prompts.iter().flat_map(|prompt| position_rows(positions, prompt)).collect();
    let last = rows.iter().copied().max().unwrap_or(0);
    if last >= n_rows {
        let count = n_rows.saturating_sub(positions.offset);
        return Err(ModelError::OutOfRange {
            what: "position",
            index: last.saturating_sub(positions.offset),
            count,
        });
    }
    let table = model.checkpoint.read_rows(&positions.table, 0..last + 1)?.f32s()?;
    for (x, row) in x.chunks_exact_mut(d).zip(rows) {
        super::add(x, &table[row * d..(row + 1) * d]);
    }
    Ok(())
}

/// `[1 + patches, d_model]` of an image: the class token, then the patches row by row.
pub(super) fn image(model: &Model, image: &Image) -> Result<Vec<f32>, ModelError> {
    let (d, embedding) = (model.arch.d_model, &model.arch.embedding);
    let Some(patches) = &embedding.patches else {
        return Err(ModelError::CannotRun { reason: "it reads tokens, not images".into() });
    };
    let [channels, height, width] = image.shape;
    let kernel = &patches.projection.weight;
    let shape = model.check(kernel, &[Some(d), Some(channels), None, None])?;
    let (ph, pw) = (shape[2], shape[3]);
    let mismatch = |first: String, second: String| ModelError::Mismatch {
        what: "size of the image".into(),
        first,
        second,
    };
    if ph == 0
        || pw == 0
        || height < ph
        || width < pw
        || image.pixels.len() != channels * height * width
    {
        return Err(mismatch(
            format!("{:?}, {} values", image.shape, image.pixels.len()),
            format!("patches of {ph} × {pw}"),
        ));
    }
    let mut flat = Vec::with_capacity(image.pixels.len());
    for row in 0..height / ph {
        for column in 0..width / pw {
            for channel in 0..channels {
                for y in row * ph..(row + 1) * ph {
                    let start = (channel * height + y) * width + column * pw;
                    flat.extend_from_slice(&image.pixels[start..start + pw]);
                }
            }
        }
    }
    let weights = model.checkpoint.read(kernel)?.f32s()?;
    let mut projected = product(&flat, &weights, Orientation::OutIn, channels * ph * pw, d);
    if let Some(bias) = &patches.projection.bias {
        linear::add_bias(&mut projected, &model.read(bias, &[Some(d)])?.f32s()?);
    }
    let mut x = model.checkpoint.read(&patches.class_token)?.f32s()?;
    if x.len() != d {
        return Err(mismatch(
            format!("a class token of {} values", x.len()),
            format!("d_model {d}"),
        ));
    }
    x.append(&mut projected);
    if let Some(positions) = &embedding.positions {
        // [1, n, d_model] in ViT, [n, d_model] in CLIP.
        let table = model.checkpoint.read(&positions.table)?.f32s()?;
        if table.len() != x.len() {
            return Err(mismatch(
                format!("{} positions", x.len() / d),
                format!("{} in the model", table.len() / d),
            ));
        }
        super::add(&mut x, &table);
    }
    Ok(norm::maybe(&LayerWeights::of(model), embedding.norm.as_ref(), &x)?.0)
}

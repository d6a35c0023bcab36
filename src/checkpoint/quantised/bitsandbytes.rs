//! bitsandbytes in 4 bits: a table of sixteen values (NF4 or FP4), one scale for each block, the scales quantised once more where
//! `nested_absmax` is there.
//!
//! `weight` holds two codes a byte, the high half first, of the matrix as one row. Source: bitsandbytes' `QuantState` and
//! `dequantize_4bit`; QLoRA, arXiv:2305.14314, for the method.

use std::ops::Range;

use serde::Deserialize;

use super::{Found, Parts};
use crate::checkpoint::derived::{Derive, Reader};
use crate::checkpoint::{CheckpointError, TensorEntry};

const FORMAT: &str = "bitsandbytes 4 bits";

/// The JSON in `weight.quant_state.bitsandbytes__nf4`.
#[derive(Deserialize)]
struct State {
    shape: Vec<usize>,
    blocksize: usize,
    #[serde(default)]
    quant_type: String,
    #[serde(default)]
    nested_blocksize: usize,
    #[serde(default)]
    nested_offset: f32,
}

struct FourBits {
    codes: TensorEntry,
    table: TensorEntry,
    scales: TensorEntry,
    nested: Option<(TensorEntry, TensorEntry)>,
    state: State,
}

pub(super) fn found(parts: &Parts<'_>, reader: Reader<'_>) -> Result<Found, CheckpointError> {
    let misfit = |reason: String| parts.misfit(FORMAT, reason);
    let state = parts.parts.iter().find(|(part, _)| part.starts_with("weight.quant_state."));
    let Some((_, state)) = state else {
        return Err(misfit("its quant_state is not here".to_owned()));
    };
    let state: State = serde_json::from_slice(&reader.whole(state)?.bytes)
        .map_err(|error| misfit(format!("its quant_state cannot be read ({error})")))?;
    let codes = parts.need("weight", FORMAT)?;
    let elements = state.shape.iter().try_fold(1usize, |product, &n| product.checked_mul(n));
    let (scales, table) =
        (parts.need("weight.absmax", FORMAT)?, parts.need("weight.quant_map", FORMAT)?);
    let nested = match (parts.get("weight.nested_absmax"), parts.get("weight.nested_quant_map")) {
        (Some(scales), Some(table)) => Some((scales.clone(), table.clone())),
        _ => None,
    };
    let fits = elements.is_some_and(|n| {
        n.div_ceil(2) == codes.elements()
            && state.blocksize > 0
            && n.div_ceil(state.blocksize) == scales.elements()
            && table.elements() == 16
            && (scales.dtype.is_weights() || nested.is_some() && state.nested_blocksize > 0)
            && state.shape.len() == 2
    });
    if !fits {
        return Err(misfit("shape, blocks and scales do not come out even".to_owned()));
    }
    let label = format!("bitsandbytes {}", if state.quant_type == "fp4" { "FP4" } else { "NF4" });
    let shape = state.shape.clone();
    let (codes, table, scales) = (codes.clone(), table.clone(), scales.clone());
    Ok(parts.found(label, shape, Box::new(FourBits { codes, table, scales, nested, state })))
}

impl Derive for FourBits {
    fn rows(&self, read: &Reader<'_>, rows: Range<usize>) -> Result<Vec<f32>, CheckpointError> {
        let width: usize = self.state.shape.iter().skip(1).product();
        let elements = rows.start * width..rows.end * width;
        let table = read.whole(&self.table)?.f32s()?;
        let blocks =
            elements.start / self.state.blocksize..elements.end.div_ceil(self.state.blocksize);
        let size = u64::from(self.scales.dtype.bits() / 8);
        let bytes =
            read.bytes(&self.scales, blocks.start as u64 * size..blocks.end as u64 * size)?;
        let scales = match &self.nested {
            Some((nested, table)) => {
                let (nested, table) = (read.whole(nested)?.f32s()?, read.whole(table)?.f32s()?);
                let scale = |(i, code): (usize, &u8)| {
                    let outer = nested.get((blocks.start + i) / self.state.nested_blocksize);
                    let value = table.get(usize::from(*code)).copied().unwrap_or(f32::NAN);
                    value * outer.copied().unwrap_or(f32::NAN) + self.state.nested_offset
                };
                bytes.iter().enumerate().map(scale).collect()
            }
            None => self.scales.dtype.f32s(&bytes),
        };
        let first = elements.start / 2;
        let codes = read.bytes(&self.codes, first as u64..elements.end.div_ceil(2) as u64)?;
        let value = |element: usize| {
            let byte = codes.get(element / 2 - first).copied().unwrap_or(0);
            let code = if element.is_multiple_of(2) { byte >> 4 } else { byte & 15 };
            let scale = scales.get(element / self.state.blocksize - blocks.start);
            table[usize::from(code)] * scale.copied().unwrap_or(f32::NAN)
        };
        Ok(elements.map(value).collect())
    }
}

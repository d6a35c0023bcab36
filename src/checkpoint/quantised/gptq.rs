//! GPTQ: codes packed along the inputs, zeros along the outputs, `w[in, out] = scale[g, out] · (q − zero[g, out])`.
//!
//! `qweight [d_in·bits/32, d_out]`, `qzeros [groups, d_out·bits/32]`, `scales [groups, d_out]`, and `g_idx [d_in]` where inputs were
//! sorted. The first version of the format stores `zero − 1`, version 2 (`checkpoint_format: gptq_v2`) the zero itself.
//! Source: AutoGPTQ and GPTQModel, whose layers read it; arXiv:2210.17323 for the method.

use std::ops::Range;

use super::{Found, Parts, Settings, bits, sizes};
use crate::checkpoint::derived::{Derive, Reader};
use crate::checkpoint::{CheckpointError, TensorEntry};

const FORMAT: &str = "GPTQ";

struct Gptq {
    codes: TensorEntry,
    zeros: Option<TensorEntry>,
    scales: TensorEntry,
    groups: Option<TensorEntry>,
    bits: usize,
    group: usize,
    d_in: usize,
    /// What is added to a stored zero.
    zero_offset: u32,
}

pub(super) fn found(parts: &Parts<'_>, settings: &Settings) -> Result<Found, CheckpointError> {
    let [n_words, d_out] = parts.matrix("qweight", FORMAT)?;
    let [n_groups, width] = parts.matrix("scales", FORMAT)?;
    let zeros = parts.get("qzeros");
    let by_zeros = match zeros.map(|zeros| zeros.shape.as_slice()) {
        Some(&[rows, columns]) if rows == n_groups && d_out > 0 => Some(columns * 32 / d_out),
        _ => None,
    };
    let bits = by_zeros.or_else(|| settings.number(parts.module, &["bits", "w_bit"])).unwrap_or(0);
    let misfit = |reason: String| parts.misfit(FORMAT, reason);
    let fits = [2, 3, 4, 8].contains(&bits)
        && width == d_out
        && n_groups > 0
        && (n_words * 32).is_multiple_of(bits)
        && zeros.is_none_or(|zeros| zeros.elements() * 32 == n_groups * d_out * bits);
    if !fits {
        return Err(misfit(format!(
            "codes of {n_words} × {d_out}, scales of {n_groups} × {width} and zeros of {}",
            zeros.map_or_else(|| "nothing".to_owned(), |zeros| sizes(&zeros.shape))
        )));
    }
    let d_in = n_words * 32 / bits;
    let groups = parts.get("g_idx");
    if groups.is_some_and(|groups| groups.elements() != d_in || groups.dtype.bits() != 32) {
        return Err(misfit(format!("g_idx does not name a group for each of {d_in} inputs")));
    }
    let group = settings
        .number(parts.module, &["group_size"])
        .filter(|&size| size > 0 && d_in.div_ceil(size) == n_groups);
    let second = settings.text(parts.module, "checkpoint_format") == Some("gptq_v2");
    let gptq = Gptq {
        codes: parts.need("qweight", FORMAT)?.clone(),
        zeros: zeros.cloned(),
        scales: parts.need("scales", FORMAT)?.clone(),
        groups: groups.cloned(),
        bits,
        group: group.unwrap_or_else(|| d_in.div_ceil(n_groups)).max(1),
        d_in,
        zero_offset: u32::from(!second),
    };
    Ok(parts.found(format!("GPTQ {bits} bits"), vec![d_out, d_in], Box::new(gptq)))
}

impl Derive for Gptq {
    fn rows(&self, read: &Reader<'_>, rows: Range<usize>) -> Result<Vec<f32>, CheckpointError> {
        let (bits, d_in) = (self.bits, self.d_in);
        let words = bits::words(&read.whole(&self.codes)?.bytes);
        let scales = read.whole(&self.scales)?;
        let d_out = self.codes.shape.get(1).copied().unwrap_or(0);
        let n_groups = scales.shape.first().copied().unwrap_or(0);
        let scales = scales.f32s()?;
        let zeros = self.zeros.as_ref().map(|zeros| read.whole(zeros)).transpose()?;
        let group_of: Vec<usize> = match &self.groups {
            Some(groups) => bits::integers(&read.whole(groups)?.bytes)
                .into_iter()
                .map(|group| usize::try_from(group).unwrap_or(n_groups))
                .collect(),
            None => (0..d_in).map(|input| input / self.group).collect(),
        };
        let mask = (1u32 << bits) - 1;
        let zero_row = d_out * bits / 8;
        let zero = |group: usize, output: usize| -> f32 {
            let Some(zeros) = &zeros else { return (1u32 << (bits - 1)) as f32 };
            let row = zeros.bytes.get(group * zero_row..(group + 1) * zero_row).unwrap_or_default();
            ((u32::from(bits::code(row, output * bits, bits)) + self.zero_offset) & mask) as f32
        };
        let word =
            |row: usize, output: usize| words.get(row * d_out + output).copied().unwrap_or(0);
        let mut values = Vec::with_capacity(rows.len() * d_in);
        for output in rows {
            let zeros: Vec<f32> = (0..n_groups).map(|group| zero(group, output)).collect();
            for (input, &group) in group_of.iter().enumerate() {
                let at = input * bits;
                let both =
                    u64::from(word(at / 32, output)) | u64::from(word(at / 32 + 1, output)) << 32;
                let code = (both >> (at % 32)) as u32 & mask;
                // A group that does not exist makes its weights NaN, which is counted and shown, not hidden.
                let scale = scales.get(group * d_out + output).copied().unwrap_or(f32::NAN);
                values.push(scale * (code as f32 - zeros.get(group).copied().unwrap_or(0.0)));
            }
        }
        Ok(values)
    }
}

//! AWQ: 4-bit codes packed along the outputs, eight in a word and not in order, `w[in, out] = scale[g, out] · (q − zero[g, out])`.
//!
//! `qweight [d_in, d_out/8]`, `qzeros [groups, d_out/8]`, `scales [groups, d_out]`. Place `i` of a word holds output `ORDER[i]`.
//! Source: AutoAWQ's `WQLinear_GEMM`; arXiv:2306.00978 for the method.

use std::ops::Range;

use super::{Found, Parts, Settings, bits};
use crate::checkpoint::derived::{Derive, Reader};
use crate::checkpoint::{CheckpointError, TensorEntry};

const FORMAT: &str = "AWQ";
/// The place, in four-bit steps, of each of eight outputs: the inverse of the packing order 0, 2, 4, 6, 1, 3, 5, 7.
const PLACE: [usize; 8] = [0, 4, 1, 5, 2, 6, 3, 7];

struct Awq {
    codes: TensorEntry,
    zeros: TensorEntry,
    scales: TensorEntry,
    group: usize,
}

/// True if the codes are packed along the outputs: a word for eight scales.
pub(super) fn fits(parts: &Parts<'_>) -> bool {
    let columns =
        |part: &str| parts.get(part).and_then(|entry| entry.shape.get(1)).copied().unwrap_or(0);
    columns("qweight") > 0 && columns("qweight") * 8 == columns("scales")
}

pub(super) fn found(parts: &Parts<'_>, settings: &Settings) -> Result<Found, CheckpointError> {
    let [d_in, n_words] = parts.matrix("qweight", FORMAT)?;
    let [n_groups, d_out] = parts.matrix("scales", FORMAT)?;
    let zeros = parts.matrix("qzeros", FORMAT)?;
    if n_groups == 0
        || zeros != [n_groups, n_words]
        || settings.text(parts.module, "version").is_some_and(|v| v == "gemv")
    {
        let reason = format!(
            "codes of {d_in} × {n_words}, scales of {n_groups} × {d_out}, zeros of {} × {}",
            zeros[0], zeros[1]
        );
        return Err(parts.misfit(FORMAT, reason));
    }
    let group = settings
        .number(parts.module, &["group_size", "q_group_size"])
        .filter(|&size| size > 0 && d_in.div_ceil(size) == n_groups);
    let awq = Awq {
        codes: parts.need("qweight", FORMAT)?.clone(),
        zeros: parts.need("qzeros", FORMAT)?.clone(),
        scales: parts.need("scales", FORMAT)?.clone(),
        group: group.unwrap_or_else(|| d_in.div_ceil(n_groups)).max(1),
    };
    Ok(parts.found("AWQ 4 bits".to_owned(), vec![d_out, d_in], Box::new(awq)))
}

impl Derive for Awq {
    fn rows(&self, read: &Reader<'_>, rows: Range<usize>) -> Result<Vec<f32>, CheckpointError> {
        let (codes, zeros) = (read.whole(&self.codes)?, read.whole(&self.zeros)?);
        let (d_in, row) = (codes.shape[0], codes.shape[1] * 4);
        let scales = read.whole(&self.scales)?;
        let d_out = scales.shape[1];
        let scales = scales.f32s()?;
        let code = |bytes: &[u8], line: usize, output: usize| {
            let bytes = bytes.get(line * row..(line + 1) * row).unwrap_or_default();
            f32::from(bits::code(bytes, (output / 8 * 8 + PLACE[output % 8]) * 4, 4))
        };
        let mut values = Vec::with_capacity(rows.len() * d_in);
        for output in rows {
            for input in 0..d_in {
                let group = input / self.group;
                let scale = scales.get(group * d_out + output).copied().unwrap_or(f32::NAN);
                values.push(
                    scale * (code(&codes.bytes, input, output) - code(&zeros.bytes, group, output)),
                );
            }
        }
        Ok(values)
    }
}

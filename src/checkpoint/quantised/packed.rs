//! compressed-tensors' packed integers: `w = (q − zero) · scale` with codes of 4 or 8 bits, eight or four in a word, 2^(bits−1)
//! added to each so that it has no sign.
//!
//! `weight_packed [d_out, d_in/n]`, `weight_scale [d_out, groups]`, `weight_shape`, and where they are not symmetric
//! `weight_zero_point`, packed along the outputs in the same way. Source: the library's `pack-quantized` compressor.

use std::ops::Range;

use super::{Found, Parts, Settings, bits, sizes};
use crate::checkpoint::derived::{Derive, Reader};
use crate::checkpoint::{CheckpointError, Dtype, TensorEntry};

const FORMAT: &str = "compressed-tensors";

struct Packed {
    codes: TensorEntry,
    scales: TensorEntry,
    zeros: Option<TensorEntry>,
    groups: Option<TensorEntry>,
    bits: usize,
    d_in: usize,
}

pub(super) fn found(
    parts: &Parts<'_>,
    _settings: &Settings,
    reader: Reader<'_>,
) -> Result<Found, CheckpointError> {
    let [d_out, n_words] = parts.matrix("weight_packed", FORMAT)?;
    let codes = parts.need("weight_packed", FORMAT)?;
    let scales = parts.need("weight_scale", FORMAT)?;
    let misfit = |reason: String| parts.misfit(FORMAT, reason);
    let shape = match parts.get("weight_shape") {
        Some(shape) => whole_numbers(&reader.whole(shape)?.bytes, shape.dtype),
        None => return Err(misfit("there is no weight_shape".to_owned())),
    };
    let (Some(&rows), Some(&d_in)) = (shape.first(), shape.get(1)) else {
        return Err(misfit("its weight_shape is not of two numbers".to_owned()));
    };
    let width = [4, 8].into_iter().find(|bits| d_in.div_ceil(32 / bits) == n_words);
    let groups = parts.get("weight_g_idx");
    let n_groups = scales.elements() / d_out.max(1);
    let Some(width) = width.filter(|_| {
        rows == d_out
            && codes.dtype.bits() == 32
            && scales.elements() == d_out * n_groups
            && n_groups > 0
            && (groups.is_some() || d_in.is_multiple_of(n_groups))
            && groups.is_none_or(|groups| groups.elements() == d_in && groups.dtype.bits() == 32)
    }) else {
        return Err(misfit(format!(
            "codes of {} and scales of {} for a matrix of {rows} × {d_in}",
            sizes(&codes.shape),
            sizes(&scales.shape)
        )));
    };
    let zeros = parts.get("weight_zero_point");
    let unpacked =
        |zeros: &TensorEntry| zeros.dtype.name() == "I8" && zeros.elements() == scales.elements();
    let packed = |zeros: &TensorEntry| {
        zeros.dtype.bits() == 32 && zeros.elements() == d_out.div_ceil(32 / width) * n_groups
    };
    if zeros.is_some_and(|zeros| !unpacked(zeros) && !packed(zeros)) {
        return Err(misfit("its zeros do not fit its scales".to_owned()));
    }
    let derive = Packed {
        codes: codes.clone(),
        scales: scales.clone(),
        zeros: zeros.cloned(),
        groups: groups.cloned(),
        bits: width,
        d_in,
    };
    Ok(parts.found(format!("compressed-tensors int{width}"), vec![d_out, d_in], Box::new(derive)))
}

/// The numbers of `weight_shape`, in 32 or 64 bits.
fn whole_numbers(bytes: &[u8], dtype: Dtype) -> Vec<usize> {
    let size = dtype.bits() as usize / 8;
    let number = |chunk: &[u8]| {
        let mut wide = [0; 8];
        wide.iter_mut().zip(chunk).for_each(|(to, from)| *to = *from);
        usize::try_from(u64::from_le_bytes(wide)).unwrap_or(usize::MAX)
    };
    bytes.chunks_exact(size.max(1)).map(number).collect()
}

impl Derive for Packed {
    fn rows(&self, read: &Reader<'_>, rows: Range<usize>) -> Result<Vec<f32>, CheckpointError> {
        let (bits, per_word) = (self.bits, 32 / self.bits);
        let half = (1i32 << (bits - 1)) as f32;
        let codes = read.rows(&self.codes, rows.clone())?.bytes;
        let scales = read.rows(&self.scales, rows.clone())?.f32s()?;
        let n_groups = scales.len() / rows.len().max(1);
        let group_of: Vec<usize> = match &self.groups {
            Some(groups) => bits::integers(&read.whole(groups)?.bytes)
                .into_iter()
                .map(|group| usize::try_from(group).unwrap_or(n_groups))
                .collect(),
            None => {
                (0..self.d_in).map(|input| input / (self.d_in / n_groups.max(1)).max(1)).collect()
            }
        };
        let zeros: Vec<f32> = match &self.zeros {
            None => vec![0.0; scales.len()],
            Some(zeros) if zeros.dtype.name() == "I8" => read
                .rows(zeros, rows.clone())?
                .bytes
                .iter()
                .map(|&byte| f32::from(byte as i8))
                .collect(),
            Some(zeros) => {
                let words = bits::words(&read.whole(zeros)?.bytes);
                let zero = |row: usize, group: usize| {
                    let word = words.get(row / per_word * n_groups + group).copied().unwrap_or(0);
                    ((word >> (row % per_word * bits)) & ((1 << bits) - 1)) as f32 - half
                };
                rows.clone()
                    .flat_map(|row| (0..n_groups).map(move |group| (row, group)))
                    .map(|(row, group)| zero(row, group))
                    .collect()
            }
        };
        let row_bytes = codes.len() / rows.len().max(1);
        let mut values = Vec::with_capacity(rows.len() * self.d_in);
        for (row, codes) in codes.chunks_exact(row_bytes.max(1)).enumerate() {
            for (input, &group) in group_of.iter().enumerate() {
                let place = row * n_groups + group;
                let scale =
                    scales.get(place).copied().filter(|_| group < n_groups).unwrap_or(f32::NAN);
                let zero = zeros.get(place).copied().unwrap_or(0.0);
                values
                    .push((f32::from(bits::code(codes, input * bits, bits)) - half - zero) * scale);
            }
        }
        Ok(values)
    }
}

//! Quantised weights: codes and scales that become numbers again, by the published formula of each format.
//!
//! Which format a matrix is in is read off the names and shapes of its parts; `config.json` settles what they leave open. Every
//! format decodes rows of `[d_out, d_in]`, one matrix in memory at a time. What comes out is near the original weights and is not
//! them: the checkpoint carries a mark that says so.
//!
//! | format | parts of a matrix | file |
//! |---|---|---|
//! | FP8, int8 | codes with one scale for all, each row, each group or each block | [`scaled`] |
//! | MXFP4 | pairs of 4-bit floats, a power of two for each 32 | [`mxfp4`] |
//! | MLX | groups of 2 to 8 bits with scale and offset | [`mlx`] |
//! | GPTQ, AWQ | packed codes, packed zeros, scales by group | [`gptq`], [`awq`] |
//! | bitsandbytes | NF4 or FP4 in blocks | [`bitsandbytes`] |
//! | compressed-tensors | packed int4 or int8 by group | [`packed`] |

mod awq;
mod bits;
mod bitsandbytes;
mod gptq;
mod mlx;
mod mxfp4;
mod packed;
mod scaled;
mod settings;

use std::collections::BTreeMap;

pub(super) use settings::Settings;

use super::derived::{Derive, Reader};
use super::error::{listed, quoted};
use super::foreign::quantised_name;
use super::{CheckpointError, TensorEntry, derived};
use crate::math::order::{map_of, set_of};

/// A matrix that was recognised.
struct Found {
    /// The format and its width, for people.
    label: String,
    /// Name behind the module's, ".weight" in most formats.
    name: String,
    /// `[d_out, d_in]`, or with experts in front.
    shape: Vec<usize>,
    derive: Box<dyn Derive>,
    /// The parts that are used up.
    used: Vec<String>,
}

/// The tensors of a checkpoint once codes count as what they stand for.
pub(super) struct Dequantised {
    pub(super) entries: Vec<TensorEntry>,
    pub(super) derived: BTreeMap<String, Box<dyn Derive>>,
    /// What all derived numbers are to be marked with.
    pub(super) mark: Option<String>,
}

/// The parts of one quantised matrix, by what stands behind the module's name.
struct Parts<'a> {
    module: &'a str,
    parts: BTreeMap<&'a str, &'a TensorEntry>,
}

/// What may stand behind a module's name; longer endings first, so that the module is the whole rest.
const ENDINGS: [&str; 17] = [
    "weight.nested_quant_map",
    "weight.nested_absmax",
    "weight.quant_map",
    "weight.absmax",
    "weight_zero_point",
    "weight_scale_inv",
    "weight_packed",
    "weight_g_idx",
    "weight_scale",
    "weight_shape",
    "qweight",
    "qzeros",
    "scales",
    "biases",
    "g_idx",
    "SCB",
    "weight",
];

/// The endings that say that a module is quantised.
const SIGNS: [&str; 7] = [
    "qweight",
    "weight_packed",
    "weight_scale",
    "weight_scale_inv",
    "SCB",
    "weight.absmax",
    "scales",
];

/// Recognises quantised matrices and puts what they stand for in their place.
///
/// # Errors
/// [`CheckpointError::Quantised`] for a format that is not decoded, named; [`CheckpointError::Codes`] where the parts of one do not
/// fit together; or what reading the small parts says.
pub(super) fn dequantise(
    entries: Vec<TensorEntry>,
    settings: &Settings,
    reader: Reader<'_>,
) -> Result<Dequantised, CheckpointError> {
    if let Some(method) = settings.refused() {
        return Err(refused(format!("quantization in config.json: {}", quoted(method))));
    }
    let mut found = Vec::new();
    for parts in modules(&entries) {
        found.push(recognise(&parts, settings, reader)?);
    }
    found.extend(mxfp4::all(&entries)?);
    let used = set_of(found.iter().flat_map(|found| found.used.iter().map(String::as_str)));
    let rest = entries
        .iter()
        .find(|entry| quantised_name(&entry.name) && !used.contains(entry.name.as_str()));
    let beside = |name: &str| {
        ["input_scale", "output_scale", "k_scale", "v_scale"].iter().any(|end| name.ends_with(end))
    };
    if let Some(entry) = rest.filter(|entry| !beside(&entry.name)) {
        return Err(refused(format!("tensor {}", quoted(&entry.name))));
    }
    let labels = set_of(found.iter().map(|found| found.label.as_str()));
    let mark = (!labels.is_empty()).then(|| {
        let labels = listed(labels.iter().copied());
        format!("dequantised from {labels}: not the original weights")
    });
    if let (None, Some(method)) = (&mark, settings.method())
        && let Some(entry) = entries
            .iter()
            .find(|entry| entry.name.ends_with(".weight") && !entry.dtype.is_weights())
    {
        return Err(refused(format!(
            "{} in config.json, {} in tensor {}",
            quoted(method),
            entry.dtype.name(),
            quoted(&entry.name)
        )));
    }
    let files = map_of(entries.iter().map(|entry| (entry.name.as_str(), entry.file)));
    let made: Vec<TensorEntry> = found
        .iter()
        .map(|found| {
            let file = found.used.first().and_then(|name| files.get(name.as_str())).copied();
            derived::entry(
                found.name.clone(),
                found.shape.clone(),
                file.unwrap_or(0),
                found.label.clone(),
            )
        })
        .collect();
    let mut kept: Vec<TensorEntry> =
        entries.iter().filter(|entry| !used.contains(entry.name.as_str())).cloned().collect();
    kept.extend(made);
    let derived = found.into_iter().map(|found| (found.name, found.derive)).collect();
    Ok(Dequantised { entries: kept, derived, mark })
}

fn refused(sign: String) -> CheckpointError {
    CheckpointError::Quantised { sign }
}

/// The modules with a sign of being quantised, each with its parts.
fn modules(entries: &[TensorEntry]) -> Vec<Parts<'_>> {
    let split = |entry: &'_ TensorEntry| -> Option<(usize, usize)> {
        let name = &entry.name;
        if let Some(at) = name.find(".weight.quant_state.") {
            return Some((at, at + 1));
        }
        let ending = ENDINGS.iter().find(|ending| {
            name.strip_suffix(**ending).is_some_and(|module| module.ends_with('.'))
        })?;
        let at = name.len() - ending.len() - 1;
        Some((at, at + 1))
    };
    let mut modules: BTreeMap<&str, BTreeMap<&str, &TensorEntry>> = BTreeMap::new();
    for entry in entries {
        if let Some((end, start)) = split(entry) {
            modules.entry(&entry.name[..end]).or_default().insert(&entry.name[start..], entry);
        }
    }
    modules
        .into_iter()
        .filter(|(_, parts)| SIGNS.iter().any(|sign| parts.contains_key(sign)))
        .map(|(module, parts)| Parts { module, parts })
        .collect()
}

fn recognise(
    parts: &Parts<'_>,
    settings: &Settings,
    reader: Reader<'_>,
) -> Result<Found, CheckpointError> {
    let weight = parts.get("weight").map(|weight| weight.dtype.name());
    let has = |part: &str| parts.get(part).is_some();
    match weight {
        _ if has("qweight") && has("scales") => {
            if awq::fits(parts) {
                awq::found(parts, settings)
            } else {
                gptq::found(parts, settings)
            }
        }
        _ if has("weight_packed") => packed::found(parts, settings, reader),
        Some("U8") if has("weight.absmax") => bitsandbytes::found(parts, reader),
        Some("U32") if has("scales") => mlx::found(parts, settings),
        Some("I8") if has("SCB") => scaled::of_rows(parts),
        Some("I8" | "F8_E4M3" | "F8_E5M2") if has("weight_scale") || has("weight_scale_inv") => {
            scaled::found(parts, settings)
        }
        // A scale beside plain numbers belongs to something else (the gains of a norm, say) only by name; it cannot be told.
        _ => Err(refused(format!(
            "tensors {}",
            listed(parts.parts.values().map(|entry| entry.name.as_str()))
        ))),
    }
}

impl<'a> Parts<'a> {
    fn get(&self, part: &str) -> Option<&'a TensorEntry> {
        self.parts.get(part).copied()
    }

    /// A part that the format cannot do without.
    fn need(
        &self,
        part: &'static str,
        format: &'static str,
    ) -> Result<&'a TensorEntry, CheckpointError> {
        self.get(part).ok_or_else(|| self.misfit(format, format!("there is no {part}")))
    }

    /// A matrix part's two sizes.
    fn matrix(
        &self,
        part: &'static str,
        format: &'static str,
    ) -> Result<[usize; 2], CheckpointError> {
        let entry = self.need(part, format)?;
        match entry.shape.as_slice() {
            &[rows, columns] => Ok([rows, columns]),
            shape => Err(self.misfit(format, format!("{part} has the shape {}", sizes(shape)))),
        }
    }

    fn misfit(&self, format: &'static str, reason: String) -> CheckpointError {
        CheckpointError::Codes { module: quoted(self.module), format, reason }
    }

    /// What was found, all parts used up.
    fn found(&self, label: String, shape: Vec<usize>, derive: Box<dyn Derive>) -> Found {
        let used = self.parts.values().map(|entry| entry.name.clone()).collect();
        Found { label, name: format!("{}.weight", self.module), shape, derive, used }
    }
}

/// A shape for people: "4 × 3".
fn sizes(shape: &[usize]) -> String {
    let sizes: Vec<String> = shape.iter().map(usize::to_string).collect();
    if sizes.is_empty() { "of a single number".to_owned() } else { sizes.join(" × ") }
}

//! `omega inspect`: what the files are, before anything is computed.

use std::collections::BTreeMap;

use serde::Serialize;

use super::files::print_json;
use super::{CliError, ModelArgs, inspect_text};
use crate::checkpoint::{Checkpoint, TensorEntry};
use crate::circuits::convention::Convention;
use crate::model::tokenizer::{Start, Tokenizer};
use crate::model::{Model, Weights};

/// Say what a checkpoint is: family, sizes, number formats, what is missing
#[derive(Debug, Clone, clap::Args)]
pub struct Args {
    #[command(flatten)]
    model: ModelArgs,
    /// Print JSON instead of text
    #[arg(long)]
    json: bool,
    /// List every tensor too
    #[arg(long)]
    tensors: bool,
    /// Read every weight and say where NaN and infinities are
    #[arg(long)]
    check: bool,
}

/// One weights file.
#[derive(Debug, Serialize)]
pub(super) struct File {
    pub(super) name: String,
    /// Bytes.
    pub(super) size: u64,
}

/// A tensor with values that are not finite.
#[derive(Debug, Serialize)]
pub(super) struct Bad {
    pub(super) tensor: String,
    pub(super) count: usize,
    /// Index of the first along each axis.
    pub(super) first: Vec<usize>,
}

/// The tokenizer that came with the weights.
#[derive(Debug, Serialize)]
pub(super) struct Words {
    pub(super) n_tokens: usize,
    /// What stands in front of a prompt, as tokens.
    pub(super) before: Vec<String>,
    /// What stands behind it.
    pub(super) after: Vec<String>,
    /// Whether that is put there by default.
    pub(super) by_default: bool,
}

/// What `omega inspect` prints, as text or as JSON.
#[derive(Debug, Serialize)]
pub(super) struct Inspection<'a> {
    pub(super) family: &'static str,
    pub(super) title: &'static str,
    pub(super) n_layers: usize,
    pub(super) n_heads: usize,
    pub(super) n_kv_heads: usize,
    pub(super) d_model: usize,
    pub(super) d_head: usize,
    pub(super) d_vocab: Option<usize>,
    /// The number format of most weights.
    pub(super) dtype: &'a str,
    /// Elements per number format.
    pub(super) dtypes: BTreeMap<&'a str, usize>,
    /// Bytes of all weights files.
    pub(super) size: u64,
    pub(super) n_tensors: usize,
    pub(super) n_parameters: usize,
    pub(super) files: Vec<File>,
    pub(super) side_files: Vec<&'a str>,
    pub(super) causal: bool,
    /// How positions enter: "rotary", "ALiBi" or "absolute".
    pub(super) positions: &'static str,
    pub(super) tokenizer: Option<Words>,
    /// Layers whose heads can be seen.
    pub(super) complete_layers: Vec<usize>,
    pub(super) missing_shards: &'a [String],
    /// What would make more work if it were there.
    pub(super) missing: Vec<String>,
    pub(super) convention: Convention,
    pub(super) notes: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) not_finite: Option<Vec<Bad>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) tensors: Option<Vec<&'a TensorEntry>>,
}

/// Runs the subcommand.
///
/// # Errors
/// [`CliError`] if the files are no model that is understood, or the result cannot be written.
pub fn run(args: &Args) -> Result<(), CliError> {
    let model = args.model.open()?;
    let inspection = inspect(&model, args)?;
    if args.json { print_json(&inspection) } else { Ok(inspect_text::print(&inspection)?) }
}

fn inspect<'a>(model: &'a Model, args: &Args) -> Result<Inspection<'a>, CliError> {
    let (arch, checkpoint) = (&model.arch, &model.checkpoint);
    let mut dtypes = BTreeMap::new();
    let mut weights = BTreeMap::new();
    for entry in checkpoint.entries() {
        *dtypes.entry(entry.stored_as()).or_default() += entry.elements();
        if entry.dtype.is_weights() {
            *weights.entry(entry.stored_as()).or_insert(0) += entry.elements();
        }
    }
    let mut notes: Vec<String> = model.notes.iter().chain(checkpoint.notes()).cloned().collect();
    notes.extend(Tokenizer::unread(checkpoint));
    let tokenizer = Tokenizer::from_side_files(checkpoint).unwrap_or_else(|error| {
        notes.push(format!("No tokenizer: {error}."));
        None
    });
    let rotary = arch.attentions().any(|a| a.rope.is_some());
    Ok(Inspection {
        family: arch.family,
        title: arch.title,
        n_layers: arch.n_layers,
        n_heads: arch.n_heads,
        n_kv_heads: arch.n_kv_heads,
        d_model: arch.d_model,
        d_head: arch.d_head,
        d_vocab: arch.d_vocab,
        dtype: weights.iter().max_by_key(|(_, count)| **count).map_or("none", |(name, _)| *name),
        dtypes,
        size: checkpoint.size(),
        n_tensors: checkpoint.entries().len(),
        n_parameters: weights.values().sum(),
        files: checkpoint
            .files()
            .map(|(name, size)| File { name: name.to_owned(), size })
            .collect(),
        side_files: checkpoint.side_file_names().collect(),
        causal: arch.causal(),
        positions: if rotary {
            "rotary"
        } else if arch.alibi.is_some() {
            "ALiBi"
        } else {
            "absolute"
        },
        missing: missing(model, tokenizer.is_some()),
        tokenizer: tokenizer.map(|tokenizer| words(&tokenizer, tokenizer.default_bos(arch))),
        complete_layers: model.readable_layers(),
        missing_shards: checkpoint.missing_shards(),
        convention: args.model.convention(model, Weights::Folded),
        notes,
        not_finite: args.check.then(|| not_finite(checkpoint)).transpose()?,
        tensors: args.tensors.then(|| checkpoint.entries().collect()),
    })
}

fn words(tokenizer: &Tokenizer, by_default: bool) -> Words {
    let labels = |ids: &[u32]| ids.iter().map(|id| tokenizer.label(*id)).collect();
    let (before, after) = match tokenizer.start() {
        Start::Nothing => (vec![], vec![]),
        Start::Bos { token, .. } => (vec![token.clone()], vec![]),
        Start::Frame { before, after } => (labels(before), labels(after)),
    };
    Words { n_tokens: tokenizer.n_tokens(), before, after, by_default }
}

fn missing(model: &Model, has_tokenizer: bool) -> Vec<String> {
    let mut missing: Vec<String> = model.checkpoint.missing_shards().to_vec();
    if model.checkpoint.side_file("config.json").is_none() {
        missing.push("config.json (sizes were read off the tensors or looked up)".into());
    }
    if !has_tokenizer && model.arch.d_vocab.is_some() {
        missing.push("a tokenizer (tokens are shown as ids)".into());
    }
    missing
}

/// Reads every weight once, one tensor in memory at a time.
fn not_finite(checkpoint: &Checkpoint) -> Result<Vec<Bad>, CliError> {
    let mut found = Vec::new();
    for entry in checkpoint.entries().filter(|entry| entry.dtype.is_weights()) {
        if let Some(bad) = checkpoint.read(&entry.name)?.non_finite()? {
            let first = place(bad.first, &entry.shape);
            found.push(Bad { tensor: entry.name.clone(), count: bad.count, first });
        }
    }
    Ok(found)
}

/// The indices along each axis of the row-major index `flat`.
fn place(mut flat: usize, shape: &[usize]) -> Vec<usize> {
    let mut indices = Vec::with_capacity(shape.len());
    for &n in shape.iter().rev() {
        indices.push(flat % n.max(1));
        flat /= n.max(1);
    }
    indices.reverse();
    indices
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flat_index_becomes_one_index_per_axis() {
        assert_eq!(place(7, &[2, 5]), [1, 2]);
        assert_eq!(place(0, &[]), [0usize; 0]);
    }
}

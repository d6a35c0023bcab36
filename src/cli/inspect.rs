//! `omega inspect`: what the files are, before anything is computed.

use std::collections::BTreeMap;
use std::io::Write;

use serde::Serialize;

use super::CliError;
use super::files::{Files, print_json};
use crate::checkpoint::Checkpoint;

/// Say what a checkpoint is: family, sizes, number formats, what is missing
#[derive(Debug, Clone, clap::Args)]
pub struct Args {
    #[command(flatten)]
    files: Files,
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
struct File {
    name: String,
    size: u64,
}

/// A tensor with values that are not finite.
#[derive(Debug, Serialize)]
struct Bad {
    tensor: String,
    count: usize,
    /// Index of the first along each axis.
    first: Vec<usize>,
}

/// What is known from headers alone.
#[derive(Debug, Serialize)]
struct Inspection<'a> {
    files: Vec<File>,
    size: u64,
    n_tensors: usize,
    parameters: usize,
    /// Elements per number format.
    dtypes: BTreeMap<&'static str, usize>,
    side_files: Vec<&'a str>,
    missing_shards: &'a [String],
    notes: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    not_finite: Option<Vec<Bad>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tensors: Option<Vec<&'a crate::checkpoint::TensorEntry>>,
}

/// Runs the subcommand.
///
/// # Errors
/// [`CliError`] if the files are no checkpoint or the result cannot be written.
pub fn run(args: &Args) -> Result<(), CliError> {
    let checkpoint = args.files.checkpoint()?;
    let inspection = inspect(&checkpoint, args)?;
    if args.json { print_json(&inspection) } else { print_text(&inspection) }
}

fn inspect<'a>(checkpoint: &'a Checkpoint, args: &Args) -> Result<Inspection<'a>, CliError> {
    let mut dtypes = BTreeMap::new();
    for entry in checkpoint.entries() {
        *dtypes.entry(entry.dtype.name()).or_default() += entry.elements();
    }
    let weights = || checkpoint.entries().filter(|entry| entry.dtype.is_weights());
    Ok(Inspection {
        files: checkpoint
            .files()
            .map(|(name, size)| File { name: name.to_owned(), size })
            .collect(),
        size: checkpoint.size(),
        n_tensors: checkpoint.entries().len(),
        parameters: weights().map(|entry| entry.elements()).sum(),
        dtypes,
        side_files: checkpoint.side_file_names().collect(),
        missing_shards: checkpoint.missing_shards(),
        notes: checkpoint.notes().to_vec(),
        not_finite: args.check.then(|| not_finite(checkpoint)).transpose()?,
        tensors: args.tensors.then(|| checkpoint.entries().collect()),
    })
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
    let mut indices: Vec<usize> =
        shape.iter().rev().map(|&n| (flat % n.max(1), flat /= n.max(1)).0).collect();
    indices.reverse();
    indices
}

fn print_text(inspection: &Inspection<'_>) -> Result<(), CliError> {
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    for file in &inspection.files {
        writeln!(out, "file        {} ({})", file.name, size(file.size))?;
    }
    for file in &inspection.side_files {
        writeln!(out, "with        {file}")?;
    }
    for shard in inspection.missing_shards {
        writeln!(out, "missing     {shard}")?;
    }
    let dtypes: Vec<String> =
        inspection.dtypes.iter().map(|(name, count)| format!("{name} × {count}")).collect();
    writeln!(out, "tensors     {} with {} weights", inspection.n_tensors, inspection.parameters)?;
    writeln!(out, "dtypes      {}", dtypes.join(", "))?;
    for note in &inspection.notes {
        writeln!(out, "note        {note}")?;
    }
    match &inspection.not_finite {
        Some(bad) if bad.is_empty() => writeln!(out, "not finite  none")?,
        Some(bad) => {
            for Bad { tensor, count, first } in bad {
                writeln!(out, "not finite  {count} in {tensor:?}, the first at {first:?}")?;
            }
        }
        None => {}
    }
    for entry in inspection.tensors.iter().flatten() {
        writeln!(out, "tensor      {:?} {} {:?}", entry.name, entry.dtype.name(), entry.shape)?;
    }
    out.flush()?;
    Ok(())
}

/// A size in decimal units, as file managers show it.
fn size(bytes: u64) -> String {
    match bytes {
        0..1_000 => format!("{bytes} bytes"),
        1_000..1_000_000 => format!("{:.1} kB", bytes as f64 / 1e3),
        1_000_000..1_000_000_000 => format!("{:.1} MB", bytes as f64 / 1e6),
        _ => format!("{:.2} GB", bytes as f64 / 1e9),
    }
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

//! `omega spectra`: the singular values of every head's QK and OV circuit, one layer in memory at a time.

use std::io::Write;

use rayon::prelude::*;

use super::CliError;
use super::files::{print_json, wants_json};
use super::model::ModelArgs;
use crate::checkpoint::CheckpointError;
use crate::circuits::convention::Convention;
use crate::circuits::positional::PositionalShare;
use crate::model::{AttentionLayer, Layers, Model, Part, Weights};
use crate::study::StudyError;
use crate::study::lone_adapter::{HeadDelta, WholeDelta};
use crate::study::positions::PositionTable;
use crate::study::spectra::{BrokenHead, HeadSpectra, Sizes, SpectraDocument, head_spectra};

/// Compute the singular values of every head
#[derive(Debug, Clone, clap::Args)]
pub struct Args {
    #[command(flatten)]
    model: ModelArgs,
    /// Fold the norm in front of the attention into the weights, or take them as they are in the file
    #[arg(long, value_enum, default_value_t = Form::Folded)]
    weights: Form,
    /// Print JSON even on a terminal
    #[arg(long)]
    json: bool,
}

/// [`Weights`] as an argument.
#[derive(Debug, Clone, Copy, clap::ValueEnum)]
pub enum Form {
    /// [`Weights::Raw`].
    Raw,
    /// [`Weights::Folded`].
    Folded,
}

impl From<Form> for Weights {
    fn from(form: Form) -> Self {
        match form {
            Form::Raw => Self::Raw,
            Form::Folded => Self::Folded,
        }
    }
}

/// Runs the subcommand.
///
/// # Errors
/// [`CliError`] if the files are no checkpoint of a known family, or the result cannot be written.
pub fn run(args: &Args) -> Result<(), CliError> {
    let model = match args.model.open() {
        Err(CliError::Checkpoint(CheckpointError::Adapter { .. })) => return alone(args),
        opened => opened?,
    };
    let weights = args.weights.into();
    let (heads, failed) = spectra(&model, weights)?;
    let convention = args.model.convention(&model, weights);
    if !wants_json(args.json) {
        return print_text(&model, &convention, &heads, &failed);
    }
    let (arch, layers) = (&model.arch, Layers::of(&model.arch));
    let sizes = Sizes {
        d_model: arch.d_model,
        d_head: arch.d_head,
        n_layers: arch.n_layers,
        n_heads: arch.n_heads,
        layers: &layers,
    };
    print_json(&SpectraDocument::new(&convention, sizes, &heads, &failed, &model.notes))
}

/// The spectra of what an adapter adds, where its base is not there.
fn alone(args: &Args) -> Result<(), CliError> {
    let found = args.model.lone_adapter()?;
    if wants_json(args.json) {
        return print_json(&found);
    }
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    writeln!(out, "{}, of {}", found.convention, found.kind)?;
    writeln!(out, "layer  matrix  head   σ_1        σ_last")?;
    let ends = |s: &[f64]| (s.first().copied().unwrap_or(0.0), s.last().copied().unwrap_or(0.0));
    for HeadDelta { layer, head, matrix, sigma, .. } in &found.heads {
        let (first, last) = ends(sigma);
        let layer = layer.map_or_else(String::new, |layer| layer.to_string());
        writeln!(out, "{layer:<6} {matrix:<7} {head:<6} {first:<10.4} {last:.2e}")?;
    }
    for WholeDelta { module, sigma, .. } in &found.others {
        let (first, last) = ends(sigma);
        writeln!(out, "{module}: σ_1 {first:.4}, σ_last {last:.2e}")?;
    }
    for note in &found.notes {
        writeln!(out, "note: {note}")?;
    }
    out.flush()?;
    Ok(())
}

/// The heads of one layer after the other, shared out over the processor's cores.
fn spectra(
    model: &Model,
    weights: Weights,
) -> Result<(Vec<HeadSpectra>, Vec<BrokenHead>), StudyError> {
    let (mut heads, mut failed) = (Vec::new(), Vec::new());
    let positions = PositionTable::read(model, weights)?;
    let positions = positions.as_ref().and_then(PositionTable::space);
    for layer in model.readable_layers() {
        let attention = AttentionLayer::read(model, layer, Part::Both)?;
        let found = (0..attention.n_heads()).into_par_iter();
        let one = |head| head_spectra(&attention, head, weights, positions);
        let found: Vec<_> = found.map(one).collect();
        for head in found {
            match head {
                Ok(spectra) => heads.push(spectra),
                Err(broken) => failed.push(broken),
            }
        }
    }
    Ok((heads, failed))
}

fn print_text(
    model: &Model,
    convention: &Convention,
    heads: &[HeadSpectra],
    failed: &[BrokenHead],
) -> Result<(), CliError> {
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    writeln!(out, "{}", convention.line())?;
    writeln!(out, "weights: {}", convention.folding)?;
    let name = |layer: usize, head: usize| model.arch.head_name(layer, head);
    let positional = |head: &HeadSpectra| head.qk.statistics.positional.as_deref().copied();
    let with_positions = heads.iter().find_map(positional);
    if let Some(found) = with_positions {
        let mut shares = [found.left, found.right].into_iter().flatten();
        let chance = shares.next().map_or(0.0, |share| share.chance);
        writeln!(
            out,
            "positions: share of QK's u and v in the {} directions in which position embeddings differ; {chance:.3} by chance",
            found.directions
        )?;
    }
    let biases = heads.iter().find_map(|head| head.biases.as_deref());
    if let Some(found) = biases {
        let cancels = if found.cancels { "the second" } else { "neither" };
        writeln!(
            out,
            "biases: y·(W_K b_Q) is added for each source y, x·(W_Q b_K) for each destination x; lengths over QK's σ_1. Softmax cancels \
             {cancels}"
        )?;
    }
    let more = if with_positions.is_some() { "   positions u, v" } else { "" };
    let biased = if biases.is_some() { "   biases src, dest" } else { "" };
    writeln!(out, "head          QK σ_1     σ_last   OV σ_1     σ_last   residual{more}{biased}")?;
    let ends = |s: &[f64]| (s.first().copied().unwrap_or(0.0), s.last().copied().unwrap_or(0.0));
    for spectra in heads {
        let HeadSpectra { layer, head, qk, ov, .. } = spectra;
        let shares = positional(spectra).map_or_else(String::new, |found| {
            let one = |side: Option<PositionalShare>| {
                side.map_or_else(|| "–".to_owned(), |side| format!("{:.3}", side.share))
            };
            format!("{:>8} {:>8}", one(found.left), one(found.right))
        });
        let ((q, q_last), (o, o_last)) = (ends(&qk.sigma), ends(&ov.sigma));
        let biases = spectra.biases.as_deref().map_or_else(String::new, |found| {
            let [src, dest] = found.over(q);
            format!("{src:>9.3} {dest:>8.3}")
        });
        let (name, residual) = (name(*layer, *head), qk.residual.max(ov.residual));
        writeln!(
            out,
            "{name:<12} {q:>8.4} {q_last:>10.2e} {o:>8.4} {o_last:>10.2e} {residual:>10.0e}{shares}{biases}"
        )?;
    }
    for BrokenHead { layer, head, why } in failed {
        writeln!(out, "{}: {why}", name(*layer, *head))?;
    }
    for note in &model.notes {
        writeln!(out, "note: {note}")?;
    }
    out.flush()?;
    Ok(())
}

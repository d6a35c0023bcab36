//! `omega align`: what the singular directions of heads point at, and whether it is more than chance.

use rayon::prelude::*;
use serde::Serialize;

use super::align_arguments::{Axis, DictionaryChoice, Removal, SideChoice, answerable};
use super::align_text::print_text;
use super::files::{print_json, wants_json};
use super::heads::{LayerArg, Row};
use super::spectra::Form;
use super::{CliError, ModelArgs};
use crate::circuits::alignment::{
    Alignment, AlignmentReport, Comparison, HeadSide, RotationCount, Side, SideAlignment,
};
use crate::circuits::convention::Convention;
use crate::circuits::dictionary::{About, DictionarySurvey};
use crate::model::tokenizer::Tokenizer;
use crate::model::{AttentionLayer, Model, Part, Weights};
use crate::study::alignment::head_sides;
use crate::study::dictionary::{Comparing, Source, Surveyed, Surveying};

/// Compare the singular directions of heads with a dictionary of features
#[derive(Debug, Clone, clap::Args)]
pub struct Args {
    #[command(flatten)]
    model: ModelArgs,
    /// embed, unembed, positions, mlp-in:LAYER, mlp-out:LAYER, heads-qk:LAYER, heads-ov:LAYER (singular vectors of other heads), or
    /// FILE[:TENSOR] (.safetensors, .npy, .csv, or an SAE's folder)
    #[arg(long, default_value = "embed")]
    dictionary: DictionaryChoice,
    /// One layer only; of a model with several stacks with the stack's name in front, as in dec3
    #[arg(long, value_name = "L")]
    layer: Option<LayerArg>,
    /// One head only
    #[arg(long, value_name = "H")]
    head: Option<usize>,
    /// One side only
    #[arg(long, value_enum)]
    side: Option<SideChoice>,
    /// Features listed for each direction
    #[arg(long, default_value_t = 10, value_name = "K")]
    top: usize,
    /// Project the dictionary's common direction out of features and directions
    #[arg(long, value_enum, default_value_t = Removal::On)]
    remove_mean: Removal,
    /// Fold the norm in front of the attention into the weights, or take them as they are in the file
    #[arg(long, value_enum, default_value_t = Form::Folded)]
    weights: Form,
    /// Random rotations of each subspace; 0 for none. By default at least 64, and more for narrow heads
    #[arg(long, value_name = "R")]
    rotations: Option<usize>,
    /// Seed of the rotations
    #[arg(long, default_value_t = 0)]
    seed: u32,
    /// Which axis of the file counts features, where both could
    #[arg(long, value_enum)]
    features: Option<Axis>,
    /// Which head's part of an SAE on heads' outputs; all together if not given
    #[arg(long, value_name = "H")]
    sae_head: Option<usize>,
    /// Print JSON even on a terminal
    #[arg(long)]
    json: bool,
}

/// What is printed.
#[derive(Debug, Serialize)]
pub(super) struct Output<'a> {
    pub(super) convention: Convention,
    pub(super) dictionary: &'a About,
    pub(super) survey: &'a DictionarySurvey,
    pub(super) comparison: Option<Comparison>,
    pub(super) warnings: Vec<String>,
    pub(super) heads: Vec<Row<SideAlignment>>,
}

/// Runs the subcommand.
///
/// # Errors
/// [`CliError`] if the files are no checkpoint or no dictionary, or the result cannot be written.
pub fn run(args: &Args) -> Result<(), CliError> {
    let model = args.model.open()?;
    let weights = Weights::from(args.weights);
    check_range(args, &model)?;
    let (source, files) = args.dictionary.source(args.features, args.sae_head)?;
    let mut surveying = Surveying::new(&model, &source, files, weights).map_err(answerable)?;
    while surveying.step(&model)? {}
    let mut surveyed = surveying.finish();
    let how = Comparing {
        remove_mean: args.remove_mean == Removal::On,
        top: args.top,
        rotations: args.rotations.map_or(RotationCount::ByWidth, RotationCount::Exactly),
        seed: args.seed,
        ..Comparing::with(source, weights)
    };

    let (mut report, mut warnings) = (None, Vec::new());
    let mut layers = match &args.layer {
        Some(layer) => vec![layer.place(&model.arch)?],
        None => model.readable_layers(),
    };
    if args.layer.is_none() {
        let width = surveyed.dictionary.about.d_model;
        let fits = |l: &usize| model.arch.attention(*l).is_some_and(|a| a.sizes.d_model == width);
        let all = layers.len();
        layers.retain(fits);
        if layers.len() < all {
            warnings.push(format!(
                "Layers of another width than the dictionary's {width} are left out."
            ));
        }
    }
    for layer in layers {
        let sides = sides(args, &model, layer, weights, &mut warnings)?;
        for side in sides.iter().map(|side| side.side) {
            warnings.extend(surveyed.dictionary.about.warnings_for(layer, side));
        }
        // Each head beside the vectors of the others.
        let apart = matches!(how.source, Source::Heads { .. });
        for sides in sides.chunk_by(|a, b| !apart || a.head == b.head) {
            surveyed.leave_out(&model, sides.first().map(|side| (side.layer, side.head)));
            match (&mut report, align(&model, &surveyed, sides, &how)?) {
                (_, None) => {}
                (None, found) => report = found,
                (Some(report), Some(found)) => report.append(found),
            }
        }
    }
    if let Some(report) = &mut report {
        // Without a usable tokenizer tokens are numbered; that is no reason to stop.
        let tokenizer = Tokenizer::from_side_files(&model.checkpoint).unwrap_or(None);
        report.label_with(|row| surveyed.label(&how.source, tokenizer.as_ref(), row));
    }
    warnings.sort();
    warnings.dedup();
    let (comparison, heads) =
        report.map_or((None, Vec::new()), |report| (Some(report.comparison), report.sides));
    let row = |side: SideAlignment| Row::new(&model.arch, side.head, side, |side| &mut side.layer);
    let heads = heads.into_iter().map(row).collect();
    let convention = args.model.convention(&model, weights);
    let (dictionary, survey) = (&surveyed.dictionary.about, &surveyed.survey);
    let output = Output { convention, dictionary, survey, comparison, warnings, heads };
    if wants_json(args.json) { print_json(&output) } else { print_text(&output) }
}

fn check_range(args: &Args, model: &Model) -> Result<(), CliError> {
    args.layer.as_ref().map(|layer| layer.place(&model.arch)).transpose()?;
    let count = model.arch.n_heads;
    match args.head.filter(|&head| head >= count) {
        Some(head) => {
            Err(CliError::Usage(format!("head {head} does not exist: there are {count}, from 0")))
        }
        None => Ok(()),
    }
}

/// The sides that were asked for, of one layer.
///
/// A head that cannot be decomposed is left out with a warning.
fn sides(
    args: &Args,
    model: &Model,
    layer: usize,
    weights: Weights,
    warnings: &mut Vec<String>,
) -> Result<Vec<HeadSide>, CliError> {
    let wanted = |side: Side| args.side.is_none_or(|choice| Side::from(choice) == side);
    let qk = wanted(Side::Dest) || wanted(Side::Src);
    let ov = wanted(Side::Read) || wanted(Side::Write);
    let part = match (qk, ov) {
        (true, false) => Part::Qk,
        (false, _) => Part::Ov,
        (true, true) => Part::Both,
    };
    let attention = AttentionLayer::read(model, layer, part).map_err(CliError::work)?;
    let heads = args.head.map_or(0..attention.n_heads(), |head| head..head + 1);
    let found = heads.into_par_iter();
    let found = found.map(|head| (head, head_sides(&attention, head, weights, wanted)));
    let mut sides = Vec::new();
    for (head, found) in found.collect::<Vec<_>>() {
        match found {
            Ok(found) => sides.extend(found),
            Err(error) => warnings
                .push(format!("{} is left out: {error}.", model.arch.head_name(layer, head))),
        }
    }
    Ok(sides)
}

/// One pass over the dictionary, the sides shared out over the processor's cores; `None` without a side.
fn align(
    model: &Model,
    surveyed: &Surveyed,
    sides: &[HeadSide],
    how: &Comparing,
) -> Result<Option<AlignmentReport>, CliError> {
    if sides.is_empty() {
        return Ok(None);
    }
    let share = sides.len().div_ceil(rayon::current_num_threads()).max(1);
    let parts = sides.chunks(share).map(|part| surveyed.alignment(part.to_vec(), how));
    let mut parts = parts.collect::<Result<Vec<_>, _>>()?;
    for block in surveyed.blocks(model, how.remove_mean) {
        let block = block?;
        parts.par_iter_mut().try_for_each(|part| part.step(&block)).map_err(CliError::work)?;
    }
    Ok(parts.iter().map(Alignment::report).reduce(|mut report, part| {
        report.append(part);
        report
    }))
}

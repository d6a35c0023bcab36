//! `omega align`: what the singular directions of heads point at, and whether it is more than chance.

use serde::Serialize;

use super::align_arguments::{Axis, DictionaryChoice, Removal, SideChoice};
use super::align_text::print_text;
use super::files::{print_json, wants_json};
use super::spectra::Form;
use super::{CliError, ModelArgs};
use crate::circuits::alignment::{
    AlignOptions, Alignment, AlignmentReport, Comparison, HeadSide, Side, SideAlignment,
};
use crate::circuits::convention::Convention;
use crate::circuits::dictionary::{About, Dictionary, DictionarySurvey, Frame, Survey};
use crate::circuits::omega::Circuit;
use crate::model::{AttentionLayer, Model, Part, Weights};

/// Rows of the dictionary in memory at a time.
const ROWS: usize = 2048;

/// Compare the singular directions of heads with a dictionary of features
#[derive(Debug, Clone, clap::Args)]
pub struct Args {
    #[command(flatten)]
    model: ModelArgs,
    /// embed, unembed, positions, mlp-in:LAYER, mlp-out:LAYER, or FILE[:TENSOR] (.safetensors, .npy, .csv, or an SAE's folder)
    #[arg(long, default_value = "embed")]
    dictionary: DictionaryChoice,
    /// One layer only
    #[arg(long, value_name = "L")]
    layer: Option<usize>,
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
    /// Random rotations of each subspace; 0 for none
    #[arg(long, default_value_t = 64, value_name = "R")]
    rotations: usize,
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
    pub(super) heads: Vec<SideAlignment>,
}

/// Runs the subcommand.
///
/// # Errors
/// [`CliError`] if the files are no checkpoint or no dictionary, or the result cannot be written.
pub fn run(args: &Args) -> Result<(), CliError> {
    let model = args.model.open()?;
    let weights = Weights::from(args.weights);
    check_range(args, &model)?;
    let dictionary = args.dictionary.open(&model, weights, args.features, args.sae_head)?;
    let centre = weights == Weights::Folded && model.arch.reads_through_layer_norm();
    let d_model = model.arch.d_model;
    let survey = survey(&model, &dictionary, &Frame::plain(d_model, centre))?;
    let frame = Frame::after(&survey, d_model, centre, args.remove_mean == Removal::On);

    let (mut report, mut warnings) = (None, Vec::new());
    let layers = args.layer.map_or_else(|| model.readable_layers(), |layer| vec![layer]);
    for layer in layers {
        let sides = sides(args, &model, layer, weights, &mut warnings)?;
        if sides.is_empty() {
            continue;
        }
        for side in sides.iter().map(|side| side.side) {
            warnings.extend(dictionary.about.warnings_for(layer, side));
        }
        let found = align(args, &model, &dictionary, &frame, sides)?;
        match &mut report {
            None => report = Some(found),
            Some(report) => report.append(found),
        }
    }
    if let Some(report) = &mut report {
        report.label_with(|row| dictionary.label(row));
    }
    warnings.sort();
    warnings.dedup();
    let (comparison, heads) =
        report.map_or((None, Vec::new()), |report| (Some(report.comparison), report.sides));
    let convention = Convention::of(&model, weights);
    let output = Output {
        convention,
        dictionary: &dictionary.about,
        survey: &survey,
        comparison,
        warnings,
        heads,
    };
    if wants_json(args.json) { print_json(&output) } else { print_text(&output) }
}

fn check_range(args: &Args, model: &Model) -> Result<(), CliError> {
    let checks =
        [("layer", args.layer, model.arch.n_layers), ("head", args.head, model.arch.n_heads)];
    for (what, index, count) in checks {
        if let Some(index) = index.filter(|&index| index >= count) {
            return Err(CliError::Usage(format!(
                "{what} {index} does not exist: there are {count}, from 0"
            )));
        }
    }
    Ok(())
}

fn survey(
    model: &Model,
    dictionary: &Dictionary,
    frame: &Frame,
) -> Result<DictionarySurvey, CliError> {
    let mut survey = Survey::default();
    for rows in dictionary.blocks(ROWS) {
        let block =
            dictionary.block(Some(&model.checkpoint), rows, frame).map_err(CliError::work)?;
        survey.step(&block);
    }
    Ok(survey.finish())
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
    let mut sides = Vec::new();
    for head in args.head.map_or(0..model.arch.n_heads, |head| head..head + 1) {
        let matrices = match attention.head(head, weights) {
            Ok(matrices) => matrices,
            Err(error) => {
                warnings.push(format!("L{layer}H{head} is left out: {error}."));
                continue;
            }
        };
        for (circuit, _) in [(Circuit::Qk, qk), (Circuit::Ov, ov)].into_iter().filter(|x| x.1) {
            match HeadSide::both(layer, head, circuit, &matrices) {
                Ok(both) => sides.extend(both.into_iter().filter(|side| wanted(side.side))),
                Err(error) => warnings.push(format!("L{layer}H{head} is left out: {error}.")),
            }
        }
    }
    Ok(sides)
}

/// One pass over the dictionary, the sides shared out over the processor's cores.
fn align(
    args: &Args,
    model: &Model,
    dictionary: &Dictionary,
    frame: &Frame,
    sides: Vec<HeadSide>,
) -> Result<AlignmentReport, CliError> {
    let options = AlignOptions { top: args.top, rotations: args.rotations, seed: args.seed };
    let n_threads = std::thread::available_parallelism().map_or(1, usize::from);
    let share = sides.len().div_ceil(n_threads).max(1);
    let mut parts = sides
        .chunks(share)
        .map(|part| {
            Alignment::new(part.to_vec(), frame.clone(), dictionary.about.n_rows, None, options)
        })
        .collect::<Result<Vec<_>, _>>()
        .map_err(CliError::work)?;
    for rows in dictionary.blocks(ROWS) {
        let block =
            dictionary.block(Some(&model.checkpoint), rows, frame).map_err(CliError::work)?;
        let steps = std::thread::scope(|scope| {
            let steps: Vec<_> =
                parts.iter_mut().map(|part| scope.spawn(|| part.step(&block))).collect();
            steps.into_iter().map(std::thread::ScopedJoinHandle::join).collect::<Vec<_>>()
        });
        for step in steps {
            let step =
                step.map_err(|_| CliError::Usage("a thread of the alignment failed".to_owned()))?;
            step.map_err(CliError::work)?;
        }
    }
    let mut reports = parts.iter().map(Alignment::report);
    let mut report =
        reports.next().ok_or_else(|| CliError::Usage("there is no side to align".to_owned()))?;
    reports.for_each(|part| report.append(part));
    Ok(report)
}

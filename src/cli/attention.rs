//! `omega attention`: every head's pattern, the residual stream before every layer, and the logits, of one prompt.

use std::path::PathBuf;

use serde::Serialize;

use super::CliError;
use super::files::print_json;
use super::model::ModelArgs;
use crate::checkpoint::{Checkpoint, Named, to_safetensors};
use crate::circuits::convention::{Convention, TENSORS};
use crate::model::forward::{ForwardPass, Image};
use crate::model::tokenizer::Tokenizer;
use crate::model::{Model, ModelError, Weights};

/// Run a prompt and write attention, hidden states and logits as safetensors
#[derive(Debug, Clone, clap::Args)]
pub struct Args {
    #[command(flatten)]
    model: ModelArgs,
    /// Token ids of the prompt
    #[arg(long, value_delimiter = ',', value_name = "ID,ID,…", group = "input")]
    ids: Vec<u32>,
    /// The prompt in words; needs a tokenizer among the files
    #[arg(long, value_name = "TEXT", group = "input")]
    prompt: Option<String>,
    /// Put the start token in front of words (on or off; the field's default for the family otherwise)
    #[arg(long, value_name = "ON|OFF")]
    bos: Option<Switch>,
    /// For models that see: a safetensors file with `pixel_values`, [channels, height, width], normalised
    #[arg(long, value_name = "FILE", group = "input")]
    pixels: Option<PathBuf>,
    /// Where to write
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// Print JSON instead of text
    #[arg(long)]
    json: bool,
}

/// On or off.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Switch {
    On,
    Off,
}

/// What was written.
#[derive(Debug, Serialize)]
struct Report<'a> {
    convention: Convention,
    /// What the tensors are.
    layout: &'static str,
    family: &'static str,
    n_layers: usize,
    n_heads: usize,
    /// Positions of the prompt.
    n: usize,
    ids: Vec<u32>,
    out: &'a std::path::Path,
    tensors: Vec<String>,
    notes: &'a [String],
}

/// Runs the subcommand.
///
/// # Errors
/// [`CliError`] if the model cannot be read or run on this prompt, or the result cannot be written.
pub fn run(args: &Args) -> Result<(), CliError> {
    let model = args.model.open()?;
    let ids = ids(args, &model)?;
    let pass = match &args.pixels {
        Some(path) => ForwardPass::of_image(&model, &image(path)?),
        None => ForwardPass::of_tokens(&model, std::slice::from_ref(&ids)),
    };
    let arrays = compute(&model, pass.map_err(CliError::work)?).map_err(CliError::work)?;
    let convention = args.model.convention(&model, Weights::Raw);
    let listed: Vec<String> = ids.iter().map(u32::to_string).collect();
    let metadata = [
        ("convention", serde_json::to_string(&convention)?),
        ("layout", TENSORS.to_owned()),
        ("family", model.arch.family.to_owned()),
        ("ids", listed.join(",")),
    ];
    std::fs::write(&args.out, to_safetensors(&arrays, &metadata)?)?;
    let report = Report {
        convention,
        layout: TENSORS,
        family: model.arch.family,
        n_layers: model.arch.n_layers,
        n_heads: model.arch.n_heads,
        n: arrays.first().and_then(|a| a.shape.first().copied()).unwrap_or(0),
        ids,
        out: &args.out,
        tensors: arrays.iter().map(|a| a.name.clone()).collect(),
        notes: &model.notes,
    };
    if args.json {
        return print_json(&report);
    }
    println!(
        "{}: {} tensors of {} positions written to {}",
        model.arch.title,
        arrays.len(),
        report.n,
        args.out.display()
    );
    model.notes.iter().for_each(|note| println!("note  {note}"));
    Ok(())
}

/// The prompt's ids, as given or from words; none for an image.
fn ids(args: &Args, model: &Model) -> Result<Vec<u32>, CliError> {
    let Some(text) = &args.prompt else {
        return match (args.ids.is_empty(), &args.pixels) {
            (true, None) => Err(CliError::Usage("give --ids, --prompt or --pixels".into())),
            _ => Ok(args.ids.clone()),
        };
    };
    let tokenizer = Tokenizer::from_side_files(&model.checkpoint).map_err(CliError::work)?;
    let Some(tokenizer) = tokenizer else {
        return Err(CliError::Usage("there is no tokenizer among the files; give --ids".into()));
    };
    let bos = args.bos.map_or_else(|| tokenizer.default_bos(&model.arch), |bos| bos == Switch::On);
    tokenizer.encode(text, bos).map_err(CliError::work)
}

/// All arrays of a prompt; the first is `hidden.0`.
fn compute(model: &Model, mut pass: ForwardPass) -> Result<Vec<Named>, ModelError> {
    let (arch, n) = (&model.arch, pass.lengths().first().copied().unwrap_or(0));
    let mut arrays = Vec::with_capacity(2 * arch.n_layers + 2);
    for layer in 0..arch.n_layers {
        arrays.push(Named::f32(
            format!("hidden.{layer}"),
            &[n, arch.d_model],
            pass.resid(0).to_vec(),
        ));
        for trace in pass.step(model, true, None)? {
            arrays.push(Named::f32(
                format!("attention.{layer}"),
                &[arch.n_heads, n, n],
                trace.pattern,
            ));
        }
    }
    let last = pass.hidden(model, 0)?;
    arrays.push(Named::f32(format!("hidden.{}", arch.n_layers), &[n, arch.d_model], last));
    if arch.unembedding.is_some() {
        let positions: Vec<(usize, usize)> = (0..n).map(|t| (0, t)).collect();
        let logits = pass.logits(model, &positions)?;
        let d_vocab = logits.len() / n.max(1);
        arrays.push(Named::f32("logits", &[n, d_vocab], logits));
    }
    Ok(arrays)
}

fn image(path: &std::path::Path) -> Result<Image, CliError> {
    let file = Checkpoint::open_paths(&[path])?;
    let tensor = file.read("pixel_values")?;
    let shape = match tensor.shape.as_slice() {
        &[channels, height, width] | &[1, channels, height, width] => [channels, height, width],
        other => {
            return Err(CliError::Usage(format!(
                "pixel_values has the shape {other:?}, not [channels, height, width]"
            )));
        }
    };
    Ok(Image { shape, pixels: tensor.f32s()? })
}

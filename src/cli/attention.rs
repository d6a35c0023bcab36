//! `omega attention`: every head's pattern, the residual stream before every layer, and the logits, of one prompt.

use std::path::PathBuf;

use serde::Serialize;

use super::CliError;
use super::files::print_json;
use super::model::ModelArgs;
use crate::checkpoint::{Checkpoint, Named, to_safetensors};
use crate::circuits::convention::{Convention, TENSORS};
use crate::model::architecture::{Architecture, StackKind};
use crate::model::forward::{ForwardPass, Input};
use crate::model::tokenizer::Tokenizer;
use crate::model::{Model, ModelError, Weights};
use crate::study::input;

/// Run a prompt and write attention, hidden states and logits as safetensors
#[derive(Debug, Clone, clap::Args)]
pub struct Args {
    #[command(flatten)]
    model: ModelArgs,
    /// Token ids of the prompt
    #[arg(long, value_delimiter = ',', value_name = "ID,ID,…", group = "prompted")]
    ids: Vec<u32>,
    /// The prompt in words; needs a tokenizer among the files
    #[arg(long, value_name = "TEXT", group = "prompted")]
    prompt: Option<String>,
    /// Put the start token in front of words (on or off; the field's default for the family otherwise)
    #[arg(long, value_name = "ON|OFF")]
    bos: Option<Switch>,
    /// Token ids for the decoder of a model that has an encoder too
    #[arg(long, value_delimiter = ',', value_name = "ID,ID,…")]
    decoder_ids: Vec<u32>,
    /// Whatever the model reads, as a safetensors file with any of `input_ids`, `decoder_input_ids`, `pixel_values` [channels,
    /// height, width], `input_values` [samples], `input_features` [mels, frames]
    #[arg(long, value_name = "FILE", alias = "pixels", group = "prompted")]
    input: Option<PathBuf>,
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
    #[serde(skip_serializing_if = "Vec::is_empty")]
    decoder_ids: Vec<u32>,
    out: &'a std::path::Path,
    tensors: Vec<String>,
    notes: Vec<String>,
}

/// Runs the subcommand.
///
/// # Errors
/// [`CliError`] if the model cannot be read or run on this prompt, or the result cannot be written.
pub fn run(args: &Args) -> Result<(), CliError> {
    let model = args.model.open()?;
    let given = given(args, &model)?;
    let pass = ForwardPass::of_input(&model, &given).map_err(CliError::work)?;
    let (arrays, passed_over) = compute(&model, pass).map_err(CliError::work)?;
    let convention = args.model.convention(&model, Weights::Raw);
    let (ids, decoder_ids) = (given.ids.unwrap_or_default(), given.decoder_ids.unwrap_or_default());
    let listed = |ids: &[u32]| ids.iter().map(u32::to_string).collect::<Vec<_>>().join(",");
    let mut metadata = vec![
        ("convention", serde_json::to_string(&convention)?),
        ("layout", TENSORS.to_owned()),
        ("family", model.arch.family.to_owned()),
        ("ids", listed(&ids)),
    ];
    if !decoder_ids.is_empty() {
        metadata.push(("decoder_ids", listed(&decoder_ids)));
    }
    std::fs::write(&args.out, to_safetensors(&arrays, &metadata)?)?;
    let report = Report {
        convention,
        layout: TENSORS,
        family: model.arch.family,
        n_layers: model.arch.n_layers,
        n_heads: model.arch.n_heads,
        n: arrays.first().and_then(|a| a.shape.iter().rev().nth(1).copied()).unwrap_or(0),
        ids,
        decoder_ids,
        out: &args.out,
        tensors: arrays.iter().map(|a| a.name.clone()).collect(),
        notes: model.notes.iter().cloned().chain(passed_over).collect(),
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
    report.notes.iter().for_each(|note| println!("note  {note}"));
    Ok(())
}

/// What the model is given to read: ids, words or a file; the decoder's ids beside any of them.
fn given(args: &Args, model: &Model) -> Result<Input, CliError> {
    let mut input = match (&args.input, &args.prompt) {
        (Some(path), _) => input::of_file(&Checkpoint::open_paths(&[path])?)?,
        (None, Some(text)) => Input { ids: Some(encoded(args, model, text)?), ..Input::default() },
        (None, None) if !args.ids.is_empty() => {
            Input { ids: Some(args.ids.clone()), ..Input::default() }
        }
        (None, None) if !args.decoder_ids.is_empty() => Input::default(),
        (None, None) => {
            return Err(CliError::Usage("give --ids, --prompt or --input".into()));
        }
    };
    if !args.decoder_ids.is_empty() {
        input.decoder_ids = Some(args.decoder_ids.clone());
    }
    Ok(input)
}

fn encoded(args: &Args, model: &Model, text: &str) -> Result<Vec<u32>, CliError> {
    let tokenizer = Tokenizer::from_side_files(&model.checkpoint).map_err(CliError::work)?;
    let Some(tokenizer) = tokenizer else {
        return Err(CliError::Usage("there is no tokenizer among the files; give --ids".into()));
    };
    let bos = args.bos.map_or_else(|| tokenizer.default_bos(&model.arch), |bos| bos == Switch::On);
    tokenizer.encode(text, bos).map_err(CliError::work)
}

/// A stack's name in front of what is said of it: "encoder.", nothing where there is only one.
fn front(kind: StackKind) -> String {
    kind.name().map_or_else(String::new, |name| format!("{name}."))
}

/// `[n, d]`, or `[streams, n, d]` where there are several at once.
fn shape_of(hidden: &[f32], n: usize, d: usize) -> Vec<usize> {
    match hidden.len() / (n * d).max(1) {
        0 | 1 => vec![n, d],
        streams => vec![streams, n, d],
    }
}

/// All arrays of a prompt; and a note on each stack that had nothing to read.
fn compute(model: &Model, mut pass: ForwardPass) -> Result<(Vec<Named>, Vec<String>), ModelError> {
    let arch = &model.arch;
    let mut arrays = Vec::with_capacity(2 * arch.n_layers + 2);
    let mut ran = vec![false; arch.stacks.len()];
    while pass.next_layer() < arch.n_layers {
        let index = pass.next_layer();
        let layer = model.layer(index)?;
        let kind = arch.stack_of(index).map_or(StackKind::Only, |stack| stack.kind);
        let (front, number) = (front(kind), layer.number);
        if let Some(ran) = ran.get_mut(layer.stack) {
            *ran = true;
        }
        // What a cross layer reads is within its decoder layer.
        if kind != StackKind::Cross {
            let resid = pass.hidden(model, 0)?;
            let n = pass.lengths().first().copied().unwrap_or(0);
            let shape = shape_of(&resid, n, width(arch, index));
            arrays.push(Named::f32(format!("{front}hidden.{number}"), &shape, resid));
        }
        let n_heads = arch.n_heads_of(index);
        for trace in pass.step(model, n_heads > 0, None)? {
            let shape = [n_heads, trace.n, trace.n_src];
            arrays.push(Named::f32(format!("{front}attention.{number}"), &shape, trace.pattern));
        }
    }
    for (index, stream) in arch.streams.iter().enumerate() {
        let last = pass.hidden_of(model, index, 0)?;
        if last.is_empty() {
            continue;
        }
        let own = arch.stacks.iter().find(|stack| stack.stream == index && stack.source == index);
        let (front, n_layers) = (front(stream.kind), own.map_or(0, |stack| stack.layers.len()));
        let normed = pass.last_hidden(model, index, 0)?;
        let shape = [normed.len() / stream.d_model.max(1), stream.d_model];
        let whole = shape_of(&last, shape[0], shape[1]);
        arrays.push(Named::f32(format!("{front}hidden.{n_layers}"), &whole, last));
        arrays.push(Named::f32(format!("{front}last_hidden"), &shape, normed));
    }
    let main = arch.stacks.iter().position(|s| s.stream == arch.main());
    if arch.unembedding.is_some() && main.is_some_and(|main| ran[main]) {
        let n = pass.lengths().first().copied().unwrap_or(0);
        let positions: Vec<(usize, usize)> = (0..n).map(|t| (0, t)).collect();
        let logits = pass.logits(model, &positions)?;
        let d_vocab = logits.len() / n.max(1);
        arrays.push(Named::f32("logits", &[n, d_vocab], logits));
    }
    let idle = arch.stacks.iter().zip(&ran).filter(|(_, ran)| !**ran);
    let idle = idle.filter_map(|(stack, _)| stack.kind.name());
    let note = |name| format!("The stack {name:?} was passed over: it was given nothing to read.");
    Ok((arrays, idle.map(note).collect()))
}

/// Width of the stream that a layer moves.
fn width(arch: &Architecture, layer: usize) -> usize {
    arch.stream_of(layer).map_or(arch.d_model, |stream| stream.d_model)
}

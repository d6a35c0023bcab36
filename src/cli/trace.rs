//! `omega trace`: from the answer to a prompt to the circuit of heads behind it.

use std::io::Write;

use rayon::prelude::*;
use serde::Serialize;

use super::files::{print_json, wants_json};
use super::prompt::PromptArgs;
use super::{CliError, ModelArgs};
use crate::circuits::convention::TraceConvention;
use crate::circuits::trace::graph::Kind;
use crate::circuits::trace::{Node, Rule, Side, TraceOptions, layer};
use crate::model::forward::{Cpu, ready};
use crate::model::tokenizer::Tokenizer;
use crate::model::{Head, Model, Weights};
use crate::study::StudyError;
use crate::study::prompt::PromptRun;
use crate::study::trace::{CleanPrompt, Question, SeedRule, TraceRun, Traced};

/// Trace an answer back to its circuit: which components carry it, and why the heads behind them looked where they did
#[derive(Debug, Clone, clap::Args)]
pub struct Args {
    #[command(flatten)]
    model: ModelArgs,
    #[command(flatten)]
    prompt: PromptArgs,
    /// The token that is traced, by its id or in words
    #[arg(long, value_name = "ID|TEXT")]
    answer: String,
    /// The token that it is held against
    #[arg(long, value_name = "ID|TEXT")]
    wrong: Option<String>,
    /// How the components that carry the answer are found [default: contrast with --wrong, probability without]
    #[arg(long, value_enum)]
    seeding: Option<Seeding>,
    /// Probability: take seeds until this share of the rise of ln p is gone
    #[arg(long, value_name = "SHARE", default_value_t = TraceOptions::default().tau, value_parser = share)]
    tau: f64,
    /// A head counts as firing from this many times uniform attention on
    #[arg(long, value_name = "X", default_value_t = TraceOptions::default().threshold_scale, value_parser = positive)]
    threshold_scale: f64,
    /// How contributions to keys are removed: everywhere at once as the authors' program, or at one key
    #[arg(long, value_enum, default_value_t = RuleName::Accpp)]
    rule: RuleName,
    /// The position whose prediction is traced, from 0 [default: the last]
    #[arg(long, value_name = "N")]
    at: Option<usize>,
    /// Print JSON even on a terminal
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum Seeding {
    Probability,
    Contrast,
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum RuleName {
    Accpp,
    Key,
}

/// When a firing counts, in words.
#[derive(Debug, Serialize)]
struct Threshold {
    rule: &'static str,
    scale: f64,
}

#[derive(Debug, Serialize)]
struct Report {
    convention: TraceConvention,
    ids: Vec<u32>,
    /// The tokens in words, where there is a tokenizer.
    tokens: Option<Vec<String>>,
    threshold: Threshold,
    #[serde(flatten)]
    traced: Traced,
}

/// Runs the subcommand.
///
/// # Errors
/// [`CliError`] if the model cannot be read, run or traced, the question does not fit it, or the result cannot be written.
pub fn run(args: &Args) -> Result<(), CliError> {
    let model = args.model.open()?;
    let given = args.prompt.prompt(Tokenizer::from_side_files(&model.checkpoint))?;
    let Some((prompt, tokenizer)) = given else {
        return Err(CliError::Usage("give --ids or --prompt".into()));
    };
    let mut run = PromptRun::new(&model, tokenizer.as_ref(), &prompt)?;
    let mut traces = Vec::new();
    while let Some(trace) = ready(run.step(&mut Cpu, &model))? {
        traces.push(trace);
    }
    let clean = CleanPrompt::new(run, traces);
    let mut traced = trace(args, &model, tokenizer.as_ref(), &clean)?;
    let ran = clean.ran();
    traced.notes.splice(0..0, model.notes.iter().chain(&ran.named).cloned());
    let report = Report {
        convention: TraceConvention::of(args.model.convention(&model, Weights::Folded)),
        ids: ran.ids.clone(),
        tokens: tokenizer.is_some().then(|| ran.tokens.clone()),
        threshold: Threshold {
            rule: "min(1, scale / visible tokens)",
            scale: args.threshold_scale,
        },
        traced,
    };
    if wants_json(args.json) { print_json(&report) } else { print_text(&report) }
}

fn trace(
    args: &Args,
    model: &Model,
    tokenizer: Option<&Tokenizer>,
    clean: &CleanPrompt,
) -> Result<Traced, CliError> {
    let mut run = ready(TraceRun::new(&mut Cpu, model, tokenizer, clean, &args.question()))?;
    while let Some(shares) = run.next_layer(clean, model) {
        let options = *run.options();
        let decompose = |share: &Vec<_>| layer::decompose(clean.run(model), share, &options, None);
        let found: Vec<_> = shares.par_iter().map(decompose).collect();
        for decomposed in found {
            run.take(decomposed.map_err(StudyError::from)?);
        }
    }
    Ok(run.finish())
}

impl Args {
    fn question(&self) -> Question {
        let options = TraceOptions {
            tau: self.tau,
            threshold_scale: self.threshold_scale,
            rule: match self.rule {
                RuleName::Accpp => Rule::Accpp,
                RuleName::Key => Rule::Key,
            },
            at: self.at,
        };
        let seeding = self.seeding.map(|seeding| match seeding {
            Seeding::Probability => SeedRule::Probability,
            Seeding::Contrast => SeedRule::Contrast,
        });
        Question { answer: self.answer.clone(), wrong: self.wrong.clone(), seeding, options }
    }
}

fn print_text(report: &Report) -> Result<(), CliError> {
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    let Traced { objective, circuit, notes, .. } = &report.traced;
    write!(out, "{:?} after position {}", objective.answer_text, objective.at)?;
    writeln!(out, ": p {:.3}", libm::exp(objective.answer_logprob))?;
    let against = objective.logit_difference.zip(objective.wrong_text.as_ref());
    if let Some((difference, wrong)) = against {
        writeln!(out, "against {wrong:?}: logit difference {difference:+.3}")?;
    }
    let unit = if objective.tau.is_some() { "nats" } else { "of the logit difference" };
    for seed in &circuit.seeds {
        writeln!(
            out,
            "{:22} -> answer                     {:+.3} {unit}",
            words(&seed.from),
            seed.weight
        )?;
    }
    for edge in &circuit.edges {
        let side = if edge.side == Side::Dest { "query" } else { "key" };
        let (from, to) = (words(&edge.from), words(&edge.to.node()));
        let k: Vec<String> = edge.k.iter().map(|k| format!("k{k}")).collect();
        writeln!(
            out,
            "{from:22} -> {to:20} {side:5} {:+.3} of its attention, through {}",
            edge.weight,
            k.join(" ")
        )?;
    }
    let left = &circuit.left_out;
    writeln!(
        out,
        "{} seeds, {} firings of which {} are not taken apart, {} edges",
        circuit.seeds.len(),
        circuit.firings.len(),
        left.leaves,
        circuit.edges.len()
    )?;
    notes.iter().try_for_each(|note| writeln!(out, "note  {note}"))?;
    out.flush()?;
    Ok(())
}

/// "L3H0 11<-4", "mlp 2 @ 11".
fn words(node: &Node) -> String {
    let Node { kind, layer, head, dest, src } = *node;
    if let Some((layer, head)) = layer.zip(head) {
        return format!("{} {dest}<-{src}", Head::new(layer, head));
    }
    let what = match kind {
        Kind::Head => "head",
        Kind::Mlp => "mlp",
        Kind::Bias => "bias",
        Kind::Embed => "embed",
        Kind::Offset => "offset",
        Kind::Alibi => "alibi",
    };
    layer.map_or_else(|| format!("{what} @ {dest}"), |layer| format!("{what} {layer} @ {dest}"))
}

fn share(text: &str) -> Result<f64, String> {
    let number = positive(text)?;
    if number <= 1.0 { Ok(number) } else { Err("must be at most 1".into()) }
}

fn positive(text: &str) -> Result<f64, String> {
    let number: f64 = text.parse().map_err(|_| format!("{text:?} is no number"))?;
    if number > 0.0 && number.is_finite() { Ok(number) } else { Err("must be above 0".into()) }
}

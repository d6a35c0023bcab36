//! `omega trace`: from the answer to a prompt to the circuit of heads behind it.

use std::io::Write;

use rayon::prelude::*;

use super::files::{print_json, wants_json};
use super::prompt::PromptArgs;
use super::{CliError, ModelArgs};
use crate::circuits::trace::rows::rows;
use crate::circuits::trace::{Rule, Side, TraceOptions, layer};
use crate::model::forward::{Cpu, ready};
use crate::model::tokenizer::Tokenizer;
use crate::model::{Model, Weights};
use crate::study::StudyError;
use crate::study::prompt::PromptRun;
use crate::study::trace::{
    Alone, AloneOptions, AloneRun, CleanPrompt, Question, Report, SeedRule, TraceRun, Traced,
};

/// Trace an answer back to its circuit: which components carry it, and why the heads behind them looked where they did
#[derive(Debug, Clone, clap::Args)]
pub struct Args {
    #[command(flatten)]
    model: ModelArgs,
    #[command(flatten)]
    prompt: PromptArgs,
    /// The token that is traced, by its id or in words [default: the one that the model expects most]
    #[arg(long, value_name = "ID|TEXT")]
    answer: Option<String>,
    /// The token that it is held against [default, with --seeding contrast: of all others the one that the model expects most]
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
    /// Also run the model with the circuit alone, beside this many random circuits of its shape
    #[arg(long, value_name = "N", default_value_t = 0)]
    random_circuits: usize,
    /// The seed of the random circuits
    #[arg(long, value_name = "N", default_value_t = AloneOptions::default().seed, requires = "random_circuits")]
    seed: u32,
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
    let clean = CleanPrompt::new(&run, &traces);
    let traced = trace(args, &model, tokenizer.as_ref(), clean)?;
    let convention = args.model.convention(&model, Weights::Folded);
    let alone = alone(args, &model, clean, &traced)?;
    let report = Report::new(convention, clean.ran(), tokenizer.is_some(), traced).with(alone);
    if wants_json(args.json) { print_json(&report) } else { print_text(&report) }
}

fn trace(
    args: &Args,
    model: &Model,
    tokenizer: Option<&Tokenizer>,
    clean: CleanPrompt<'_>,
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

/// What the circuit is worth, where random circuits are asked for.
fn alone(
    args: &Args,
    model: &Model,
    clean: CleanPrompt<'_>,
    traced: &Traced,
) -> Result<Option<Alone>, CliError> {
    if args.random_circuits == 0 {
        return Ok(None);
    }
    let options = AloneOptions { draws: args.random_circuits, seed: args.seed };
    let (ids, rows) = (&clean.ran().ids, rows(&traced.circuit));
    let mut run = AloneRun::new(model, ids, &traced.objective, rows, options)?;
    while ready(run.step(&mut Cpu, model))? {}
    Ok(Some(run.finish()))
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
            seed.from.to_string(),
            seed.weight
        )?;
    }
    for edge in &circuit.edges {
        let side = if edge.side == Side::Dest { "query" } else { "key" };
        let (from, to) = (edge.from.to_string(), edge.to.node().to_string());
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
    if let Some(alone) = &report.faithfulness {
        let share =
            |x: Option<f64>| x.map_or_else(|| "-".into(), |x| format!("{:.0} %", 100.0 * x));
        writeln!(
            out,
            "with its {} rows of attention alone {} of the answer stays, without them {}; {} random circuits of {:.0}: p {}",
            alone.rows,
            share(alone.kept),
            share(alone.kept_without),
            alone.random.len(),
            alone.possible,
            alone.p.map_or_else(|| "-".into(), |p| format!("{p:.3}")),
        )?;
    }
    notes.iter().try_for_each(|note| writeln!(out, "note  {note}"))?;
    out.flush()?;
    Ok(())
}

fn share(text: &str) -> Result<f64, String> {
    let number = positive(text)?;
    if number <= 1.0 { Ok(number) } else { Err("must be at most 1".into()) }
}

fn positive(text: &str) -> Result<f64, String> {
    let number: f64 = text.parse().map_err(|_| format!("{text:?} is no number"))?;
    if number > 0.0 && number.is_finite() { Ok(number) } else { Err("must be above 0".into()) }
}

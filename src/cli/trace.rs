//! `omega trace`: from the answer to a prompt to the circuit of heads behind it.

use std::io::Write;

use rayon::prelude::*;

use super::files::{print_json, wants_json};
use super::prompt::PromptArgs;
use super::sad_set::TaskName;
use super::{CliError, ModelArgs, trace_other, trace_set};
use crate::circuits::trace::directions::{self, DirectionOptions, Directions};
use crate::circuits::trace::rows::rows;
use crate::circuits::trace::{Firing, Rule, Side, TraceOptions, layer};
use crate::model::forward::{Cpu, ready};
use crate::model::tokenizer::Tokenizer;
use crate::model::{LayerTrace, Model, Weights};
use crate::study::StudyError;
use crate::study::prompt::{Prompt, PromptRun};
use crate::study::trace::{
    Alone, AloneOptions, AloneRun, CleanPrompt, Question, Report, SeedRule, TraceRun, Traced,
};

/// Trace an answer back to its circuit: which components carry it, and why the heads behind them looked where they did
#[derive(Debug, Clone, clap::Args)]
pub struct Args {
    #[command(flatten)]
    pub(super) model: ModelArgs,
    #[command(flatten)]
    prompt: PromptArgs,
    /// A set of prompts with known answers: how often each edge is found, whatever its position
    #[arg(long, group = "input", conflicts_with_all = ["bos", "answer", "wrong", "at", "reading", "random_circuits", "random_directions"])]
    task: Option<TaskName>,
    /// How many prompts of the task
    #[arg(long, value_name = "N", default_value_t = 32, requires = "task")]
    pub(super) prompts: usize,
    /// Sets in which heads have no names, beside which an edge's frequency is put
    #[arg(long, value_name = "N", default_value_t = 199, requires = "task")]
    pub(super) draws: usize,
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
    /// Also hold every edge's singular vectors against as many directions of this many random bases of the head
    #[arg(long, value_name = "N", default_value_t = 0)]
    random_directions: usize,
    /// The seed of everything random: circuits, bases, the set of prompts
    #[arg(long, value_name = "N", default_value_t = AloneOptions::default().seed)]
    pub(super) seed: u32,
    /// Also trace this other prompt and lay its circuit beside this one: which edges both have
    #[arg(long, value_name = "TEXT", group = "other", conflicts_with = "task")]
    pub(super) other_prompt: Option<String>,
    /// The other prompt in token ids
    #[arg(
        long,
        value_delimiter = ',',
        value_name = "ID,ID,…",
        group = "other",
        conflicts_with = "task"
    )]
    pub(super) other_ids: Vec<u32>,
    /// The token traced on the other prompt [default: the one that the model expects most]
    #[arg(long, value_name = "ID|TEXT", requires = "other")]
    pub(super) other_answer: Option<String>,
    /// The token that that one is held against
    #[arg(long, value_name = "ID|TEXT", requires = "other")]
    pub(super) other_wrong: Option<String>,
    /// Trace not the answer but what makes a head look: from a destination to a source, as in L1H3:14-2
    #[arg(long, value_name = "READING", conflicts_with_all = ["answer", "wrong", "seeding", "tau", "at", "random_circuits"])]
    reading: Option<Firing>,
    /// Print JSON even on a terminal
    #[arg(long)]
    pub(super) json: bool,
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
    let tokenizer = Tokenizer::from_side_files(&model.checkpoint);
    if let Some(task) = args.task {
        let tokenizer = tokenizer.map_err(CliError::work)?;
        return trace_set::run(args, &model, tokenizer.as_ref(), task);
    }
    let Some((prompt, tokenizer)) = args.prompt.prompt(tokenizer)? else {
        return Err(CliError::Usage("give --ids, --prompt or --task".into()));
    };
    let (run, traces) = run_prompt(&model, tokenizer.as_ref(), &prompt)?;
    let clean = CleanPrompt::new(&run, &traces);
    let traced = trace(&model, tokenizer.as_ref(), clean, &args.question())?;
    let convention = args.model.convention(&model, Weights::Folded);
    let alone = alone(args, &model, clean, &traced)?;
    let directions = directions(args, &model, clean, &traced)?;
    let compared = trace_other::compared(args, &model, tokenizer.as_ref(), &traced.circuit)?;
    let report = Report::new(convention, clean.ran(), tokenizer.is_some(), traced);
    let mut report = report.with(alone, directions);
    report.compared = compared;
    if wants_json(args.json) { print_json(&report) } else { print_text(&report) }
}

/// A prompt run through the model, with every layer's trace.
pub(super) fn run_prompt(
    model: &Model,
    tokenizer: Option<&Tokenizer>,
    prompt: &Prompt,
) -> Result<(PromptRun, Vec<LayerTrace>), CliError> {
    let mut run = PromptRun::new(model, tokenizer, prompt)?;
    let mut traces = Vec::new();
    while let Some(trace) = ready(run.step(&mut Cpu, model))? {
        traces.push(trace);
    }
    Ok((run, traces))
}

/// The answer of a question traced, the shares of a layer side by side.
pub(super) fn trace(
    model: &Model,
    tokenizer: Option<&Tokenizer>,
    clean: CleanPrompt<'_>,
    question: &Question,
) -> Result<Traced, CliError> {
    let mut run = ready(TraceRun::new(&mut Cpu, model, tokenizer, clean, question))?;
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

/// The edges' singular vectors beside random directions, where those are asked for.
fn directions(
    args: &Args,
    model: &Model,
    clean: CleanPrompt<'_>,
    traced: &Traced,
) -> Result<Option<Directions>, CliError> {
    if args.random_directions == 0 {
        return Ok(None);
    }
    let options = DirectionOptions { draws: args.random_directions, seed: args.seed };
    let run = clean.run(model);
    let found = directions::directions(run, &traced.circuit, &traced.options, options);
    Ok(Some(found.map_err(StudyError::from)?))
}

impl Args {
    pub(super) fn question(&self) -> Question {
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
        let (answer, wrong) = (self.answer.clone(), self.wrong.clone());
        Question { answer, wrong, seeding, options, reading: self.reading }
    }
}

fn print_text(report: &Report) -> Result<(), CliError> {
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    let Traced { objective, circuit, notes, .. } = &report.traced;
    match objective.reading {
        Some(firing) => writeln!(out, "what makes {} look", firing.node())?,
        None => {
            write!(out, "{:?} after position {}", objective.answer_text, objective.at)?;
            writeln!(out, ": p {:.3}", libm::exp(objective.answer_logprob))?;
        }
    }
    let against = objective.logit_difference.zip(objective.wrong_text.as_ref());
    if let Some((difference, wrong)) = against {
        writeln!(out, "against {wrong:?}: logit difference {difference:+.3}")?;
    }
    let unit = objective.unit();
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
    if let Some(found) = &report.directions {
        let mean = |all: f64| all / found.options.draws.max(1) as f64;
        let p = |p: Option<f64>| p.map_or_else(|| "-".into(), |p| format!("{p:.3}"));
        writeln!(
            out,
            "all firings are gone without {} cells, in random bases without {:.1} (p {}); without their singular vectors all edges \
             lose {:.3} of attention, without as many directions that nobody picked {:.3} (p {}); {} bases",
            found.cells,
            mean(found.random_cells.iter().sum::<usize>() as f64),
            p(found.p_cells),
            found.fall,
            mean(found.random_falls.iter().sum()),
            p(found.p_falls),
            found.options.draws,
        )?;
    }
    if let Some(compared) = &report.compared {
        trace_other::print(&mut out, compared)?;
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

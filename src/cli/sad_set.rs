//! `omega sad --task`: every head over a set of prompts, with the share of answers that the model gets right.

use std::io::Write;

use serde::Serialize;

use super::CliError;
use super::files::{print_json, wants_json};
use super::heads::Row;
use super::sad::{Args, number};
use crate::circuits::convention::SadConvention;
use crate::circuits::distribution::Distribution;
use crate::circuits::prompts::Task;
use crate::circuits::sad::set::{HeadEvents, HeadSetReport, SetOptions};
use crate::math::statistics::FalseDiscovery;
use crate::model::Model;
use crate::model::forward::{Cpu, ready};
use crate::model::tokenizer::Tokenizer;
use crate::study::prompt_set::{Prompts, SetRun, SetSpec, SetTask, Share};

/// Which prompts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum TaskName {
    /// "When Mary and John went to the store, John gave a drink to"
    IndirectObject,
    /// "The war lasted from the year 1732 to the year 17"
    GreaterThan,
    /// "Mary went to the park because"
    Pronoun,
    /// The same random tokens twice; needs no tokenizer
    Repeated,
}

impl TaskName {
    pub(super) fn task(self) -> SetTask {
        match self {
            Self::IndirectObject => SetTask::Task(Task::IndirectObject),
            Self::GreaterThan => SetTask::Task(Task::GreaterThan),
            Self::Pronoun => SetTask::Task(Task::Pronoun),
            Self::Repeated => SetTask::Repeated,
        }
    }
}

/// The result for a set.
#[derive(Debug, Serialize)]
struct Report {
    convention: SadConvention,
    task: TaskName,
    seed: u32,
    n_prompts: usize,
    /// Which looks count.
    counted: String,
    /// Prompts with an answer that was checked; 0 when not all layers ran.
    n_answered: usize,
    /// Those with a better logit for the answer than for the typical mistake.
    n_correct: Option<usize>,
    /// Their share.
    accuracy: Option<f64>,
    /// One of the prompts.
    example: String,
    heads: Vec<Row<MeasuredHead>>,
    notes: Vec<String>,
}

#[derive(Debug, Serialize)]
struct MeasuredHead {
    layer: usize,
    head: usize,
    /// `against_chance.p`, corrected over the heads of this result with an event (Benjamini and Hochberg).
    q: Option<f64>,
    #[serde(flatten)]
    report: HeadSetReport,
}

/// Runs the set.
pub(super) fn run(
    args: &Args,
    model: &Model,
    tokenizer: Option<&Tokenizer>,
    task: TaskName,
) -> Result<(), CliError> {
    let rule = args.events.unwrap_or_default();
    let options = SetOptions { rule, controls: args.controls() };
    let (n, seed, share) = (args.prompts, args.seed, Share::WHOLE);
    let spec = SetSpec { task: task.task(), n, seed, options, series: false, share };
    let prompts = Prompts::new(model, tokenizer, &spec)?;
    let (mut bases, mut notes) = (Vec::new(), model.notes.clone());
    for layer in 0..args.end(model) {
        let (found, left_out) = args.bases(model, layer)?;
        bases.extend(found);
        notes.extend(left_out);
    }
    let mut run = SetRun::new(model, prompts, bases, options, Some(args.end(model)))?;
    while ready(run.step(&mut Cpu, model))? {}
    let found = run.finish();
    let report = |(at, events): ((usize, usize), HeadEvents)| (at, events.report());
    let reports: Vec<_> = found.heads.into_iter().map(report).collect();
    let p = |report: &HeadSetReport| report.against_chance.map(|evidence| evidence.p);
    let family = FalseDiscovery::over(reports.iter().filter_map(|(_, report)| p(report)));
    let head = |((layer, head), report): ((usize, usize), HeadSetReport)| {
        let q = p(&report).map(|p| family.q(p));
        let measured = MeasuredHead { layer, head, q, report };
        Row::new(&model.arch, head, measured, |measured| &mut measured.layer)
    };
    let report = Report {
        convention: SadConvention::of(args.model.convention(model, args.weights.into())),
        task,
        seed,
        n_prompts: found.n,
        counted: rule.words(),
        n_answered: found.answered,
        n_correct: found.correct,
        accuracy: found.correct.map(|correct| correct as f64 / found.answered.max(1) as f64),
        example: found.example,
        heads: reports.into_iter().map(head).collect(),
        notes,
    };
    if wants_json(args.json) { print_json(&report) } else { print_text(&report) }
}

fn print_text(report: &Report) -> Result<(), CliError> {
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    let right = number(report.accuracy.map(|share| 100.0 * share), 0);
    writeln!(out, "{} prompts, {right} % right; counted: {}", report.n_prompts, report.counted)?;
    writeln!(
        out,
        "head     events  S (basis, subspace, matched)  q        N (basis)    N90  vectors that come back"
    )?;
    let mean = |d: &Option<Distribution>, digits| number(d.map(|d| d.mean), digits);
    for Row { name, of: MeasuredHead { report, q, .. }, .. } in
        report.heads.iter().filter(|row| row.of.report.n_events > 0)
    {
        let recurring = report.recurring.iter().take(4);
        let recurring = recurring.map(|r| format!("k{} {:.0}%", r.k, 100.0 * r.share));
        writeln!(
            out,
            "{name:8} {:6}  {:>5} ({}, {}, {})  {:7}  {:>5} ({:>5}) {:>5}  {}",
            report.n_events,
            mean(&report.real.sparseness, 3),
            mean(&report.basis.sparseness, 3),
            mean(&report.subspace.sparseness, 3),
            mean(&report.matched.sparseness, 3),
            q.map_or_else(|| "-".into(), |q| format!("{q:.1e}")),
            mean(&report.real.n_recon, 1),
            mean(&report.basis.n_recon, 1),
            mean(&report.real.n_recon_90, 1),
            recurring.collect::<Vec<_>>().join(", "),
        )?;
    }
    let silent = report.heads.iter().filter(|row| row.of.report.n_events == 0).count();
    writeln!(
        out,
        "{silent} head(s) without an event; q: of \"no sparser than the weakest control\" over prompts, corrected over the heads"
    )?;
    report.notes.iter().try_for_each(|note| writeln!(out, "note  {note}"))?;
    out.flush()?;
    Ok(())
}

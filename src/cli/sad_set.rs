//! `omega sad --task`: every head over a set of prompts, with the share of answers that the model gets right.

use std::io::Write;

use serde::Serialize;

use super::CliError;
use super::files::{print_json, wants_json};
use super::sad::{Args, SadConvention, basis, name, number};
use crate::circuits::CircuitError;
use crate::circuits::distribution::Distribution;
use crate::circuits::prompts::{self, Prompt, Task};
use crate::circuits::sad::run::LayerRun;
use crate::circuits::sad::set::{HeadSet, HeadSetReport, SetOptions};
use crate::model::tokenizer::Tokenizer;
use crate::model::{AttentionLayer, ForwardPass, Model, Part};

/// Which prompts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum TaskName {
    /// "When Mary and John went to the store, John gave a drink to"
    IndirectObject,
    /// "The war lasted from the year 1732 to the year 17"
    GreaterThan,
    /// "Mary went to the park because"
    Pronoun,
}

impl TaskName {
    fn task(self) -> Task {
        match self {
            Self::IndirectObject => Task::IndirectObject,
            Self::GreaterThan => Task::GreaterThan,
            Self::Pronoun => Task::Pronoun,
        }
    }
}

/// The result for a set.
#[derive(Debug, Serialize)]
struct Report {
    convention: SadConvention,
    task: Task,
    seed: u32,
    n_prompts: usize,
    /// Share of prompts with a better logit for the answer than for the typical mistake; `None` when not all layers ran.
    accuracy: Option<f64>,
    heads: Vec<Head>,
    notes: Vec<String>,
}

#[derive(Debug, Serialize)]
struct Head {
    layer: usize,
    head: usize,
    #[serde(flatten)]
    report: HeadSetReport,
}

/// Runs the set.
pub(super) fn run(
    args: &Args,
    model: &Model,
    tokenizer: &Tokenizer,
    task: TaskName,
) -> Result<(), CliError> {
    let task = task.task();
    let known = |word: &str| tokenizer.single(word);
    let asked = prompts::generate(task, args.prompts, args.seed, known).map_err(CliError::work)?;
    let starts = args.starts(tokenizer, model);
    let encode = |text: &str| tokenizer.encode(text, starts).unwrap_or_default();
    let located = asked.iter().map(|prompt| prompt.locate(encode, &[]));
    let located = located.collect::<Result<Vec<_>, _>>().map_err(CliError::work)?;
    let ids: Vec<Vec<u32>> = located.iter().map(|prompt| prompt.ids.clone()).collect();
    let options = SetOptions { controls: args.controls(), ..SetOptions::default() };
    let mut pass = ForwardPass::of_tokens(model, &ids).map_err(CliError::work)?;
    let mut heads = Vec::new();
    let n_layers = model.arch.n_layers;
    for layer in 0..args.layer.map_or(n_layers, |layer| layer + 1) {
        let wanted = args.layer.is_none_or(|asked| asked == layer);
        let traces = pass.step(model, wanted, None).map_err(CliError::work)?;
        if !wanted {
            continue;
        }
        let attention = AttentionLayer::read(model, layer, Part::Qk).map_err(CliError::work)?;
        for head in args.heads(model)? {
            let stream = (layer * model.arch.n_heads + head) as u32;
            let mut set =
                HeadSet::new(basis(&attention, head, args.weights.into())?, options, stream);
            for (trace, prompt) in traces.iter().zip(&located) {
                let none =
                    CircuitError::OutOfRange { what: "layer", index: layer, count: n_layers };
                let run = LayerRun::of(&model.arch, trace).ok_or(none).map_err(CliError::work)?;
                let parts = run.head(head).map_err(CliError::work)?;
                set.add(parts, run.scale, run.view, prompt.dest, None).map_err(CliError::work)?;
            }
            heads.push(Head { layer, head, report: set.report() });
        }
    }
    let accuracy = if pass.next_layer() == n_layers && model.arch.unembedding.is_some() {
        let places: Vec<(usize, usize)> =
            located.iter().enumerate().map(|(at, prompt)| (at, prompt.dest)).collect();
        Some(accuracy(&asked, &pass.logits(model, &places).map_err(CliError::work)?))
    } else {
        None
    };
    let report = Report {
        convention: SadConvention::of(model, args.weights.into()),
        task,
        seed: args.seed,
        n_prompts: asked.len(),
        accuracy,
        heads,
        notes: model.notes.clone(),
    };
    if wants_json(args.json) { print_json(&report) } else { print_text(&report) }
}

/// `logits` hold one row per prompt.
fn accuracy(asked: &[Prompt], logits: &[f32]) -> f64 {
    let width = logits.len().checked_div(asked.len()).unwrap_or(0).max(1);
    let rows = asked.iter().zip(logits.chunks_exact(width));
    let right = rows.filter(|(p, row)| p.score(row).is_some_and(|answered| answered.correct));
    right.count() as f64 / asked.len().max(1) as f64
}

fn print_text(report: &Report) -> Result<(), CliError> {
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    let right = number(report.accuracy.map(|share| 100.0 * share), 0);
    writeln!(out, "{} prompts, {right} % right; events: attention above 0.5", report.n_prompts)?;
    writeln!(
        out,
        "head     events      S (control)     N (control)   N90  vectors that come back"
    )?;
    let mean = |d: &Option<Distribution>, digits| number(d.map(|d| d.mean), digits);
    for Head { layer, head, report } in report.heads.iter().filter(|head| head.report.n_events > 0)
    {
        let recurring = report.recurring.iter().take(4);
        let recurring = recurring.map(|r| format!("k{} {:.0}%", r.k, 100.0 * r.share));
        writeln!(
            out,
            "{:8} {:6}  {:>5} ({:>5})  {:>5} ({:>5}) {:>5}  {}",
            name(*layer, *head),
            report.n_events,
            mean(&report.real.sparseness, 3),
            mean(&report.basis.sparseness, 3),
            mean(&report.real.n_recon, 1),
            mean(&report.basis.n_recon, 1),
            mean(&report.real.n_recon_90, 1),
            recurring.collect::<Vec<_>>().join(", "),
        )?;
    }
    let silent = report.heads.iter().filter(|head| head.report.n_events == 0).count();
    writeln!(
        out,
        "{silent} head(s) without an event; control: random bases that keep every score"
    )?;
    report.notes.iter().try_for_each(|note| writeln!(out, "note  {note}"))?;
    out.flush()?;
    Ok(())
}

//! `omega trace --task`: circuits over a set of prompts, and how often each edge is found in them.

use std::io::Write;

use rayon::prelude::*;
use serde::Serialize;

use super::CliError;
use super::files::{print_json, wants_json};
use super::sad_set::TaskName;
use super::trace::{Args, run_prompt, trace};
use crate::circuits::convention::TraceConvention;
use crate::circuits::sad::set::SetOptions;
use crate::circuits::trace::{Circuit, Side, TraceOptions};
use crate::model::tokenizer::Tokenizer;
use crate::model::{Model, Weights};
use crate::study::prompt::Prompt;
use crate::study::prompt_set::{Prompts, SetSpec, Share};
use crate::study::trace::consensus::{ChanceOptions, Consensus, consensus};
use crate::study::trace::{CleanPrompt, Question, Traced};

/// An edge of the text has this share of the prompts at least.
const SHOWN: f64 = 0.1;

/// The result for a set.
#[derive(Debug, Serialize)]
struct Report {
    convention: TraceConvention,
    task: TaskName,
    seed: u32,
    options: TraceOptions,
    n_prompts: usize,
    /// Prompts whose answer was held against a typical mistake.
    n_compared: usize,
    /// Those with a better logit for the answer.
    n_correct: usize,
    /// One of the prompts.
    example: String,
    #[serde(flatten)]
    consensus: Consensus,
    notes: Vec<String>,
}

/// Runs the set.
pub(super) fn run(
    args: &Args,
    model: &Model,
    tokenizer: Option<&Tokenizer>,
    task: TaskName,
) -> Result<(), CliError> {
    let (n, seed, options) = (args.prompts, args.seed, SetOptions::default());
    let spec = SetSpec { task: task.task(), n, seed, options, series: false, share: Share::WHOLE };
    let prompts = Prompts::new(model, tokenizer, &spec)?;
    let asked: Vec<_> = prompts.asked().collect();
    let traced = asked.par_iter().map(|(ids, at, [answer, wrong])| {
        let (run, traces) = run_prompt(model, tokenizer, &Prompt::of_ids(ids))?;
        let id = |id: &Option<u32>| id.map(|id| format!("#{id}"));
        let mut question = Question { answer: id(answer), wrong: id(wrong), ..args.question() };
        question.options.at = Some(*at);
        trace(model, tokenizer, CleanPrompt::new(&run, &traces), &question)
    });
    let traced: Vec<Traced> = traced.collect::<Result<_, _>>()?;
    let margins: Vec<f64> = traced.iter().filter_map(|t| t.objective.logit_difference).collect();
    let circuits: Vec<Circuit> = traced.into_iter().map(|traced| traced.circuit).collect();
    let chance = ChanceOptions { draws: args.draws, seed };
    let convention = args.model.convention(model, Weights::Folded);
    let report = Report {
        convention: TraceConvention::of(convention),
        task,
        seed,
        options: args.question().options,
        n_prompts: circuits.len(),
        n_compared: margins.len(),
        n_correct: margins.iter().filter(|margin| **margin > 0.0).count(),
        example: prompts.example,
        consensus: consensus(&circuits, |layer| model.arch.n_heads_of(layer), chance),
        notes: model.notes.clone(),
    };
    if wants_json(args.json) { print_json(&report) } else { print_text(&report) }
}

fn print_text(report: &Report) -> Result<(), CliError> {
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    let found = &report.consensus;
    writeln!(
        out,
        "{} prompts, {} of {} right, {} with a circuit; such as {:?}",
        report.n_prompts, report.n_correct, report.n_compared, found.n_circuits, report.example
    )?;
    writeln!(out, "from      to        side    prompts  share  mean weight      p")?;
    for edge in found.edges.iter().filter(|edge| edge.share >= SHOWN) {
        let side = match edge.side {
            Some(Side::Dest) => "query",
            Some(Side::Src) => "keys",
            None => "answer",
        };
        let p = edge.p.map_or_else(|| "-".into(), |p| format!("{p:.3}"));
        writeln!(
            out,
            "{:9} {:9} {side:6} {:8} {:6.2} {:12.3} {p:>6}",
            edge.from, edge.to, edge.n_prompts, edge.share, edge.mean_weight
        )?;
    }
    let rare = found.edges.iter().filter(|edge| edge.share < SHOWN).count();
    writeln!(
        out,
        "{rare} rarer edge(s); p: the chance that some edge is found as often where the heads of each layer change their names in every prompt"
    )?;
    report.notes.iter().try_for_each(|note| writeln!(out, "note  {note}"))?;
    out.flush()?;
    Ok(())
}

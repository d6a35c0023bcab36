//! `omega trace --task`: circuits over a set of prompts, and how often each edge is found in them.

use std::io::Write;

use rayon::prelude::*;
use serde::Serialize;

use super::CliError;
use super::files::{print_json, wants_json};
use super::sad_set::TaskName;
use super::trace::Args;
use crate::circuits::convention::TraceConvention;
use crate::circuits::sad::set::SetOptions;
use crate::circuits::trace::{Side, TraceOptions};
use crate::model::forward::{Cpu, ready};
use crate::model::tokenizer::Tokenizer;
use crate::model::{Model, Weights};
use crate::study::prompt_set::{Prompts, SetSpec, Share};
use crate::study::trace::Traced;
use crate::study::trace::consensus::ChanceOptions;
use crate::study::trace::set::{TracedSet, trace_one};

/// An edge of the text has this share of the prompts at least.
const SHOWN: f64 = 0.1;

/// The result for a set.
#[derive(Debug, Serialize)]
struct Report {
    convention: TraceConvention,
    task: TaskName,
    seed: u32,
    options: TraceOptions,
    #[serde(flatten)]
    set: TracedSet,
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
    let rules = args.question();
    let traced =
        asked.par_iter().map(|of| ready(trace_one(&mut Cpu, model, tokenizer, *of, &rules)));
    let traced: Vec<Traced> = traced.collect::<Result<_, _>>()?;
    let chance = ChanceOptions { draws: args.draws, seed };
    let convention = args.model.convention(model, Weights::Folded);
    let report = Report {
        convention: TraceConvention::of(convention),
        task,
        seed,
        options: rules.options,
        set: TracedSet::of(model, traced, &prompts, chance),
        notes: model.notes.clone(),
    };
    if wants_json(args.json) { print_json(&report) } else { print_text(&report) }
}

fn print_text(report: &Report) -> Result<(), CliError> {
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    let set = &report.set;
    let found = &set.consensus;
    writeln!(
        out,
        "{} prompts, {} of {} right, {} with a circuit; such as {:?}",
        set.n_prompts, set.n_correct, set.n_compared, found.n_circuits, set.example
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

//! `omega sad`: which singular vectors make up what every head sees in a prompt, with every control beside it.

use std::io::Write;

use rayon::prelude::*;
use serde::Serialize;

use super::files::{print_json, wants_json};
use super::heads::{LayerArg, Row};
use super::prompt::PromptArgs;
use super::sad_set;
use super::spectra::Form;
use super::{CliError, ModelArgs};
use crate::circuits::convention::SadConvention;
use crate::circuits::sad::controls::{ControlOptions, Spread};
use crate::circuits::sad::run::{HeadControls, HeadSad, Look};
use crate::circuits::sad::sparsity::{EventRule, RunningSum};
use crate::circuits::sad::terms::TermBasis;
use crate::model::forward::{Cpu, ready};
use crate::model::tokenizer::Tokenizer;
use crate::model::{AttentionLayer, Model, ModelError, Part};
use crate::study::looks::{head_basis, head_look};
use crate::study::prompt::PromptRun;

/// Decompose attention scores into terms of singular vectors, on a prompt or on a set of prompts
#[derive(Debug, Clone, clap::Args)]
pub struct Args {
    #[command(flatten)]
    pub(super) model: ModelArgs,
    #[command(flatten)]
    prompt: PromptArgs,
    /// A set of prompts with known answers: what each head does over all of them
    #[arg(long, group = "input", conflicts_with = "bos")]
    pub(super) task: Option<sad_set::TaskName>,
    /// How many prompts of the task
    #[arg(long, value_name = "N", default_value_t = 128, requires = "task")]
    pub(super) prompts: usize,
    /// Which looks over the set count: every, attention:LEAST or score:LEAST (|relative attention|) [default: attention:0.5]
    #[arg(long, value_name = "RULE", value_parser = rule, requires = "task")]
    pub(super) events: Option<EventRule>,
    /// The position that looks, from 0 [default: the last]
    #[arg(long, value_name = "N")]
    dest: Option<usize>,
    /// The position looked at, from 0 [default: the most attended]
    #[arg(long, value_name = "N")]
    src: Option<usize>,
    /// Only this layer; of a model with several stacks with the stack's name in front, as in dec3
    #[arg(long, value_name = "N")]
    layer: Option<LayerArg>,
    /// Only this head of each layer
    #[arg(long, value_name = "N")]
    pub(super) head: Option<usize>,
    /// Which form of the weights the singular vectors are of
    #[arg(long, value_enum, default_value_t = Form::Folded)]
    pub(super) weights: Form,
    /// Draws of each control [default: 199 for a look, 32 for a set of prompts]
    #[arg(long, value_name = "N")]
    draws: Option<usize>,
    /// Seed of the controls and of the prompt set
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(super) seed: u32,
    /// Print JSON even on a terminal
    #[arg(long)]
    pub(super) json: bool,
}

/// Bases of singular vectors, by layer and head.
pub(super) type Bases = Vec<((usize, usize), TermBasis)>;

/// The result for one prompt.
#[derive(Debug, Serialize)]
struct Report {
    convention: SadConvention,
    ids: Vec<u32>,
    /// The tokens in words, where there is a tokenizer.
    tokens: Option<Vec<String>>,
    heads: Vec<Row<HeadSad>>,
    notes: Vec<String>,
}

/// Runs the subcommand.
///
/// # Errors
/// [`CliError`] if the model cannot be read or run, the prompt does not fit it, or the result cannot be written.
pub fn run(args: &Args) -> Result<(), CliError> {
    let model = args.model.open()?;
    args.check_range(&model)?;
    let tokenizer = Tokenizer::from_side_files(&model.checkpoint);
    if let Some(task) = args.task {
        return sad_set::run(args, &model, tokenizer.map_err(CliError::work)?.as_ref(), task);
    }
    let Some((prompt, tokenizer)) = args.prompt.prompt(tokenizer)? else {
        return Err(CliError::Usage("give --ids, --prompt or --task".into()));
    };
    let run = PromptRun::new(&model, tokenizer.as_ref(), &prompt)?;
    let ran = run.ran.clone();
    let (heads, left_out) = decompose(args, &model, run)?;
    let arch = &model.arch;
    let row = |sad: HeadSad| Row::new(arch, sad.head, sad, |sad| &mut sad.layer);
    let report = Report {
        convention: SadConvention::of(args.model.convention(&model, args.weights.into())),
        tokens: tokenizer.is_some().then_some(ran.tokens),
        ids: ran.ids,
        heads: heads.into_iter().map(row).collect(),
        notes: model.notes.iter().cloned().chain(ran.named).chain(left_out).collect(),
    };
    if wants_json(args.json) { print_json(&report) } else { print_text(&report) }
}

impl Args {
    pub(super) fn controls(&self) -> ControlOptions {
        let usual =
            if self.task.is_some() { ControlOptions::SET } else { ControlOptions::default() };
        ControlOptions { draws: self.draws.unwrap_or(usual.draws), seed: self.seed }
    }

    /// One past the last layer that is asked for.
    pub(super) fn end(&self, model: &Model) -> usize {
        self.asked(model).map_or(model.arch.n_layers, |layer| layer + 1)
    }

    /// The place of the layer that is asked for.
    fn asked(&self, model: &Model) -> Option<usize> {
        self.layer.as_ref().and_then(|layer| layer.place(&model.arch).ok())
    }

    fn check_range(&self, model: &Model) -> Result<(), CliError> {
        self.layer.as_ref().map(|layer| layer.place(&model.arch)).transpose()?;
        let (what, count) = ("head", model.arch.n_heads);
        match self.head.filter(|&index| index >= count) {
            Some(index) => Err(CliError::work(ModelError::OutOfRange { what, index, count })),
            None => Ok(()),
        }
    }

    /// The bases of the heads of one layer that are asked for, and a note on each head that has none.
    pub(super) fn bases(
        &self,
        model: &Model,
        layer: usize,
    ) -> Result<(Bases, Vec<String>), CliError> {
        let asked = self.asked(model);
        let other = asked.is_some_and(|asked| asked != layer);
        if other || (asked.is_none() && model.arch.attention(layer).is_none()) {
            return Ok((Vec::new(), Vec::new()));
        }
        let attention = AttentionLayer::read(model, layer, Part::Qk).map_err(CliError::work)?;
        let heads = self.head.map_or(0..attention.n_heads(), |head| head..head + 1).into_par_iter();
        let basis = |head| (head, head_basis(&attention, head, self.weights.into()));
        let (mut bases, mut left_out) = (Vec::new(), Vec::new());
        for (head, found) in heads.map(basis).collect::<Vec<_>>() {
            match found {
                Ok(basis) => bases.push(((layer, head), basis)),
                Err(error) => left_out
                    .push(format!("{} is left out: {error}.", model.arch.head_name(layer, head))),
            }
        }
        Ok((bases, left_out))
    }
}

/// All heads that were asked for, and notes on those that are left out; the pass stops after the last layer that is needed.
fn decompose(
    args: &Args,
    model: &Model,
    mut run: PromptRun,
) -> Result<(Vec<HeadSad>, Vec<String>), CliError> {
    let look = Look { dest: args.dest, src: args.src, controls: args.controls() };
    let (mut found, mut notes, mut ran) = (Vec::new(), Vec::new(), Vec::new());
    while let Some(trace) = ready(run.step(&mut Cpu, model))? {
        if trace.layer >= args.end(model) {
            break;
        }
        ran.push(trace.layer);
        let (bases, left_out) = args.bases(model, trace.layer)?;
        notes.extend(left_out);
        let looks =
            bases.par_iter().map(|((_, head), basis)| head_look(model, &trace, *head, basis, look));
        found.extend(looks.collect::<Result<Vec<_>, _>>()?);
    }
    if let Some(layer) = args.asked(model).filter(|layer| !ran.contains(layer)) {
        let reason = format!("{} reads what no prompt here gives it", model.arch.layer_name(layer));
        return Err(CliError::work(ModelError::CannotRun { reason }));
    }
    Ok((found, notes))
}

fn print_text(report: &Report) -> Result<(), CliError> {
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    let token = |at: usize| {
        let words = report.tokens.as_ref().and_then(|tokens| tokens.get(at));
        let id = || report.ids.get(at).map_or_else(String::new, |id| format!("[{id}]"));
        words.map_or_else(id, |word| format!("{word:?}"))
    };
    writeln!(
        out,
        "head     looks from              to                      attention  relative     S (basis, subspace, matched)  p      N (basis)     N90  largest terms"
    )?;
    for Row { name, of: head, .. } in &report.heads {
        let from = format!("{} {}", head.dest, token(head.dest));
        let to = format!("{} {}", head.src, token(head.src));
        write!(out, "{name:8} {from:23} {to:23} {:9.3}", head.attention)?;
        let Some((relative, terms)) = head.relative.zip(head.relative_terms.as_ref()) else {
            writeln!(out, "  a single visible source: nothing to compare")?;
            continue;
        };
        let controls = head.controls.as_ref();
        let s =
            |of: fn(&HeadControls) -> &Spread| number(controls.and_then(|c| of(c).sparseness), 3);
        let order = RunningSum::toward(terms, relative).order;
        let largest =
            order.iter().take(3).filter_map(|&k| Some(format!("k{k} {:+.2}", terms.get(k)?)));
        writeln!(
            out,
            " {relative:+9.3}  {} ({}, {}, {})  {}  {:>4} ({:>5})  {:>4}  {}",
            number(head.sparseness, 3),
            s(|c| &c.basis),
            s(|c| &c.subspace),
            s(|c| &c.matched),
            number(controls.and_then(|c| c.p), 3),
            head.n_recon.map_or("-".into(), |n| n.to_string()),
            number(controls.and_then(|c| c.basis.n_recon), 1),
            head.n_recon_90.map_or("-".into(), |n| n.to_string()),
            largest.collect::<Vec<_>>().join(", "),
        )?;
    }
    let worst = report.heads.iter().map(|row| row.of.remainder_share).fold(0.0, f64::max);
    writeln!(
        out,
        "terms sum to the scores up to {worst:.1e} of the largest; p: rank of S among the draws of the weakest control, of one look, \
         uncorrected"
    )?;
    report.notes.iter().try_for_each(|note| writeln!(out, "note  {note}"))?;
    out.flush()?;
    Ok(())
}

pub(super) fn number(x: Option<f64>, digits: usize) -> String {
    x.map_or_else(|| "-".into(), |x| format!("{x:.digits$}"))
}

fn rule(text: &str) -> Result<EventRule, String> {
    let least = |number: &str| number.parse().map_err(|_| format!("{number:?} is no number"));
    match text.split_once(':') {
        None if text == "every" => Ok(EventRule::Every),
        Some(("attention", number)) => Ok(EventRule::Attention(least(number)?)),
        Some(("score", number)) => Ok(EventRule::Relative(least(number)?)),
        _ => Err("must be every, attention:LEAST or score:LEAST".into()),
    }
}

//! `omega sad`: which singular vectors make up what every head sees in a prompt, with both controls beside it.

use std::io::Write;

use serde::Serialize;

use super::files::{print_json, wants_json};
use super::sad_set;
use super::spectra::Form;
use super::{CliError, ModelArgs};
use crate::circuits::CircuitError;
use crate::circuits::convention::Convention;
use crate::circuits::sad::controls::ControlOptions;
use crate::circuits::sad::run::{HeadSad, LayerRun, Look};
use crate::circuits::sad::sparsity::RunningSum;
use crate::circuits::sad::terms::TermBasis;
use crate::math::product_svd;
use crate::model::tokenizer::Tokenizer;
use crate::model::{AttentionLayer, ForwardPass, Model, ModelError, Part, Weights};

/// Decompose attention scores into terms of singular vectors, on a prompt or on a set of prompts
#[derive(Debug, Clone, clap::Args)]
pub struct Args {
    #[command(flatten)]
    pub(super) model: ModelArgs,
    /// Token ids of the prompt, start token included
    #[arg(long, value_delimiter = ',', value_name = "ID,ID,…", group = "input")]
    ids: Vec<u32>,
    /// The prompt in words; needs a tokenizer among the files
    #[arg(long, value_name = "TEXT", group = "input")]
    prompt: Option<String>,
    /// A set of prompts with known answers: what each head does over all of them
    #[arg(long, group = "input")]
    pub(super) task: Option<sad_set::TaskName>,
    /// How many prompts of the task
    #[arg(long, value_name = "N", default_value_t = 128, requires = "task")]
    pub(super) prompts: usize,
    /// Put the start token in front of words (on or off; the field's default for the family otherwise)
    #[arg(long, value_name = "ON|OFF", value_parser = switch)]
    bos: Option<bool>,
    /// The position that looks, from 0 [default: the last]
    #[arg(long, value_name = "N")]
    dest: Option<usize>,
    /// The position looked at, from 0 [default: the most attended]
    #[arg(long, value_name = "N")]
    src: Option<usize>,
    /// Only this layer
    #[arg(long, value_name = "N")]
    pub(super) layer: Option<usize>,
    /// Only this head of each layer
    #[arg(long, value_name = "N")]
    pub(super) head: Option<usize>,
    /// Which form of the weights the singular vectors are of
    #[arg(long, value_enum, default_value_t = Form::Folded)]
    pub(super) weights: Form,
    /// Rotations of each control
    #[arg(long, value_name = "N", default_value_t = ControlOptions::default().draws)]
    draws: usize,
    /// Seed of the controls and of the prompt set
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(super) seed: u32,
    /// Print JSON even on a terminal
    #[arg(long)]
    pub(super) json: bool,
}

/// What stands on every result beside the general convention.
#[derive(Debug, Serialize)]
pub(super) struct SadConvention {
    #[serde(flatten)]
    general: Convention,
    terms: &'static str,
    relative: &'static str,
    sparseness: &'static str,
    n_recon: &'static str,
    controls: &'static str,
}

impl SadConvention {
    pub(super) fn of(model: &Model, weights: Weights) -> Self {
        Self {
            general: Convention::of(model, weights),
            terms: "score scale, biases, norms and rotary embedding inside; before soft-cap, ALiBi and mask; score = sum of terms \
                + remainder",
            relative: "score minus the mean score of the destination's other visible sources, term by term",
            sparseness: "(mean |t|)^2 / mean(t^2) of the relative terms; lower is sparser",
            n_recon: "fewest terms that sum to (tau - 5e-6) |relative|, tau 1 and 0.9; 1 to 4 is what random heads have at small \
                scores",
            controls: "basis: one random rotation that keeps every score; subspace: u and v rotated independently; means over \
                draws",
        }
    }
}

/// The result for one prompt.
#[derive(Debug, Serialize)]
struct Report {
    convention: SadConvention,
    ids: Vec<u32>,
    /// The tokens in words, where there is a tokenizer.
    tokens: Option<Vec<String>>,
    heads: Vec<HeadSad>,
    notes: Vec<String>,
}

/// Runs the subcommand.
///
/// # Errors
/// [`CliError`] if the model cannot be read or run, the prompt does not fit it, or the result cannot be written.
pub fn run(args: &Args) -> Result<(), CliError> {
    let model = args.model.open()?;
    let tokenizer = Tokenizer::from_side_files(&model.checkpoint);
    if let Some(task) = args.task {
        return sad_set::run(args, &model, &needed(tokenizer.map_err(CliError::work)?)?, task);
    }
    let (ids, tokenizer) = match &args.prompt {
        Some(text) => {
            let tokenizer = needed(tokenizer.map_err(CliError::work)?)?;
            let ids = tokenizer.encode(text, args.starts(&tokenizer, &model));
            (ids.map_err(CliError::work)?, Some(tokenizer))
        }
        // Ids need no tokenizer: one that cannot be read only leaves them without words.
        None if !args.ids.is_empty() => (args.ids.clone(), tokenizer.unwrap_or(None)),
        None => return Err(CliError::Usage("give --ids, --prompt or --task".into())),
    };
    let heads = decompose(args, &model, &ids)?;
    let label = |id: &u32| tokenizer.as_ref().map(|tokenizer| tokenizer.label(*id));
    let report = Report {
        convention: SadConvention::of(&model, args.weights.into()),
        tokens: ids.iter().map(label).collect(),
        ids,
        heads,
        notes: model.notes.clone(),
    };
    if wants_json(args.json) { print_json(&report) } else { print_text(&report) }
}

impl Args {
    pub(super) fn starts(&self, tokenizer: &Tokenizer, model: &Model) -> bool {
        self.bos.unwrap_or_else(|| tokenizer.default_bos(&model.arch))
    }

    pub(super) fn controls(&self) -> ControlOptions {
        ControlOptions { draws: self.draws, seed: self.seed }
    }

    /// The heads of a layer that were asked for.
    pub(super) fn heads(&self, model: &Model) -> Result<Vec<usize>, CliError> {
        let (n_layers, n_heads) = (model.arch.n_layers, model.arch.n_heads);
        for (what, asked, count) in [("layer", self.layer, n_layers), ("head", self.head, n_heads)]
        {
            if let Some(index) = asked.filter(|&index| index >= count) {
                return Err(CliError::work(ModelError::OutOfRange { what, index, count }));
            }
        }
        Ok(self.head.map_or_else(|| (0..n_heads).collect(), |head| vec![head]))
    }
}

/// A head's basis of singular vectors.
pub(super) fn basis(
    layer: &AttentionLayer,
    head: usize,
    weights: Weights,
) -> Result<TermBasis, CliError> {
    let head = layer.head(head, weights).map_err(CliError::work)?;
    let svd = product_svd(&head.w_q, &head.w_k).map_err(CliError::work)?;
    Ok(TermBasis::of(&svd))
}

/// All heads that were asked for; the pass stops after the last layer that is needed.
fn decompose(args: &Args, model: &Model, ids: &[u32]) -> Result<Vec<HeadSad>, CliError> {
    let heads = args.heads(model)?;
    let look = Look { dest: args.dest, src: args.src, controls: args.controls() };
    let prompt = vec![ids.to_vec()];
    let mut pass = ForwardPass::of_tokens(model, &prompt).map_err(CliError::work)?;
    let mut found = Vec::new();
    for layer in 0..args.layer.map_or(model.arch.n_layers, |layer| layer + 1) {
        let wanted = args.layer.is_none_or(|asked| asked == layer);
        let traces = pass.step(model, wanted, None).map_err(CliError::work)?;
        let Some(trace) = traces.first() else { continue };
        let attention = AttentionLayer::read(model, layer, Part::Qk).map_err(CliError::work)?;
        let none =
            CircuitError::OutOfRange { what: "layer", index: layer, count: model.arch.n_layers };
        let run = LayerRun::of(&model.arch, trace).ok_or(none).map_err(CliError::work)?;
        for &head in &heads {
            let basis = basis(&attention, head, args.weights.into())?;
            found.push(HeadSad::of(&run, (layer, head), &basis, look).map_err(CliError::work)?);
        }
    }
    Ok(found)
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
        "head     looks from              to                      attention  relative     S (control)    N (control)   N90  largest terms"
    )?;
    for head in &report.heads {
        let from = format!("{} {}", head.dest, token(head.dest));
        let to = format!("{} {}", head.src, token(head.src));
        write!(out, "{:8} {from:23} {to:23} {:9.3}", name(head.layer, head.head), head.attention)?;
        let Some((relative, terms)) = head.relative.zip(head.relative_terms.as_ref()) else {
            writeln!(out, "  a single visible source: nothing to compare")?;
            continue;
        };
        let control = head.controls.as_ref().map(|controls| &controls.basis);
        let order = RunningSum::of(terms).order;
        let largest =
            order.iter().take(3).filter_map(|&k| Some(format!("k{k} {:+.2}", terms.get(k)?)));
        writeln!(
            out,
            " {relative:+9.3}  {} ({})  {:>4} ({:>5})  {:>4}  {}",
            number(head.sparseness, 3),
            number(control.and_then(|c| c.sparseness), 3),
            head.n_recon.map_or("-".into(), |n| n.to_string()),
            number(control.and_then(|c| c.n_recon), 1),
            head.n_recon_90.map_or("-".into(), |n| n.to_string()),
            largest.collect::<Vec<_>>().join(", "),
        )?;
    }
    let worst = report.heads.iter().map(|head| head.remainder_share).fold(0.0, f64::max);
    writeln!(
        out,
        "terms sum to the scores up to {worst:.1e} of the largest; control: random bases that keep every score"
    )?;
    report.notes.iter().try_for_each(|note| writeln!(out, "note  {note}"))?;
    out.flush()?;
    Ok(())
}

/// "L3H0".
pub(super) fn name(layer: usize, head: usize) -> String {
    format!("L{layer}H{head}")
}

pub(super) fn number(x: Option<f64>, digits: usize) -> String {
    x.map_or_else(|| "-".into(), |x| format!("{x:.digits$}"))
}

fn needed(tokenizer: Option<Tokenizer>) -> Result<Tokenizer, CliError> {
    let missing =
        || CliError::Usage("there is no tokenizer among the files: give --ids instead".into());
    tokenizer.ok_or_else(missing)
}

fn switch(text: &str) -> Result<bool, String> {
    match text {
        "on" => Ok(true),
        "off" => Ok(false),
        _ => Err("must be on or off".into()),
    }
}

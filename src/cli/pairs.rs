//! `omega pairs`: which features of a sparse dictionary meet in one score of a head.

use std::io::Write;

use super::align_arguments::{DictionaryChoice, answerable};
use super::files::{print_json, wants_json};
use super::heads::LayerArg;
use super::prompt::PromptArgs;
use super::trace::run_prompt;
use super::{CliError, ModelArgs};
use crate::circuits::CircuitError;
use crate::circuits::convention::PairsConvention;
use crate::circuits::pairs::Kinds;
use crate::circuits::pairs::meeting::{MeetingOptions, Reach};
use crate::circuits::sad::event::most_attended;
use crate::circuits::sad::terms::View;
use crate::model::tokenizer::Tokenizer;
use crate::model::{Head, LayerTrace, Model, Weights};
use crate::study::StudyError;
use crate::study::cell::CellAt;
use crate::study::dictionary::Source;
use crate::study::pairs::{Meetings, Report, meetings, open};
use crate::study::trace::CleanPrompt;

/// Pairs of the text.
const SHOWN: usize = 12;

/// Split one score of a head into pairs of features of a sparse dictionary
#[derive(Debug, Clone, clap::Args)]
pub struct Args {
    #[command(flatten)]
    model: ModelArgs,
    /// A sparse autoencoder of the residual stream with its encoder: its folder, or its file with the configuration beside it
    #[arg(long, value_name = "FOLDER")]
    sae: DictionaryChoice,
    #[command(flatten)]
    prompt: PromptArgs,
    /// The layer of the head
    #[arg(long, value_name = "L")]
    layer: LayerArg,
    /// The head
    #[arg(long, value_name = "H")]
    head: usize,
    /// The position that looks, from 0 [default: the last]
    #[arg(long, value_name = "N")]
    dest: Option<usize>,
    /// The position looked at, from 0 [default: the most attended]
    #[arg(long, value_name = "N")]
    src: Option<usize>,
    /// Random rotations beside which the features are put; 0 for none
    #[arg(long, value_name = "R", default_value_t = MeetingOptions::default().rotations)]
    rotations: usize,
    /// Their seed
    #[arg(long, value_name = "N", default_value_t = MeetingOptions::default().seed)]
    seed: u32,
    /// Print JSON even on a terminal
    #[arg(long)]
    json: bool,
}

/// Runs the subcommand.
///
/// # Errors
/// [`CliError`] if the model or the dictionary cannot be read, the score is not there, or the result cannot be written.
pub fn run(args: &Args) -> Result<(), CliError> {
    let model = args.model.open()?;
    let tokenizer = Tokenizer::from_side_files(&model.checkpoint);
    let (prompt, tokenizer) = args.prompt.one(tokenizer)?;
    let (Source::Own(choice), files) = args.sae.source(None, None)? else {
        return Err(CliError::Usage(
            "--sae is a file or a folder: the model's own parts encode nothing".into(),
        ));
    };
    let dictionary = open(&model, files, &choice).map_err(answerable)?;
    let (run, traces) = run_prompt(&model, tokenizer.as_ref(), &prompt)?;
    let at = args.at(&model, &traces)?;
    let clean = CleanPrompt::new(&run, &traces);
    let options = MeetingOptions { rotations: args.rotations, seed: args.seed };
    let found = meetings(&model, clean, &dictionary, at, options)?;
    if !wants_json(args.json) {
        return print_text(&found, &run.ran.tokens);
    }
    let convention = PairsConvention::of(args.model.convention(&model, Weights::Folded));
    print_json(&Report::new(convention, &run.ran.tokens, &run.ran.ids, found))
}

impl Args {
    /// The score that is meant.
    fn at(&self, model: &Model, traces: &[LayerTrace]) -> Result<CellAt, CliError> {
        let layer = self.layer.place(&model.arch)?;
        let none = StudyError::NotDecomposed { layer, head: self.head };
        let (Some(trace), Some(found)) =
            (traces.iter().find(|trace| trace.layer == layer), model.arch.attention(layer))
        else {
            return Err(none.into());
        };
        let (n, head) = (trace.n, self.head);
        let dest = self.dest.unwrap_or(n.saturating_sub(1));
        if dest >= n {
            let what = "position";
            return Err(
                StudyError::from(CircuitError::OutOfRange { what, index: dest, count: n }).into()
            );
        }
        let view = View { causal: found.causal, window: found.window };
        let pattern = trace.pattern.get(head * n * n..(head + 1) * n * n);
        let likely = pattern.and_then(|pattern| most_attended(pattern, n, view, dest));
        Ok(CellAt { layer, head, dest, src: self.src.or(likely).unwrap_or(0) })
    }
}

fn print_text(found: &Meetings, tokens: &[String]) -> Result<(), CliError> {
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    let (at, split) = (found.at, &found.split);
    let word = |i: usize| tokens.get(i).map_or("", String::as_str);
    writeln!(
        out,
        "{}: {:?} at {} looks at {:?} at {}, score {:+.4}, attention {:.3}",
        Head::new(at.layer, at.head),
        word(at.dest),
        at.dest,
        word(at.src),
        at.src,
        split.score,
        found.attention
    )?;
    let name = |side: &[crate::circuits::pairs::ActiveFeature], feature: usize| {
        side.iter().find(|f| f.feature == feature).map(|f| f.label.clone()).unwrap_or_default()
    };
    let pairs = split.pairs();
    for pair in pairs.iter().take(SHOWN) {
        let by = pair.by_k.iter().enumerate().max_by(|a, b| a.1.abs().total_cmp(&b.1.abs()));
        writeln!(
            out,
            "{:+.4}  {:40} meets {:40} most through k{}",
            pair.value,
            name(&split.dest.features, pair.dest_feature),
            name(&split.src.features, pair.src_feature),
            by.map_or(0, |(k, _)| k)
        )?;
    }
    let Kinds { features, dest_error, src_error, both_errors, bias } = split.kinds();
    writeln!(
        out,
        "{} features meet {}: {features:+.4}; error x features {dest_error:+.4}, features x error {src_error:+.4}, error x error \
         {both_errors:+.4}, biases {bias:+.4}, remainder {:.1e}",
        split.dest.features.len(),
        split.src.features.len(),
        split.remainder()
    )?;
    if let Some(meeting) = &found.meeting {
        let p = |p: Option<f64>| p.map_or_else(|| "-".into(), |p| format!("{p:.3}"));
        for (name, Reach { active, inactive, rotated, p: by_chance, p_excess }) in
            [("destination", meeting.dest), ("source", meeting.src), ("both", meeting.both)]
        {
            writeln!(
                out,
                "{name:12} active features reach {active:.3} of the singular vectors used, inactive ones {}, in rotations active ones \
                 {rotated:.3} (p {}), beyond inactive ones p {}",
                p(inactive),
                p(Some(by_chance)),
                p(p_excess)
            )?;
        }
    }
    found.notes.iter().try_for_each(|note| writeln!(out, "note  {note}"))?;
    out.flush()?;
    Ok(())
}

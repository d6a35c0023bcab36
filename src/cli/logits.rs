//! `omega logits`: what every head, MLP and the embedding add to the answer to a prompt.

use std::io::Write;

use super::files::{print_json, wants_json};
use super::prompt::PromptArgs;
use super::trace::run_prompt;
use super::{CliError, ModelArgs};
use crate::circuits::trace::Firing;
use crate::circuits::trace::attribution::Writer;
use crate::math::statistics::ranked;
use crate::model::forward::{Cpu, ready};
use crate::model::tokenizer::Tokenizer;
use crate::model::{Head, Weights};
use crate::study::attribution::{Asking, Attributed, Raised, Report, Writes, attribute, writes};
use crate::study::cell::CellAt;
use crate::study::trace::CleanPrompt;

/// Sources of a head that are printed, and pairs of a reading.
const SHOWN: usize = 3;
const PAIRS: usize = 12;

/// Split the logit of an answer exactly over the heads, MLPs and the embedding that write it (direct logit attribution)
#[derive(Debug, Clone, clap::Args)]
pub struct Args {
    #[command(flatten)]
    model: ModelArgs,
    #[command(flatten)]
    prompt: PromptArgs,
    /// The answer, by its id or in words [default: the token that the model expects most]
    #[arg(long, value_name = "ID|TEXT")]
    answer: Option<String>,
    /// The token that it is held against [default: of all others the one that the model expects most]
    #[arg(long, value_name = "ID|TEXT")]
    wrong: Option<String>,
    /// Hold it against the mean of all tokens
    #[arg(long, conflicts_with = "wrong")]
    mean: bool,
    /// The position that the answer follows, from 0 [default: the last]
    #[arg(long, value_name = "N", conflicts_with = "reading")]
    at: Option<usize>,
    /// Also split what a head writes by reading one token over the singular pairs of its OV, as in L1H3:14-2
    #[arg(long, value_name = "READING")]
    reading: Option<Firing>,
    /// Print JSON even on a terminal
    #[arg(long)]
    json: bool,
}

/// Runs the subcommand.
///
/// # Errors
/// [`CliError`] if the model cannot be read or run, its logits are no sum of shares, the question does not fit it, or the result cannot
/// be written.
pub fn run(args: &Args) -> Result<(), CliError> {
    let model = args.model.open()?;
    let tokenizer = Tokenizer::from_side_files(&model.checkpoint);
    let (prompt, tokenizer) = args.prompt.one(tokenizer)?;
    let (run, traces) = run_prompt(&model, tokenizer.as_ref(), &prompt)?;
    let clean = CleanPrompt::new(&run, &traces);
    let asking = Asking {
        answer: args.answer.clone(),
        wrong: args.wrong.clone(),
        mean: args.mean,
        at: args.reading.map(|reading| reading.dest).or(args.at),
    };
    let found = ready(attribute(&mut Cpu, &model, tokenizer.as_ref(), clean, &asking))?;
    let convention = args.model.convention(&model, Weights::Folded);
    let read = args.reading.map(|Firing { layer, head, dest, src }| {
        let at = CellAt { layer, head, dest, src };
        let answer = (found.answer, found.wrong);
        writes(&model, tokenizer.as_ref(), clean, at, answer, &convention)
    });
    let read = read.transpose()?;
    if wants_json(args.json) {
        let words = tokenizer.is_some();
        return print_json(&Report::new(convention, clean.ran(), words, &found, read.as_ref()));
    }
    print_text(&found, read.as_ref(), &clean.ran().tokens)
}

fn print_text(
    found: &Attributed,
    read: Option<&Writes>,
    tokens: &[String],
) -> Result<(), CliError> {
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    let shares = &found.shares;
    let word = |at: usize| tokens.get(at).map_or("", String::as_str);
    let against = found.wrong_text.as_ref();
    writeln!(
        out,
        "{:?} after {} {:?}: p {:.3}, its logit minus {} {:+.4}",
        found.answer_text,
        found.at,
        word(found.at),
        found.probability,
        against.map_or_else(|| "the mean of all".to_owned(), |wrong| format!("that of {wrong:?}")),
        shares.logit_difference
    )?;
    for (writer, share) in ranked(&shares.writers(), |(_, share)| share.abs()) {
        write!(out, "{share:+9.4}  {:8}", writer.to_string())?;
        if let Writer::Head(layer, head) = writer {
            let by = shares.layers.get(layer).and_then(|layer| layer.heads.get(head));
            let by: Vec<_> = by.into_iter().flatten().copied().enumerate().collect();
            let largest = ranked(&by, |(_, share)| share.abs());
            for (src, share) in largest.into_iter().take(SHOWN) {
                write!(out, "  {src} {:?} {share:+.3}", word(src))?;
            }
        }
        writeln!(out)?;
    }
    writeln!(
        out,
        "{:+9.4}  bias of the unembedding; remainder {:.1e}",
        shares.bias, shares.remainder
    )?;
    if let Some(read) = read {
        let CellAt { layer, head, dest, src } = read.at;
        let all = |raised: &[Raised]| {
            let word = |raised: &Raised| format!("{:?} {:+.2}", raised.text, raised.by);
            raised.iter().map(word).collect::<Vec<_>>().join(", ")
        };
        writeln!(
            out,
            "{} reads {:?} at {src} from {dest} with attention {:.3} and adds {:+.4}; of all tokens it raises {} and lowers {}",
            Head::new(layer, head),
            word(src),
            read.attention,
            read.share,
            all(&read.raises),
            all(&read.lowers)
        )?;
        for pair in ranked(&read.pairs, |pair| pair.share.abs()).iter().take(PAIRS) {
            writeln!(
                out,
                "{:+9.4}  k{:<3} sigma {:.3}, holds {:+.3} of u, writes {:+.3} of v  {}",
                pair.share,
                pair.k,
                pair.sigma,
                pair.reads,
                pair.writes,
                all(&pair.raises)
            )?;
        }
    }
    found.notes.iter().try_for_each(|note| writeln!(out, "note  {note}"))?;
    out.flush()?;
    Ok(())
}

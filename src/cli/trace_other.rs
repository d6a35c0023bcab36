//! `omega trace --other-prompt`: the circuit of a second prompt beside the first.

use std::io::Write;

use super::CliError;
use super::trace::{Args, run_prompt, trace};
use crate::circuits::trace::{Circuit, Side};
use crate::model::Model;
use crate::model::tokenizer::Tokenizer;
use crate::study::prompt::Prompt;
use crate::study::trace::compare::compare;
use crate::study::trace::consensus::ChanceOptions;
use crate::study::trace::report::Compared;
use crate::study::trace::{CleanPrompt, Question};

/// Circuits in which the heads of the second prompt have other names.
const DRAWS: usize = 999;

/// The second prompt traced under the same rules, and laid beside the first; `None` if there is none.
pub(super) fn compared(
    args: &Args,
    model: &Model,
    tokenizer: Option<&Tokenizer>,
    here: &Circuit,
) -> Result<Option<Compared>, CliError> {
    let prompt = match &args.other_prompt {
        Some(_) if tokenizer.is_none() => {
            let missing = "there is no tokenizer among the files: give --other-ids instead";
            return Err(CliError::Usage(missing.into()));
        }
        Some(text) => Prompt { text: text.clone(), ..Prompt::default() },
        None if args.other_ids.is_empty() => return Ok(None),
        None => Prompt::of_ids(&args.other_ids),
    };
    let (run, traces) = run_prompt(model, tokenizer, &prompt)?;
    let clean = CleanPrompt::new(&run, &traces);
    let mut question = Question {
        answer: args.other_answer.clone(),
        wrong: args.other_wrong.clone(),
        reading: None,
        ..args.question()
    };
    // A position belongs to its own prompt.
    question.options.at = None;
    let there = trace(model, tokenizer, clean, &question)?;
    let chance = ChanceOptions { draws: DRAWS, seed: args.seed };
    let n_heads = |layer| model.arch.n_heads_of(layer);
    Ok(Some(Compared {
        ids: run.ran.ids.clone(),
        tokens: run.ran.tokens.clone(),
        circuits: compare(here, &there.circuit, n_heads, chance),
        objective: there.objective,
    }))
}

/// Edge by edge, in words.
pub(super) fn print(out: &mut impl Write, compared: &Compared) -> Result<(), CliError> {
    let found = &compared.circuits;
    let p = found.p.map_or_else(|| "-".into(), |p| format!("{p:.3}"));
    writeln!(
        out,
        "beside {:?} -> {:?}: {} edges shared, {} only here, {} only there; {} shared by heads, as many by chance with p {p}",
        compared.tokens.concat(),
        compared.objective.answer_text,
        found.shared,
        found.only_here,
        found.only_there,
        found.shared_by_heads,
    )?;
    for edge in &found.edges {
        let side = match edge.side {
            Some(Side::Dest) => "query",
            Some(Side::Src) => "keys",
            None => "answer",
        };
        let weight = |w: Option<f64>| w.map_or_else(|| "-".into(), |w| format!("{w:+.3}"));
        let [here, there] = [weight(edge.here), weight(edge.there)];
        writeln!(out, "{:9} -> {:9} {side:6} here {here:>7} there {there:>7}", edge.from, edge.to)?;
    }
    Ok(())
}

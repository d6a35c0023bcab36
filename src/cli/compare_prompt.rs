//! `omega compare … --ids …`: both models on one prompt, and where the difference of one score comes from.

use std::io::Write;

use super::CliError;
use super::prompt::PromptArgs;
use crate::circuits::compare::scores::Split;
use crate::math::statistics::largest_first;
use crate::model::forward::{Cpu, LayerTrace, ready};
use crate::model::tokenizer::Tokenizer;
use crate::model::{Head, Model};
use crate::study::compare::{
    HeadOnPrompt, LayerPair, OnPrompt, PromptDocument, across, next_of_both, shared_ids,
};
use crate::study::prompt::{Guess, Prompt, PromptRun};

/// With one layer and one head: a prompt for both models, and which of its scores to take apart
#[derive(Debug, Clone, clap::Args)]
pub(super) struct Look {
    #[command(flatten)]
    prompt: PromptArgs,
    /// The position that looks, from 0 [default: that of the attention that changed most]
    #[arg(long, value_name = "N", requires = "input")]
    dest: Option<usize>,
    /// The position looked at, from 0 [default: that of the attention that changed most]
    #[arg(long, value_name = "N", requires = "input")]
    src: Option<usize>,
}

/// Both models on a prompt.
pub(super) struct Together {
    on: OnPrompt,
    head: HeadOnPrompt,
    patterns: [Vec<f32>; 2],
}

/// One model's run.
struct Ran {
    run: PromptRun,
    /// Of the layer that was asked for.
    trace: LayerTrace,
    next: Vec<Guess>,
}

impl Together {
    /// Runs the prompt through both models, where there is one; `read` reads one layer of both.
    pub(super) fn new(
        look: &Look,
        models: [&Model; 2],
        at: Option<(usize, usize)>,
        read: impl FnOnce(usize) -> Result<(LayerPair, Option<String>), CliError>,
    ) -> Result<Option<Self>, CliError> {
        let [a, b] = models;
        let of = |model: &Model| Tokenizer::from_side_files(&model.checkpoint);
        // A prompt may be in the words of either.
        let words_of_a = of(a).unwrap_or(None);
        let words = of(b).and_then(|found| found.map_or_else(|| of(a), |found| Ok(Some(found))));
        let Some((prompt, words)) = look.prompt.prompt(words)? else { return Ok(None) };
        let at = at.ok_or_else(|| CliError::Usage("a prompt needs --layer and --head".into()));
        let (layer, head) = at?;
        let tokenizers = [(words_of_a.as_ref(), &a.arch), (words.as_ref(), &b.arch)];
        let ids = shared_ids(&prompt, tokenizers)?;
        let run = |model: &Model| run(model, &ids, words.as_ref(), layer);
        let (of_a, of_b) = (run(a)?, run(b)?);
        let between = ready(across(&mut Cpu, b, &of_a.trace))?;
        let (pair, _) = read(layer)?;
        let traces = [&of_a.trace, &between, &of_b.trace];
        let found = pair.on_prompt(models, traces, head, (look.dest, look.src))?;
        let pattern = |trace: &LayerTrace, head: usize| -> Vec<f32> {
            let size = trace.n * trace.n_src;
            trace.pattern.iter().copied().skip(head * size).take(size).collect()
        };
        let patterns = [pattern(&of_a.trace, found.head), pattern(&of_b.trace, found.head_b)];
        let next =
            ready(next_of_both(&mut Cpu, (a, &of_a.run, &of_a.next), (b, &of_b.run, &of_b.next)))?;
        Ok(Some(Self {
            on: OnPrompt::new([&of_a.run.ran, &of_b.run.ran], next),
            head: found,
            patterns,
        }))
    }

    /// What is printed as JSON.
    pub(super) fn document(&self) -> PromptDocument<'_> {
        let [a, b] = &self.patterns;
        PromptDocument::new(&self.on, &self.head, [a, b])
    }

    /// Prints it for people.
    pub(super) fn print(&self, out: &mut impl Write) -> std::io::Result<()> {
        let Self { on, head, .. } = self;
        let token = |at: usize| on.tokens.get(at).map_or("", String::as_str);
        let (dest, src, score) = (head.dest, head.src, &head.score);
        writeln!(
            out,
            "{} from {dest} {:?} to {src} {:?}: attention {:.4} before, {:.4} now, {:.4} with the weights of now at the residuals before",
            Head::new(head.layer, head.head_b),
            token(dest),
            token(src),
            head.attention_a,
            head.attention_b,
            head.attention_across,
        )?;
        for (what, split) in [
            ("score before, over the pairs of A", &score.a),
            ("score now, over the pairs of B", &score.b),
            ("from the weights, at A's residuals, over the pairs of the change", &score.weights),
            ("from the residuals, as B's weights read them, over the pairs of B", &score.streams),
        ] {
            writeln!(out, "  {:+9.4}  {what}: {}", split.sum, leading(split))?;
        }
        let (from, to) = (score.stream_dest, score.stream_src);
        writeln!(out, "             of it {from:+.4} at the destination, {to:+.4} at the source")?;
        for next in &on.next {
            let p = |p: Option<f64>| p.map_or_else(|| "-".into(), |p| format!("{p:.4}"));
            writeln!(
                out,
                "next  {:<16} {} before, {} now",
                format!("{:?}", next.text),
                p(next.a),
                p(next.b)
            )?;
        }
        on.named.iter().try_for_each(|named| writeln!(out, "note: {named}"))
    }
}

/// The largest terms, and what no pair holds.
fn leading(split: &Split) -> String {
    let sizes: Vec<f64> = split.terms.iter().map(|term| term.abs()).collect();
    let largest = largest_first(&sizes).into_iter().take(4);
    let terms = largest.map(|k| format!("k{k} {:+.4}", split.terms[k])).collect::<Vec<_>>();
    format!("{}; no pair {:+.1e}", terms.join(", "), split.remainder)
}

fn run(
    model: &Model,
    ids: &[u32],
    tokenizer: Option<&Tokenizer>,
    layer: usize,
) -> Result<Ran, CliError> {
    let mut run = PromptRun::new(model, tokenizer, &Prompt::of_ids(ids))?;
    let mut found = None;
    while let Some(trace) = ready(run.step(&mut Cpu, model))? {
        if trace.layer == layer {
            found = Some(trace);
        }
    }
    let next = ready(run.finish(&mut Cpu, model, tokenizer))?;
    let none = || CliError::Usage(format!("L{layer} is not run on this prompt"));
    Ok(Ran { trace: found.ok_or_else(none)?, run, next })
}

//! `omega compare`: what became of every head from one model to another, one layer of each in memory at a time.

use std::path::{Path, PathBuf};

use rayon::prelude::*;

use super::CliError;
use super::compare_prompt::{Look, Together};
use super::compare_text::print_text;
use super::files::{print_json, wants_json};
use super::spectra::Form;
use crate::checkpoint::Checkpoint;
use crate::circuits::alignment::SideAlignment;
use crate::circuits::convention::Convention;
use crate::circuits::omega::Circuit;
use crate::model::tokenizer::Tokenizer;
use crate::model::{Head, Hints, Model, Weights};
use crate::study::StudyError;
use crate::study::compare::{
    Common, CompareDocument, Found, LayerPair, correct_all, hold_against_third, nearest_tokens,
};
use crate::study::dictionary::{Source, Surveying};

/// Compare two models head by head: base and fine-tuned, two steps, two seeds
#[derive(Debug, Clone, clap::Args)]
pub struct Args {
    /// The first model: a checkpoint file or a folder
    a: PathBuf,
    /// The second
    b: PathBuf,
    /// Which model of A to open where the files hold several: a name that the refusal lists
    #[arg(long, value_name = "NAME")]
    model_a: Option<String>,
    /// Which model of B
    #[arg(long, value_name = "NAME")]
    model_b: Option<String>,
    /// A third model that came from A as B did (another seed, another step): the yardstick of every change. Needs all heads
    #[arg(long, value_name = "C", conflicts_with_all = ["layer", "head"])]
    null: Option<PathBuf>,
    /// Which model of C
    #[arg(long, value_name = "NAME", requires = "null")]
    model_null: Option<String>,
    /// Head count of all, for files without config.json
    #[arg(long, value_name = "N")]
    n_heads: Option<usize>,
    /// Read the tensors of all as this family ("gpt2", "llama", …)
    #[arg(long)]
    family: Option<String>,
    /// Fold the norm in front of the attention into the weights, or take them as they are in the files
    #[arg(long, value_enum, default_value_t = Form::Folded)]
    weights: Form,
    /// Only this layer
    #[arg(long, value_name = "N")]
    layer: Option<usize>,
    /// Only this head of the first model, in each layer
    #[arg(long, value_name = "N")]
    head: Option<usize>,
    /// Match the heads of a layer by likeness instead of by number
    #[arg(long)]
    match_heads: bool,
    /// With one layer and one head: this many tokens of the second model nearest to either side of the leading pairs of the change
    #[arg(long, value_name = "N", default_value_t = 0, requires_all = ["layer", "head"])]
    words: usize,
    #[command(flatten)]
    look: Look,
    /// Print JSON even on a terminal
    #[arg(long)]
    json: bool,
}

/// Runs the subcommand.
///
/// # Errors
/// [`CliError`] if one of the models cannot be read, nothing in them can be compared, or the result cannot be written.
pub fn run(args: &Args) -> Result<(), CliError> {
    let a = args.open(&args.a, args.model_a.as_deref())?;
    let b = args.open(&args.b, args.model_b.as_deref())?;
    let weights: Weights = args.weights.into();
    let conventions = [(&a, &args.a), (&b, &args.b)]
        .map(|(model, path)| Convention::of(model, weights).named(path.to_string_lossy()));
    let at = args.layer.zip(args.head);
    let together = Together::new(&args.look, [&a, &b], at, |layer| args.read([&a, &b], layer))?;
    let mut found = args.compare(&a, &b)?;
    if let Some(path) = &args.null {
        let third = args.compare(&a, &args.open(path, args.model_null.as_deref())?)?;
        found.notes.extend(hold_against_third(&mut found.heads, &third.heads));
        found.notes.extend(third.failed.iter().map(|broken| {
            format!(
                "On the way to the third model: {}: {}",
                Head::new(broken.layer, broken.head),
                broken.why
            )
        }));
        found.third = Some(path.to_string_lossy().into_owned());
    }
    correct_all(&mut found.heads);
    if !wants_json(args.json) {
        return print_text(&conventions, &found, together.as_ref());
    }
    let document = CompareDocument::new(conventions.each_ref(), &found);
    print_json(&document.on(together.as_ref().map(Together::document)))
}

impl Args {
    fn open(&self, path: &Path, name: Option<&str>) -> Result<Model, CliError> {
        let checkpoint = Checkpoint::open_one_of_paths(&[path], name)?;
        let hints = Hints { n_heads: self.n_heads, family: self.family.clone() };
        Model::open(checkpoint, &hints).map_err(CliError::work)
    }

    /// The layers that are asked for.
    fn layers(&self, common: &Common) -> Result<Vec<usize>, CliError> {
        match self.layer {
            None => Ok(common.layers.clone()),
            Some(layer) if common.layers.contains(&layer) => Ok(vec![layer]),
            Some(layer) => {
                let said = format!("L{layer} cannot be read in both models");
                let all = common.layers.iter().map(|l| format!("L{l}"));
                let all = all.collect::<Vec<_>>().join(", ");
                Err(CliError::Usage(format!("{said}; those that can: {all}")))
            }
        }
    }

    /// One layer of both, and what the reader should know of its heads.
    fn read(
        &self,
        models: [&Model; 2],
        layer: usize,
    ) -> Result<(LayerPair, Option<String>), CliError> {
        let pair = LayerPair::read(models, layer, self.weights.into());
        let mut pair = pair.map_err(CliError::work)?;
        let note = if self.match_heads { pair.match_heads() } else { None };
        Ok((pair, note))
    }

    fn compare(&self, a: &Model, b: &Model) -> Result<Found, CliError> {
        let common = Common::of(a, b)?;
        let layers = self.layers(&common)?;
        let mut found = Found::default();
        let named = [("first", a), ("second", b)];
        found.notes.extend(named.into_iter().flat_map(|(which, model)| {
            model.notes.iter().map(move |note| format!("Of the {which} model: {note}"))
        }));
        found.notes.extend(common.notes);
        for layer in layers {
            let (pair, note) = self.read([a, b], layer)?;
            found.notes.extend(note);
            found.norms.push(pair.norms());
            let mut heads = pair.heads();
            heads.retain(|head| self.head.is_none_or(|asked| asked == *head));
            let all: Vec<_> = heads.into_par_iter().map(|head| pair.compare(head)).collect();
            if let Some(head) = self.head.filter(|_| self.words > 0) {
                // A model without tokens still has its comparison.
                match self.words(b, &pair, head) {
                    Ok(words) => found.words = words,
                    Err(error) => found.notes.push(format!("The change has no words: {error}.")),
                }
            }
            for head in all {
                match head {
                    Ok(head) => found.heads.push(head),
                    Err(broken) => found.failed.push(broken),
                }
            }
        }
        if let (Some(head), true) = (self.head, found.heads.is_empty() && found.failed.is_empty()) {
            return Err(CliError::Usage(format!("no layer has H{head} in both models")));
        }
        Ok(found)
    }

    /// The leading pairs of both circuits' changes against the tokens of the second model, as the page has them.
    fn words(
        &self,
        model: &Model,
        pair: &LayerPair,
        head: usize,
    ) -> Result<Vec<SideAlignment>, StudyError> {
        let tokenizer = Tokenizer::from_side_files(&model.checkpoint)?;
        let weights = self.weights.into();
        let mut found = Vec::new();
        for circuit in [Circuit::Qk, Circuit::Ov] {
            for sides in pair.difference(head, circuit)?.token_sides(model) {
                let source = Source::Model(sides.0);
                let mut surveying = Surveying::new(model, &source, Vec::new(), weights)?;
                while surveying.step(model)? {}
                let (surveyed, how) = (surveying.finish(), (self.words, weights));
                found.extend(nearest_tokens(model, &surveyed, sides, how, tokenizer.as_ref())?);
            }
        }
        Ok(found)
    }
}

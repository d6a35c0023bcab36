//! Answers about two models: what became of every head, what a change is about, and both on one prompt.

mod together;

use super::{Engine, Files, open};
use crate::model::{LayerTrace, Model, Weights};
use crate::protocol::compare::{
    About, Ask, Beside, Between, BothModels, Compare, ComparePart, Words,
};
use crate::protocol::{Failure, FilesId, Out, Question};
use crate::study::compare::{Common, LayerPair, nearest_tokens};
use crate::study::dictionary::Source;
use crate::study::prompt::Prompt;
use crate::study::stamp::Stamp;

/// A model beside the open one, with a memory of its own.
pub(super) struct Second {
    /// The number of its files.
    id: Option<FilesId>,
    engine: Box<Engine>,
    /// One layer of the open model at the second one's residuals on a prompt.
    across: Option<(Prompt, usize, LayerTrace)>,
}

/// Answers one question.
pub(super) async fn answer(
    engine: &mut Engine,
    ask: Ask,
    files: Files,
    out: Out<'_>,
) -> Result<(), Failure> {
    if let Ask::Between(between) = ask {
        return engine.between(&between, files, out);
    }
    engine.open_second(files)?;
    match ask {
        Ask::Between(_) => Ok(()),
        Ask::Beside(Beside { name, weights }) => {
            let [from, to] = engine.both()?;
            let mut common = Common::of(from, to)?;
            let said = |note: &String| format!("Of the model before: {note}");
            common.notes.extend(from.notes.iter().map(said));
            let conventions =
                [open::convention(from, Some(&name), weights), engine.convention(weights)?];
            out(Beside::tell(Box::new(BothModels { conventions, common })), Vec::new());
            Ok(())
        }
        Ask::Compare(Compare { layers, weights, match_heads }) => {
            let mut tell = |part| out(Compare::tell(part), Vec::new());
            for layer in layers {
                let (pair, note) = engine.pair(layer, weights, match_heads)?;
                note.into_iter().for_each(|note| tell(ComparePart::Note(note)));
                tell(ComparePart::Norm(pair.norms()));
                pair.heads().into_iter().map(|head| part(&pair, head)).for_each(&mut tell);
            }
            Ok(())
        }
        Ask::Words(wanted) => words(engine, &wanted, out),
        Ask::Together(asked) => together::together(engine, asked, out).await,
        Ask::ScoreAt(asked) => together::score(engine, asked, out).await,
    }
}

fn part(pair: &LayerPair, head: usize) -> ComparePart {
    match pair.compare(head) {
        Ok(change) => ComparePart::Head(Box::new(change)),
        Err(broken) => ComparePart::Broken(broken),
    }
}

impl Engine {
    /// Compares two models that are both in the files; the open model and the second stay.
    fn between(&self, asked: &Between, files: Files, out: Out<'_>) -> Result<(), Failure> {
        let mut before = files.sources;
        let after = before.split_off(asked.n_before.min(before.len()));
        let [of_before, of_after] = &asked.hints;
        let (from, to) = (self.beside(before, of_before)?, self.beside(after, of_after)?);
        for layer in Common::of(&from, &to)?.layers {
            let mut pair = LayerPair::read([&from, &to], layer, asked.weights)?;
            let note = if asked.match_heads { pair.match_heads() } else { None };
            note.into_iter()
                .for_each(|note| out(Between::tell(ComparePart::Note(note)), Vec::new()));
            let parts = pair.heads().into_iter().map(|head| part(&pair, head));
            parts.for_each(|part| out(Between::tell(part), Vec::new()));
        }
        Ok(())
    }

    /// Opens the second model, once however many questions its files travel beside.
    fn open_second(&mut self, files: Files) -> Result<(), Failure> {
        let same = |second: &Second| second.id.is_some() && second.id == files.id;
        let known = self.second.as_ref().is_some_and(same);
        if !known {
            let model = self.beside(files.sources, &files.hints)?;
            let engine = self.of_another(model);
            self.second = Some(Second { id: files.id, engine: Box::new(engine), across: None });
        }
        Ok(())
    }

    /// The second model and the open one.
    fn both(&self) -> Result<[&Model; 2], Failure> {
        let none = || Failure::new("no second model is open");
        let second = self.second.as_ref().ok_or_else(none)?;
        Ok([second.engine.model()?, self.model()?])
    }

    /// One layer of both, and what the reader should know of its heads.
    fn pair(
        &self,
        layer: usize,
        weights: Weights,
        match_heads: bool,
    ) -> Result<(LayerPair, Option<String>), Failure> {
        let mut pair = LayerPair::read(self.both()?, layer, weights)?;
        let note = if match_heads { pair.match_heads() } else { None };
        Ok((pair, note))
    }
}

fn words(engine: &mut Engine, wanted: &Words, out: Out<'_>) -> Result<(), Failure> {
    let &Words { ref name, layer, head, circuit, weights, match_heads, top } = wanted;
    let (pair, _) = engine.pair(layer, weights, match_heads)?;
    let stamp = {
        let from = open::convention(engine.both()?[0], Some(name), weights);
        Stamp::between([&from, &engine.convention(weights)?]).circuit(circuit)
    };
    let python = pair.python(engine.both()?, head, circuit, &stamp)?;
    let mut about = About { python, ..About::default() };
    if engine.model()?.arch.embedding().is_some_and(|embedding| embedding.tokens.is_some()) {
        engine.load_spelling()?;
        let difference = pair.difference(head, circuit)?;
        for sides in difference.token_sides(engine.model()?) {
            let source = Source::Model(sides.0);
            engine.survey(&source, Files::none(), weights)?;
            let surveyed = engine.surveyed(&source, weights)?;
            let (model, words) = (engine.model()?, engine.words.tokenizer());
            about.sides.extend(nearest_tokens(model, surveyed, sides, (top, weights), words)?);
        }
    }
    out(Words::tell(about), Vec::new());
    Ok(())
}

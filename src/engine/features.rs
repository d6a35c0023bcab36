//! Answers about alignment: sides of heads against a dictionary, and the inverse question.

use super::{Engine, Files};
use crate::circuits::alignment::{HeadSide, Side};
use crate::circuits::dictionary::Builtin;
use crate::circuits::matching::Pair;
use crate::model::Weights;
use crate::protocol::features::{
    Align, AlignPart, Ask, ChannelsInto, Cosines, CosinesFound, Find, Hits,
};
use crate::protocol::gpu::GpuChoice;
use crate::protocol::{Failure, Out, Question, Tell};
use crate::study::alignment::{Comparison, Search, head_sides};
use crate::study::channels::{Channels, Found};
use crate::study::dictionary::{Comparing, Source, Surveyed};
use crate::study::python;
use crate::study::stamp::Stamp;

/// Answers one question.
pub(super) async fn answer(
    engine: &mut Engine,
    ask: Ask,
    gpu: Option<GpuChoice>,
    files: Files,
    out: Out<'_>,
) -> Result<(), Failure> {
    engine.load_spelling()?;
    match (ask, gpu) {
        #[cfg(feature = "gpu")]
        (Ask::Align(wanted), Some(choice))
            if !matches!(wanted.how.source, Source::Heads { .. }) =>
        {
            super::on_gpu::alignment(engine, wanted, choice, files, out).await
        }
        (Ask::Align(Align { how, heads }), _) if matches!(how.source, Source::Heads { .. }) => {
            // Each has a dictionary of its own: the others' vectors.
            heads.iter().try_for_each(|&head| align(engine, &how, &[head], Files::none(), out))
        }
        (Ask::Align(Align { how, heads }), _) => align(engine, &how, &heads, files, out),
        (Ask::Cosines(Cosines { source, head, side, weights, remove_mean }), _) => {
            let sides = engine.sides(head.0, head.1, weights)?;
            engine.survey_beside(&source, files, weights, Some(head))?;
            let surveyed = engine.surveyed(&source, weights)?;
            let wanted = sides.iter().find(|s| s.side == side);
            let wanted = wanted.ok_or_else(|| Failure::new("this head has no such side"))?;
            let (found, null) = surveyed.cosines(engine.model()?, wanted, remove_mean)?;
            let name = |pair: &Pair| (*pair, engine.label(surveyed, &source, pair.index));
            let matching = found.matching().iter().map(name).collect();
            let answer = CosinesFound { n_features: found.n_features, matching, null };
            out(Cosines::tell(answer), vec![found.cosines]);
            Ok(())
        }
        (Ask::ChannelsInto(wanted), _) => channels(engine, &wanted, out),
        (Ask::Find(Find { source, feature, layer, weights, remove_mean }), _) => {
            engine.load_tokenizer().await?;
            engine.survey_beside(&source, files, weights, None)?;
            let (model, tokenizer) = (engine.model()?, engine.words.tokenizer());
            let n_heads = model.arch.n_heads_of(layer);
            let surveyed = engine.surveyed(&source, weights)?;
            let row = surveyed.find(&source, tokenizer, &feature)?;
            let mut search = Search::new(surveyed, model, row, remove_mean)?;
            let owner = surveyed.dictionary.owner(row);
            for head in (0..n_heads).filter(|&head| owner != Some((layer, head))) {
                engine.sides(layer, head, weights)?.iter().for_each(|side| search.step(side));
            }
            let surveyed = engine.surveyed(&source, weights)?;
            let label = engine.label(surveyed, &source, row);
            out(Find::tell(Hits { label, hits: search.finish() }), Vec::new());
            Ok(())
        }
    }
}

/// Compares heads with one dictionary, in one report.
fn align(
    engine: &mut Engine,
    how: &Comparing,
    heads: &[(usize, usize)],
    files: Files,
    out: Out<'_>,
) -> Result<(), Failure> {
    let mut sides = Vec::new();
    for &(layer, head) in heads {
        sides.extend(engine.sides(layer, head, how.weights)?);
    }
    engine.ready(how, files, heads.first().copied())?;
    let surveyed = engine.surveyed(&how.source, how.weights)?;
    let head = heads.first().copied().unwrap_or_default();
    tell_about(engine, surveyed, how, head, sides.first().map(|side| side.side), out)?;
    let mut comparison = Comparison::new(surveyed, sides, how)?;
    while let Some((done, total)) = comparison.step(engine.model()?)? {
        out(Tell::Progress { done, total }, Vec::new());
    }
    let mut report = comparison.finish();
    report.label_with(|row| engine.label(surveyed, &how.source, row));
    out(Align::tell(AlignPart::Report(Box::new(report))), Vec::new());
    Ok(())
}

/// Tells what the dictionary is, with Python for the head in view.
pub(super) fn tell_about(
    engine: &Engine,
    surveyed: &Surveyed,
    how: &Comparing,
    head: (usize, usize),
    side: Option<Side>,
    out: Out<'_>,
) -> Result<(), Failure> {
    let model = engine.model()?;
    let mut about = surveyed.about(model, head.0, side);
    if how.source == Source::Model(Builtin::Embed) && !how.whiten {
        let stamp = Stamp::of_model(&engine.convention(how.weights)?);
        about.python =
            python::alignment(model, head, how, surveyed.centre, &stamp)?.unwrap_or_default();
    }
    out(Align::tell(AlignPart::About(Box::new(about))), Vec::new());
    Ok(())
}

/// What every head of the layers before `into` writes into its three reading sides.
fn channels(
    engine: &mut Engine,
    &ChannelsInto { into, weights }: &ChannelsInto,
    out: Out<'_>,
) -> Result<(), Failure> {
    let mut channels = Channels::new(engine.layer(into.0)?, into.1, weights)?;
    for layer in 0..into.0 {
        if !engine.model()?.arch.feeds(layer, into.0) {
            continue;
        }
        // A layer that is missing or broken has no channels; its heads are marked on the grid already.
        let found = match engine.layer(layer) {
            Ok(earlier) => channels.step(earlier)?,
            Err(_) => Found::default(),
        };
        out(ChannelsInto::tell(found), Vec::new());
        out(Tell::Progress { done: layer + 1, total: into.0 }, Vec::new());
    }
    Ok(())
}

impl Engine {
    /// All four sides of one head.
    pub(super) fn sides(
        &mut self,
        layer: usize,
        head: usize,
        weights: Weights,
    ) -> Result<Vec<HeadSide>, Failure> {
        Ok(head_sides(self.layer(layer)?, head, weights, |_| true)?)
    }

    /// A row's name.
    pub(super) fn label(&self, surveyed: &Surveyed, source: &Source, row: usize) -> String {
        surveyed.label(source, self.words.tokenizer(), row)
    }
}

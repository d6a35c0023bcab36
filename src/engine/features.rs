//! Answers about alignment: sides of heads against a dictionary, and the inverse question.

use super::dictionary::Surveyed;
use super::{Engine, python};
use crate::checkpoint::ByteSource;
use crate::circuits::alignment::{FeatureSearch, HeadSide};
use crate::circuits::composition::{Channel, Directions, PairNull, Reading};
use crate::circuits::dictionary::{Builtin, Hook};
use crate::circuits::matching::Pair;
use crate::circuits::omega::{Circuit, decompose};
use crate::model::Weights;
use crate::protocol::features::{AboutDictionary, Ask, Comparing, Source, Tell as FeatureTell};
use crate::protocol::{Failure, Out, Tell};

/// Random bases that a channel's strongest pair of vectors is set against.
const PAIR_DRAWS: usize = 16;

/// Hits that are told.
const HITS: usize = 40;

/// Answers one question.
pub(super) fn answer(
    engine: &mut Engine,
    ask: Ask,
    sources: Vec<Box<dyn ByteSource>>,
    out: Out<'_>,
) -> Result<(), Failure> {
    engine.load_tokenizer()?;
    match ask {
        Ask::Align(how, heads) => {
            let mut sides = Vec::new();
            for &(layer, head) in &heads {
                sides.extend(head_sides(engine, layer, head, how.weights)?);
            }
            ready(engine, &how, sources, out)?;
            let surveyed = surveyed(engine, &how.source, how.weights)?;
            let head = heads.first().copied().unwrap_or_default();
            tell_about(engine, surveyed, &how, head, &sides, out)?;
            let mut tell = |done, total| out(Tell::Progress { done, total }, Vec::new());
            let mut report = surveyed.align(engine.model()?, sides, &how, &mut tell)?;
            report.label_with(|row| label(engine, surveyed, &how.source, row));
            out(Tell::Features(FeatureTell::Report(Box::new(report))), Vec::new());
            Ok(())
        }
        Ask::AlignOnGpu(..) => Err(Failure::new("this build has no GPU kernels")),
        Ask::Cosines { source, head, side, weights, remove_mean } => {
            let sides = head_sides(engine, head.0, head.1, weights)?;
            prepare(engine, &source, sources, weights)?;
            let surveyed = surveyed(engine, &source, weights)?;
            let wanted = sides.iter().find(|s| s.side == side);
            let wanted = wanted.ok_or_else(|| Failure::new("this head has no such side"))?;
            let found = surveyed.cosines(engine.model()?, wanted, remove_mean)?;
            let name = |pair: &Pair| (*pair, label(engine, surveyed, &source, pair.index));
            let matching = found.matching().iter().map(name).collect();
            let tell = FeatureTell::Cosines { n_features: found.n_features, matching };
            out(Tell::Features(tell), vec![found.cosines]);
            Ok(())
        }
        Ask::Channels { into, weights } => channels(engine, into, weights, out),
        Ask::Find { source, feature, layer, weights, remove_mean } => {
            prepare(engine, &source, sources, weights)?;
            let n_heads = engine.model()?.arch.n_heads;
            let mut sides = Vec::new();
            for head in 0..n_heads {
                sides.extend(head_sides(engine, layer, head, weights)?);
            }
            let surveyed = surveyed(engine, &source, weights)?;
            let row = find(engine, surveyed, &source, &feature)?;
            let block = surveyed.feature(engine.model()?, row, remove_mean)?;
            let mut search = FeatureSearch::new(surveyed.frame(remove_mean), block);
            for side in &sides {
                search.step(side);
            }
            let mut hits = search.hits();
            hits.truncate(HITS);
            let label = label(engine, surveyed, &source, row);
            out(Tell::Features(FeatureTell::Hits { label, hits }), Vec::new());
            Ok(())
        }
    }
}

/// Makes a dictionary ready for a comparison: surveyed, and with its Gram matrix where that is wanted.
pub(super) fn ready(
    engine: &mut Engine,
    how: &Comparing,
    sources: Vec<Box<dyn ByteSource>>,
    out: Out<'_>,
) -> Result<(), Failure> {
    prepare(engine, &how.source, sources, how.weights)?;
    if how.whiten {
        let mut tell = |done, total| out(Tell::Progress { done, total }, Vec::new());
        engine.whiten(&how.source, how.weights, how.remove_mean, &mut tell)?;
    }
    Ok(())
}

/// Tells what the dictionary is, with Python for the head in view.
pub(super) fn tell_about(
    engine: &Engine,
    surveyed: &Surveyed,
    how: &Comparing,
    head: (usize, usize),
    sides: &[HeadSide],
    out: Out<'_>,
) -> Result<(), Failure> {
    let mut about = about(surveyed, head.0, sides);
    if surveyed.dictionary.about.hook.as_ref().is_some_and(Hook::is_z) {
        about.n_parts = engine.model()?.arch.n_heads;
    }
    if how.source == Source::Model(Builtin::Embed) && !how.whiten {
        let (model, centre) = (engine.model()?, surveyed.centre);
        about.python = python::alignment(model, head, how.weights, centre, how.remove_mean)?
            .unwrap_or_default();
    }
    out(Tell::Features(FeatureTell::About(Box::new(about))), Vec::new());
    Ok(())
}

/// What every head of the layers before `into` writes into its three reading sides.
fn channels(
    engine: &mut Engine,
    into: (usize, usize),
    weights: Weights,
    out: Out<'_>,
) -> Result<(), Failure> {
    let reader = engine.layer(into.0)?.head(into.1, weights)?;
    let [qk, ov] = [decompose(&reader, Circuit::Qk)?, decompose(&reader, Circuit::Ov)?];
    let reads = [
        (Reading::Query, Directions::new(&qk.u, &qk.s, qk.rank)),
        (Reading::Key, Directions::new(&qk.v, &qk.s, qk.rank)),
        (Reading::Value, Directions::new(&ov.u, &ov.s, ov.rank)),
    ];
    let n_heads = engine.model()?.arch.n_heads;
    let mut null = PairNull::new(PAIR_DRAWS, 0);
    for layer in 0..into.0 {
        let mut channels = Vec::new();
        // A layer that is missing or broken has no channels; its heads are marked on the grid already.
        if let Ok(attention) = engine.layer(layer) {
            for head in 0..n_heads {
                let Ok(ov) = attention.head(head, weights) else { continue };
                let Ok(ov) = decompose(&ov, Circuit::Ov) else { continue };
                let written = Directions::new(&ov.v, &ov.s, ov.rank);
                for (reading, read) in &reads {
                    let strength = null.strength(&written, read)?;
                    channels.push(Channel {
                        from: (layer, head),
                        into,
                        reading: *reading,
                        strength,
                    });
                }
            }
        }
        out(Tell::Features(FeatureTell::Channels(channels)), Vec::new());
        out(Tell::Progress { done: layer + 1, total: into.0 }, Vec::new());
    }
    Ok(())
}

pub(super) fn head_sides(
    engine: &mut Engine,
    layer: usize,
    head: usize,
    weights: Weights,
) -> Result<Vec<HeadSide>, Failure> {
    let matrices = engine.layer(layer)?.head(head, weights)?;
    let mut sides = Vec::new();
    for circuit in [Circuit::Qk, Circuit::Ov] {
        sides.extend(HeadSide::both(layer, head, circuit, &matrices)?);
    }
    Ok(sides)
}

fn prepare(
    engine: &mut Engine,
    source: &Source,
    files: Vec<Box<dyn ByteSource>>,
    weights: Weights,
) -> Result<(), Failure> {
    match source {
        Source::Model(which) => engine.builtin(*which, weights),
        Source::Own(choice) => engine.own(files, choice, weights).map(|_| ()),
    }
}

pub(super) fn surveyed<'a>(
    engine: &'a Engine,
    source: &Source,
    weights: Weights,
) -> Result<&'a Surveyed, Failure> {
    match source {
        Source::Model(which) => engine.ready(*which, weights),
        Source::Own(_) => engine.ready_own(),
    }
}

fn about(surveyed: &Surveyed, layer: usize, sides: &[HeadSide]) -> AboutDictionary {
    let (about, survey) = (&surveyed.dictionary.about, &surveyed.survey);
    let mut notes = about.notes.clone();
    if let Some(side) = sides.first() {
        notes.extend(about.warnings_for(layer, side.side));
    }
    AboutDictionary {
        name: about.name.clone(),
        n_features: survey.n_features,
        n_skipped: survey.n_rows - survey.n_features,
        mean_cosine: survey.mean_cosine,
        anisotropy: surveyed.anisotropy(),
        neuronpedia: about.neuronpedia.clone(),
        n_parts: 0,
        python: String::new(),
        notes,
    }
}

/// A row's name: the token for dictionaries with one row a token.
pub(super) fn label(engine: &Engine, surveyed: &Surveyed, source: &Source, row: usize) -> String {
    match (source, engine.tokenizer.as_ref()) {
        (Source::Model(Builtin::Embed | Builtin::Unembed), Some(tokenizer)) => {
            tokenizer.label(row as u32)
        }
        (Source::Model(Builtin::Embed | Builtin::Unembed), None) => format!("#{row}"),
        _ => surveyed.dictionary.label(row),
    }
}

/// The row that the reader means: `#12`, a token, or a label.
fn find(
    engine: &Engine,
    surveyed: &Surveyed,
    source: &Source,
    feature: &str,
) -> Result<usize, Failure> {
    let n = surveyed.dictionary.about.n_rows;
    if let Some(row) = feature.strip_prefix('#').and_then(|r| r.parse().ok()).filter(|r| *r < n) {
        return Ok(row);
    }
    let is_token = matches!(source, Source::Model(Builtin::Embed | Builtin::Unembed));
    let single =
        |text: &str| engine.tokenizer.as_ref().filter(|_| is_token).and_then(|t| t.single(text));
    let token = single(feature).or_else(|| single(&format!(" {feature}"))).map(|id| id as usize);
    token
        .filter(|row| *row < n)
        .or_else(|| {
            (0..n).find(|&row| label(engine, surveyed, source, row).trim() == feature.trim())
        })
        .ok_or_else(|| {
            let mut failure = Failure::new(format!("no feature is called “{feature}”"));
            failure.hint =
                "Type a single token as the model spells it, or a row such as #12.".into();
            failure
        })
}

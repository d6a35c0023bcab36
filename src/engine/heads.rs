//! Answers about heads: spectra of a layer, the vectors of one head, the tokens that they point at.

use super::Engine;
use crate::circuits::alignment::AlignmentReport;
use crate::circuits::dictionary::Builtin;
use crate::math::Mat;
use crate::math::layout::to_row_major_f32;
use crate::model::{AttentionLayer, Weights};
use crate::protocol::heads::{Ask, Tell as HeadTell};
use crate::protocol::{Failure, Out, Tell};
use crate::study::alignment::Comparison;
use crate::study::dictionary::{Comparing, Source};
use crate::study::prompt::label;
use crate::study::python;
use crate::study::spectra::head_spectra;
use crate::study::stamp::Stamp;
use crate::study::vectors::{HeadAt, Vectors};

/// Answers one question.
pub(super) fn answer(engine: &mut Engine, ask: Ask, out: Out<'_>) -> Result<(), Failure> {
    match ask {
        Ask::Spectra { layer, weights } => spectra(engine, layer, weights, out),
        Ask::SpectraOnGpu { .. } => Err(Failure::new("this build has no GPU kernels")),
        Ask::Vectors { at, top, remove_mean } => vectors(engine, at, top, remove_mean, out),
        Ask::ExportVectors(at) => export(engine, at, out),
    }
}

/// Both spectra of every head of a layer, on the CPU.
pub(super) fn spectra(
    engine: &mut Engine,
    layer: usize,
    weights: Weights,
    out: Out<'_>,
) -> Result<(), Failure> {
    let attention = engine.layer(layer)?;
    for head in 0..attention.n_heads() {
        out(Tell::Heads(both_spectra(attention, head, weights)), Vec::new());
    }
    Ok(())
}

/// Both circuits of one head on the CPU.
pub(super) fn both_spectra(attention: &AttentionLayer, head: usize, weights: Weights) -> HeadTell {
    head_spectra(attention, head, weights).map_or_else(HeadTell::Broken, HeadTell::Spectrum)
}

fn vectors(
    engine: &mut Engine,
    at: HeadAt,
    top: usize,
    remove_mean: bool,
    out: Out<'_>,
) -> Result<(), Failure> {
    let vectors = Vectors::new(engine.layer(at.layer)?, at)?;
    let stamp = Stamp::of_model(&engine.convention(at.weights)?).circuit(at.circuit);
    let python = python::spectrum(engine.model()?, at, &stamp)?;
    // One vector a row: the transpose of the matrix whose columns they are.
    let rows = |m: &Mat| to_row_major_f32(&m.transpose());
    let arrays = vec![rows(&vectors.svd.u), rows(&vectors.svd.v)];
    let sigma = vectors.svd.s.clone();
    out(Tell::Heads(HeadTell::Vectors { at, sigma, python }), arrays);
    nearest(engine, at, &vectors, top, remove_mean, out)
}

/// The tokens at both ends of every direction.
fn nearest(
    engine: &mut Engine,
    at: HeadAt,
    vectors: &Vectors,
    top: usize,
    remove_mean: bool,
    out: Out<'_>,
) -> Result<(), Failure> {
    if engine.model()?.arch.embedding.tokens.is_none() {
        return Ok(());
    }
    engine.load_tokenizer()?;
    let (mut sides, mut of) = (Vec::new(), 0);
    for (which, compared) in vectors.token_sides(engine.model()?) {
        let how = Comparing {
            remove_mean,
            top,
            rotations: 0,
            ..Comparing::with(Source::Model(which), at.weights)
        };
        engine.survey(&how.source, Vec::new(), how.weights)?;
        let surveyed = engine.surveyed(&how.source, how.weights)?;
        let mut comparison = Comparison::new(surveyed, compared, &how)?;
        while comparison.step(engine.model()?)?.is_some() {}
        if which == Builtin::Embed {
            of = surveyed.n_rows();
        }
        let AlignmentReport { sides: found, .. } = comparison.finish();
        sides.extend(found);
    }
    let tokenizer = engine.tokenizer.as_ref();
    let pairs = vectors.pairs(&sides, &|id| label(tokenizer, id as u32));
    out(Tell::Heads(HeadTell::Nearest { at, pairs, rows: of, of }), Vec::new());
    Ok(())
}

fn export(engine: &mut Engine, at: HeadAt, out: Out<'_>) -> Result<(), Failure> {
    let convention = engine.convention(at.weights)?;
    let (name, bytes) = Vectors::new(engine.layer(at.layer)?, at)?.file(&convention)?;
    out(Tell::Heads(HeadTell::File { name, bytes }), Vec::new());
    Ok(())
}

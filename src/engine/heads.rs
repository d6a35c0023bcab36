//! Answers about heads: spectra of a layer, the vectors of one head, the tokens that they point at.

use super::{Engine, Files};
use crate::circuits::alignment::{AlignmentReport, RotationCount};
use crate::circuits::dictionary::Builtin;
use crate::math::Mat;
use crate::math::layout::to_row_major_f32;
use crate::model::Weights;
use crate::protocol::gpu::GpuChoice;
use crate::protocol::heads::{
    Ask, AtDistances, ExportVectors, File, HeadOutcome, Spectra, Vectors as VectorsOf, VectorsPart,
};
use crate::protocol::{Failure, Out, Question};
use crate::study::alignment::Comparison;
use crate::study::dictionary::{Comparing, Source};
use crate::study::distance::at_distances;
use crate::study::prompt::label;
use crate::study::python;
use crate::study::spectra::head_spectra;
use crate::study::stamp::Stamp;
use crate::study::vectors::{HeadAt, Vectors};

/// Answers one question.
pub(super) async fn answer(
    engine: &mut Engine,
    ask: Ask,
    gpu: Option<GpuChoice>,
    out: Out<'_>,
) -> Result<(), Failure> {
    match (ask, gpu) {
        #[cfg(feature = "gpu")]
        (Ask::Spectra(Spectra { layers, weights }), Some(choice)) => {
            super::on_gpu::run(engine, super::on_gpu::Spectra(weights), layers, choice, out).await
        }
        (Ask::Spectra(Spectra { layers, weights }), _) => {
            let mut tell = |found| out(Spectra::tell(found), Vec::new());
            layers.iter().try_for_each(|&layer| spectra(engine, layer, weights, &mut tell))
        }
        (Ask::Vectors(wanted), _) => vectors(engine, &wanted, out),
        (Ask::ExportVectors(ExportVectors { at }), _) => export(engine, at, out),
        (Ask::AtDistances(AtDistances { at }), _) => {
            let rope = engine.model()?.attention(at.layer)?.rope.clone();
            let found = at_distances(engine.layer(at.layer)?, at.head, at.weights, rope.as_ref())?;
            out(AtDistances::tell(found), Vec::new());
            Ok(())
        }
    }
}

/// Both spectra of every head of a layer, on the CPU.
pub(super) fn spectra(
    engine: &mut Engine,
    layer: usize,
    weights: Weights,
    tell: &mut dyn FnMut(HeadOutcome),
) -> Result<(), Failure> {
    let positions = engine.positions(weights)?;
    let space = positions.as_ref().and_then(|positions| positions.space());
    let attention = engine.layer(layer)?;
    (0..attention.n_heads()).for_each(|head| tell(head_spectra(attention, head, weights, space)));
    Ok(())
}

fn vectors(engine: &mut Engine, wanted: &VectorsOf, out: Out<'_>) -> Result<(), Failure> {
    let at = wanted.at;
    let vectors = Vectors::new(engine.layer(at.layer)?, at)?;
    let stamp = Stamp::of_model(&engine.convention(at.weights)?).circuit(at.circuit);
    let python = python::spectrum(engine.model()?, at, &stamp)?;
    // One vector a row: the transpose of the matrix whose columns they are.
    let rows = |m: &Mat| to_row_major_f32(&m.transpose());
    let arrays = vec![rows(&vectors.svd.u), rows(&vectors.svd.v)];
    let sigma = vectors.svd.s.clone();
    let certificate = [vectors.svd.residual, vectors.svd.orthogonality];
    out(VectorsOf::tell(VectorsPart::Vectors { at, sigma, certificate, python }), arrays);
    if let Some(positions) = engine.positions(at.weights)? {
        let arrays = [&vectors.svd.u, &vectors.svd.v].map(|side| positions.cosines(side));
        let told =
            VectorsPart::Positions { at, n: positions.count(), critical: positions.critical() };
        out(VectorsOf::tell(told), arrays.into());
    }
    nearest(engine, wanted, &vectors, out)
}

/// The tokens at both ends of every direction.
fn nearest(
    engine: &mut Engine,
    &VectorsOf { at, top, remove_mean }: &VectorsOf,
    vectors: &Vectors,
    out: Out<'_>,
) -> Result<(), Failure> {
    if engine.model()?.arch.embedding().is_none_or(|e| e.tokens.is_none()) {
        return Ok(());
    }
    engine.load_spelling()?;
    let (mut sides, mut of, mut chance) = (Vec::new(), 0, [None, None]);
    for (which, compared) in vectors.token_sides(engine.model()?) {
        let how = Comparing {
            remove_mean,
            top,
            rotations: RotationCount::None,
            ..Comparing::with(Source::Model(which), at.weights)
        };
        engine.survey(&how.source, Files::none(), how.weights)?;
        let surveyed = engine.surveyed(&how.source, how.weights)?;
        let mut comparison = Comparison::new(surveyed, compared, &how)?;
        while comparison.step(engine.model()?)?.is_some() {}
        if which == Builtin::Embed {
            of = surveyed.n_rows();
        }
        let AlignmentReport { sides: found, comparison } = comparison.finish();
        // The sides of one dictionary share its chance.
        chance.iter_mut().skip(sides.len()).take(found.len()).for_each(|level| {
            level.clone_from(&comparison.isotropic);
        });
        sides.extend(found);
    }
    let tokenizer = engine.words.tokenizer();
    let pairs = vectors.pairs(&sides, &|id| label(tokenizer, id as u32));
    let wordless = engine.words.unusable().map(ToString::to_string);
    let told = VectorsPart::Nearest { at, pairs, rows: of, of, wordless, chance };
    out(VectorsOf::tell(told), Vec::new());
    Ok(())
}

fn export(engine: &mut Engine, at: HeadAt, out: Out<'_>) -> Result<(), Failure> {
    let convention = engine.convention(at.weights)?;
    let attention = engine.layer(at.layer)?;
    let (name, bytes) = Vectors::new(attention, at)?.file(attention, &convention)?;
    out(ExportVectors::tell(File { name, bytes }), Vec::new());
    Ok(())
}

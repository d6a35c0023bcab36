//! Answers about heads: spectra of a layer, the vectors of one head, the tokens that they point at.

use super::{Engine, python};
use crate::checkpoint::{Named, to_safetensors};
use crate::circuits::alignment::{HeadSide, Match, Side, SideAlignment};
use crate::circuits::dictionary::Builtin;
use crate::circuits::head_statistics::HeadStatistics;
use crate::circuits::omega::{Circuit, decompose, singular_values};
use crate::math::layout::{to_row_major, to_row_major_f32};
use crate::math::{Mat, ProductSvd};
use crate::model::{AttentionLayer, HeadWeights, Weights};
use crate::protocol::features::{Comparing, Source};
use crate::protocol::heads::{
    Ask, By, CircuitSpectrum, HeadAt, HeadSpectra, PairTokens, SideTokens, Tell as HeadTell,
    TokenCosine,
};
use crate::protocol::{Failure, Out, Tell};

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
    let n_heads = engine.model()?.arch.n_heads;
    let attention = engine.layer(layer)?;
    for head in 0..n_heads {
        out(Tell::Heads(both_spectra(attention, [layer, head], weights)), Vec::new());
    }
    Ok(())
}

/// Both circuits of one head on the CPU.
pub(super) fn both_spectra(
    attention: &AttentionLayer,
    [layer, head]: [usize; 2],
    weights: Weights,
) -> HeadTell {
    let found = attention.head(head, weights).map_err(Failure::from).and_then(|w| {
        Ok(HeadSpectra {
            layer,
            head,
            qk: spectrum(&w, Circuit::Qk)?,
            ov: spectrum(&w, Circuit::Ov)?,
        })
    });
    match found {
        Ok(spectra) => HeadTell::Spectrum(spectra),
        Err(failure) => HeadTell::Broken { layer, head, why: failure.what },
    }
}

/// One circuit of one head on the CPU, in f64.
pub(super) fn spectrum(
    weights: &HeadWeights,
    circuit: Circuit,
) -> Result<CircuitSpectrum, Failure> {
    let values = singular_values(weights, circuit)?;
    let statistics = HeadStatistics::of(weights, circuit, &values.s, weights.w_q.nrows());
    Ok(CircuitSpectrum {
        sigma: values.s,
        residual: values.residual,
        orthogonality: values.orthogonality,
        statistics,
        by: By::Cpu,
    })
}

fn vectors(
    engine: &mut Engine,
    at: HeadAt,
    top: usize,
    remove_mean: bool,
    out: Out<'_>,
) -> Result<(), Failure> {
    let weights = engine.layer(at.layer)?.head(at.head, at.weights)?;
    let svd = decompose(&weights, at.circuit)?;
    let python = python::loader(engine.model()?, at.layer, at.head, at.weights)?;
    // One vector a row: the transpose of the matrix whose columns they are.
    let rows = |m: &Mat| to_row_major_f32(&m.transpose());
    let arrays = vec![rows(&svd.u), rows(&svd.v)];
    out(Tell::Heads(HeadTell::Vectors { at, sigma: svd.s.clone(), python }), arrays);
    nearest(engine, at, &svd, top, remove_mean, out)
}

/// The tokens at both ends of every direction: embeddings, and for what OV writes, unembeddings.
fn nearest(
    engine: &mut Engine,
    at: HeadAt,
    svd: &ProductSvd,
    top: usize,
    remove_mean: bool,
    out: Out<'_>,
) -> Result<(), Failure> {
    let arch = &engine.model()?.arch;
    if arch.embedding.tokens.is_none() {
        return Ok(());
    }
    let written = at.circuit == Circuit::Ov && arch.unembedding.is_some();
    let right_dictionary = if written { Builtin::Unembed } else { Builtin::Embed };
    let (left, right) = match at.circuit {
        Circuit::Qk => (Side::Dest, Side::Src),
        Circuit::Ov => (Side::Read, Side::Write),
    };
    engine.load_tokenizer()?;
    engine.builtin(Builtin::Embed, at.weights)?;
    engine.builtin(right_dictionary, at.weights)?;
    let model = engine.model()?;
    let side = |side, vectors: &Mat| HeadSide::new(at.layer, at.head, side, vectors, &svd.s);
    let mut of = 0;
    let mut aligned = |dictionary, sides| {
        let surveyed = engine.ready(dictionary, at.weights)?;
        of = surveyed.dictionary.about.n_rows;
        let (source, weights) = (Source::Model(dictionary), at.weights);
        let how = Comparing { source, weights, remove_mean, top, rotations: 0, whiten: false };
        surveyed.align(model, sides, &how, |_, _| {})
    };
    let reports = if right_dictionary == Builtin::Embed {
        aligned(Builtin::Embed, vec![side(left, &svd.u), side(right, &svd.v)])?.sides
    } else {
        let mut sides = aligned(Builtin::Embed, vec![side(left, &svd.u)])?.sides;
        sides.extend(aligned(right_dictionary, vec![side(right, &svd.v)])?.sides);
        sides
    };
    let label = |id: usize| {
        engine.tokenizer.as_ref().map_or_else(|| format!("#{id}"), |t| t.label(id as u32))
    };
    let tokens = |found: &[Match]| {
        let token =
            |m: &Match| TokenCosine { id: m.index, text: label(m.index), cosine: m.cos as f32 };
        found.iter().map(token).collect()
    };
    let ends = |side: &SideAlignment, k: usize| {
        let direction = side.directions.iter().find(|d| d.k == k);
        direction
            .map(|d| SideTokens { plus: tokens(&d.positive), minus: tokens(&d.negative) })
            .unwrap_or_default()
    };
    let pairs = match reports.as_slice() {
        [left, right] => (0..svd.s.len())
            .map(|k| PairTokens { k, left: ends(left, k), right: ends(right, k) })
            .collect(),
        _ => Vec::new(),
    };
    out(Tell::Heads(HeadTell::Nearest { at, pairs, rows: of, of }), Vec::new());
    Ok(())
}

fn export(engine: &mut Engine, at: HeadAt, out: Out<'_>) -> Result<(), Failure> {
    let weights = engine.layer(at.layer)?.head(at.head, at.weights)?;
    let svd = decompose(&weights, at.circuit)?;
    let circuit = match at.circuit {
        Circuit::Qk => "qk",
        Circuit::Ov => "ov",
    };
    let form = match at.weights {
        Weights::Folded => "folded",
        Weights::Raw => "raw",
    };
    let arrays = [
        Named::f64("u", &[svd.u.nrows(), svd.u.ncols()], to_row_major(&svd.u)),
        Named::f64("s", &[svd.s.len()], svd.s.clone()),
        Named::f64("v", &[svd.v.nrows(), svd.v.ncols()], to_row_major(&svd.v)),
    ];
    let convention =
        format!("{form}; QK = W_Q W_K^T, OV = W_V W_O; columns of u and v are singular vectors");
    let metadata = [("convention", convention), ("residual", svd.residual.to_string())];
    let name = format!("L{}H{}-{circuit}-{form}.safetensors", at.layer, at.head);
    out(
        Tell::Heads(HeadTell::File { name, bytes: to_safetensors(&arrays, &metadata)? }),
        Vec::new(),
    );
    Ok(())
}

//! Spectra of a layer on the GPU: certified, and repaired in f64 where a certificate fails.

use std::ops::Range;

use super::{ByLayer, Speeds, Stop};
use crate::circuits::omega::Circuit;
use crate::circuits::positional::PositionSpace;
use crate::engine::Engine;
use crate::gpu::{Factors, Gpu, GpuError, HeadSvd, SvdBatch};
use crate::math::{Mat, MathError};
use crate::model::{AttentionLayer, HeadWeights, Weights};
use crate::protocol::heads::{
    BrokenHead, By, CircuitSpectrum, HeadOutcome, HeadSpectra, Spectra as SpectraOf,
};
use crate::protocol::{Question, Tell};
use crate::study::spectra::{head_spectra, statistics};

/// Bytes of decoded weights in memory at a time: as many heads as fit go over together.
const DECODED: usize = 128 << 20;

/// Both circuits of every head under one convention.
pub(in crate::engine) struct Spectra(pub(in crate::engine) Weights);

impl ByLayer for Spectra {
    async fn layer(
        &mut self,
        gpu: &Gpu,
        engine: &mut Engine,
        layer: usize,
    ) -> Result<Vec<Tell>, Stop> {
        let n_heads = engine.model()?.arch.n_heads_of(layer);
        let positions = engine.positions(self.0)?;
        let space = positions.as_ref().and_then(|positions| positions.space());
        let tells = match engine.layer(layer) {
            Ok(attention) => layer_spectra(gpu, attention, n_heads, self.0, space).await?,
            Err(failure) => (0..n_heads)
                .map(|head| Err(BrokenHead { layer, head, why: failure.what.clone() }))
                .collect(),
        };
        Ok(tells.into_iter().map(SpectraOf::tell).collect())
    }

    /// Times the layer once more, now that the kernels are compiled, and one of its heads on the CPU.
    async fn measure(
        &mut self,
        gpu: &Gpu,
        engine: &mut Engine,
        layer: usize,
        clock: fn() -> f64,
    ) -> Result<Option<Speeds>, Stop> {
        let n_heads = engine.model()?.arch.n_heads_of(layer);
        let positions = engine.positions(self.0)?;
        let space = positions.as_ref().and_then(|positions| positions.space());
        let Ok(attention) = engine.layer(layer) else { return Ok(None) };
        let start = clock();
        layer_spectra(gpu, attention, n_heads, self.0, space).await?;
        let middle = clock();
        // Only its time counts.
        let _ = head_spectra(attention, 0, self.0, space);
        let end = clock();
        Ok(Some([(middle - start) / n_heads.max(1) as f64, end - middle]))
    }
}

/// Every head of one layer. The decoded weights of a few heads are in memory at a time.
async fn layer_spectra(
    gpu: &Gpu,
    attention: &AttentionLayer,
    n_heads: usize,
    weights: Weights,
    positions: Option<&PositionSpace>,
) -> Result<Vec<HeadOutcome>, GpuError> {
    let bytes = attention.head(0, weights).map_or(1, |w| 4 * 8 * w.w_q.len());
    let at_once = (DECODED / bytes.max(1)).max(1);
    let mut tells = Vec::with_capacity(n_heads);
    for begin in (0..n_heads).step_by(at_once) {
        let heads = begin..(begin + at_once).min(n_heads);
        tells.extend(Heads::of(attention, heads, weights, positions).spectra(gpu).await?);
    }
    Ok(tells)
}

/// Some heads of one layer on their way to the GPU.
struct Heads<'a> {
    attention: &'a AttentionLayer,
    weights: Weights,
    positions: Option<&'a PositionSpace>,
    heads: Range<usize>,
    /// Heads whose weights are there and finite; the CPU says what is wrong with the others.
    sound: Vec<(usize, HeadWeights)>,
}

impl<'a> Heads<'a> {
    fn of(
        attention: &'a AttentionLayer,
        heads: Range<usize>,
        weights: Weights,
        positions: Option<&'a PositionSpace>,
    ) -> Self {
        let finite = |w: &HeadWeights| {
            [&w.w_q, &w.w_k, &w.w_v, &w.w_o].iter().all(|m| m.iter().all(|x| x.is_finite()))
        };
        let sound = heads
            .clone()
            .filter_map(|head| Some((head, attention.head(head, weights).ok()?)))
            .filter(|(_, w)| finite(w))
            .collect();
        Self { attention, weights, positions, heads, sound }
    }

    async fn spectra(&self, gpu: &Gpu) -> Result<Vec<HeadOutcome>, GpuError> {
        let qk = self.decompose(gpu, Circuit::Qk).await?;
        let ov = self.decompose(gpu, Circuit::Ov).await?;
        let layer = self.attention.layer();
        let mut found = self.sound.iter().zip(qk.iter().zip(&ov)).peekable();
        let tell = |head| match found.next_if(|((sound, _), _)| *sound == head) {
            Some(((_, weights), (qk, ov))) => {
                let qk = certified(qk, weights, Circuit::Qk, self.positions);
                let ov = certified(ov, weights, Circuit::Ov, self.positions);
                qk.and_then(|qk| HeadSpectra::new(self.attention, head, weights, qk, ov?))
                    .map_err(|error| BrokenHead { layer, head, why: error.to_string() })
            }
            None => head_spectra(self.attention, head, self.weights, self.positions),
        };
        Ok(self.heads.clone().map(tell).collect())
    }

    /// One circuit of every sound head. A factor that heads share (grouped queries) goes over once.
    async fn decompose(&self, gpu: &Gpu, circuit: Circuit) -> Result<Vec<HeadSvd>, GpuError> {
        let Some((_, first)) = self.sound.first() else { return Ok(Vec::new()) };
        let (a, b) = circuit.factors(first);
        let mut left = Shared::new(&a)?;
        let mut right = Shared::new(&b)?;
        let mut heads = Vec::new();
        for (_, weights) in &self.sound {
            let (a, b) = circuit.factors(weights);
            heads.push((left.push(a)?, right.push(b)?));
        }
        let (left, right) = (&left.factors, &right.factors);
        gpu.svd(&SvdBatch { left, right, heads: &heads, vectors: false }).await
    }
}

/// Factors, of which the one that came last is remembered.
struct Shared {
    factors: Factors,
    last: Option<(usize, Mat)>,
}

impl Shared {
    fn new(like: &Mat) -> Result<Self, GpuError> {
        Ok(Self { factors: Factors::new(like.nrows(), like.ncols())?, last: None })
    }

    fn push(&mut self, factor: Mat) -> Result<usize, GpuError> {
        if let Some((number, last)) = &self.last
            && *last == factor
        {
            return Ok(*number);
        }
        let number = self.factors.push(&factor)?;
        self.last = Some((number, factor));
        Ok(number)
    }
}

/// The GPU's spectrum, or the CPU's where the certificate does not hold.
fn certified(
    svd: &HeadSvd,
    weights: &HeadWeights,
    circuit: Circuit,
    positions: Option<&PositionSpace>,
) -> Result<CircuitSpectrum, MathError> {
    if !svd.certificate.passed() {
        return Ok(CircuitSpectrum {
            by: By::Repair,
            ..CircuitSpectrum::on_cpu(weights, circuit, positions)?
        });
    }
    Ok(CircuitSpectrum {
        statistics: statistics(weights, circuit, &svd.s, positions),
        sigma: svd.s.clone(),
        residual: svd.certificate.residual,
        orthogonality: svd.certificate.orthogonality,
        by: By::Gpu,
    })
}

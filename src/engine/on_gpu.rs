//! Spectra of whole layers on the GPU: certified, repaired in f64 where a certificate fails, resumed when the device goes.
//!
//! Nothing is lost with a device: a layer is told when all of it is there, and the one under way is begun again on another
//! device, twice; then the rest is left to the CPU.

use std::ops::Range;

use super::Engine;
use super::heads::{both_spectra, spectrum};
use crate::circuits::head_statistics::HeadStatistics;
use crate::circuits::omega::Circuit;
use crate::gpu::{Factors, Gpu, GpuError, GpuOptions, HeadSvd, SvdBatch};
use crate::math::Mat;
use crate::model::{AttentionLayer, HeadWeights, Weights};
use crate::worker::protocol::heads::{
    By, CircuitSpectrum, GpuChoice, GpuReport, HeadSpectra, Tell as HeadTell,
};
use crate::worker::protocol::{Failure, Out, Tell};

/// Devices that may be lost before the CPU takes over.
const LIVES: usize = 2;

/// Bytes of decoded weights in memory at a time: as many heads as fit go over together.
const DECODED: usize = 128 << 20;

/// Milliseconds a head, both circuits: on the GPU, and on one CPU worker.
type Speeds = [f64; 2];

/// Spectra that are wanted of a model, and how far they are.
struct Job {
    layers: Vec<usize>,
    weights: Weights,
    choice: GpuChoice,
    n_heads: usize,
    /// How many layers are finished.
    done: usize,
    drills: usize,
    clock: fn() -> f64,
}

/// How a job leaves a device that still works.
enum End {
    Finished,
    /// The CPU is faster, or the adapter is software.
    CpuIsFaster(Option<Speeds>),
}

/// Answers one question: every layer's spectra, between [`GpuReport`]s of what became of the job.
pub(super) async fn spectra(
    engine: &mut Engine,
    layers: Vec<usize>,
    weights: Weights,
    choice: GpuChoice,
    out: Out<'_>,
) -> Result<(), Failure> {
    let drills = if let GpuChoice::Drill { losses } = choice { losses } else { 0 };
    let clock = engine.clock.unwrap_or(|| 0.0);
    let n_heads = engine.model()?.arch.n_heads;
    let mut job = Job { layers, weights, choice, n_heads, done: 0, drills, clock };
    let mut lives = LIVES;
    let (why, ms) = loop {
        match job.on_one_device(engine, out).await {
            Ok(End::Finished) => return Ok(()),
            Ok(End::CpuIsFaster(ms)) => break (String::new(), ms),
            Err(GpuError::Lost { message }) if lives > 0 => {
                lives -= 1;
                report(GpuReport::Resumed { why: message }, out);
            }
            Err(error) => break (error.to_string(), None),
        }
    };
    report(GpuReport::LeftToCpu { layers: job.layers.split_off(job.done), why, ms }, out);
    Ok(())
}

fn report(report: GpuReport, out: Out<'_>) {
    out(Tell::Heads(HeadTell::Gpu(report)), Vec::new());
}

impl Job {
    async fn on_one_device(&mut self, engine: &mut Engine, out: Out<'_>) -> Result<End, GpuError> {
        let gpu = Gpu::request(GpuOptions::new(self.clock)).await?;
        let end = self.on(&gpu, engine, out).await;
        gpu.destroy();
        end
    }

    async fn on(&mut self, gpu: &Gpu, engine: &mut Engine, out: Out<'_>) -> Result<End, GpuError> {
        if matches!(self.choice, GpuChoice::IfFaster { .. }) && gpu.description().software {
            return Ok(End::CpuIsFaster(None));
        }
        while let Some(&layer) = self.layers.get(self.done) {
            if self.drills > 0 && self.done > 0 {
                self.drills -= 1;
                gpu.destroy();
            }
            let tells = match engine.layer(layer) {
                Ok(attention) => layer_spectra(gpu, attention, self.n_heads, self.weights).await?,
                Err(failure) => (0..self.n_heads)
                    .map(|head| HeadTell::Broken { layer, head, why: failure.what.clone() })
                    .collect(),
            };
            for tell in tells {
                out(Tell::Heads(tell), Vec::new());
            }
            out(Tell::Heads(HeadTell::Layer), Vec::new());
            self.done += 1;
            if self.done == 1 {
                let ms = self.measure(gpu, engine, layer).await?;
                if let (GpuChoice::IfFaster { workers }, Some([on_gpu, on_cpu])) = (self.choice, ms)
                    && on_gpu > on_cpu / workers.max(1) as f64
                {
                    return Ok(End::CpuIsFaster(ms));
                }
                let found = gpu.description();
                let name = format!("{} {}", found.backend, found.name).trim().to_owned();
                report(GpuReport::Kept { name, ms }, out);
            }
        }
        Ok(End::Finished)
    }

    /// Times the first layer once more, now that the kernels are compiled, and one of its heads on the CPU.
    async fn measure(
        &self,
        gpu: &Gpu,
        engine: &mut Engine,
        layer: usize,
    ) -> Result<Option<Speeds>, GpuError> {
        if !matches!(self.choice, GpuChoice::IfFaster { .. }) {
            return Ok(None);
        }
        let Ok(attention) = engine.layer(layer) else { return Ok(None) };
        let start = (self.clock)();
        layer_spectra(gpu, attention, self.n_heads, self.weights).await?;
        let middle = (self.clock)();
        both_spectra(attention, [layer, 0], self.weights);
        let end = (self.clock)();
        Ok(Some([(middle - start) / self.n_heads.max(1) as f64, end - middle]))
    }
}

/// Every head of one layer. The decoded weights of a few heads are in memory at a time.
async fn layer_spectra(
    gpu: &Gpu,
    attention: &AttentionLayer,
    n_heads: usize,
    weights: Weights,
) -> Result<Vec<HeadTell>, GpuError> {
    let bytes = attention.head(0, weights).map_or(1, |w| 4 * 8 * w.w_q.len());
    let at_once = (DECODED / bytes.max(1)).max(1);
    let mut tells = Vec::with_capacity(n_heads);
    for begin in (0..n_heads).step_by(at_once) {
        let heads = begin..(begin + at_once).min(n_heads);
        tells.extend(Heads::of(attention, heads, weights).spectra(gpu).await?);
    }
    Ok(tells)
}

/// Some heads of one layer on their way to the GPU.
struct Heads<'a> {
    attention: &'a AttentionLayer,
    weights: Weights,
    heads: Range<usize>,
    /// Heads whose weights are there and finite; the CPU says what is wrong with the others.
    sound: Vec<(usize, HeadWeights)>,
}

impl<'a> Heads<'a> {
    fn of(attention: &'a AttentionLayer, heads: Range<usize>, weights: Weights) -> Self {
        let finite = |w: &HeadWeights| {
            [&w.w_q, &w.w_k, &w.w_v, &w.w_o].iter().all(|m| m.iter().all(|x| x.is_finite()))
        };
        let sound = heads
            .clone()
            .filter_map(|head| Some((head, attention.head(head, weights).ok()?)))
            .filter(|(_, w)| finite(w))
            .collect();
        Self { attention, weights, heads, sound }
    }

    async fn spectra(&self, gpu: &Gpu) -> Result<Vec<HeadTell>, GpuError> {
        let qk = self.decompose(gpu, Circuit::Qk).await?;
        let ov = self.decompose(gpu, Circuit::Ov).await?;
        let layer = self.attention.layer();
        let mut found = self.sound.iter().zip(qk.iter().zip(&ov)).peekable();
        let tell = |head| match found.next_if(|((sound, _), _)| *sound == head) {
            Some(((_, weights), (qk, ov))) => {
                let qk = certified(qk, weights, Circuit::Qk);
                let ov = certified(ov, weights, Circuit::Ov);
                match qk.and_then(|qk| Ok(HeadSpectra { layer, head, qk, ov: ov? })) {
                    Ok(spectra) => HeadTell::Spectrum(spectra),
                    Err(failure) => HeadTell::Broken { layer, head, why: failure.what },
                }
            }
            None => both_spectra(self.attention, [layer, head], self.weights),
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
) -> Result<CircuitSpectrum, Failure> {
    if !svd.certificate.passed() {
        return Ok(CircuitSpectrum { by: By::Repair, ..spectrum(weights, circuit)? });
    }
    Ok(CircuitSpectrum {
        statistics: HeadStatistics::of(weights, circuit, &svd.s, weights.w_q.nrows()),
        sigma: svd.s.clone(),
        residual: svd.certificate.residual,
        orthogonality: svd.certificate.orthogonality,
        by: By::Gpu,
    })
}

//! Jobs on the GPU: chosen by measuring, resumed when the device goes, left to the CPU at the end.
//!
//! Nothing is lost with a device. Spectra and comparisons go layer by layer: a layer is told when all of it is there, and the
//! one under way is begun again on another device, twice; then the rest is left to the CPU. A forward pass is offered product
//! by product.

mod alignment;
mod forward;
mod spectra;

pub(super) use alignment::alignment;
pub(super) use forward::{Forward, Offered, forward};
pub(super) use spectra::Spectra;

use super::Engine;
use crate::gpu::{Gpu, GpuError, GpuOptions};
use crate::protocol::gpu::{GpuChoice, GpuReport};
use crate::protocol::{Failure, Out, Tell};
use crate::study::StudyError;

/// Devices that may be lost before the CPU takes over.
const LIVES: usize = 2;

/// Milliseconds a head: on the GPU, and on one CPU worker.
type Speeds = [f64; 2];

/// Work that is done a layer at a time.
pub(super) trait ByLayer {
    /// Everything of one layer.
    async fn layer(
        &mut self,
        gpu: &Gpu,
        engine: &mut Engine,
        layer: usize,
    ) -> Result<Vec<Tell>, Stop>;

    /// How fast the GPU is, with its kernels compiled, and how fast one CPU worker; `None` if that cannot be measured here.
    async fn measure(
        &mut self,
        gpu: &Gpu,
        engine: &mut Engine,
        layer: usize,
        clock: fn() -> f64,
    ) -> Result<Option<Speeds>, Stop>;
}

/// Why a job does not go on.
pub(super) enum Stop {
    /// The GPU cannot.
    Gpu(GpuError),
    /// Nobody could.
    Failed(Failure),
}

impl From<GpuError> for Stop {
    fn from(error: GpuError) -> Self {
        Stop::Gpu(error)
    }
}

impl From<StudyError> for Stop {
    fn from(error: StudyError) -> Self {
        Stop::Failed(error.into())
    }
}

impl From<Failure> for Stop {
    fn from(failure: Failure) -> Self {
        Stop::Failed(failure)
    }
}

/// A job and how far it is.
struct Job<W> {
    work: W,
    layers: Vec<usize>,
    choice: GpuChoice,
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

/// What the reader is told of an error. That there is no GPU is nothing amiss where none was asked for.
fn amiss(error: &GpuError, choice: GpuChoice) -> String {
    match (error, choice) {
        (GpuError::NoAdapter { .. } | GpuError::NoBackend, GpuChoice::IfFaster { .. }) => {
            String::new()
        }
        _ => error.to_string(),
    }
}

/// What the reader is told about who computes.
fn name(gpu: &Gpu) -> String {
    let found = gpu.description();
    format!("{} {}", found.backend, found.name).trim().to_owned()
}

/// Does the work for every layer, between [`GpuReport`]s of what became of it.
pub(super) async fn run<W: ByLayer>(
    engine: &mut Engine,
    work: W,
    layers: Vec<usize>,
    choice: GpuChoice,
    out: Out<'_>,
) -> Result<(), Failure> {
    let drills = if let GpuChoice::Drill { losses } = choice { losses } else { 0 };
    let clock = engine.clock.unwrap_or(|| 0.0);
    let mut job = Job { work, layers, choice, done: 0, drills, clock };
    let mut lives = LIVES;
    let (why, ms) = loop {
        match job.on_one_device(engine, out).await {
            Ok(End::Finished) => return Ok(()),
            Ok(End::CpuIsFaster(ms)) => break (String::new(), ms),
            Err(Stop::Gpu(GpuError::Lost { message })) if lives > 0 => {
                lives -= 1;
                out(Tell::Gpu(GpuReport::Resumed { why: message }), Vec::new());
            }
            Err(Stop::Gpu(error)) => break (amiss(&error, job.choice), None),
            Err(Stop::Failed(failure)) => return Err(failure),
        }
    };
    let layers = job.layers.split_off(job.done);
    out(Tell::Gpu(GpuReport::LeftToCpu { layers, why, ms }), Vec::new());
    Ok(())
}

impl<W: ByLayer> Job<W> {
    async fn on_one_device(&mut self, engine: &mut Engine, out: Out<'_>) -> Result<End, Stop> {
        let gpu = Gpu::request(GpuOptions::new(self.clock)).await?;
        let end = self.on(&gpu, engine, out).await;
        gpu.destroy();
        end
    }

    async fn on(&mut self, gpu: &Gpu, engine: &mut Engine, out: Out<'_>) -> Result<End, Stop> {
        if matches!(self.choice, GpuChoice::IfFaster { .. }) && gpu.description().software {
            return Ok(End::CpuIsFaster(None));
        }
        while let Some(&layer) = self.layers.get(self.done) {
            if self.drills > 0 && self.done > 0 {
                self.drills -= 1;
                gpu.destroy();
            }
            for tell in self.work.layer(gpu, engine, layer).await? {
                out(tell, Vec::new());
            }
            self.done += 1;
            out(Tell::Progress { done: self.done, total: self.layers.len() }, Vec::new());
            if self.done == 1 {
                let mut ms = None;
                if let GpuChoice::IfFaster { workers } = self.choice {
                    ms = self.work.measure(gpu, engine, layer, self.clock).await?;
                    if ms.is_some_and(|[on_gpu, on_cpu]| on_gpu > on_cpu / workers.max(1) as f64) {
                        return Ok(End::CpuIsFaster(ms));
                    }
                }
                out(Tell::Gpu(GpuReport::Kept { name: name(gpu), ms }), Vec::new());
            }
        }
        Ok(End::Finished)
    }
}

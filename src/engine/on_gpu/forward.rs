//! Forward passes whose products are offered to the GPU. A product has everything in memory that it needs, so one that was
//! lost with its device is made again: on another device, twice, and then on the CPU.

use std::cell::RefCell;

use super::{LIVES, Speeds, amiss, name};
use crate::engine::attention::set;
use crate::engine::{Engine, Failure};
use crate::gpu::{Gpu, GpuError, GpuOptions};
use crate::model::forward::{Cpu, LayerWeights, Map, MlpMaps, Products};
use crate::model::{Model, ModelError};
use crate::protocol::attention::{Prompt, SetSpec};
use crate::protocol::gpu::{GpuChoice, GpuReport};
use crate::protocol::{Out, Tell};

/// Positions of the trial that tells who is faster; the CPU does an eighth of them.
const TRIAL: usize = 256;

/// Products between two losses of a drill.
const DRILL: usize = 3;

/// What runs through the model.
pub(in crate::engine) enum Forward {
    /// One prompt. It stays with this worker, whoever is faster.
    Prompt(Prompt),
    /// A set. The CPU's workers share it, so it goes back whole if they are faster.
    Set(Box<SetSpec>),
}

/// Answers one question, with its products on the GPU if that is wanted or faster.
pub(in crate::engine) async fn forward(
    engine: &mut Engine,
    what: Forward,
    choice: GpuChoice,
    out: Out<'_>,
) -> Result<(), Failure> {
    let (model, clock) = (engine.model()?, engine.clock.unwrap_or(|| 0.0));
    let (gpu, why, ms) = match chosen(model, choice, clock).await {
        Ok((gpu, ms)) => (gpu, String::new(), ms),
        Err(GpuError::Model(error)) => return Err(error.into()),
        Err(error) => (None, amiss(&error, choice), None),
    };
    let goes_back = gpu.is_none() && matches!(what, Forward::Set(_));
    let layers = if goes_back { (0..model.arch.n_layers).collect() } else { Vec::new() };
    let report = match &gpu {
        Some(gpu) => GpuReport::Kept { name: name(gpu), ms },
        None => GpuReport::LeftToCpu { layers, why, ms },
    };
    out(Tell::Gpu(report), Vec::new());
    if goes_back {
        return Ok(());
    }
    let out = RefCell::new(out);
    let report = |report| (out.borrow_mut())(Tell::Gpu(report), Vec::new());
    let drills = if let GpuChoice::Drill { losses } = choice { losses } else { 0 };
    let (clock, report) = (Some(clock), Some(&report as &dyn Fn(GpuReport)));
    let mut products = Offered { gpu, lives: LIVES, drills, made: 0, clock, report };
    let mut tell = |tell, arrays| (out.borrow_mut())(tell, arrays);
    match what {
        Forward::Prompt(prompt) => engine.run_by(&mut products, &prompt, &mut tell).await,
        Forward::Set(spec) => set::set(engine, &mut products, &spec, &mut tell).await,
    }
}

/// A device, unless the CPU is faster; and milliseconds a position of one layer's MLP on both, where both were measured.
async fn chosen(
    model: &Model,
    choice: GpuChoice,
    clock: fn() -> f64,
) -> Result<(Option<Gpu>, Option<Speeds>), GpuError> {
    let gpu = Gpu::request(GpuOptions::new(clock)).await?;
    let GpuChoice::IfFaster { workers } = choice else { return Ok((Some(gpu), None)) };
    if gpu.description().software {
        return Ok((None, None));
    }
    let weights = LayerWeights::of_layer(model, 0)?;
    let d = model.arch.stream_of(0).map_or(0, |stream| stream.d_model);
    let Some(maps) = MlpMaps::of(&weights, 0)? else { return Ok((Some(gpu), None)) };
    let x: Vec<f32> = (0..TRIAL * d).map(|i| (i as f32 * 0.37).sin()).collect();
    // Once to compile the kernels, once to measure.
    gpu.mlp(&weights, &maps, &x).await?;
    let start = clock();
    gpu.mlp(&weights, &maps, &x).await?;
    let middle = clock();
    Cpu.mlp(&weights, &maps, &x[..TRIAL / 8 * d]).await?;
    let end = clock();
    let ms = [(middle - start) / TRIAL as f64, 8.0 * (end - middle) / TRIAL as f64];
    let faster = ms[0] <= ms[1] / workers.max(1) as f64;
    Ok((faster.then_some(gpu), Some(ms)))
}

/// A GPU that may go away, and the CPU behind it; by default, the CPU alone.
#[derive(Default)]
pub(in crate::engine) struct Offered<'a> {
    gpu: Option<Gpu>,
    /// Devices that may still be lost.
    lives: usize,
    /// Losses that are still to be made, and how many products were.
    drills: usize,
    made: usize,
    clock: Option<fn() -> f64>,
    report: Option<&'a dyn Fn(GpuReport)>,
}

impl Offered<'_> {
    fn tell(&self, report: GpuReport) {
        if let Some(tell) = self.report {
            tell(report);
        }
    }

    /// What `make` makes on a GPU; `None` if it is the CPU's.
    async fn offer<T>(
        &mut self,
        make: impl AsyncFn(&Gpu) -> Result<T, GpuError>,
    ) -> Result<Option<T>, ModelError> {
        while let Some(gpu) = &self.gpu {
            self.made += 1;
            if self.drills > 0 && self.made.is_multiple_of(DRILL) {
                self.drills -= 1;
                gpu.destroy();
            }
            let why = match make(gpu).await {
                Ok(made) => return Ok(Some(made)),
                Err(GpuError::Model(error)) => return Err(error),
                Err(GpuError::Lost { message }) if self.lives > 0 => {
                    self.lives -= 1;
                    match Gpu::request(GpuOptions::new(self.clock.unwrap_or(|| 0.0))).await {
                        Ok(next) => {
                            self.gpu = Some(next);
                            self.tell(GpuReport::Resumed { why: message });
                            continue;
                        }
                        Err(error) => error,
                    }
                }
                Err(error) => error,
            };
            gpu.destroy();
            self.gpu = None;
            let (layers, why) = (Vec::new(), why.to_string());
            self.tell(GpuReport::LeftToCpu { layers, why, ms: None });
        }
        Ok(None)
    }
}

impl Drop for Offered<'_> {
    fn drop(&mut self) {
        if let Some(gpu) = &self.gpu {
            gpu.destroy();
        }
    }
}

impl Products for Offered<'_> {
    async fn linear(
        &mut self,
        weights: &LayerWeights<'_>,
        maps: &[Map<'_>],
        x: &[f32],
        d_in: usize,
    ) -> Result<Vec<Vec<f32>>, ModelError> {
        match self.offer(async |gpu| gpu.linear(weights, maps, x, d_in).await).await? {
            Some(made) => Ok(made),
            None => Cpu.linear(weights, maps, x, d_in).await,
        }
    }

    async fn mlp(
        &mut self,
        weights: &LayerWeights<'_>,
        maps: &MlpMaps<'_>,
        x: &[f32],
    ) -> Result<Vec<f32>, ModelError> {
        match self.offer(async |gpu| gpu.mlp(weights, maps, x).await).await? {
            Some(made) => Ok(made),
            None => Cpu.mlp(weights, maps, x).await,
        }
    }
}

//! Spectra of every head: of the GPU where that is wanted and likely to be faster, else of the CPU's workers.

use std::rc::Rc;

use super::session::{Session, now};
use super::state::{Action, Work};
use crate::model::Weights;
use crate::worker::pool::{OnTell, Pool};
use crate::worker::protocol::gpu::{GpuChoice, GpuReport};
use crate::worker::protocol::heads;
use crate::worker::protocol::model::ModelSummary;
use crate::worker::protocol::{Ask, JobId, Tell};

/// Milliseconds of CPU work below which no GPU is asked for: compiling the kernels takes about as long.
const WORTH_A_GPU_MS: f64 = 1500.0;

/// Who computes the spectra.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Compute {
    /// Whoever is faster.
    #[default]
    Auto,
    /// The CPU's workers.
    Cpu,
    /// The GPU.
    Gpu,
    /// The GPU, which is taken away in the middle of the job.
    Drill,
}

impl Compute {
    /// Reads the parameter `compute` of a route.
    pub fn parse(slug: Option<&str>) -> Self {
        match slug {
            Some("cpu") => Self::Cpu,
            Some("gpu") => Self::Gpu,
            Some("drill") => Self::Drill,
            _ => Self::Auto,
        }
    }

    /// How a job that would take all workers of `pool` about `cpu_ms` is offered to the GPU; `None` if it is not.
    pub fn choice(self, cpu_ms: f64, pool: &Pool) -> Option<GpuChoice> {
        match self {
            Compute::Cpu => None,
            Compute::Gpu => Some(GpuChoice::Always),
            Compute::Drill => Some(GpuChoice::Drill { losses: 1 }),
            Compute::Auto => (cpu_ms > WORTH_A_GPU_MS && has_web_gpu())
                .then_some(GpuChoice::IfFaster { workers: pool.size() }),
        }
    }
}

/// Which spectra are wanted.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Spectra {
    /// Of which model.
    pub generation: u32,
    /// Under which convention.
    pub weights: Weights,
    /// From whom.
    pub compute: Compute,
    /// About how long all workers together would take.
    pub cpu_ms: f64,
}

impl Spectra {
    /// About how long `pool` takes for every head of a model: 12 ms for a head of GPT-2 small, and by `d h²`.
    pub fn cpu_ms(summary: &ModelSummary, pool: &Pool) -> f64 {
        let heads = (summary.n_heads * summary.n_layers) as f64;
        let one = (summary.d_model * summary.d_head * summary.d_head) as f64 / 3.1e6 * 12.0;
        heads * one / pool.size() as f64
    }
}

fn has_web_gpu() -> bool {
    let gpu = web_sys::window()
        .and_then(|window| js_sys::Reflect::get(&window.navigator(), &"gpu".into()).ok());
    gpu.is_some_and(|gpu| gpu.is_truthy())
}

impl Session {
    /// Asks for the spectra of every head in `layers`: of the GPU where that is wanted and likely to be faster, else of
    /// the CPU's workers, a layer a question.
    pub fn spectra(&self, wanted: Spectra, layers: &[usize]) {
        if layers.is_empty() {
            return;
        }
        let jobs = match wanted.compute.choice(wanted.cpu_ms, &self.pool) {
            Some(choice) => vec![self.spectra_on_gpu(wanted, layers.to_vec(), choice)],
            None => self.spectra_on_cpu(wanted, layers),
        };
        let what = "spectra of every head".to_owned();
        self.act(Action::Begin(Work { what, done: 0, total: layers.len(), since: now(), jobs }));
    }

    fn spectra_on_cpu(&self, wanted: Spectra, layers: &[usize]) -> Vec<JobId> {
        let ask = |&layer: &usize| {
            let session = self.clone();
            let on_tell: OnTell = Rc::new(move |tell, _| match tell {
                Tell::Heads(tell) => session.heard_spectra(wanted, tell),
                Tell::Failed(failure) => {
                    let what = format!("Layer {layer}: {}", failure.what);
                    session.act(Action::Note(what, failure.hint));
                    session.act(Action::Step);
                }
                Tell::Done => session.act_soon(Action::Step),
                _ => {}
            });
            let ask = heads::Ask::Spectra { layer, weights: wanted.weights };
            self.pool.ask(Ask::Heads(ask), on_tell)
        };
        layers.iter().map(ask).collect()
    }

    fn spectra_on_gpu(&self, wanted: Spectra, layers: Vec<usize>, choice: GpuChoice) -> JobId {
        let session = self.clone();
        let all = layers.clone();
        let on_tell: OnTell = Rc::new(move |tell, _| match tell {
            Tell::Layer => session.act_soon(Action::Step),
            Tell::Gpu(report) => {
                if let GpuReport::LeftToCpu { layers, .. } = &report {
                    let jobs = session.spectra_on_cpu(wanted, layers);
                    session.act(Action::Join(jobs));
                }
                session.act(Action::Gpu(wanted.generation, report));
            }
            Tell::Heads(tell) => session.heard_spectra(wanted, tell),
            // The worker itself is gone, and twice: the CPU does all of it.
            Tell::Failed(failure) => {
                session.act(Action::Note(failure.what, "The CPU computes instead.".into()));
                session.spectra(Spectra { compute: Compute::Cpu, ..wanted }, &all);
            }
            _ => {}
        });
        let ask = heads::Ask::SpectraOnGpu { layers, weights: wanted.weights, choice };
        self.pool.ask(Ask::Heads(ask), on_tell)
    }

    fn heard_spectra(&self, wanted: Spectra, tell: heads::Tell) {
        match tell {
            heads::Tell::Spectrum(s) => {
                self.act_soon(Action::Spectrum(wanted.generation, wanted.weights, Box::new(s)));
            }
            heads::Tell::Broken { layer, head, why } => {
                self.act_soon(Action::Broken(
                    wanted.generation,
                    wanted.weights,
                    (layer, head),
                    why,
                ));
            }
            _ => {}
        }
    }
}

//! Who computes: whether a job is offered to the GPU, by how long the CPU's workers would take.

use crate::protocol::gpu::GpuChoice;
use crate::protocol::model::ModelSummary;
use crate::worker::pool::Pool;

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

    /// How a job that would take `workers` about `cpu_ms` is offered to the GPU; `None` if it is not.
    pub fn choice(self, cpu_ms: f64, workers: usize) -> Option<GpuChoice> {
        match self {
            Compute::Cpu => None,
            Compute::Gpu => Some(GpuChoice::Always),
            Compute::Drill => Some(GpuChoice::Drill { losses: 1 }),
            Compute::Auto => (cpu_ms > WORTH_A_GPU_MS && has_web_gpu())
                .then_some(GpuChoice::IfFaster { workers }),
        }
    }
}

/// About how long `pool` takes for the spectra of every head of a model, in milliseconds: 12 ms for a head of GPT-2 small, and
/// by `d h²`.
pub fn spectra_ms(summary: &ModelSummary, pool: &Pool) -> f64 {
    let heads = (summary.n_heads * summary.n_layers) as f64;
    let one = (summary.d_model * summary.d_head * summary.d_head) as f64 / 3.1e6 * 12.0;
    heads * one / pool.size() as f64
}

/// About how long `workers` take to run `positions` tokens through a model, in milliseconds: twelve squares of d_model a layer,
/// at 20 Gflop a second.
pub fn forward_ms(summary: &ModelSummary, positions: usize, workers: usize) -> f64 {
    let weights = 12.0 * (summary.n_layers * summary.d_model * summary.d_model) as f64;
    2.0 * weights * positions as f64 / 2e7 / workers.max(1) as f64
}

fn has_web_gpu() -> bool {
    let gpu = web_sys::window()
        .and_then(|window| js_sys::Reflect::get(&window.navigator(), &"gpu".into()).ok());
    gpu.is_some_and(|gpu| gpu.is_truthy())
}

//! Whether a job is offered to the GPU, by how long the CPU's workers would take.

use crate::protocol::gpu::GpuChoice;

/// Milliseconds of CPU work below which no GPU is asked for: compiling the kernels takes about as long.
const WORTH_A_GPU_MS: f64 = 1500.0;

/// What the reader wants to compute.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Compute {
    /// Whichever is faster.
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
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Auto, Self::Cpu, Self::Gpu, Self::Drill];

    /// Its name in URLs.
    pub fn slug(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Cpu => "cpu",
            Self::Gpu => "gpu",
            Self::Drill => "drill",
        }
    }

    /// How a job is offered to the GPU that `workers` of the CPU would share and one would take `cpu_ms` for; `None` if it
    /// is not.
    pub(super) fn choice(self, cpu_ms: f64, workers: usize, has_gpu: bool) -> Option<GpuChoice> {
        let worth_it = has_gpu && cpu_ms / workers.max(1) as f64 > WORTH_A_GPU_MS;
        match self {
            Self::Cpu => None,
            Self::Gpu => Some(GpuChoice::Always),
            Self::Drill => Some(GpuChoice::Drill { losses: 1 }),
            Self::Auto => worth_it.then_some(GpuChoice::IfFaster { workers }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn by_itself_a_gpu_is_asked_for_work_that_the_workers_would_be_long_at() {
        let long = 8.0 * WORTH_A_GPU_MS;
        let offered = Some(GpuChoice::IfFaster { workers: 4 });
        assert_eq!(Compute::Auto.choice(long, 4, true), offered);
        assert_eq!(Compute::Auto.choice(long, 4, false), None, "there is none");
        assert_eq!(Compute::Auto.choice(long, 8, true), None, "eight workers are quick");
        assert_eq!(Compute::Cpu.choice(long, 1, true), None);
        assert_eq!(Compute::Gpu.choice(0.0, 8, false), Some(GpuChoice::Always));
    }
}

//! The GPU against its rivals, as ratios in one run: our CPU code, faer, nalgebra, and PyTorch on the CPU and on the GPU.
//!
//!     cargo run --release --manifest-path benches/gpu/Cargo.toml
//!
//! Shapes of known models. Every rival decomposes the same two heads: one of normal weights, one of condition 1e6, which is
//! where methods differ; errors are those of the singular values, each against itself, with our CPU code in f64 as the
//! truth. The floor is what operations and traffic would take at the product rate and the bandwidth measured in the same
//! run. Software adapters get a few heads instead of all. PyTorch runs where `BENCH_PYTHON` (python3) has it.

mod cpu;
mod forward;
mod svd;
mod top_k;
mod torch;

use std::error::Error;
use std::sync::OnceLock;
use std::time::Instant;

use omega_lens::gpu::{Gpu, GpuOptions};
use torch::Torch;

/// Milliseconds since the first call.
fn now() -> f64 {
    static START: OnceLock<Instant> = OnceLock::new();
    START.get_or_init(Instant::now).elapsed().as_secs_f64() * 1e3
}

/// The shorter of two runs, in milliseconds, and what came out.
fn best<T>(mut work: impl FnMut() -> T) -> (f64, T) {
    let mut run = || {
        let start = now();
        let result = std::hint::black_box(work());
        (now() - start, result)
    };
    let (first, second) = (run(), run());
    if first.0 < second.0 { first } else { second }
}

/// A number in three digits.
fn digits(x: f64) -> String {
    let places = if x >= 100.0 || x == 0.0 { 0 } else { (2 - x.log10().floor() as i32).max(0) };
    format!("{x:.*}", places.min(6) as usize)
}

async fn run() -> Result<(), Box<dyn Error>> {
    let gpu = Gpu::request(GpuOptions { memory_budget: 2 << 30, ..GpuOptions::new(now) }).await?;
    let description = gpu.description();
    println!("{} ({}, {})", description.name, description.backend, description.driver);
    if description.software {
        println!(
            "A software adapter: a few heads, a slice of the search; says nothing about a GPU."
        );
    }
    let peak = gpu.peak().await?;
    println!(
        "Multiply-adds {} GFLOP/s, our products {} GFLOP/s, copies {} GB/s.",
        digits(peak.flops / 1e9),
        digits(peak.gemm_flops / 1e9),
        digits(peak.bytes / 1e9)
    );
    let mut torch = Torch::start();
    match &torch {
        Ok(torch) => println!("PyTorch {}.", torch.version),
        Err(why) => println!("No PyTorch: {why}. Set BENCH_PYTHON to a Python that has it."),
    }
    for shape in svd::SHAPES {
        svd::compare(&gpu, &peak, &mut torch, shape).await?;
    }
    let sizes = if description.software { [128, 768, 4096] } else { [18_432, 768, 50_257] };
    top_k::compare(&gpu, &peak, &mut torch, sizes).await?;
    forward::compare(&gpu, &peak, if description.software { 256 } else { 2048 }).await
}

fn main() {
    if let Err(error) = pollster::block_on(run()) {
        println!("No figures: {error}");
    }
}

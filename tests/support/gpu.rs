//! A GPU for the tests that need one: llvmpipe will do.

#![allow(clippy::unwrap_used, reason = "in a test, a failed unwrap is a failed test")]
#![allow(dead_code, unreachable_pub, reason = "each test binary uses its own part of this file")]

use std::sync::OnceLock;
use std::time::Instant;

use omega_lens::gpu::{Factors, Gpu, GpuError, GpuOptions, HeadSvd, SvdBatch};
use omega_lens::math::Mat;
use pollster::block_on;

use super::skip;

/// Milliseconds since the first call.
pub fn now() -> f64 {
    static START: OnceLock<Instant> = OnceLock::new();
    START.get_or_init(Instant::now).elapsed().as_secs_f64() * 1e3
}

/// A new seed every run; `OMEGA_LENS_SEED` repeats one.
pub fn seed() -> u32 {
    let clock = || {
        std::time::UNIX_EPOCH
            .elapsed()
            .map_or(1, |time| time.subsec_nanos() ^ time.as_secs() as u32)
    };
    let seed = std::env::var("OMEGA_LENS_SEED")
        .ok()
        .and_then(|seed| seed.parse().ok())
        .unwrap_or_else(clock);
    println!("OMEGA_LENS_SEED={seed}");
    seed
}

/// A device of its own for each test. `None` where there is none and `OMEGA_SKIP` names gpu.
pub fn gpu() -> Option<Gpu> {
    match block_on(Gpu::request(GpuOptions::new(now))) {
        Ok(gpu) => Some(gpu),
        Err(GpuError::NoAdapter { .. } | GpuError::NoBackend) if skip::skips("gpu") => None,
        Err(error) => panic!(
            "{error}: install a Vulkan driver (Debian: mesa-vulkan-drivers), or set OMEGA_SKIP=gpu"
        ),
    }
}

/// The thin SVD of every `A Bᵀ`, vectors included.
pub fn decompose(gpu: &Gpu, heads: &[(Mat, Mat)]) -> Vec<HeadSvd> {
    let (d, h) = heads[0].0.shape();
    let (mut left, mut right) =
        (Factors::new(d, h).unwrap(), Factors::new(heads[0].1.nrows(), h).unwrap());
    for (a, b) in heads {
        left.push(a).unwrap();
        right.push(b).unwrap();
    }
    let pairs: Vec<(usize, usize)> = (0..heads.len()).map(|i| (i, i)).collect();
    let batch = SvdBatch { left: &left, right: &right, heads: &pairs, vectors: true };
    block_on(gpu.svd(&batch)).unwrap()
}

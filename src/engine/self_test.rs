//! The self-test on the reader's machine: GPU in f32 against CPU in f64.

use crate::gpu::{Gpu, GpuOptions, self_test};
use crate::worker::protocol::{Failure, Out, SelfTestOf, Tell};

/// Runs the self-test; `clock` counts milliseconds.
pub(super) async fn answer(
    SelfTestOf { seed, thorough }: SelfTestOf,
    clock: fn() -> f64,
    out: Out<'_>,
) -> Result<(), Failure> {
    let gpu = Gpu::request(GpuOptions::new(clock)).await.map_err(|error| {
        let mut failure = Failure::new(error.to_string());
        failure.hint = "Everything works without a GPU: the CPU computes in f64, and every number on the page is its.".into();
        failure
    })?;
    let step = |done, total| out(Tell::Progress { done, total }, Vec::new());
    let result = self_test(&gpu, seed, thorough, step).await;
    gpu.destroy();
    out(Tell::SelfTest(Box::new(result?)), Vec::new());
    Ok(())
}

//! The self-test on the reader's machine: GPU in f32 against CPU in f64.

use crate::gpu::{Gpu, GpuOptions, self_test};
use crate::worker::protocol::{Failure, Out, Tell};

/// Runs the self-test with planted heads of `seed`; `clock` counts milliseconds.
pub(super) async fn answer(seed: u32, clock: fn() -> f64, out: Out<'_>) -> Result<(), Failure> {
    let gpu = Gpu::request(GpuOptions::new(clock)).await.map_err(|error| {
        let mut failure = Failure::new(error.to_string());
        failure.hint = "Everything works without a GPU: the CPU computes in f64, and every number on the page is its.".into();
        failure
    })?;
    let result = self_test(&gpu, seed).await;
    gpu.destroy();
    out(Tell::SelfTest(Box::new(result?)), Vec::new());
    Ok(())
}

//! What this device can do at most: multiply-adds and copies per second, and our matrix product beside them.
//!
//! Measured on the reader's machine with the caller's clock; the figures that SVD and top-k are compared with.

use super::gemm::{Layout, Product};
use crate::gpu::commands::Dispatch;
use crate::gpu::device::Gpu;
use crate::gpu::error::GpuError;
use crate::gpu::kernel::Kernel;

pub(in crate::gpu) const PEAK: Kernel =
    Kernel { name: "peak", source: include_str!("peak.wgsl"), entry: "multiply_add" };

/// Operations of one workgroup of the kernel: 256 threads, 512 rounds, four vector multiply-adds.
const PER_WORKGROUP: f64 = 256.0 * 512.0 * 4.0 * 4.0 * 2.0;

/// What a device does per second.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Peak {
    /// f32 operations (a multiply-add counts as two) of independent multiply-adds.
    pub flops: f64,
    /// f32 operations of our matrix product.
    pub gemm_flops: f64,
    /// Bytes read and bytes written by a copy, added up.
    pub bytes: f64,
}

impl Gpu {
    /// Runs `work(amount)` with growing amounts until it takes at least `ms`; amount per second of the last.
    ///
    /// # Errors
    /// Those of `work`.
    pub async fn rate(
        &self,
        ms: f64,
        mut amount: usize,
        most: usize,
        work: impl AsyncFn(usize) -> Result<f64, GpuError>,
    ) -> Result<f64, GpuError> {
        // Compiles the shader and touches the memory.
        work(amount).await?;
        loop {
            let start = (self.options.clock)();
            let done = work(amount).await?;
            let took = (self.options.clock)() - start;
            if took >= ms || amount >= most {
                return Ok(done / (took.max(1e-3) / 1e3));
            }
            amount = (2 * amount).min(most);
        }
    }

    /// Measures the device: some 20 ms for each of the three figures.
    ///
    /// # Errors
    /// [`GpuError::OutOfMemory`], [`GpuError::Lost`], [`GpuError::Device`].
    pub async fn peak(&self) -> Result<Peak, GpuError> {
        let [sink] = self.allocate("the measurement of the device", [1 << 16]).await?;
        let pipeline = self.pipeline(&PEAK, &[]).await?;
        let multiply_add = async |groups: usize| {
            let cost = PER_WORKGROUP * groups as f64;
            let mut commands = self.commands().await?;
            let (pipeline, groups) = (&pipeline, [groups, 1, 1]);
            commands
                .dispatch(Dispatch { pipeline, params: &[], buffers: &[(1, &sink)], groups, cost })
                .await?;
            commands.finish().await?;
            Ok(cost)
        };
        let flops = self.rate(20.0, 4, 32_768, multiply_add).await?;

        let words = 4 << 20;
        let [from, to] = self.allocate("the measurement of the device", [words, words]).await?;
        let copy = async |times: usize| {
            let mut encoder = self.device.create_command_encoder(&Default::default());
            for _ in 0..times {
                encoder.copy_buffer_to_buffer(&from, 0, &to, 0, 4 * words as u64);
            }
            self.queue.submit([encoder.finish()]);
            self.submitted_work_done().await;
            self.check()?;
            Ok((8 * words * times) as f64)
        };
        let bytes = self.rate(20.0, 1, 4096, copy).await?;

        let [index] = self.allocate("the measurement of the device", [2]).await?;
        let product = async |side: usize| {
            let shape = |buffer| Layout::rows(buffer, side, side);
            let half = Layout { start: 0, ..shape(&from) };
            let [result] = self.allocate("the measurement of the device", [side * side]).await?;
            let mut commands = self.commands().await?;
            let work = Product {
                shape: [side, side, side],
                batches: 1,
                a: half,
                b: shape(&from),
                c: shape(&result),
                plus: None,
                alpha: 1.0,
                index: &index,
            };
            commands.product(self, work).await?;
            commands.finish().await?;
            Ok(2.0 * (side as f64).powi(3))
        };
        let gemm_flops = self.rate(20.0, 256, 2048, product).await?;
        Ok(Peak { flops, gemm_flops, bytes })
    }
}

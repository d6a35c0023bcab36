//! GPU memory: allocated under an error scope, given back when it goes out of scope, read back once per stage.

use std::ops::Deref;

use futures_channel::oneshot;

use super::device::Gpu;
use super::error::GpuError;

/// A buffer that is destroyed when dropped; in a browser, dropping alone would leave it to the garbage collector.
#[derive(Debug)]
pub(super) struct Buffer(wgpu::Buffer);

impl Deref for Buffer {
    type Target = wgpu::Buffer;
    fn deref(&self) -> &wgpu::Buffer {
        &self.0
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        self.0.destroy();
    }
}

const STORAGE: wgpu::BufferUsages = wgpu::BufferUsages::STORAGE
    .union(wgpu::BufferUsages::COPY_DST)
    .union(wgpu::BufferUsages::COPY_SRC);

impl Gpu {
    /// Storage buffers of the given sizes in 4-byte words, all or none, filled with zeros.
    ///
    /// # Errors
    /// [`GpuError::Limit`] for a buffer that cannot be bound, [`GpuError::OutOfMemory`], [`GpuError::Lost`].
    pub(super) async fn allocate<const N: usize>(
        &self,
        what: &'static str,
        words: [usize; N],
    ) -> Result<[Buffer; N], GpuError> {
        let limit = self.max_binding();
        if let Some(needed) = words.iter().map(|&n| 4 * n as u64).find(|&bytes| bytes > limit) {
            return Err(GpuError::Limit { what, needed, limit, unit: "bytes in one buffer" });
        }
        self.create(what, words.map(|n| 4 * n.max(4) as u64), STORAGE).await
    }

    async fn create<const N: usize>(
        &self,
        what: &'static str,
        sizes: [u64; N],
        usage: wgpu::BufferUsages,
    ) -> Result<[Buffer; N], GpuError> {
        self.check()?;
        let scope = self.device.push_error_scope(wgpu::ErrorFilter::OutOfMemory);
        let label = Some(what);
        let buffers = sizes.map(|size| {
            Buffer(self.device.create_buffer(&wgpu::BufferDescriptor {
                label,
                size,
                usage,
                mapped_at_creation: false,
            }))
        });
        let refused = scope.pop().await.is_some();
        self.check()?;
        if refused {
            return Err(GpuError::OutOfMemory { what, bytes: sizes.iter().sum() });
        }
        Ok(buffers)
    }

    /// A uniform buffer of `bytes` bytes.
    pub(super) async fn uniform(&self, bytes: u64) -> Result<Buffer, GpuError> {
        let usage = wgpu::BufferUsages::UNIFORM | wgpu::BufferUsages::COPY_DST;
        let [buffer] = self.create("parameters", [bytes], usage).await?;
        Ok(buffer)
    }

    /// Writes `values` (4-byte words) into `buffer` at `word`.
    pub(super) fn write<T: bytemuck::NoUninit>(&self, buffer: &Buffer, word: usize, values: &[T]) {
        self.queue.write_buffer(buffer, 4 * word as u64, bytemuck::cast_slice(values));
    }

    /// Writes bytes that need not be a whole number of words; the last word is padded with zeros.
    pub(super) fn write_bytes(&self, buffer: &Buffer, bytes: &[u8]) {
        let whole = bytes.len() / 4 * 4;
        self.queue.write_buffer(buffer, 0, &bytes[..whole]);
        if whole < bytes.len() {
            let mut last = [0; 4];
            last[..bytes.len() - whole].copy_from_slice(&bytes[whole..]);
            self.queue.write_buffer(buffer, whole as u64, &last);
        }
    }

    /// Copies the first `words` words of each buffer to the CPU, in one mapping.
    ///
    /// # Errors
    /// [`GpuError::OutOfMemory`], [`GpuError::Lost`], [`GpuError::Device`].
    pub(super) async fn read<const N: usize>(
        &self,
        sources: [(&Buffer, usize); N],
    ) -> Result<[Vec<f32>; N], GpuError> {
        let total: u64 = sources.iter().map(|&(_, words)| 4 * words as u64).sum();
        let usage = wgpu::BufferUsages::MAP_READ | wgpu::BufferUsages::COPY_DST;
        let [staging] = self.create("reading back", [total.max(4)], usage).await?;
        let mut encoder = self.device.create_command_encoder(&Default::default());
        let mut offset = 0;
        for (buffer, words) in sources {
            encoder.copy_buffer_to_buffer(buffer, 0, &staging, offset, 4 * words as u64);
            offset += 4 * words as u64;
        }
        self.queue.submit([encoder.finish()]);
        let (sender, receiver) = oneshot::channel();
        let told = move |result: Result<(), _>| {
            let _ = sender.send(result.is_ok());
        };
        staging.map_async(wgpu::MapMode::Read, .., told);
        self.wait_for(None);
        let mapped = receiver.await == Ok(true);
        self.check()?;
        if !mapped {
            return Err(GpuError::Device {
                message: "the results could not be read back".to_owned(),
            });
        }
        let view = staging.get_mapped_range(..).map_err(|error| GpuError::Device {
            message: format!("the results could not be read back: {error:?}"),
        })?;
        let mut start = 0;
        let values = sources.map(|(_, words)| {
            let bytes = &view[start..start + 4 * words];
            start += 4 * words;
            bytemuck::pod_collect_to_vec(bytes)
        });
        drop(view);
        staging.unmap();
        Ok(values)
    }
}

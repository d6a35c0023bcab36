//! Recording dispatches and submitting them in pieces of about 50 ms, at most two in flight.
//!
//! A GPU that is busy for too long stalls the desktop and is reset by the driver (about 2 s on Windows), so work is
//! submitted in pieces. How much fits is learned: each dispatch states its cost in floating-point operations, and each
//! piece that comes back early or late makes the next one larger or smaller.

use std::collections::VecDeque;

use futures_channel::oneshot;

use super::buffers::Buffer;
use super::device::{Gpu, locked};
use super::error::GpuError;

const SLOT: usize = 256;
const SLOTS: usize = 256;
const IN_FLIGHT: usize = 2;

/// How many operations fit into one submission.
#[derive(Debug, Clone)]
pub(super) struct Pace {
    wanted_ms: f64,
    latency_ms: f64,
    target: f64,
}

impl Pace {
    pub(super) fn new(wanted_ms: f64) -> Self {
        // 50 Mflop: 50 ms on a software adapter, a moment on any GPU.
        Pace { wanted_ms, latency_ms: 0.0, target: 5e7 }
    }

    /// Operations per submission at present.
    pub(super) fn target(&self) -> f64 {
        self.target
    }

    /// Learns from a submission of `cost` operations that took `ms` from its start to the news of its end.
    fn learn(&mut self, cost: f64, ms: f64) {
        let busy = ms - self.latency_ms;
        if busy > self.wanted_ms {
            self.target =
                (self.target.min(cost) * self.wanted_ms / busy).max(self.target / 8.0).max(1e6);
        } else if busy < 0.5 * self.wanted_ms && cost > 0.5 * self.target {
            self.target = (2.0 * self.target).min(1e13);
        }
    }
}

struct Piece {
    done: oneshot::Receiver<()>,
    index: wgpu::SubmissionIndex,
    cost: f64,
    start: f64,
}

/// One dispatch: what to run, on what, and what it costs.
pub(super) struct Dispatch<'a> {
    pub(super) pipeline: &'a wgpu::ComputePipeline,
    /// The uniform at binding 0, in words; at most 64, none if the kernel takes none.
    pub(super) params: &'a [u32],
    /// Binding number and buffer, bound whole.
    pub(super) buffers: &'a [(u32, &'a Buffer)],
    pub(super) groups: [usize; 3],
    /// Floating-point operations, roughly.
    pub(super) cost: f64,
}

/// Dispatches being recorded.
pub(super) struct Commands<'g> {
    gpu: &'g Gpu,
    encoder: Option<wgpu::CommandEncoder>,
    uniform: Buffer,
    params: Vec<u8>,
    cost: f64,
    in_flight: VecDeque<Piece>,
    last_done: f64,
}

impl Gpu {
    /// A fresh recording.
    pub(super) async fn commands(&self) -> Result<Commands<'_>, GpuError> {
        let uniform = self.uniform((SLOT * SLOTS) as u64).await?;
        let last_done = (self.options.clock)();
        let (params, in_flight) = (Vec::with_capacity(SLOT * SLOTS), VecDeque::new());
        Ok(Commands { gpu: self, encoder: None, uniform, params, cost: 0.0, in_flight, last_done })
    }

    /// How long the news of an empty submission takes: about 0.1 ms natively, up to 100 ms in Firefox.
    pub(super) async fn measure_latency(&self) -> Result<(), GpuError> {
        let mut shortest = f64::INFINITY;
        for _ in 0..2 {
            let start = (self.options.clock)();
            self.queue.submit([]);
            self.submitted_work_done().await;
            self.check()?;
            shortest = shortest.min((self.options.clock)() - start);
        }
        locked(&self.pace).latency_ms = shortest;
        Ok(())
    }

    /// Waits until everything submitted so far is done.
    pub(super) async fn submitted_work_done(&self) {
        let (sender, receiver) = oneshot::channel();
        self.queue.on_submitted_work_done(move || {
            let _ = sender.send(());
        });
        self.wait_for(None);
        // A callback that is never called belongs to a device that is lost, and `check` says so.
        let _ = receiver.await;
    }
}

impl Commands<'_> {
    /// Records one dispatch; submits what is recorded when the piece is full.
    ///
    /// # Errors
    /// [`GpuError::Limit`] beyond 65 535 workgroups, [`GpuError::Lost`], [`GpuError::Device`].
    pub(super) async fn dispatch(&mut self, work: Dispatch<'_>) -> Result<(), GpuError> {
        let limit = self.gpu.limits.max_compute_workgroups_per_dimension as u64;
        if let Some(&needed) = work.groups.iter().find(|&&n| n as u64 > limit) {
            let (what, needed) = ("one dispatch", needed as u64);
            return Err(GpuError::Limit { what, needed, limit, unit: "workgroups" });
        }
        if work.groups.contains(&0) {
            return Ok(());
        }
        let buffers = work.buffers.iter();
        let mut entries: Vec<_> = buffers
            .map(|&(binding, buffer)| {
                let resource = buffer.as_entire_binding();
                wgpu::BindGroupEntry { binding, resource }
            })
            .collect();
        if !work.params.is_empty() {
            let offset = self.params.len();
            self.params.extend_from_slice(bytemuck::cast_slice(work.params));
            self.params.resize(offset + SLOT, 0);
            let size = (4 * work.params.len()).next_multiple_of(16) as u64;
            let (offset, size) = (offset as u64, wgpu::BufferSize::new(size));
            let uniform = wgpu::BufferBinding { buffer: &self.uniform, offset, size };
            let resource = wgpu::BindingResource::Buffer(uniform);
            entries.push(wgpu::BindGroupEntry { binding: 0, resource });
        }
        let bind_group = self.gpu.device.create_bind_group(&wgpu::BindGroupDescriptor {
            label: None,
            layout: &work.pipeline.get_bind_group_layout(0),
            entries: &entries,
        });
        let device = &self.gpu.device;
        let encoder =
            self.encoder.get_or_insert_with(|| device.create_command_encoder(&Default::default()));
        let mut pass = encoder.begin_compute_pass(&Default::default());
        pass.set_pipeline(work.pipeline);
        pass.set_bind_group(0, &bind_group, &[]);
        let [x, y, z] = work.groups.map(|n| n as u32);
        pass.dispatch_workgroups(x, y, z);
        drop(pass);
        self.cost += work.cost;
        let target = locked(&self.gpu.pace).target();
        if self.cost >= target || self.params.len() >= SLOT * SLOTS {
            self.submit().await
        } else {
            Ok(())
        }
    }

    /// Submits what is recorded and waits until fewer than two pieces are in flight.
    pub(super) async fn submit(&mut self) -> Result<(), GpuError> {
        if let Some(encoder) = self.encoder.take() {
            let gpu = self.gpu;
            gpu.queue.write_buffer(&self.uniform, 0, &self.params);
            self.params.clear();
            let start = (gpu.options.clock)();
            let index = gpu.queue.submit([encoder.finish()]);
            let (sender, done) = oneshot::channel();
            gpu.queue.on_submitted_work_done(move || {
                let _ = sender.send(());
            });
            self.in_flight.push_back(Piece { done, index, cost: self.cost, start });
            self.cost = 0.0;
        }
        self.drain(IN_FLIGHT - 1).await
    }

    /// Submits what is recorded and waits for the end of everything.
    pub(super) async fn finish(mut self) -> Result<(), GpuError> {
        self.submit().await?;
        self.drain(0).await
    }

    async fn drain(&mut self, keep: usize) -> Result<(), GpuError> {
        while self.in_flight.len() > keep {
            let Some(piece) = self.in_flight.pop_front() else { break };
            self.gpu.wait_for(Some(piece.index));
            // As in `submitted_work_done`.
            let _ = piece.done.await;
            let now = (self.gpu.options.clock)();
            locked(&self.gpu.pace).learn(piece.cost, now - piece.start.max(self.last_done));
            self.last_done = now;
        }
        self.gpu.check()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pace_settles_where_a_submission_takes_the_wanted_time() {
        for rate in [1e9, 1e11, 1e13] {
            let mut pace = Pace::new(50.0);
            pace.latency_ms = 100.0;
            for _ in 0..40 {
                pace.learn(pace.target(), pace.target() / rate * 1e3 + 100.0);
            }
            let ms = pace.target() / rate * 1e3;
            assert!((20.0..=55.0).contains(&ms) || pace.target() >= 1e13, "{ms} ms at {rate:e}");
        }
    }
}

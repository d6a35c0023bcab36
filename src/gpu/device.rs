//! One WebGPU device: asking for it, what it may use, and noticing when it is gone.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::commands::Pace;
use super::error::GpuError;

/// What the caller brings: the clock and how much memory the GPU work may take.
#[derive(Debug, Clone, Copy)]
pub struct GpuOptions {
    /// Milliseconds from any fixed start, e.g. `performance.now()`; it sizes the submissions.
    pub clock: fn() -> f64,
    /// Bytes of GPU memory that one job may hold at a time; halved when the driver refuses it.
    pub memory_budget: u64,
    /// Wanted time of one submission in milliseconds; drivers reset a GPU that is busy for about two seconds.
    pub submit_ms: f64,
}

impl GpuOptions {
    /// 512 MiB and 50 ms a submission.
    pub fn new(clock: fn() -> f64) -> Self {
        GpuOptions { clock, memory_budget: 512 << 20, submit_ms: 50.0 }
    }
}

/// Who computes, in the driver's words, and the limits the device was given.
#[derive(Debug, Clone, PartialEq)]
pub struct GpuDescription {
    /// The adapter's name; browsers may leave it empty.
    pub name: String,
    /// The driver and its version; browsers may leave it empty.
    pub driver: String,
    /// WebGPU, Vulkan, Metal or Dx12.
    pub backend: String,
    /// True for llvmpipe, SwiftShader and WARP: correct, but no faster than the CPU it runs on.
    pub software: bool,
    /// Largest storage binding, bytes.
    pub max_binding: u64,
    /// Largest buffer, bytes.
    pub max_buffer: u64,
    /// Workgroup memory, bytes (16 KiB are used at most).
    pub max_workgroup_memory: u32,
}

#[derive(Debug, Default)]
pub(super) struct Faults {
    lost: Option<String>,
    uncaptured: Option<String>,
}

/// A WebGPU device with its compiled kernels. Belongs in one worker; every method is async and leaves the device idle.
#[derive(Debug)]
pub struct Gpu {
    pub(super) device: wgpu::Device,
    pub(super) queue: wgpu::Queue,
    pub(super) options: GpuOptions,
    pub(super) limits: wgpu::Limits,
    pub(super) pipelines: Mutex<HashMap<String, wgpu::ComputePipeline>>,
    pub(super) pace: Mutex<Pace>,
    description: GpuDescription,
    faults: Arc<Mutex<Faults>>,
}

/// A lock whose holder cannot leave it half-written.
pub(super) fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What wgpu says, without the list of backends that this build has not.
fn in_short(message: &str) -> String {
    message.split(';').next().unwrap_or_default().to_owned()
}

impl Gpu {
    /// Asks for the fastest adapter and a device with the default limits, larger bindings where it has them.
    ///
    /// # Errors
    /// [`GpuError::NoBackend`], [`GpuError::NoAdapter`], [`GpuError::NoDevice`].
    pub async fn request(options: GpuOptions) -> Result<Gpu, GpuError> {
        if wgpu::Instance::enabled_backend_features().is_empty() {
            return Err(GpuError::NoBackend);
        }
        let instance = wgpu::Instance::new(wgpu::InstanceDescriptor::new_without_display_handle());
        let wanted = wgpu::RequestAdapterOptions {
            power_preference: wgpu::PowerPreference::HighPerformance,
            ..Default::default()
        };
        let adapter = instance
            .request_adapter(&wanted)
            .await
            .map_err(|error| GpuError::NoAdapter { message: in_short(&error.to_string()) })?;
        let info = adapter.get_info();
        let offered = adapter.limits();
        // Only what is used is raised: some browsers refuse a request that repeats every limit of the adapter.
        let limits = wgpu::Limits {
            max_storage_buffer_binding_size: offered.max_storage_buffer_binding_size.min(1 << 30),
            max_buffer_size: offered.max_buffer_size.min(1 << 30),
            ..wgpu::Limits::default()
        };
        let (device, queue) = adapter
            .request_device(&wgpu::DeviceDescriptor {
                label: Some("omega-lens"),
                required_limits: limits.clone(),
                ..Default::default()
            })
            .await
            .map_err(|error| GpuError::NoDevice {
                adapter: info.name.clone(),
                message: error.to_string(),
            })?;

        let faults = Arc::new(Mutex::new(Faults::default()));
        let noted = faults.clone();
        device.set_device_lost_callback(move |reason, message| {
            locked(&noted).lost = Some(format!("{reason:?} {message}"));
        });
        let noted = faults.clone();
        device.on_uncaptured_error(Arc::new(move |error: wgpu::Error| {
            locked(&noted).uncaptured.get_or_insert_with(|| error.to_string());
        }));
        let description = GpuDescription {
            name: info.name,
            driver: format!("{} {}", info.driver, info.driver_info).trim().to_owned(),
            backend: format!("{:?}", info.backend),
            software: info.device_type == wgpu::DeviceType::Cpu,
            max_binding: limits.max_storage_buffer_binding_size,
            max_buffer: limits.max_buffer_size,
            max_workgroup_memory: limits.max_compute_workgroup_storage_size,
        };
        let gpu = Gpu {
            device,
            queue,
            options,
            limits,
            pipelines: Mutex::default(),
            pace: Mutex::new(Pace::new(options.submit_ms)),
            description,
            faults,
        };
        gpu.measure_latency().await?;
        Ok(gpu)
    }

    /// Who computes.
    pub fn description(&self) -> &GpuDescription {
        &self.description
    }

    /// Whether the device is gone; every later call then fails with [`GpuError::Lost`].
    pub fn lost(&self) -> bool {
        locked(&self.faults).lost.is_some()
    }

    /// Gives the device back; what is under way fails with [`GpuError::Lost`].
    pub fn destroy(&self) {
        self.device.destroy();
        locked(&self.faults).lost.get_or_insert_with(|| "it was given back".to_owned());
    }

    /// The first fault that nobody has been told of yet.
    pub(super) fn check(&self) -> Result<(), GpuError> {
        let mut faults = locked(&self.faults);
        if let Some(message) = &faults.lost {
            return Err(GpuError::Lost { message: message.clone() });
        }
        match faults.uncaptured.take() {
            Some(message) => Err(GpuError::Device { message }),
            None => Ok(()),
        }
    }

    /// Natively, waits for a submission (the latest by default); in a browser the event loop does, and this returns at
    /// once.
    pub(super) fn wait_for(&self, submission_index: Option<wgpu::SubmissionIndex>) {
        // A failure to wait shows as a callback that never came.
        let _ = self.device.poll(wgpu::PollType::Wait { submission_index, timeout: None });
    }

    /// The largest storage buffer that can be bound whole, in bytes.
    pub(super) fn max_binding(&self) -> u64 {
        self.limits.max_storage_buffer_binding_size.min(self.limits.max_buffer_size)
    }
}

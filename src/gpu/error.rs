//! What can go wrong on the GPU; every variant says what happened in words a reader can act on.

use crate::model::ModelError;

/// An error of the GPU layer. None of them loses work: the engine falls back to the CPU.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum GpuError {
    /// This build has no WebGPU backend (a native build without Vulkan, Metal or DirectX).
    #[error("this build of Omega Lens has no GPU backend")]
    NoBackend,
    /// The browser has no `navigator.gpu`, or no adapter answered.
    #[error("no WebGPU adapter: {message}")]
    NoAdapter {
        /// What the browser or driver said.
        message: String,
    },
    /// There is an adapter, but it would not give a device.
    #[error("the GPU \"{adapter}\" refused a device: {message}")]
    NoDevice {
        /// The adapter's name.
        adapter: String,
        /// What the browser or driver said.
        message: String,
    },
    /// The device went away: unplugged, reset by the driver, or destroyed.
    #[error("the GPU device was lost: {message}")]
    Lost {
        /// What the browser or driver said.
        message: String,
    },
    /// A buffer could not be allocated.
    #[error("out of GPU memory: {bytes} bytes for {what} were refused")]
    OutOfMemory {
        /// What the memory was for.
        what: &'static str,
        /// How much was asked for in all, in bytes.
        bytes: u64,
    },
    /// The job needs more than the device's limits allow, even for a single head.
    #[error("{what} needs {needed} {unit}, this GPU allows {limit}")]
    Limit {
        /// What needs it.
        what: &'static str,
        /// How much it needs.
        needed: u64,
        /// How much there is.
        limit: u64,
        /// Bytes, columns, ….
        unit: &'static str,
    },
    /// A shader did not compile.
    #[error("the shader {kernel} did not compile: {message}")]
    Shader {
        /// The kernel's name and entry point.
        kernel: String,
        /// The compiler's words.
        message: String,
    },
    /// The driver reported an error outside of any scope.
    #[error("the GPU driver reported: {message}")]
    Device {
        /// What the browser or driver said.
        message: String,
    },
    /// The weights could not be read.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// Two operands do not fit together.
    #[error("{what}: expected {expected}, got {found}")]
    Shape {
        /// Which operand.
        what: &'static str,
        /// The size that was needed.
        expected: usize,
        /// The size that came.
        found: usize,
    },
    /// The input holds NaN or an infinity.
    #[error("{what} holds a value that is not finite at row {row}, column {column}")]
    NotFinite {
        /// Which operand.
        what: &'static str,
        /// Row of the first such value.
        row: usize,
        /// Column of the first such value.
        column: usize,
    },
}

//! The self-test: which heads are planted, and what was found on them.

use serde::{Deserialize, Serialize};

use super::Plan;
use super::question::questions;

/// Run the self-test on this machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct SelfTest {
    /// Seed of the heads.
    pub seed: u32,
    /// Every width of head, and tall ones, instead of one shape.
    pub thorough: bool,
}

impl Plan for SelfTest {
    fn about_model(&self) -> bool {
        false
    }

    fn steps(&self) -> Option<usize> {
        None
    }
}

questions! { SelfTest: SelfTest => Box<Report> }

/// The device in the driver's words, and the limits it was given.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Device {
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
    /// Workgroup memory, bytes.
    pub max_workgroup_memory: u32,
}

/// What a device does per second.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Peak {
    /// f32 operations (a multiply-add counts as two) of independent multiply-adds.
    pub flops: f64,
    /// f32 operations of our matrix product.
    pub gemm_flops: f64,
    /// Bytes read and bytes written by a copy, added up.
    pub bytes: f64,
}

/// One error and what it may be.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Check {
    /// What was compared, in words.
    pub what: String,
    /// How far off it was.
    pub error: f64,
    /// How far off it may be.
    pub tolerance: f64,
}

impl Check {
    /// An error and what it may be.
    pub fn new(what: &str, error: f64, tolerance: f64) -> Self {
        Check { what: what.to_owned(), error, tolerance }
    }

    /// Whether the error is within the tolerance; NaN is not.
    pub fn passed(&self) -> bool {
        self.error <= self.tolerance
    }
}

/// The checks of one planted head.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PlantedHead {
    /// What is hard about it.
    pub name: String,
    /// `[d_model, d_head]`.
    pub shape: [usize; 2],
    /// One for each demand.
    pub checks: Vec<Check>,
}

/// How fast one kernel ran, in operations per second where a multiply-add counts as two.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Speed {
    /// Which, and at what size.
    pub what: String,
    /// Heads or dot products per second.
    pub per_second: f64,
    /// What is counted.
    pub unit: String,
    /// Operations per second.
    pub flops: f64,
}

/// What the self-test found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// On what.
    pub gpu: Device,
    /// Seed of the planted heads.
    pub seed: u32,
    /// The planted heads.
    pub heads: Vec<PlantedHead>,
    /// What the device does at most.
    pub peak: Peak,
    /// What the kernels do of that.
    pub speeds: Vec<Speed>,
}

impl Report {
    /// Whether every check passed.
    pub fn passed(&self) -> bool {
        self.heads.iter().flat_map(|head| &head.checks).all(Check::passed)
    }
}

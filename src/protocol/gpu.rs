//! Jobs that are offered to the GPU, a layer at a time: how it is chosen, and what it made of them.

use serde::{Deserialize, Serialize};

/// How long the GPU keeps a job that it was offered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum GpuChoice {
    /// If its first layer shows that it beats this many workers on the CPU.
    IfFaster {
        /// Workers that would share the job.
        workers: usize,
    },
    /// In any case.
    Always,
    /// A drill: the device is given back in the middle of the job, this many times.
    Drill {
        /// How often.
        losses: usize,
    },
}

/// What the GPU made of a job.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum GpuReport {
    /// It keeps the job: its name, and milliseconds a head on it and on one CPU worker, where both were measured.
    Kept {
        /// In the driver's words.
        name: String,
        /// Milliseconds a head on the GPU and on one CPU worker.
        ms: Option<[f64; 2]>,
    },
    /// The device went away; the job goes on at the layer that was under way, on another device.
    Resumed {
        /// What the browser said.
        why: String,
    },
    /// These layers are the CPU's; why in words.
    LeftToCpu {
        /// Layers that the GPU did not finish.
        layers: Vec<usize>,
        /// A calm line for the reader; empty where nothing is amiss.
        why: String,
        /// Milliseconds a head on the GPU and on one CPU worker, where both were measured.
        ms: Option<[f64; 2]>,
    },
}

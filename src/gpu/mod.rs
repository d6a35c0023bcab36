//! Layer 4, WebGPU kernels: one `.rs` + `.wgsl` pair each, each with a CPU twin. Adds speed, never meaning.

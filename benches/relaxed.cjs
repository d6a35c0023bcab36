// Relaxed SIMD, which the kernels use: Node before 21 has it, behind a flag. Loaded ahead of the module.
if (parseInt(process.versions.node) < 21) require("node:v8").setFlagsFromString("--experimental-wasm-relaxed-simd");

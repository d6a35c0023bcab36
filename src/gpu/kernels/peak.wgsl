// The most this device can do with f32: every thread runs eight independent chains of fused multiply-adds.
//
// 256 threads per workgroup, 8192 multiply-adds per thread. Nothing is read; the sum is written so that it is needed.
// CPU twin: none, it computes nothing of use.

const ROUNDS: u32 = 512u;

@group(0) @binding(1) var<storage, read_write> result: array<f32>;

@compute @workgroup_size(256)
fn multiply_add(@builtin(global_invocation_id) id: vec3<u32>) {
    let c = vec4<f32>(0.999, 0.998, 0.997, 0.996);
    var x = vec4<f32>(f32(id.x));
    var y = x + 1.0;
    for (var i = 0u; i < ROUNDS; i++) {
        x = fma(x, c, y);
        y = fma(y, c, x);
        x = fma(x, c, c);
        y = fma(y, c, c);
    }
    if (id.x < arrayLength(&result)) { result[id.x] = dot(x, y); }
}

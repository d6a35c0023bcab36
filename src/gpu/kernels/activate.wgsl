// The non-linearity between the two halves of an MLP, in place: bias added, activated, and the gate multiplied in.
//
// A row of `hidden` holds `stride` numbers. Without a gate all of them are activated (stride = width); with one the first
// `width` are the gate, activated and multiplied with the `width` after them, and the result takes the gate's place.
// One thread per result. CPU twin: model::activation's `Activation::apply`.

const KIND: u32 = 0u;  // relu, gelu, gelu through tanh, quick gelu, silu, relu squared
const GATED: u32 = 0u;

struct Params {
    rows: u32,
    width: u32,
    stride: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> bias: array<f32>;         // [stride]
@group(0) @binding(2) var<storage, read_write> hidden: array<f32>; // [rows, stride]

// The exponent is kept in f32's range: WGSL promises nothing about infinities.
fn sigmoid(x: f32) -> f32 {
    return 1.0 / (1.0 + exp(clamp(-x, -87.0, 88.0)));
}

// Abramowitz & Stegun 7.1.26, absolute error below 6e-7.
fn error_function(x: f32) -> f32 {
    let a = abs(x);
    let t = 1.0 / (1.0 + 0.3275911 * a);
    let p = t * (0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027 + t * 1.061405429))));
    let y = 1.0 - p * exp(max(-a * a, -87.0));
    return select(y, -y, x < 0.0);
}

fn activated(x: f32) -> f32 {
    if (KIND == 0u) { return max(x, 0.0); }
    if (KIND == 1u) { return 0.5 * x * (1.0 + error_function(x * 0.70710678)); }
    if (KIND == 2u) { return x * sigmoid(1.595769 * (x + 0.044715 * x * x * x)); }
    if (KIND == 3u) { return x * sigmoid(1.702 * x); }
    if (KIND == 4u) { return x * sigmoid(x); }
    return max(x, 0.0) * max(x, 0.0);
}

@compute @workgroup_size(64)
fn activate(@builtin(global_invocation_id) id: vec3<u32>) {
    let i = id.x;
    let row = id.y;
    if (i >= params.width || row >= params.rows) { return; }
    let at = row * params.stride + i;
    var y = activated(hidden[at] + bias[i]);
    if (GATED == 1u) {
        y *= hidden[at + params.width] + bias[i + params.width];
    }
    hidden[at] = y;
}

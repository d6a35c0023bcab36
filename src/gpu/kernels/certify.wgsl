// The certificate of every head: how orthonormal U and V are, and how far U S Vᵀ is from A Bᵀ, measured, not assumed.
//
// The residual is probed: for z with entries ±1, the mean of |R z|² is ‖R‖_F². `weigh` scales the two halves of
// R z = A D (Bᵀ z) - U S (Vᵀ z) between the products; `certify` sums. One workgroup of 256 threads per head.
// CPU twin: math::product_svd's residual and orthogonality.

const H: u32 = 64u;

struct State { done: u32, sweeps: u32, cosine: f32, rank: u32 }
struct Certificate { orthogonality: vec2<f32>, residual: f32, cosine: f32, sweeps: f32, done: f32, rank: f32, spare: f32 }
struct Params { d: u32 }

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> sigma: array<f32>;               // [head, H]
@group(0) @binding(2) var<storage, read> weight: array<f32>;              // [head, H]: D
@group(0) @binding(3) var<storage, read> right: array<vec2<u32>>;         // [head]: which B
@group(0) @binding(4) var<storage, read> b_z: array<f32>;                 // [right, H, 16]: Bᵀ z
@group(0) @binding(5) var<storage, read_write> weighted_b_z: array<f32>;  // [head, H, 16]
@group(0) @binding(6) var<storage, read_write> weighted_v_z: array<f32>;  // [head, H, 16]: in Vᵀ z, out S Vᵀ z

@compute @workgroup_size(256)
fn weigh(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) t: u32) {
    let head = group.x;
    for (var at = t; at < H * 16u; at += 256u) {
        let k = at / 16u;
        weighted_b_z[head * H * 16u + at] = weight[head * H + k] * b_z[right[head].x * H * 16u + at];
        weighted_v_z[head * H * 16u + at] *= sigma[head * H + k];
    }
}

@group(0) @binding(7) var<storage, read> gram_u: array<f32>;      // [head, H, H]
@group(0) @binding(8) var<storage, read> gram_v: array<f32>;      // [head, H, H]
@group(0) @binding(9) var<storage, read> rest: array<vec4<f32>>;  // [head, d, 16]: R z
@group(0) @binding(10) var<storage, read> states: array<State>;
@group(0) @binding(11) var<storage, read_write> certificates: array<Certificate>;

var<workgroup> largest_u: array<f32, 256>;
var<workgroup> largest_v: array<f32, 256>;
var<workgroup> squares: array<f32, 256>;

@compute @workgroup_size(256)
fn certify(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) t: u32) {
    let head = group.x;
    var worst_u = 0.0;
    var worst_v = 0.0;
    for (var at = t; at < H * H; at += 256u) {
        let i = at / H;
        let j = at % H;
        if (sigma[head * H + i] > 0.0 && sigma[head * H + j] > 0.0) {
            let unit = select(0.0, 1.0, i == j);
            worst_u = max(worst_u, abs(gram_u[head * H * H + at] - unit));
            worst_v = max(worst_v, abs(gram_v[head * H * H + at] - unit));
        }
    }
    var sum = vec4<f32>();
    for (var at = t; at < params.d * 4u; at += 256u) {
        let x = rest[head * params.d * 4u + at];
        sum += x * x;
    }
    largest_u[t] = worst_u;
    largest_v[t] = worst_v;
    squares[t] = dot(sum, vec4<f32>(1.0));
    workgroupBarrier();
    for (var stride = 128u; stride > 0u; stride = stride / 2u) {
        if (t < stride) {
            largest_u[t] = max(largest_u[t], largest_u[t + stride]);
            largest_v[t] = max(largest_v[t], largest_v[t + stride]);
            squares[t] += squares[t + stride];
        }
        workgroupBarrier();
    }
    if (t == 0u) {
        var total = 0.0;
        var rank = 0.0;
        for (var k = 0u; k < H; k++) {
            let s = sigma[head * H + k];
            total += s * s;
            rank += select(0.0, 1.0, s > 0.0);
        }
        var residual = sqrt(squares[0] / 16.0);
        if (total > 0.0) { residual *= inverseSqrt(total); }
        let state = states[head];
        certificates[head] = Certificate(vec2<f32>(largest_u[0], largest_v[0]), residual, state.cosine,
            f32(state.sweeps), f32(state.done), rank, 0.0);
    }
}

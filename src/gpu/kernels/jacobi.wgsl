// One-sided Jacobi: one sweep over all column pairs of many H x H matrices G, with the rotations gathered in V.
//
// One workgroup of 256 threads per head, LANES threads per pair. A column lies contiguously: column k of head b starts
// at vec4 (b * H + k) * H / 4. Pairs follow the round-robin schedule, H - 1 steps of H / 2 disjoint pairs.
// A sweep whose largest cosine before rotation was at most `settled` is the last one: convergence is quadratic.
// `finish` turns G and V into singular values (descending) and row-major core vectors.
// CPU twin: math::jacobi.

const H: u32 = 64u;
const LANES: u32 = 8u; // min(512 / H, H / 4)

struct State { done: u32, sweeps: u32, cosine: f32, rank: u32 }
struct Params { tolerance: f32, settled: f32 }

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read_write> g: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read_write> v: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read> before: array<State>;
@group(0) @binding(4) var<storage, read_write> after: array<State>;

var<workgroup> pp: array<f32, 256>;
var<workgroup> qq: array<f32, 256>;
var<workgroup> pq: array<f32, 256>;

@compute @workgroup_size(256)
fn sweep(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) t: u32) {
    let head = group.x;
    let state = before[head];
    if (state.done == 1u) {
        if (t == 0u) { after[head] = state; }
        return;
    }
    let pair = t / LANES;
    let lane = t % LANES;
    let on = pair < H / 2u;
    let base = head * H;
    var largest = 0.0;
    for (var step = 0u; step < H - 1u; step++) {
        // Idle threads repeat pair 0's addresses and write nothing.
        let k = select(0u, pair, on);
        let p = (base + (step + k) % (H - 1u)) * (H / 4u);
        let q = (base + select((step + H - 1u - k) % (H - 1u), H - 1u, k == 0u)) * (H / 4u);
        var app = vec4<f32>();
        var aqq = vec4<f32>();
        var apq = vec4<f32>();
        if (on) {
            for (var i = lane; i < H / 4u; i += LANES) {
                let x = g[p + i];
                let y = g[q + i];
                app += x * x;
                aqq += y * y;
                apq += x * y;
            }
        }
        let one = vec4<f32>(1.0);
        pp[t] = dot(app, one);
        qq[t] = dot(aqq, one);
        pq[t] = dot(apq, one);
        workgroupBarrier();
        var gpp = 0.0;
        var gqq = 0.0;
        var gpq = 0.0;
        for (var l = 0u; l < LANES; l++) {
            let at = (t - lane + l) % 256u;
            gpp += pp[at];
            gqq += qq[at];
            gpq += pq[at];
        }
        // Columns shorter than 1e-15 are null: their squares would underflow.
        if (on && gpp > 1e-30 && gqq > 1e-30) {
            let cosine = abs(gpq) * inverseSqrt(gpp) * inverseSqrt(gqq);
            largest = max(largest, cosine);
            if (cosine > params.tolerance) {
                let zeta = (gqq - gpp) / (2.0 * gpq);
                var tangent = 0.5 / zeta;
                if (abs(zeta) < 1e9) {
                    tangent = select(-1.0, 1.0, zeta >= 0.0) / (abs(zeta) + sqrt(1.0 + zeta * zeta));
                }
                var c = inverseSqrt(1.0 + tangent * tangent);
                var s = c * tangent;
                // inverseSqrt may be off by 2 ulp, always to the same side: without this V drifts from orthogonal.
                let correction = 0.5 * ((1.0 - c * c) - s * s);
                c += c * correction;
                s += s * correction;
                for (var i = lane; i < H / 4u; i += LANES) {
                    let x = g[p + i];
                    let y = g[q + i];
                    g[p + i] = c * x - s * y;
                    g[q + i] = s * x + c * y;
                    let vx = v[p + i];
                    let vy = v[q + i];
                    v[p + i] = c * vx - s * vy;
                    v[q + i] = s * vx + c * vy;
                }
            }
        }
        storageBarrier();
        workgroupBarrier();
    }
    pp[t] = largest;
    workgroupBarrier();
    if (t == 0u) {
        for (var i = 0u; i < 256u; i++) { largest = max(largest, pp[i]); }
        after[head] = State(select(0u, 1u, largest <= params.settled), state.sweeps + 1u, largest, 0u);
    }
}

@group(0) @binding(5) var<storage, read> g_in: array<vec4<f32>>;
@group(0) @binding(6) var<storage, read> v_in: array<vec4<f32>>;
@group(0) @binding(7) var<storage, read_write> sigma: array<f32>;  // [head, H], descending
@group(0) @binding(8) var<storage, read_write> u_core: array<f32>; // [head, H, H], row-major
@group(0) @binding(9) var<storage, read_write> v_core: array<f32>; // [head, H, H], row-major

@compute @workgroup_size(256)
fn finish(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) t: u32) {
    let head = group.x;
    let column = (head * H + t) * (H / 4u);
    var square = 0.0;
    if (t < H) {
        var sum = vec4<f32>();
        for (var i = 0u; i < H / 4u; i++) { sum += g_in[column + i] * g_in[column + i]; }
        square = dot(sum, vec4<f32>(1.0));
        if (square <= 1e-30) { square = 0.0; }
    }
    pp[t] = square;
    workgroupBarrier();
    if (t < H) {
        var place = 0u;
        for (var i = 0u; i < H; i++) {
            if (pp[i] > square || (pp[i] == square && i < t)) { place++; }
        }
        var inverse = 0.0;
        if (square > 0.0) {
            inverse = inverseSqrt(square);
            inverse *= 1.5 - 0.5 * square * inverse * inverse;
        }
        sigma[head * H + place] = square * inverse;
        let keep = select(0.0, 1.0, square > 0.0);
        for (var i = 0u; i < H / 4u; i++) {
            let x = g_in[column + i] * inverse;
            let y = v_in[column + i] * keep;
            for (var l = 0u; l < 4u; l++) {
                let at = (head * H + 4u * i + l) * H + place;
                u_core[at] = x[l];
                v_core[at] = y[l];
            }
        }
    }
}

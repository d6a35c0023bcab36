// Householder QR with column pivoting of many H x H cores, in place; no column ever moves.
//
// One workgroup of 256 threads per core; LANES threads share a column, each taking every LANES-th row. Row-major.
// After `factor`, column c of `work` holds the reflector of step place(c) from that row downwards, and above it the
// column's part of R; `steps[k]` holds the pivot column, the reflector's factor and the diagonal of R.
// `triangle` writes R with its columns where they were, so that work = Q R without any permutation.
// CPU twin: math::pivoted_qr.

const H: u32 = 64u;
const LANES: u32 = 4u; // 256 / H, at least 1
const NONE: u32 = 0xffffffffu;

struct Step { order: u32, tau: f32, diagonal: f32, place: u32 }
struct Params { first: u32, count: u32, round: u32 }

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read_write> work: array<f32>;   // [head, H, H]
@group(0) @binding(2) var<storage, read_write> steps: array<Step>; // [head, H]
@group(0) @binding(3) var<storage, read> limits: array<u32>;       // [head, 2]: rank known beforehand, per round

var<workgroup> v: array<f32, 256>;
var<workgroup> part: array<f32, 256>;
var<workgroup> rest: array<f32, 256>;
var<workgroup> norm2: array<f32, 256>;
var<workgroup> place: array<u32, 256>;
var<workgroup> best_norm2: array<f32, 16>;
var<workgroup> best_column: array<u32, 16>;

@compute @workgroup_size(256)
fn factor(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) t: u32) {
    let base = group.x * H * H;
    let c = t % H;
    let lane = t / H;
    let on = t < H * LANES;
    let limit = limits[2u * group.x + params.round];

    if (t < H) { place[t] = select(steps[group.x * H + t].place, NONE, params.first == 0u); }
    workgroupBarrier();
    var mine = 0.0;
    if (on) {
        for (var i = params.first + (lane + LANES - params.first % LANES) % LANES; i < H; i += LANES) {
            let x = work[base + i * H + c];
            mine += x * x;
        }
    }
    rest[t] = mine;
    workgroupBarrier();
    if (t < H) {
        var sum = 0.0;
        for (var l = 0u; l < LANES; l++) { sum += rest[l * H + t]; }
        norm2[t] = select(-1.0, sum, place[t] == NONE);
    }
    workgroupBarrier();

    for (var k = params.first; k < params.first + params.count; k++) {
        if (t < 16u) {
            var best = -1.0;
            var at = 0u;
            for (var i = t; i < H; i += 16u) {
                if (norm2[i] > best) { best = norm2[i]; at = i; }
            }
            best_norm2[t] = best;
            best_column[t] = at;
        }
        workgroupBarrier();
        var n2 = -1.0;
        var p = 0u;
        for (var i = 0u; i < 16u; i++) {
            if (best_norm2[i] > n2) { n2 = best_norm2[i]; p = best_column[i]; }
        }
        // Below 1e-30 the squares underflow and reflectors stop being orthogonal.
        let live = n2 > 1e-30 && k < limit;
        let x0 = work[base + k * H + p];
        let root = sqrt(max(n2, 0.0));
        let alpha = select(-root, root, x0 < 0.0);
        let v0 = x0 - alpha;
        var tau = 0.0;
        if (live) {
            let vv = (n2 - x0 * x0) + v0 * v0;
            tau = 2.0 / vv;
            tau *= 2.0 - 0.5 * tau * vv;
        }
        if (t >= k && t < H) { v[t] = select(work[base + t * H + p], v0, t == k); }
        workgroupBarrier();

        let start = k + (lane + LANES - k % LANES) % LANES;
        let open = on && c != p && place[c] == NONE;
        var dot_part = 0.0;
        if (open) {
            for (var i = start; i < H; i += LANES) { dot_part += v[i] * work[base + i * H + c]; }
        }
        part[t] = dot_part;
        workgroupBarrier();
        var square = 0.0;
        if (open) {
            var sum = 0.0;
            for (var l = 0u; l < LANES; l++) { sum += part[l * H + c]; }
            let f = tau * sum;
            for (var i = start; i < H; i += LANES) {
                let x = work[base + i * H + c] - f * v[i];
                work[base + i * H + c] = x;
                square += select(0.0, x * x, i > k);
            }
        }
        rest[t] = square;
        if (t == p) {
            steps[group.x * H + k].order = p;
            steps[group.x * H + k].tau = tau;
            steps[group.x * H + k].diagonal = select(0.0, alpha, live);
            if (live) {
                place[p] = k;
                work[base + k * H + p] = v0;
            }
        }
        storageBarrier();
        workgroupBarrier();
        if (t < H) {
            var sum = 0.0;
            for (var l = 0u; l < LANES; l++) { sum += rest[l * H + t]; }
            // A column that a dead step picked keeps its rest; no later step is live either.
            norm2[t] = select(-1.0, sum, place[t] == NONE && t != p);
        }
        workgroupBarrier();
    }
    if (t < H) { steps[group.x * H + t].place = place[t]; }
}

@group(0) @binding(4) var<storage, read_write> r: array<f32>;        // [head, H, H]
@group(0) @binding(5) var<storage, read_write> identity: array<f32>; // [head, H, H]
@group(0) @binding(6) var<storage, read> factored: array<f32>;       // [head, H, H]
@group(0) @binding(7) var<storage, read> done_steps: array<Step>;    // [head, H]

@compute @workgroup_size(256)
fn triangle(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) t: u32) {
    let base = group.x * H * H;
    for (var at = t; at < H * H; at += 256u) {
        let k = at / H;
        let c = at % H;
        let placed = done_steps[group.x * H + c].place;
        let row = done_steps[group.x * H + k];
        var value = 0.0;
        if (row.tau != 0.0) {
            if (placed == k) { value = row.diagonal; }
            if (placed > k) { value = factored[base + at]; }
        }
        r[base + at] = value;
        identity[base + at] = select(0.0, 1.0, k == c);
    }
}

@group(0) @binding(8) var<storage, read_write> y: array<f32>; // [head, H, H]

// y = Q y, one thread per column of y; steps first + count - 1 down to first.
@compute @workgroup_size(64)
fn apply(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) t: u32) {
    let base = group.x * H * H;
    let j = group.y * 64u + t;
    if (j >= H) { return; }
    for (var back = 0u; back < params.count; back++) {
        let k = params.first + params.count - 1u - back;
        let row = done_steps[group.x * H + k];
        if (row.tau == 0.0) { continue; }
        var sum = 0.0;
        for (var i = k; i < H; i++) { sum += factored[base + i * H + row.order] * y[base + i * H + j]; }
        let f = row.tau * sum;
        for (var i = k; i < H; i++) { y[base + i * H + j] -= f * factored[base + i * H + row.order]; }
    }
}

@group(0) @binding(9) var<storage, read> r_left: array<f32>;         // [left, H, H]
@group(0) @binding(10) var<storage, read> r_right: array<f32>;       // [right, H, H]
@group(0) @binding(11) var<storage, read> weight: array<f32>;        // [head, H]
@group(0) @binding(12) var<storage, read> left: array<vec2<u32>>;    // [head]: which of r_left
@group(0) @binding(13) var<storage, read> right: array<vec2<u32>>;   // [head]: which of r_right
@group(0) @binding(14) var<storage, read_write> limit_out: array<u32>;

// The left core with the columns' weights on it, its rank, and the rank that the product cannot exceed.
@compute @workgroup_size(256)
fn prepare(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) t: u32) {
    let head = group.x;
    let from_left = left[head].x * H * H;
    let from_right = right[head].x * H * H;
    for (var at = t; at < H * H; at += 256u) {
        work[head * H * H + at] = r_left[from_left + at] * weight[head * H + at % H];
    }
    if (t < H) {
        let diagonal = t * H + t;
        part[t] = select(0.0, 1.0, r_left[from_left + diagonal] != 0.0);
        rest[t] = select(0.0, 1.0, r_right[from_right + diagonal] != 0.0);
    }
    workgroupBarrier();
    if (t == 0u) {
        var n_left = 0.0;
        var n_right = 0.0;
        for (var i = 0u; i < H; i++) {
            n_left += part[i];
            n_right += rest[i];
        }
        limit_out[2u * head] = u32(n_left);
        limit_out[2u * head + 1u] = u32(min(n_left, n_right));
    }
}

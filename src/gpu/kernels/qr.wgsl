// Tall QR of many matrices: block classical Gram-Schmidt, panels of 16 columns, re-orthogonalised (BCGSI+).
//
// Matrices are row-major, [d, h] with h a multiple of 16. Panels are [d, 16]. One workgroup of 256 threads per matrix
// in both kernels; `dots` has a second dimension, one workgroup per 16 columns of X.
// A column whose rest is below `threshold` times its length is null: its q is zero and so is its r.
// Source: Barlow & Smoktunowicz, "Reorthogonalized block classical Gram-Schmidt", Numer. Math. 123 (2013).
// CPU twin: math::qr.

const H: u32 = 64u;

struct DotsParams {
    d: u32,
    x_start: u32, x_row: u32, x_batch: u32, // in vec4s
    y_start: u32, y_row: u32, y_batch: u32, // in vec4s
    r_col: u32, // the first of the 16 columns of R to fill
    write_r: u32,
}

@group(0) @binding(0) var<uniform> dots_params: DotsParams;
@group(0) @binding(1) var<storage, read> x: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read> y: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read_write> s: array<vec4<f32>>;   // [matrix, H, 16]
@group(0) @binding(4) var<storage, read_write> r_out: array<vec4<f32>>; // [matrix, H, H]

var<workgroup> slices: array<vec4<f32>, 512>;

// s = Xᵀ Y: 16 slices of rows, each summed by 16 threads that hold 4 x 4 products.
@compute @workgroup_size(256)
fn dots(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) t: u32) {
    let slice = t / 16u;
    let tile = t % 16u;
    let x_base = dots_params.x_start + group.x * dots_params.x_batch + 4u * group.y + tile / 4u;
    let y_base = dots_params.y_start + group.x * dots_params.y_batch + tile % 4u;
    var acc0 = vec4<f32>();
    var acc1 = vec4<f32>();
    var acc2 = vec4<f32>();
    var acc3 = vec4<f32>();
    for (var row = slice; row < dots_params.d; row += 16u) {
        let a = x[x_base + row * dots_params.x_row];
        let b = y[y_base + row * dots_params.y_row];
        acc0 += a.x * b;
        acc1 += a.y * b;
        acc2 += a.z * b;
        acc3 += a.w * b;
    }
    if (slice >= 8u) {
        let at = 4u * (t - 128u);
        slices[at] = acc0;
        slices[at + 1u] = acc1;
        slices[at + 2u] = acc2;
        slices[at + 3u] = acc3;
    }
    workgroupBarrier();
    if (slice < 8u) {
        let at = 4u * t;
        slices[at] += acc0;
        slices[at + 1u] += acc1;
        slices[at + 2u] += acc2;
        slices[at + 3u] += acc3;
    }
    workgroupBarrier();
    if (t < 64u) {
        var sum = vec4<f32>();
        for (var i = 0u; i < 8u; i++) { sum += slices[64u * i + t]; }
        // Entry t is row t % 4 of tile t / 4, whose place is (t / 16, t / 4 % 4).
        let row = 16u * group.y + 4u * (t / 16u) + t % 4u;
        let col = t / 4u % 4u;
        s[(group.x * H + row) * 4u + col] = sum;
        if (dots_params.write_r == 1u) {
            r_out[(group.x * H + row) * (H / 4u) + dots_params.r_col / 4u + col] = sum;
        }
    }
}

struct PanelParams {
    d: u32,
    column: u32, // the panel's first column
    first: u32,  // 1: the panel comes from the input, its R block is new and the rank rule applies
    last: u32,   // 1: the panel is orthogonal to the earlier ones and goes into Q
    threshold: f32,
}

@group(0) @binding(0) var<uniform> panel_params: PanelParams;
@group(0) @binding(1) var<storage, read_write> p: array<vec4<f32>>; // [matrix, d, 16]
@group(0) @binding(2) var<storage, read_write> q: array<vec4<f32>>; // [matrix, d, H]
@group(0) @binding(3) var<storage, read_write> r: array<f32>;       // [matrix, H, H]
@group(0) @binding(4) var<storage, read> s_in: array<f32>;          // [matrix, H, 16]: what the second pass took away

struct Row { a: vec4<f32>, b: vec4<f32>, c: vec4<f32>, d: vec4<f32> }

var<workgroup> parts: array<vec4<f32>, 512>;
var<workgroup> r_first: array<f32, 256>;  // the panel's triangle, 16 x 16, before and after this pass
var<workgroup> r_second: array<f32, 256>;

// Sum over the workgroup of 16 numbers per thread; every thread gets all 16.
fn sum16(v: Row, t: u32) -> Row {
    workgroupBarrier();
    if (t >= 128u) {
        let at = 4u * (t - 128u);
        parts[at] = v.a;
        parts[at + 1u] = v.b;
        parts[at + 2u] = v.c;
        parts[at + 3u] = v.d;
    }
    workgroupBarrier();
    if (t < 128u) {
        let at = 4u * t;
        parts[at] += v.a;
        parts[at + 1u] += v.b;
        parts[at + 2u] += v.c;
        parts[at + 3u] += v.d;
    }
    workgroupBarrier();
    // 128 groups of four quads: slot t is overwritten only by the thread that alone reads it.
    if (t < 128u) { parts[t] = parts[t] + parts[t + 128u] + parts[t + 256u] + parts[t + 384u]; }
    workgroupBarrier();
    if (t < 16u) {
        var sum = vec4<f32>();
        for (var i = 0u; i < 8u; i++) { sum += parts[t + 16u * i]; }
        parts[t] = sum;
    }
    workgroupBarrier();
    return Row(parts[0] + parts[4] + parts[8] + parts[12], parts[1] + parts[5] + parts[9] + parts[13],
        parts[2] + parts[6] + parts[10] + parts[14], parts[3] + parts[7] + parts[11] + parts[15]);
}

// The 16 flags "column i < j", and "column i = j".
fn below(j: u32) -> Row {
    let n = vec4<u32>(0u, 1u, 2u, 3u);
    return Row(vec4<f32>(n < vec4<u32>(j)), vec4<f32>(n + 4u < vec4<u32>(j)), vec4<f32>(n + 8u < vec4<u32>(j)),
        vec4<f32>(n + 12u < vec4<u32>(j)));
}
fn at_column(j: u32) -> Row {
    let n = vec4<u32>(0u, 1u, 2u, 3u);
    return Row(vec4<f32>(n == vec4<u32>(j)), vec4<f32>(n + 4u == vec4<u32>(j)), vec4<f32>(n + 8u == vec4<u32>(j)),
        vec4<f32>(n + 12u == vec4<u32>(j)));
}
fn times(x: Row, y: Row) -> Row { return Row(x.a * y.a, x.b * y.b, x.c * y.c, x.d * y.d); }
fn plus_scaled(x: Row, y: Row, f: f32) -> Row { return Row(x.a + f * y.a, x.b + f * y.b, x.c + f * y.c, x.d + f * y.d); }
fn product(x: Row, y: Row) -> f32 { return dot(x.a, y.a) + dot(x.b, y.b) + dot(x.c, y.c) + dot(x.d, y.d); }
fn load(at: u32) -> Row { return Row(p[at], p[at + 1u], p[at + 2u], p[at + 3u]); }
fn save(at: u32, v: Row) {
    p[at] = v.a;
    p[at + 1u] = v.b;
    p[at + 2u] = v.c;
    p[at + 3u] = v.d;
}

// Classical Gram-Schmidt inside one panel, twice for every column of the input; then R and, in the last pass, Q.
@compute @workgroup_size(256)
fn panel(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) t: u32) {
    let base = group.x * panel_params.d * 4u;
    let r_base = group.x * H * H;
    let column = panel_params.column;

    // Squared length that each column has left in the earlier panels: with its rest, its full length.
    var earlier = Row();
    if (t < column && panel_params.first == 1u) {
        let at = r_base + t * H + column;
        earlier = Row(vec4<f32>(r[at], r[at + 1u], r[at + 2u], r[at + 3u]),
            vec4<f32>(r[at + 4u], r[at + 5u], r[at + 6u], r[at + 7u]),
            vec4<f32>(r[at + 8u], r[at + 9u], r[at + 10u], r[at + 11u]),
            vec4<f32>(r[at + 12u], r[at + 13u], r[at + 14u], r[at + 15u]));
        earlier = times(earlier, earlier);
    }
    earlier = sum16(earlier, t);
    if (panel_params.first == 0u) { r_first[t] = r[r_base + (column + t / 16u) * H + column + t % 16u]; }

    for (var j = 0u; j < 16u; j++) {
        let left = below(j);
        let here = at_column(j);
        var acc = Row();
        for (var row = t; row < panel_params.d; row += 256u) {
            let v = load(base + 4u * row);
            acc = plus_scaled(acc, v, product(v, here));
        }
        let s1 = times(sum16(acc, t), left);
        acc = Row();
        var square = 0.0;
        for (var row = t; row < panel_params.d; row += 256u) {
            let v = load(base + 4u * row);
            let rest = product(v, here) - product(v, s1);
            acc = plus_scaled(acc, v, rest);
            square += rest * rest;
            save(base + 4u * row, plus_scaled(v, here, rest - product(v, here)));
        }
        var s2 = Row();
        // In the second pass the columns come orthonormal but for what was taken from them: once is enough.
        if (panel_params.first == 1u) {
            s2 = times(sum16(acc, t), left);
            square = 0.0;
            for (var row = t; row < panel_params.d; row += 256u) {
                let v = load(base + 4u * row);
                let rest = product(v, here) - product(v, s2);
                square += rest * rest;
                save(base + 4u * row, plus_scaled(v, here, rest - product(v, here)));
            }
        }
        let rest2 = sum16(Row(vec4<f32>(square, 0.0, 0.0, 0.0), vec4<f32>(), vec4<f32>(), vec4<f32>()), t).a.x;
        let taken = plus_scaled(s1, s2, 1.0);
        // In the second pass every column has length 1 or 0, and what is left of a sound one is about 1.
        var floor2 = 1e-6;
        if (panel_params.first == 1u) {
            let length2 = product(earlier, here) + product(taken, taken) + rest2;
            floor2 = max(1e-30, panel_params.threshold * panel_params.threshold * length2);
        }
        let keep = rest2 > floor2;
        var inverse = 0.0;
        if (keep) {
            inverse = inverseSqrt(rest2);
            inverse *= 1.5 - 0.5 * rest2 * inverse * inverse;
        }
        for (var row = t; row < panel_params.d; row += 256u) {
            let at = base + 4u * row;
            let v = load(at);
            save(at, plus_scaled(v, here, product(v, here) * inverse - product(v, here)));
        }
        if (t < 16u) {
            var entry = product(taken, at_column(t));
            if (t == j) { entry = rest2 * inverse; }
            r_second[t * 16u + j] = entry;
        }
    }
    workgroupBarrier();

    let i = t / 16u;
    let j = t % 16u;
    if (panel_params.first == 1u) {
        r[r_base + (column + i) * H + column + j] = r_second[t];
    } else {
        // Second pass: R = R2 R1 in the panel, and what it took from the earlier panels adds to theirs.
        var sum = 0.0;
        for (var l = 0u; l < 16u; l++) { sum += r_second[i * 16u + l] * r_first[l * 16u + j]; }
        r[r_base + (column + i) * H + column + j] = sum;
        if (t < column) {
            for (var c = 0u; c < 16u; c++) {
                var extra = 0.0;
                for (var l = 0u; l < 16u; l++) { extra += s_in[(group.x * H + t) * 16u + l] * r_first[l * 16u + c]; }
                r[r_base + t * H + column + c] += extra;
            }
        }
    }
    if (panel_params.last == 1u) {
        for (var row = t; row < panel_params.d; row += 256u) {
            let v = load(base + 4u * row);
            let at = (group.x * panel_params.d + row) * (H / 4u) + column / 4u;
            q[at] = v.a;
            q[at + 1u] = v.b;
            q[at + 2u] = v.c;
            q[at + 3u] = v.d;
        }
    }
}

// Batched matrix product C = alpha op(A) op(B) + beta C0, f32 accumulation.
//
// One workgroup of 256 threads per BM x BN tile of one product; each thread keeps TM4 * 4 rows of 4 columns in
// registers and walks over K in steps of BK through workgroup memory (at most 12 KiB).
// Element (i, k) of op(A) is a[start + matrix * batch_stride + i * row + k * col]: a transpose is a pair of strides.
// `index` names, for each product, which matrix of A and which of B it takes; C and C0 are counted by the product.
// A and B hold f32 (0), raw bf16 (1) or raw f16 (2), the latter two packed two to a word, low half first.
// CPU twin: nalgebra's product.

const BM: u32 = 128u;
const BN: u32 = 64u;
const BK: u32 = 16u;
const TM4: u32 = 2u; // BM * BN / 4096: quads of rows per thread
const A_TYPE: u32 = 0u;
const B_TYPE: u32 = 0u;

struct Operand { start: u32, row: u32, col: u32, batch: u32 }
struct Params {
    m: u32, n: u32, k: u32, alpha: f32,
    a: Operand,
    b: Operand,
    c: Operand,
    c0: Operand,
    beta: f32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> a: array<u32>;
@group(0) @binding(2) var<storage, read> b: array<u32>;
@group(0) @binding(3) var<storage, read> c0: array<f32>;
@group(0) @binding(4) var<storage, read_write> c: array<f32>;
@group(0) @binding(5) var<storage, read> index: array<vec2<u32>>;

var<workgroup> a_tile: array<vec4<f32>, BK * BM / 4u>;
var<workgroup> b_tile: array<vec4<f32>, BK * BN / 4u>;

fn a_at(base: u32, i: u32, k: u32) -> f32 {
    if (i >= params.m || k >= params.k) { return 0.0; }
    let at = base + i * params.a.row + k * params.a.col;
    if (A_TYPE == 0u) { return bitcast<f32>(a[at]); }
    return expand(a[at >> 1u], (at & 1u) == 1u, A_TYPE);
}

fn b_at(base: u32, k: u32, j: u32) -> f32 {
    if (j >= params.n || k >= params.k) { return 0.0; }
    let at = base + k * params.b.row + j * params.b.col;
    if (B_TYPE == 0u) { return bitcast<f32>(b[at]); }
    return expand(b[at >> 1u], (at & 1u) == 1u, B_TYPE);
}

fn store(c_base: u32, c0_base: u32, i: u32, j: u32, value: f32) {
    if (i >= params.m || j >= params.n) { return; }
    var result = params.alpha * value;
    if (params.beta != 0.0) { result += params.beta * c0[c0_base + i * params.c0.row + j * params.c0.col]; }
    c[c_base + i * params.c.row + j * params.c.col] = result;
}

fn store4(c_base: u32, c0_base: u32, i: u32, j: u32, value: vec4<f32>) {
    store(c_base, c0_base, i, j, value.x);
    store(c_base, c0_base, i, j + 1u, value.y);
    store(c_base, c0_base, i, j + 2u, value.z);
    store(c_base, c0_base, i, j + 3u, value.w);
}

@compute @workgroup_size(256)
fn product(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) t: u32) {
    let which = index[group.z];
    let a_base = params.a.start + which.x * params.a.batch;
    let b_base = params.b.start + which.y * params.b.batch;
    let row0 = group.x * BM;
    let col0 = group.y * BN;
    let ty = t / (BN / 4u);
    let tx = t % (BN / 4u);
    var acc0 = vec4<f32>();
    var acc1 = vec4<f32>();
    var acc2 = vec4<f32>();
    var acc3 = vec4<f32>();
    var acc4 = vec4<f32>();
    var acc5 = vec4<f32>();
    var acc6 = vec4<f32>();
    var acc7 = vec4<f32>();
    let steps = (params.k + BK - 1u) / BK;
    for (var step = 0u; step < steps; step++) {
        let k0 = step * BK;
        // Neighbouring threads read neighbouring addresses, along k or along the tile's edge.
        for (var s = t; s < BK * BM / 4u; s += 256u) {
            var k = s % BK;
            var quad = s / BK;
            if (params.a.col != 1u) {
                quad = s % (BM / 4u);
                k = s / (BM / 4u);
            }
            let i = row0 + 4u * quad;
            a_tile[k * (BM / 4u) + quad] = vec4<f32>(a_at(a_base, i, k0 + k), a_at(a_base, i + 1u, k0 + k),
                a_at(a_base, i + 2u, k0 + k), a_at(a_base, i + 3u, k0 + k));
        }
        for (var s = t; s < BK * BN / 4u; s += 256u) {
            var k = s % BK;
            var quad = s / BK;
            if (params.b.row != 1u) {
                quad = s % (BN / 4u);
                k = s / (BN / 4u);
            }
            let j = col0 + 4u * quad;
            b_tile[k * (BN / 4u) + quad] = vec4<f32>(b_at(b_base, k0 + k, j), b_at(b_base, k0 + k, j + 1u),
                b_at(b_base, k0 + k, j + 2u), b_at(b_base, k0 + k, j + 3u));
        }
        workgroupBarrier();
        for (var k = 0u; k < BK; k++) {
            let y = b_tile[k * (BN / 4u) + tx];
            let x = a_tile[k * (BM / 4u) + ty * TM4];
            acc0 += x.x * y;
            acc1 += x.y * y;
            acc2 += x.z * y;
            acc3 += x.w * y;
            if (TM4 == 2u) {
                let x2 = a_tile[k * (BM / 4u) + ty * TM4 + TM4 - 1u];
                acc4 += x2.x * y;
                acc5 += x2.y * y;
                acc6 += x2.z * y;
                acc7 += x2.w * y;
            }
        }
        workgroupBarrier();
    }
    let c_base = params.c.start + group.z * params.c.batch;
    let c0_base = params.c0.start + group.z * params.c0.batch;
    let i = row0 + ty * TM4 * 4u;
    let j = col0 + 4u * tx;
    store4(c_base, c0_base, i, j, acc0);
    store4(c_base, c0_base, i + 1u, j, acc1);
    store4(c_base, c0_base, i + 2u, j, acc2);
    store4(c_base, c0_base, i + 3u, j, acc3);
    if (TM4 == 2u) {
        store4(c_base, c0_base, i + 4u, j, acc4);
        store4(c_base, c0_base, i + 5u, j, acc5);
        store4(c_base, c0_base, i + 6u, j, acc6);
        store4(c_base, c0_base, i + 7u, j, acc7);
    }
}

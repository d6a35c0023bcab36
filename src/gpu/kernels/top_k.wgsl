// For many directions, the K rows of a dictionary with the largest |cosine|, and the sums that statistics need.
//
// score(t, x) = (t · x - offset(t)) scale(x). Nothing is materialised: a workgroup of 256 threads takes 64 directions
// and a stretch of rows in tiles of 128, each thread 4 directions by 8 rows in registers; after each tile one thread
// per direction goes through the scores, 16 rows at a time, and keeps the K best in workgroup memory, sorted.
// `search` writes one list and three sums per direction and stretch; `merge` folds them into the running ones.
// Rows hold f32 (0), raw bf16 (1) or raw f16 (2), packed two to a word. Memory: 6 KiB of tiles, at most 8 KiB of lists.
// Equal scores keep the earlier row. With BY_VALUE only the positive end counts. A batch is several searches side by
// side, each with rows of its own: search z writes the columns z n .. z n + n - 1. CPU twin: math::top_k.

const K: u32 = 10u;
const ROW_TYPE: u32 = 0u;
const BY_VALUE: u32 = 0u;
const BK: u32 = 8u;

struct Params {
    n: u32,           // directions of one search
    begin: u32,       // first row of this dispatch in the block
    end: u32,         // and the one after the last
    d: u32,
    stretch: u32,     // rows per workgroup, a multiple of 128
    stretches: u32,
    first_row: u32,   // number of the block's first row in the dictionary
    columns: u32,     // directions of all searches
    directions_step: u32, // numbers from one search's directions to the next one's; 0 if they share them
    rows_step: u32,   // and from its rows
}
struct Sums { total: f32, squares: f32, rows: f32, spare: f32 }

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> directions: array<f32>; // [searches or 1, n, d]
@group(0) @binding(2) var<storage, read> rows: array<u32>;       // [searches or 1, block, d]
@group(0) @binding(3) var<storage, read> offsets: array<f32>;    // [columns]
@group(0) @binding(4) var<storage, read> scales: array<f32>;     // [block]
@group(0) @binding(5) var<storage, read_write> scores: array<f32>; // [stretches, K, columns]
@group(0) @binding(6) var<storage, read_write> places: array<u32>; // [stretches, K, columns]
@group(0) @binding(7) var<storage, read_write> sums: array<Sums>;  // [stretches, columns]
@group(0) @binding(8) var<storage, read> best: array<f32>;         // [K, columns], running

var<workgroup> t_tile: array<vec4<f32>, 128>; // [BK, 64]
var<workgroup> x_tile: array<vec4<f32>, 256>; // [BK, 128], and between tiles 16 rows of scores, [16, 64]
var<workgroup> list_score: array<f32, K * 64u>;
var<workgroup> list_place: array<u32, K * 64u>;

fn size(score: f32) -> f32 {
    if (BY_VALUE == 1u) { return score; }
    return abs(score);
}

fn t_at(base: u32, i: u32, k: u32) -> f32 {
    if (i >= params.n || k >= params.d) { return 0.0; }
    return directions[base + i * params.d + k];
}

fn x_at(base: u32, row: u32, k: u32) -> f32 {
    if (row >= params.end || k >= params.d) { return 0.0; }
    let at = base + row * params.d + k;
    if (ROW_TYPE == 0u) { return bitcast<f32>(rows[at]); }
    return expand(rows[at >> 1u], (at & 1u) == 1u, ROW_TYPE);
}

@compute @workgroup_size(256)
fn search(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) t: u32) {
    let t_base = group.z * params.directions_step;
    let x_base = group.z * params.rows_step;
    let first = group.x * 64u;
    let start = params.begin + group.y * params.stretch;
    let tx = t % 16u; // 8 rows
    let ty = t / 16u; // 4 directions
    for (var i = t; i < K * 64u; i += 256u) {
        list_score[i] = 0.0;
        list_place[i] = 0xffffffffu;
    }
    // The thread that keeps the list of direction `mine`; a score has to beat what is known from earlier blocks.
    let mine = group.z * params.n + min(first + t, params.n - 1u);
    let keeps = t < 64u && first + t < params.n;
    let known = best[(K - 1u) * params.columns + mine];
    let offset = offsets[mine];
    var threshold = known;
    var total = 0.0;
    var squares = 0.0;
    var counted = 0.0;

    let tiles = params.stretch / 128u;
    for (var tile = 0u; tile < tiles; tile++) {
        let row0 = start + tile * 128u;
        // acc_a holds rows 4 tx .. 4 tx + 3 of the tile, acc_b the same of its second half.
        var acc_a = array<vec4<f32>, 4>();
        var acc_b = array<vec4<f32>, 4>();
        let steps = (params.d + BK - 1u) / BK;
        for (var step = 0u; step < steps; step++) {
            let k = step * BK + t % BK;
            let quad = t / BK;
            workgroupBarrier();
            if (quad < 16u) {
                let i = first + 4u * quad;
                t_tile[(t % BK) * 16u + quad] = vec4<f32>(
                    t_at(t_base, i, k), t_at(t_base, i + 1u, k), t_at(t_base, i + 2u, k), t_at(t_base, i + 3u, k));
            }
            let row = row0 + 4u * quad;
            x_tile[(t % BK) * 32u + quad] =
                vec4<f32>(
                x_at(x_base, row, k), x_at(x_base, row + 1u, k), x_at(x_base, row + 2u, k), x_at(x_base, row + 3u, k));
            workgroupBarrier();
            for (var l = 0u; l < BK; l++) {
                let a = t_tile[l * 16u + ty];
                let b = x_tile[l * 32u + tx];
                let c = x_tile[l * 32u + 16u + tx];
                acc_a[0] += a.x * b;
                acc_a[1] += a.y * b;
                acc_a[2] += a.z * b;
                acc_a[3] += a.w * b;
                acc_b[0] += a.x * c;
                acc_b[1] += a.y * c;
                acc_b[2] += a.z * c;
                acc_b[3] += a.w * c;
            }
        }
        // Eight rounds: 16 rows of scores go to workgroup memory, then 64 threads go through them.
        for (var round = 0u; round < 8u; round++) {
            workgroupBarrier();
            let quad = tx - 4u * (round % 4u);
            if (quad < 4u) {
                // Four directions of each of this thread's four rows; entry (row, direction quad ty).
                var s0 = vec4<f32>(acc_a[0].x, acc_a[1].x, acc_a[2].x, acc_a[3].x);
                var s1 = vec4<f32>(acc_a[0].y, acc_a[1].y, acc_a[2].y, acc_a[3].y);
                var s2 = vec4<f32>(acc_a[0].z, acc_a[1].z, acc_a[2].z, acc_a[3].z);
                var s3 = vec4<f32>(acc_a[0].w, acc_a[1].w, acc_a[2].w, acc_a[3].w);
                if (round >= 4u) {
                    s0 = vec4<f32>(acc_b[0].x, acc_b[1].x, acc_b[2].x, acc_b[3].x);
                    s1 = vec4<f32>(acc_b[0].y, acc_b[1].y, acc_b[2].y, acc_b[3].y);
                    s2 = vec4<f32>(acc_b[0].z, acc_b[1].z, acc_b[2].z, acc_b[3].z);
                    s3 = vec4<f32>(acc_b[0].w, acc_b[1].w, acc_b[2].w, acc_b[3].w);
                }
                x_tile[(4u * quad) * 16u + ty] = s0;
                x_tile[(4u * quad + 1u) * 16u + ty] = s1;
                x_tile[(4u * quad + 2u) * 16u + ty] = s2;
                x_tile[(4u * quad + 3u) * 16u + ty] = s3;
            }
            workgroupBarrier();
            if (keeps) {
                for (var i = 0u; i < 16u; i++) {
                    let row = row0 + 16u * round + i;
                    if (row < params.end) {
                        let score = (x_tile[i * 16u + t / 4u][t % 4u] - offset) * scales[row];
                        total += score;
                        squares += score * score;
                        counted += 1.0;
                        if (size(score) > threshold) {
                            var at = K - 1u;
                            while (at > 0u) {
                                let above = list_score[(at - 1u) * 64u + t];
                                if (size(above) >= size(score)) { break; }
                                list_score[at * 64u + t] = above;
                                list_place[at * 64u + t] = list_place[(at - 1u) * 64u + t];
                                at--;
                            }
                            list_score[at * 64u + t] = score;
                            list_place[at * 64u + t] = params.first_row + row;
                            threshold = max(known, size(list_score[(K - 1u) * 64u + t]));
                        }
                    }
                }
            }
        }
    }
    if (keeps) {
        for (var i = 0u; i < K; i++) {
            let at = (group.y * K + i) * params.columns + mine;
            scores[at] = list_score[i * 64u + t];
            places[at] = list_place[i * 64u + t];
        }
        sums[group.y * params.columns + mine] = Sums(total, squares, counted, 0.0);
    }
}

@group(0) @binding(9) var<storage, read> found_scores: array<f32>;       // [stretches, K, columns]
@group(0) @binding(10) var<storage, read> found_places: array<u32>;      // [stretches, K, columns]
@group(0) @binding(11) var<storage, read> found_sums: array<Sums>;       // [stretches, columns]
@group(0) @binding(12) var<storage, read_write> all_scores: array<f32>;  // [K, columns], with sign
@group(0) @binding(13) var<storage, read_write> all_places: array<u32>;  // [K, columns]
@group(0) @binding(14) var<storage, read_write> all_sums: array<Sums>;   // [columns]
@group(0) @binding(15) var<storage, read_write> bounds: array<f32>;      // [K, columns], without sign: what `best` reads

@compute @workgroup_size(64)
fn merge(@builtin(global_invocation_id) id: vec3<u32>) {
    let i = id.x;
    let n = params.columns;
    if (i >= n) { return; }
    var total = all_sums[i];
    for (var stretch = 0u; stretch < params.stretches; stretch++) {
        let part = found_sums[stretch * n + i];
        total = Sums(total.total + part.total, total.squares + part.squares, total.rows + part.rows, 0.0);
        for (var k = 0u; k < K; k++) {
            let score = found_scores[(stretch * K + k) * n + i];
            // Lists are sorted, so the first that does not make it ends this one.
            if (size(score) <= size(all_scores[(K - 1u) * n + i])) { break; }
            var at = K - 1u;
            while (at > 0u) {
                let above = all_scores[(at - 1u) * n + i];
                if (size(above) >= size(score)) { break; }
                all_scores[at * n + i] = above;
                all_places[at * n + i] = all_places[(at - 1u) * n + i];
                at--;
            }
            all_scores[at * n + i] = score;
            all_places[at * n + i] = found_places[(stretch * K + k) * n + i];
        }
    }
    all_sums[i] = total;
    for (var k = 0u; k < K; k++) { bounds[k * n + i] = size(all_scores[k * n + i]); }
}

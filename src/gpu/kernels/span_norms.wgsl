// How much of each feature lies in each of a few subspaces: norms of runs of its coordinates.
//
// Coordinates come along orthonormal bases of the subspaces, one basis after the other: [sides, rows, width]. A thread
// takes one feature and one subspace. CPU twin: circuits::alignment's `Observed::projections`.

struct Params {
    rows: u32,
    width: u32, // coordinates of a feature
    spans: u32, // subspaces of a side
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> coordinates: array<f32>; // [sides, rows, width]
@group(0) @binding(2) var<storage, read> runs: array<vec2<u32>>;  // [sides, spans]: first coordinate, and how many
@group(0) @binding(3) var<storage, read_write> norms: array<f32>; // [sides, rows, spans]

@compute @workgroup_size(64)
fn span_norms(@builtin(global_invocation_id) id: vec3<u32>) {
    let row = id.x;
    if (row >= params.rows) { return; }
    let run = runs[id.z * params.spans + id.y];
    let first = (id.z * params.rows + row) * params.width + run.x;
    var sum = 0.0;
    for (var i = 0u; i < run.y; i++) {
        let x = coordinates[first + i];
        sum += x * x;
    }
    norms[(id.z * params.rows + row) * params.spans + id.y] = sqrt(sum);
}

//! The innermost tiles of the kernels, shaped so that the compiler vectorises them. In WebAssembly `fused.rs` stands in their place.

/// `Σ_i rows_i panel_iᵀ`, a tile of four by eight.
#[inline(always)]
pub(super) fn tile_f32(rows: &[[f32; 4]], panel: &[[f32; 8]]) -> [[f32; 8]; 4] {
    let mut sums = [[0.0; 8]; 4];
    for (x, w) in rows.iter().zip(panel) {
        for (sums, x) in sums.iter_mut().zip(x) {
            for (sum, w) in sums.iter_mut().zip(w) {
                *sum += x * w;
            }
        }
    }
    sums
}

/// `Σ_i b_i quad_iᵀ`, a tile of four columns of `b` by the four of the quad.
// Compiled on its own: inlined into its caller, the sums were seen to leave the registers.
#[inline(never)]
pub(super) fn tile_f64(quad: &[[f64; 4]], b: [&[f64]; 4]) -> [[f64; 4]; 4] {
    let n = quad.len();
    let (b0, b1, b2, b3) = (&b[0][..n], &b[1][..n], &b[2][..n], &b[3][..n]);
    let mut sums = [[0.0; 4]; 4];
    for i in 0..n {
        let y = [b0[i], b1[i], b2[i], b3[i]];
        for j in 0..4 {
            for lane in 0..4 {
                sums[j][lane] += quad[i][lane] * y[j];
            }
        }
    }
    sums
}

/// `c0 += Σ v_l w0_l`, `c1 += Σ v_l w1_l` for columns two entries at a time.
pub(super) fn add_to_two(
    c0: &mut [[f64; 2]],
    c1: &mut [[f64; 2]],
    v: [&[[f64; 2]]; 4],
    w0: [f64; 4],
    w1: [f64; 4],
) {
    let n = c0.len();
    let (v0, v1, v2, v3) = (&v[0][..n], &v[1][..n], &v[2][..n], &v[3][..n]);
    let c1 = &mut c1[..n];
    for i in 0..n {
        for lane in 0..2 {
            let v = [v0[i][lane], v1[i][lane], v2[i][lane], v3[i][lane]];
            c0[i][lane] += v[0] * w0[0] + v[1] * w0[1] + v[2] * w0[2] + v[3] * w0[3];
            c1[i][lane] += v[0] * w1[0] + v[1] * w1[1] + v[2] * w1[2] + v[3] * w1[3];
        }
    }
}

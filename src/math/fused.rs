//! The innermost tiles of the kernels in WebAssembly, with relaxed SIMD: a product and a sum in one instruction where the processor has one, which
//! rounds once, and is up to twice as fast where one unit does both. What is rounded differs in the last bit from machine to machine, so nothing that is replayed from a seed
//! stands on these.
//!
//! The compiler emits none of these instructions by itself. Browsers without them get the same program with a product and a sum in
//! place of each (`.ci/plain.mjs`).

use core::arch::wasm32::{
    f32x4, f32x4_extract_lane, f32x4_relaxed_madd, f32x4_splat, f64x2, f64x2_extract_lane,
    f64x2_relaxed_madd, f64x2_splat, v128,
};

/// `Σ_i rows_i panel_iᵀ`, a tile of four by eight.
#[target_feature(enable = "relaxed-simd")]
pub(super) fn tile_f32(rows: &[[f32; 4]], panel: &[[f32; 8]]) -> [[f32; 8]; 4] {
    let mut sums = [[f32x4_splat(0.0); 2]; 4];
    for (x, w) in rows.iter().zip(panel) {
        let w = [f32x4(w[0], w[1], w[2], w[3]), f32x4(w[4], w[5], w[6], w[7])];
        for (sums, x) in sums.iter_mut().zip(x) {
            let x = f32x4_splat(*x);
            sums[0] = f32x4_relaxed_madd(x, w[0], sums[0]);
            sums[1] = f32x4_relaxed_madd(x, w[1], sums[1]);
        }
    }
    let lanes = |v: v128| {
        [
            f32x4_extract_lane::<0>(v),
            f32x4_extract_lane::<1>(v),
            f32x4_extract_lane::<2>(v),
            f32x4_extract_lane::<3>(v),
        ]
    };
    sums.map(|[low, high]| {
        let (low, high) = (lanes(low), lanes(high));
        std::array::from_fn(|i| if i < 4 { low[i] } else { high[i - 4] })
    })
}

/// `Σ_i b_i quad_iᵀ`, a tile of four columns of `b` by the four of the quad.
#[target_feature(enable = "relaxed-simd")]
pub(super) fn tile_f64(quad: &[[f64; 4]], b: [&[f64]; 4]) -> [[f64; 4]; 4] {
    let n = quad.len();
    let (b0, b1, b2, b3) = (&b[0][..n], &b[1][..n], &b[2][..n], &b[3][..n]);
    let mut sums = [[f64x2_splat(0.0); 2]; 4];
    for i in 0..n {
        let x = [f64x2(quad[i][0], quad[i][1]), f64x2(quad[i][2], quad[i][3])];
        for (sums, y) in sums.iter_mut().zip([b0[i], b1[i], b2[i], b3[i]]) {
            let y = f64x2_splat(y);
            sums[0] = f64x2_relaxed_madd(x[0], y, sums[0]);
            sums[1] = f64x2_relaxed_madd(x[1], y, sums[1]);
        }
    }
    sums.map(|[low, high]| {
        let ([a, b], [c, d]) = (lanes(low), lanes(high));
        [a, b, c, d]
    })
}

/// `c0 += Σ v_l w0_l`, `c1 += Σ v_l w1_l` for columns two entries at a time.
#[target_feature(enable = "relaxed-simd")]
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
    let (w0, w1) = (w0.map(|w| f64x2_splat(w)), w1.map(|w| f64x2_splat(w)));
    for i in 0..n {
        let v = [pair(v0[i]), pair(v1[i]), pair(v2[i]), pair(v3[i])];
        let (mut left, mut right) = (pair(c0[i]), pair(c1[i]));
        for l in 0..4 {
            left = f64x2_relaxed_madd(v[l], w0[l], left);
            right = f64x2_relaxed_madd(v[l], w1[l], right);
        }
        (c0[i], c1[i]) = (lanes(left), lanes(right));
    }
}

#[inline(always)]
fn pair(x: [f64; 2]) -> v128 {
    f64x2(x[0], x[1])
}

#[inline(always)]
fn lanes(v: v128) -> [f64; 2] {
    [f64x2_extract_lane::<0>(v), f64x2_extract_lane::<1>(v)]
}

//! The GPU in f32 against the CPU in f64: every demand of the SVD on heads made to break it, products and searches.
//!
//! Runs on whatever adapter there is, llvmpipe included.
#![cfg(all(feature = "gpu", not(target_arch = "wasm32")))]
#![allow(clippy::unwrap_used, reason = "in a test, a failed unwrap is a failed test")]

use crate::support::gpu as support;

use omega_lens::engine::self_test::checks;
use omega_lens::gpu::{Factors, GpuError, Operand, Plant, Raw, SvdBatch};
use omega_lens::math::Mat;
use omega_lens::math::random::Rng;
use omega_lens::model::activation::Activation;
use pollster::block_on;
use support::{decompose, gpu, seed};

fn meets_every_demand(d: usize, h: usize, plants: &[Plant]) {
    let Some(gpu) = gpu() else { return };
    let seed = seed();
    let mut rng = Rng::new(seed);
    let heads: Vec<(Mat, Mat)> = plants.iter().map(|plant| plant.factors(d, h, &mut rng)).collect();
    let mut failed = Vec::new();
    for ((plant, (a, b)), svd) in plants.iter().zip(&heads).zip(decompose(&gpu, &heads)) {
        let finite = svd.s.iter().all(|s| s.is_finite())
            && svd.u.iter().chain(&svd.v).all(|x| x.is_finite());
        assert!(finite, "{plant:?} at {d} × {h}");
        for check in checks(&svd, a, b, plant.rank(h)) {
            if !check.passed() {
                failed.push(format!(
                    "{plant:?}: {} {:.2e} > {:.2e}",
                    check.what, check.error, check.tolerance
                ));
            }
        }
        if !svd.certificate.passed() {
            failed.push(format!("{plant:?}: {:?}", svd.certificate));
        }
    }
    assert!(failed.is_empty(), "{d} × {h}, seed {seed}:\n{}", failed.join("\n"));
}

#[test]
fn heads_16_wide_meet_every_demand() {
    meets_every_demand(64, 16, &Plant::ALL);
    meets_every_demand(8192, 16, &Plant::ALL[..2]);
}

#[test]
fn heads_32_wide_meet_every_demand() {
    meets_every_demand(384, 32, &Plant::ALL);
}

#[test]
fn heads_64_wide_meet_every_demand() {
    meets_every_demand(768, 64, &Plant::ALL);
    meets_every_demand(4096, 64, &Plant::ALL[2..3]);
}

#[test]
fn heads_80_wide_meet_every_demand() {
    meets_every_demand(300, 80, &Plant::ALL);
}

#[test]
fn heads_128_wide_meet_every_demand() {
    meets_every_demand(512, 128, &Plant::ALL[..12]);
}

#[test]
fn heads_256_wide_meet_every_demand() {
    meets_every_demand(512, 256, &Plant::ALL[2..6]);
    meets_every_demand(4096, 256, &Plant::ALL[2..3]);
}

/// A head's spectrum after `change` of its factors, against the one before.
fn spectrum_survives(change: impl Fn(&Mat, &Mat, &mut Rng) -> (Mat, Mat), tolerance: f64) {
    let Some(gpu) = gpu() else { return };
    let mut rng = Rng::new(seed());
    let (a, b) = Plant::Balanced(1e3).factors(200, 48, &mut rng);
    let heads = [(a.clone(), b.clone()), change(&a, &b, &mut rng)];
    let [before, after] = [0, 1].map(|i| decompose(&gpu, &heads)[i].s.clone());
    for (x, y) in before.iter().zip(&after) {
        assert!((x - y).abs() <= tolerance * x, "{x} became {y}");
    }
}

#[test]
fn a_spectrum_survives_what_leaves_the_product_alone() {
    spectrum_survives(
        |a, b, rng| {
            let order = rng.permutation(a.ncols());
            (a.select_columns(&order), b.select_columns(&order))
        },
        1e-5,
    );
    spectrum_survives(
        |a, b, _| {
            let scale = |k: usize, sign: i32| 2f64.powi(sign * (k as i32 % 40 - 20));
            (
                Mat::from_fn(a.nrows(), a.ncols(), |i, k| a[(i, k)] * scale(k, 1)),
                Mat::from_fn(b.nrows(), b.ncols(), |i, k| b[(i, k)] * scale(k, -1)),
            )
        },
        1e-5,
    );
    spectrum_survives(|a, b, _| (b.clone(), a.clone()), 1e-5);
    // Powers of two are exact: not one bit may change.
    let Some(gpu) = gpu() else { return };
    let (a, b) = Plant::Gauss.factors(200, 48, &mut Rng::new(seed()));
    let svds = decompose(&gpu, &[(a.clone(), b.clone()), (a * 2f64.powi(70), b * 2f64.powi(-9))]);
    for (x, y) in svds[0].s.iter().zip(&svds[1].s) {
        assert_eq!(x * 2f64.powi(61), *y);
    }
    assert_eq!((&svds[0].u, &svds[0].v), (&svds[1].u, &svds[1].v));
}

#[test]
fn heads_that_share_a_factor_are_decomposed_like_heads_that_do_not() {
    let Some(gpu) = gpu() else { return };
    let mut rng = Rng::new(seed());
    let (mut queries, mut keys) = (Factors::new(130, 20).unwrap(), Factors::new(90, 20).unwrap());
    let heads: Vec<(usize, usize)> = (0..6).map(|head| (head, head / 3)).collect();
    let mut mats = (Vec::new(), Vec::new());
    for _ in 0..6 {
        mats.0.push(rng.normal_matrix(130, 20).map(|x| f64::from(x as f32)));
        queries.push(&mats.0[mats.0.len() - 1]).unwrap();
    }
    for _ in 0..2 {
        mats.1.push(rng.normal_matrix(90, 20).map(|x| f64::from(x as f32)));
        keys.push(&mats.1[mats.1.len() - 1]).unwrap();
    }
    let batch = SvdBatch { left: &queries, right: &keys, heads: &heads, vectors: true };
    for (svd, &(query, key)) in block_on(gpu.svd(&batch)).unwrap().iter().zip(&heads) {
        for check in checks(svd, &mats.0[query], &mats.1[key], 20) {
            assert!(check.passed(), "head {query}: {check:?}");
        }
    }
}

/// `values` in a 16-bit format, and what they are after rounding to it.
fn half_precision(values: &[f32], brain: bool) -> (Vec<u8>, Vec<f32>) {
    let bits = |x: &f32| {
        if brain { half::bf16::from_f32(*x).to_bits() } else { half::f16::from_f32(*x).to_bits() }
    };
    let wide = |x: u16| {
        if brain { half::bf16::from_bits(x).to_f32() } else { half::f16::from_bits(x).to_f32() }
    };
    let bits: Vec<u16> = values.iter().map(bits).collect();
    (bits.iter().flat_map(|x| x.to_le_bytes()).collect(), bits.iter().map(|&x| wide(x)).collect())
}

#[test]
fn products_match_in_every_format_and_transposition() {
    let Some(gpu) = gpu() else { return };
    let mut rng = Rng::new(seed());
    for (m, k, n) in [(1, 1, 1), (130, 7, 33), (65, 129, 16), (200, 40, 70)] {
        for (brain, transposed) in
            [(None, [false, true]), (Some(true), [true, false]), (Some(false), [true, true])]
        {
            let count = 2;
            let mut draw = |size: usize| -> Vec<f32> {
                // Down to the subnormal halves: they are numbers too.
                (0..size).map(|i| (rng.normal() * 10f64.powi(-(i as i32 % 8))) as f32).collect()
            };
            let (a, b) = (draw(count * m * k), draw(count * k * n));
            let packed = brain.map(|brain| [half_precision(&a, brain), half_precision(&b, brain)]);
            let (raw_a, raw_b, a, b) = match (&packed, brain) {
                (Some([a, b]), Some(true)) => (Raw::Bf16(&a.0), Raw::Bf16(&b.0), &a.1, &b.1),
                (Some([a, b]), _) => (Raw::F16(&a.0), Raw::F16(&b.0), &a.1, &b.1),
                (None, _) => (Raw::F32(&a), Raw::F32(&b), &a, &b),
            };
            let stored = |rows, cols, turn: bool| if turn { (cols, rows) } else { (rows, cols) };
            let ((a_rows, a_cols), (b_rows, b_cols)) =
                (stored(m, k, transposed[0]), stored(k, n, transposed[1]));
            let left = Operand {
                values: raw_a,
                n_rows: a_rows,
                n_cols: a_cols,
                transposed: transposed[0],
            };
            let right = Operand {
                values: raw_b,
                n_rows: b_rows,
                n_cols: b_cols,
                transposed: transposed[1],
            };
            let product = block_on(gpu.gemm(count, left, right)).unwrap();
            let entry = |values: &[f32],
                         batch: usize,
                         (rows, cols): (usize, usize),
                         turn: bool,
                         i: usize,
                         j: usize| {
                let (i, j) = if turn { (j, i) } else { (i, j) };
                f64::from(values[batch * rows * cols + i * cols + j])
            };
            for (at, &found) in product.iter().enumerate() {
                let (batch, i, j) = (at / (m * n), at / n % m, at % n);
                let terms = (0..k).map(|l| {
                    entry(a, batch, (a_rows, a_cols), transposed[0], i, l)
                        * entry(b, batch, (b_rows, b_cols), transposed[1], l, j)
                });
                let (sum, size) =
                    terms.fold((0.0, 0.0), |(sum, size), term| (sum + term, size + f64::abs(term)));
                let error = (f64::from(found) - sum).abs();
                assert!(
                    error <= 1e-6 * size + 1e-38,
                    "{m} {k} {n} {brain:?} at {i}, {j}: {found} for {sum}"
                );
            }
        }
    }
}

/// Unit vectors of dimension `d`, row-major.
fn unit_rows(n: usize, d: usize, rng: &mut Rng) -> Vec<f32> {
    let mut rows = Vec::with_capacity(n * d);
    for _ in 0..n {
        let row: Vec<f64> = (0..d).map(|_| rng.normal()).collect();
        let norm = row.iter().map(|x| x * x).sum::<f64>().sqrt();
        rows.extend(row.iter().map(|x| (x / norm) as f32));
    }
    rows
}

#[test]
fn the_closest_rows_are_found_in_every_format() {
    let Some(gpu) = gpu() else { return };
    let mut rng = Rng::new(seed());
    for (n, d, rows, k, brain) in
        [(70, 33, 2001, 10, Some(true)), (3, 96, 5000, 16, Some(false)), (130, 64, 700, 1, None)]
    {
        let directions = unit_rows(n, d, &mut rng);
        let offsets: Vec<f32> = (0..n).map(|i| 0.01 * i as f32 / n as f32).collect();
        let scales: Vec<f32> = (0..rows).map(|i| 1.0 + 0.5 * (i % 3) as f32).collect();
        let drawn = unit_rows(rows, d, &mut rng);
        let (bytes, rounded) =
            brain.map_or((Vec::new(), drawn.clone()), |brain| half_precision(&drawn, brain));
        let mut search = block_on(gpu.top_k(&directions, d, k, Some(&offsets))).unwrap();
        let mut begin = 0;
        for size in [1, 300, 129, rows] {
            let end = (begin + size).min(rows);
            let part = match brain {
                Some(true) => Raw::Bf16(&bytes[2 * begin * d..2 * end * d]),
                Some(false) => Raw::F16(&bytes[2 * begin * d..2 * end * d]),
                None => Raw::F32(&drawn[begin * d..end * d]),
            };
            block_on(search.push(part, &scales[begin..end])).unwrap();
            begin = end;
        }
        let tolerance = 4.0 * (d as f64).sqrt() * 6e-8 * 2.0;
        for (i, matches) in block_on(search.finish()).unwrap().iter().enumerate() {
            let score = |row: usize| {
                let direction = &directions[i * d..(i + 1) * d];
                let dot: f64 = direction
                    .iter()
                    .zip(&rounded[row * d..])
                    .map(|(t, x)| f64::from(*t) * f64::from(*x))
                    .sum();
                (dot - f64::from(offsets[i])) * f64::from(scales[row])
            };
            let scores: Vec<f64> = (0..rows).map(score).collect();
            let mut order: Vec<usize> = (0..rows).collect();
            order.sort_by(|&x, &y| scores[y].abs().total_cmp(&scores[x].abs()));
            assert_eq!(matches.best.len(), k);
            for (rank, &(row, found)) in matches.best.iter().enumerate() {
                let (row, found) = (row as usize, f64::from(found));
                assert!(
                    (found - scores[row]).abs() <= tolerance,
                    "row {row}: {found} for {}",
                    scores[row]
                );
                let best = scores[order[rank]].abs();
                assert!((found.abs() - best).abs() <= tolerance, "rank {rank}: {found} for {best}");
            }
            let mean = scores.iter().sum::<f64>() / rows as f64;
            let mean_square = scores.iter().map(|s| s * s).sum::<f64>() / rows as f64;
            assert!((matches.mean - mean).abs() <= 1e-6, "{} for {mean}", matches.mean);
            assert!(
                (matches.mean_square / mean_square - 1.0).abs() <= 1e-5,
                "{} for {mean_square}",
                matches.mean_square
            );
        }
    }
}

#[test]
fn every_activation_is_what_the_cpu_makes_of_it() {
    let Some(gpu) = gpu() else { return };
    let mut rng = Rng::new(seed());
    let (rows, width) = (7, 90);
    let (bias, values) = (rng.normal_matrix(1, 2 * width), rng.normal_matrix(rows, 2 * width));
    let bias: Vec<f32> = bias.iter().map(|&x| x as f32).collect();
    // From the middle of the curves to far out on both sides, where an exponent would leave f32.
    let mut values: Vec<f32> = values.iter().map(|&x| (3.0 * x) as f32).collect();
    (values[3], values[4], values[5]) = (200.0, -200.0, 0.0);
    for name in ["relu", "gelu", "gelu_new", "quick_gelu", "silu", "relu2"] {
        let activation = Activation::named(name);
        for gated in [false, true] {
            let found = block_on(gpu.activate(&activation, gated, &bias, &values)).unwrap();
            let mut expected = Vec::new();
            for row in values.chunks_exact(2 * width) {
                let mut row: Vec<f32> = row.iter().zip(&bias).map(|(x, b)| x + b).collect();
                let (gate, up) = row.split_at_mut(width);
                activation.apply(gate);
                if gated {
                    expected.extend(gate.iter().zip(up).map(|(g, u)| g * *u));
                } else {
                    activation.apply(up);
                    expected.extend(row);
                }
            }
            assert_eq!(expected.len(), found.len());
            for (x, y) in expected.iter().zip(&found) {
                // A few units in the last place of an exponential, and 6e-7 of the error function on both sides.
                assert!((x - y).abs() <= 3e-6 * x.abs().max(1.0), "{name}, {gated}: {y} for {x}");
            }
        }
    }
    let refused = |bias: &[f32]| block_on(gpu.activate(&Activation::Silu, true, bias, &values));
    assert!(matches!(refused(&[]), Err(GpuError::Shape { .. })));
    assert!(matches!(refused(&bias[..9]), Err(GpuError::Shape { .. })));
}

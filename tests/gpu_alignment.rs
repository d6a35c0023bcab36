//! Sides of heads against a dictionary, on the GPU and on the CPU: the same features, cosines and rotated maxima.
#![cfg(all(feature = "gpu", not(target_arch = "wasm32")))]
#![allow(clippy::unwrap_used, reason = "in a test, a failed unwrap is a failed test")]

use crate::support::gpu as support;

use omega_lens::circuits::alignment::{
    AlignOptions, Alignment, HeadSide, RotationCount, Side, SideFound,
};
use omega_lens::circuits::dictionary::Frame;
use omega_lens::gpu::{AlignBatch, GpuError};
use omega_lens::math::random::Rng;
use pollster::block_on;
use support::gpu;

const D: usize = 48;
const OPTIONS: AlignOptions =
    AlignOptions { top: 4, rotations: RotationCount::Exactly(5), seed: 3 };

/// Directions of one rank with these singular values; equal ones form degenerate blocks.
fn side(rng: &mut Rng, head: usize, sigma: &[f64]) -> HeadSide {
    let basis = rng.normal_matrix(D, sigma.len()).qr().q();
    HeadSide::new(0, head, Side::Src, &basis, sigma)
}

/// Gaussian rows; every seventh is zero.
fn rows(rng: &mut Rng, n: usize) -> Vec<f32> {
    let row = |i: usize| if i % 7 == 3 { 0.0 } else { 1.0 };
    (0..n * D).map(|i| (rng.normal() * row(i / D)) as f32).collect()
}

#[test]
fn what_is_found_is_what_the_cpu_finds() {
    let Some(gpu) = gpu() else { return };
    let mut rng = Rng::new(8);
    let frame = Frame {
        d_model: D,
        centre: true,
        mean: (0..D).map(|i| if i % 2 == 0 { 1.0 } else { -1.0 } / (D as f32).sqrt()).collect(),
    };
    // Blocks of two and of three, one of five, none at all.
    let sigmas = [[4.0, 4.0, 3.0, 2.0, 2.0, 2.0], [1.0; 6], [6.0, 5.0, 4.0, 3.0, 2.0, 1.0]];
    let sides: Vec<HeadSide> =
        sigmas.iter().enumerate().map(|(i, s)| side(&mut rng, i, s)).collect();
    let n = 700;
    let features = rows(&mut rng, n);
    let new = || Alignment::new(sides.clone(), frame.clone(), n, None, OPTIONS).unwrap();
    let (mut cpu, mut handed_over) = (new(), new());
    let operands = handed_over.operands();
    assert_eq!(operands.iter().map(|s| s.spans.len()).collect::<Vec<_>>(), [2, 1, 0]);
    let batch = AlignBatch {
        sides: &operands,
        rotated_axes: &handed_over.rotated_axes(6),
        d_model: D,
        top: OPTIONS.top,
    };
    let mut search = block_on(gpu.align(batch)).unwrap();
    let (mut first, mut n_features) = (0, 0);
    for size in [1, 255, 256, n] {
        let end = (first + size).min(n);
        let block = frame.unit_block(first, features[first * D..end * D].to_vec());
        cpu.step(&block).unwrap();
        block_on(search.push(&block.rows)).unwrap();
        n_features += block.len() - block.skipped.len();
        first = end;
    }
    handed_over.take(block_on(search.finish()).unwrap(), n, n_features).unwrap();
    let (cpu, gpu) = (cpu.report(), handed_over.report());
    assert_eq!(cpu.comparison, gpu.comparison);
    for (cpu, gpu) in cpu.sides.iter().zip(&gpu.sides) {
        let nulls = [cpu, gpu].map(|side| side.rotation_null.clone().unwrap());
        assert!((nulls[0].mean - nulls[1].mean).abs() < 1e-6, "{nulls:?}");
        assert!((nulls[0].sd - nulls[1].sd).abs() < 1e-6, "{nulls:?}");
        let lists = |side: &omega_lens::circuits::alignment::SideAlignment| {
            let of = side.directions.iter().flat_map(|d| [d.positive.clone(), d.negative.clone()]);
            of.chain(side.blocks.iter().map(|b| b.best.clone())).collect::<Vec<_>>()
        };
        let (cpu, gpu) = (lists(cpu), lists(gpu));
        assert_eq!(cpu.len(), gpu.len());
        for (cpu, gpu) in cpu.iter().zip(&gpu) {
            assert_eq!(gpu.len(), OPTIONS.top);
            for (cpu, gpu) in cpu.iter().zip(gpu) {
                assert_eq!(cpu.index, gpu.index);
                assert!((cpu.cos - gpu.cos).abs() < 1e-6, "{cpu:?} {gpu:?}");
            }
        }
    }
}

#[test]
fn one_direction_and_none_are_compared_too() {
    let Some(gpu) = gpu() else { return };
    let mut rng = Rng::new(2);
    let frame = Frame::plain(D, false);
    let features = frame.unit_block(0, rows(&mut rng, 40));
    for sigma in [&[2.0][..], &[]] {
        let sides = vec![side(&mut rng, 0, sigma)];
        let mut alignment = Alignment::new(sides, frame.clone(), 40, None, OPTIONS).unwrap();
        let operands = alignment.operands();
        let axes = alignment.rotated_axes(sigma.len());
        assert!(axes.is_empty());
        let batch = AlignBatch { sides: &operands, rotated_axes: &axes, d_model: D, top: 4 };
        let mut search = block_on(gpu.align(batch)).unwrap();
        block_on(search.push(&features.rows)).unwrap();
        alignment.take(block_on(search.finish()).unwrap(), 40, 34).unwrap();
        let side = &alignment.report().sides[0];
        assert_eq!(side.directions.len(), sigma.len());
        assert!(side.directions.iter().all(|d| d.positive.len() == 4 && d.best[0].cos.abs() > 0.1));
    }
}

#[test]
fn what_does_not_fit_is_refused() {
    let Some(gpu) = gpu() else { return };
    let mut rng = Rng::new(5);
    let sides = vec![side(&mut rng, 0, &[2.0, 1.0]), side(&mut rng, 1, &[1.0])];
    let mut alignment = Alignment::new(sides, Frame::plain(D, false), 9, None, OPTIONS).unwrap();
    let operands = alignment.operands();
    let batch = AlignBatch { sides: &operands, rotated_axes: &[], d_model: D, top: 4 };
    assert!(matches!(block_on(gpu.align(batch)), Err(GpuError::Shape { .. })));
    let batch = AlignBatch { sides: &operands[..1], top: 17, ..batch };
    assert!(matches!(block_on(gpu.align(batch)), Err(GpuError::Limit { .. })));
    let batch = AlignBatch { top: 4, ..batch };
    let mut search = block_on(gpu.align(batch)).unwrap();
    assert!(matches!(block_on(search.push(&[1.0; D + 1])), Err(GpuError::Shape { .. })));
    assert!(alignment.take(vec![SideFound::default(); 2], 9, 9).is_err());
    assert!(alignment.take(Vec::new(), 9, 9).is_err());
}

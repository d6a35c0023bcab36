//! The engine on a GPU: the same spectra as on the CPU, and nothing lost when the device goes in the middle of the job.
#![cfg(all(feature = "gpu", feature = "page", not(target_arch = "wasm32")))]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "in a test, a failed unwrap is a failed test"
)]

use crate::support::gpu as support;

use std::collections::BTreeMap;
use std::path::Path;

use omega_lens::checkpoint::{ByteSource, FileSource};
use omega_lens::circuits::alignment::{AlignmentReport, RotationCount};
use omega_lens::circuits::dictionary::Builtin;
use omega_lens::engine::Engine;
use omega_lens::model::Weights;
use omega_lens::protocol::features::{Align, AlignPart, Comparing, Source};
use omega_lens::protocol::gpu::{GpuChoice, GpuReport};
use omega_lens::protocol::heads::{By, HeadSpectra, Spectra};
use omega_lens::protocol::model::Open;
use omega_lens::protocol::{Asked, Question, Tell};
use pollster::block_on;
use support::{gpu, now};

/// The built-in model in an engine of its own.
fn engine() -> Engine {
    let mut engine = Engine::with_clock(now);
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/www/models/names");
    let file = |name: &str| -> Box<dyn ByteSource> {
        Box::new(FileSource::open(Path::new(&format!("{root}/{name}"))).unwrap())
    };
    let sources = vec![file("step-04000.safetensors"), file("config.json")];
    let mut out = |_, _| {};
    block_on(engine.answer(Open::default().into(), sources, &mut out)).unwrap();
    engine
}

/// Every part of the answer to one question.
fn ask(engine: &mut Engine, asked: impl Into<Asked>) -> Vec<Tell> {
    let mut told = Vec::new();
    let mut out = |tell, _| told.push(tell);
    block_on(engine.answer(asked.into(), vec![], &mut out)).unwrap();
    told
}

fn spectra(told: &[Tell]) -> BTreeMap<(usize, usize), HeadSpectra> {
    told.iter()
        .filter_map(|tell| Spectra::answer(tell.clone())?.ok())
        .map(|spectra| ((spectra.layer, spectra.head), spectra))
        .collect()
}

fn reports(told: &[Tell]) -> Vec<&GpuReport> {
    told.iter()
        .filter_map(|tell| if let Tell::Gpu(report) = tell { Some(report) } else { None })
        .collect()
}

fn all() -> Spectra {
    Spectra { layers: vec![0, 1, 2], weights: Weights::Folded }
}

fn on_cpu(engine: &mut Engine) -> BTreeMap<(usize, usize), HeadSpectra> {
    spectra(&ask(engine, all()))
}

fn on_gpu(engine: &mut Engine, choice: GpuChoice) -> Vec<Tell> {
    ask(engine, Asked { gpu: Some(choice), ..Asked::from(all()) })
}

fn assert_same(
    gpu: &BTreeMap<(usize, usize), HeadSpectra>,
    cpu: &BTreeMap<(usize, usize), HeadSpectra>,
) {
    for (at, gpu) in gpu {
        let cpu = &cpu[at];
        for (gpu, cpu) in [(&gpu.qk, &cpu.qk), (&gpu.ov, &cpu.ov)] {
            assert_ne!(gpu.by, By::Cpu);
            for (x, y) in gpu.sigma.iter().zip(&cpu.sigma) {
                assert!((x - y).abs() <= 1e-5 * cpu.sigma[0], "{at:?}: {x} for {y}");
            }
            let [x, y] = [gpu, cpu].map(|s| s.statistics.stable_rank);
            assert!((x - y).abs() <= 1e-4 * y);
        }
    }
}

#[test]
fn spectra_from_either_are_interchangeable() {
    if gpu().is_none() {
        return;
    }
    let mut engine = engine();
    let told = on_gpu(&mut engine, GpuChoice::Always);
    assert!(matches!(reports(&told)[..], [GpuReport::Kept { .. }]), "{:?}", reports(&told));
    let found = spectra(&told);
    assert_eq!(found.len(), 12);
    assert_same(&found, &on_cpu(&mut engine));
}

#[test]
fn a_lost_device_costs_one_layer_and_no_result() {
    if gpu().is_none() {
        return;
    }
    let mut engine = engine();
    let told = on_gpu(&mut engine, GpuChoice::Drill { losses: 2 });
    let resumed = reports(&told).iter().filter(|r| matches!(r, GpuReport::Resumed { .. })).count();
    assert_eq!(resumed, 2, "{:?}", reports(&told));
    let layers = |tell: &&Tell| matches!(tell, Tell::Progress { total: 3, .. });
    assert_eq!(told.iter().filter(layers).count(), 3);
    assert_same(&spectra(&told), &on_cpu(&mut engine));
}

#[test]
fn the_third_loss_leaves_the_rest_to_the_cpu() {
    if gpu().is_none() {
        return;
    }
    let told = on_gpu(&mut engine(), GpuChoice::Drill { losses: 3 });
    let Some(GpuReport::LeftToCpu { layers, why, .. }) = reports(&told).last() else {
        panic!("{:?}", reports(&told));
    };
    assert_eq!(layers[..], [1, 2]);
    assert!(why.contains("lost"), "{why}");
    assert_eq!(spectra(&told).len(), 4);
}

#[test]
fn a_software_adapter_is_never_chosen_by_itself() {
    let Some(gpu) = gpu() else { return };
    if !gpu.description().software {
        return;
    }
    let told = on_gpu(&mut engine(), GpuChoice::IfFaster { workers: 1 });
    let left = GpuReport::LeftToCpu { layers: vec![0, 1, 2], why: String::new(), ms: None };
    assert_eq!(reports(&told)[..], [&left]);
}

fn alignments(told: Vec<Tell>) -> BTreeMap<(usize, usize), AlignmentReport> {
    told.into_iter()
        .filter_map(|tell| match Align::answer(tell) {
            Some(AlignPart::Report(report)) => {
                Some(((report.sides[0].layer, report.sides[0].head), *report))
            }
            _ => None,
        })
        .collect()
}

/// Every number of a comparison is the same on the GPU, within the rounding of f32 products.
#[test]
fn heads_are_compared_with_a_dictionary_alike() {
    if gpu().is_none() {
        return;
    }
    let mut engine = engine();
    for (whiten, losses) in [(false, 0), (true, 2)] {
        let how = Comparing {
            seed: 0,
            source: Source::Model(Builtin::Embed),
            weights: Weights::Folded,
            remove_mean: !whiten,
            top: 10,
            rotations: RotationCount::Exactly(16),
            whiten,
        };
        let choice = GpuChoice::Drill { losses };
        let heads = (0..3).flat_map(|layer| (0..4).map(move |head| (layer, head))).collect();
        let asked = Asked::from(Align { how: how.clone(), heads });
        let told = ask(&mut engine, Asked { gpu: Some(choice), ..asked });
        assert!(reports(&told).iter().all(|r| !matches!(r, GpuReport::LeftToCpu { .. })));
        let found = alignments(told);
        assert_eq!(found.len(), 12);
        let mut sides = found.values().flat_map(|report| &report.sides);
        assert!(sides.any(|side| !side.blocks.is_empty()), "no degenerate block was compared");
        for (at, gpu) in found {
            let cpu = ask(&mut engine, Align { how: how.clone(), heads: vec![at] });
            assert_same_alignment(&gpu, &alignments(cpu)[&at]);
        }
    }
}

fn assert_same_alignment(gpu: &AlignmentReport, cpu: &AlignmentReport) {
    assert_eq!(gpu.comparison, cpu.comparison);
    assert_eq!(gpu.sides.len(), 4);
    // Cosines are sums of 64 products in f32.
    let close = |x: f64, y: f64, scale: f64| assert!((x - y).abs() <= 1e-5 * scale, "{x} for {y}");
    for (gpu, cpu) in gpu.sides.iter().zip(&cpu.sides) {
        assert_eq!((gpu.layer, gpu.head, gpu.side), (cpu.layer, cpu.head, cpu.side));
        close(gpu.mmcs, cpu.mmcs, 1.0);
        close(gpu.mmcs_weighted, cpu.mmcs_weighted, 1.0);
        match (&gpu.rotation_null, &cpu.rotation_null) {
            (Some(gpu), Some(cpu)) => {
                close(gpu.mean, cpu.mean, 1.0);
                close(gpu.sd, cpu.sd, 1.0);
            }
            (gpu, cpu) => assert_eq!(gpu, cpu),
        }
        for (gpu, cpu) in gpu.directions.iter().zip(&cpu.directions) {
            assert_eq!((gpu.k, gpu.block, gpu.best.len()), (cpu.k, cpu.block, cpu.best.len()));
            let ends = [
                (&gpu.best, &cpu.best),
                (&gpu.positive, &cpu.positive),
                (&gpu.negative, &cpu.negative),
            ];
            for (gpu, cpu) in ends {
                assert_eq!(gpu.len(), cpu.len());
                gpu.iter().zip(cpu).for_each(|(gpu, cpu)| close(gpu.cos, cpu.cos, 1.0));
                // Neighbours may change places where they are equal to f32; the first has to be one of the first two.
                if let Some(first) = gpu.first() {
                    let best = cpu
                        .iter()
                        .take(2)
                        .any(|m| (m.index, &m.label) == (first.index, &first.label));
                    assert!(best, "{gpu:?} for {cpu:?}");
                }
            }
        }
        assert_eq!(gpu.blocks.len(), cpu.blocks.len());
        for (gpu, cpu) in gpu.blocks.iter().zip(&cpu.blocks) {
            assert_eq!((gpu.start, gpu.end, gpu.best.len()), (cpu.start, cpu.end, cpu.best.len()));
            gpu.best.iter().zip(&cpu.best).for_each(|(gpu, cpu)| close(gpu.cos, cpu.cos, 1.0));
        }
    }
}

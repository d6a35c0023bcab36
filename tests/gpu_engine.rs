//! The engine on a GPU: the same spectra as on the CPU, and nothing lost when the device goes in the middle of the job.
#![cfg(all(feature = "gpu", feature = "page", not(target_arch = "wasm32")))]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "in a test, a failed unwrap is a failed test"
)]

#[path = "support/gpu.rs"]
mod support;

use std::collections::BTreeMap;
use std::path::Path;

use omega_lens::checkpoint::{ByteSource, FileSource};
use omega_lens::engine::Engine;
use omega_lens::model::Weights;
use omega_lens::worker::protocol::heads::{
    Ask as Heads, By, GpuChoice, GpuReport, HeadSpectra, Tell as HeadTell,
};
use omega_lens::worker::protocol::model::Hints;
use omega_lens::worker::protocol::{Ask, Tell};
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
    block_on(engine.answer(Ask::Open(Hints::default()), vec![], sources, &mut out)).unwrap();
    engine
}

/// Every part of the answer to one question about heads.
fn ask(engine: &mut Engine, ask: Heads) -> Vec<HeadTell> {
    let mut told = Vec::new();
    let mut out = |tell, _| {
        if let Tell::Heads(tell) = tell {
            told.push(tell);
        }
    };
    block_on(engine.answer(Ask::Heads(ask), vec![], vec![], &mut out)).unwrap();
    told
}

fn spectra(told: &[HeadTell]) -> BTreeMap<(usize, usize), HeadSpectra> {
    told.iter()
        .filter_map(|tell| match tell {
            HeadTell::Spectrum(s) => Some(((s.layer, s.head), s.clone())),
            _ => None,
        })
        .collect()
}

fn reports(told: &[HeadTell]) -> Vec<&GpuReport> {
    told.iter()
        .filter_map(|tell| if let HeadTell::Gpu(report) = tell { Some(report) } else { None })
        .collect()
}

fn on_cpu(engine: &mut Engine) -> BTreeMap<(usize, usize), HeadSpectra> {
    let weights = Weights::Folded;
    (0..3).flat_map(|layer| spectra(&ask(engine, Heads::Spectra { layer, weights }))).collect()
}

fn on_gpu(engine: &mut Engine, choice: GpuChoice) -> Vec<HeadTell> {
    ask(engine, Heads::SpectraOnGpu { layers: vec![0, 1, 2], weights: Weights::Folded, choice })
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
    assert_eq!(told.iter().filter(|tell| matches!(tell, HeadTell::Layer)).count(), 3);
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

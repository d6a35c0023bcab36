//! Prompts with their products on the GPU: what every head shows is what the CPU finds, also when the device goes away.
#![cfg(all(feature = "gpu", feature = "page", not(target_arch = "wasm32")))]
#![allow(clippy::unwrap_used, reason = "in a test, a failed unwrap is a failed test")]

use crate::support::built_in;
use crate::support::gpu as support;

use std::collections::BTreeMap;

use built_in::{answers, indirect_objects, open, told as all_told};
use omega_lens::circuits::sad::set::{HeadEvents, HeadSetReport};
use omega_lens::engine::Engine;
use omega_lens::protocol::attention::{Prompt, Run, RunPart, SetPart, SetSpec};
use omega_lens::protocol::gpu::{GpuChoice, GpuReport};
use omega_lens::protocol::{Asked, Question, Tell};
use support::{gpu, now};

const PROMPT: &str = "When Mary and John went to the store , John gave a drink to";

type Told = Vec<(Tell, Vec<Vec<f32>>)>;

fn heads(told: &Told) -> BTreeMap<(usize, usize), HeadSetReport> {
    let head = |part| match part {
        SetPart::Head { layer, head, seen } => {
            let seen: &HeadEvents = &seen;
            Some(((layer, head), seen.report()))
        }
        _ => None,
    };
    answers::<SetSpec>(told.clone()).into_iter().filter_map(head).collect()
}

fn done(told: &Told) -> Option<(usize, Option<usize>)> {
    answers::<SetSpec>(told.clone()).into_iter().find_map(|part| match part {
        SetPart::Answered { n, correct, .. } => Some((n, correct)),
        _ => None,
    })
}

fn reports(told: &Told) -> Vec<GpuReport> {
    let report = |(tell, _): &(Tell, _)| match tell {
        Tell::Gpu(report) => Some(report.clone()),
        _ => None,
    };
    told.iter().filter_map(report).collect()
}

fn set(engine: &mut Engine, gpu: Option<GpuChoice>) -> Told {
    all_told(engine, Asked { gpu, ..Asked::from(indirect_objects(24)) }, vec![])
}

fn assert_same(found: &Told, expected: &Told) {
    assert_eq!(done(found), done(expected));
    let (found, expected) = (heads(found), heads(expected));
    assert_eq!(found.len(), 12);
    for (at, expected) in &expected {
        let found = &found[at];
        assert_eq!((found.n_events, found.n_prompts), (expected.n_events, 24), "{at:?}");
        for (x, y) in found.events.iter().zip(&expected.events) {
            // Scores come from two roundings of f32 through three layers.
            assert!((x.relative - y.relative).abs() < 1e-3 * y.relative.abs().max(1.0), "{at:?}");
            let [x, y] = [x, y].map(|e| e.sparsity.sparseness.unwrap());
            assert!((x - y).abs() < 1e-3, "{at:?}: {x} for {y}");
        }
    }
}

#[test]
fn a_set_shows_the_same_on_the_gpu_and_on_the_cpu() {
    if gpu().is_none() {
        return;
    }
    let mut engine = open(4000, now);
    let told = set(&mut engine, Some(GpuChoice::Always));
    assert!(matches!(reports(&told)[..], [GpuReport::Kept { .. }]), "{:?}", reports(&told));
    assert_same(&told, &set(&mut engine, None));
}

#[test]
fn a_device_that_is_lost_costs_one_product_and_one_that_stays_away_leaves_the_rest_to_the_cpu() {
    if gpu().is_none() {
        return;
    }
    let mut engine = open(4000, now);
    let expected = set(&mut engine, None);
    for losses in [1, 2, 3] {
        let told = set(&mut engine, Some(GpuChoice::Drill { losses }));
        let reports = reports(&told);
        let resumed = reports.iter().filter(|r| matches!(r, GpuReport::Resumed { .. })).count();
        assert_eq!(resumed, losses.min(2), "{reports:?}");
        let left = matches!(reports.last(), Some(GpuReport::LeftToCpu { layers, why, .. }) if layers.is_empty() && !why.is_empty());
        assert_eq!(left, losses > 2, "{reports:?}");
        assert_same(&told, &expected);
    }
}

#[test]
fn a_software_adapter_is_left_alone_where_nobody_insists() {
    if gpu().is_none_or(|gpu| !gpu.description().software) {
        return;
    }
    let mut engine = open(4000, now);
    let choice = GpuChoice::IfFaster { workers: 2 };
    let told = set(&mut engine, Some(choice));
    assert!(
        matches!(&reports(&told)[..], [GpuReport::LeftToCpu { layers, .. }] if *layers == [0, 1, 2])
    );
    assert_eq!((heads(&told).len(), done(&told)), (0, None), "the set goes back whole");
    // A prompt stays with its worker.
    let prompt = Prompt { text: PROMPT.into(), ..Prompt::default() };
    let asked = Asked { gpu: Some(choice), ..Asked::from(Run { prompt }) };
    let told = all_told(&mut engine, asked, vec![]);
    assert!(
        matches!(&reports(&told)[..], [GpuReport::LeftToCpu { layers, .. }] if layers.is_empty())
    );
    let next = answers::<Run>(told).iter().any(|part| matches!(part, RunPart::Next(_)));
    assert!(next);
}

#[test]
fn a_prompt_looks_the_same_from_either() {
    if gpu().is_none() {
        return;
    }
    let patterns = |gpu: Option<GpuChoice>| -> Vec<Vec<f32>> {
        let prompt = Prompt { text: PROMPT.into(), ..Prompt::default() };
        let asked = Asked { gpu, ..Asked::from(Run { prompt }) };
        let told = all_told(&mut open(4000, now), asked, vec![]);
        let pattern = |(tell, arrays): (Tell, Vec<Vec<f32>>)| match Run::answer(tell) {
            Some(RunPart::Pattern { .. }) => arrays.into_iter().next(),
            _ => None,
        };
        told.into_iter().filter_map(pattern).collect()
    };
    let cpu = patterns(None);
    let gpu = patterns(Some(GpuChoice::Drill { losses: 1 }));
    assert_eq!((cpu.len(), gpu.len()), (3, 3));
    for (x, y) in cpu.iter().flatten().zip(gpu.iter().flatten()) {
        assert!((x - y).abs() < 1e-4, "{y} for {x}");
    }
}

//! Circuits of small models, against what accpp-tracer 0.3.0 finds on them.
//!
//! `tests/golden/circuits`: GPT-2, GPT-NeoX and grouped-query Llama shapes with random weights, and prompts of the built-in model;
//! the program's graphs (transformer-lens 2.16.1, torch, f32) say which cells it removed in which order.

#![allow(clippy::unwrap_used, reason = "a test says by panicking what is wrong")]

use crate::golden;

use std::path::PathBuf;

use golden::{memory, open};
use omega_lens::circuits::trace::jitter::Jitter;
use omega_lens::circuits::trace::seeds::{Seeding, seeds};
use omega_lens::circuits::trace::tracer::Tracer;
use omega_lens::circuits::trace::{Circuit, CleanRun, Objective, TraceOptions, layer};
use omega_lens::model::{ForwardPass, Hints, LayerTrace, Model};
use serde_json::Value;

fn folder(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden/circuits").join(name)
}

fn model(name: &str) -> Model {
    let file = |path: PathBuf| std::fs::read(path).unwrap();
    let (config, weights) = if name == "names" {
        let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("www/models/names");
        (file(root.join("config.json")), file(root.join("step-04000.safetensors")))
    } else {
        (file(folder(name).join("config.json")), file(folder(name).join("model.safetensors")))
    };
    let files = vec![memory("config.json", config), memory("model.safetensors", weights)];
    open(files, &Hints::default()).unwrap()
}

fn run(model: &Model, ids: &[u32]) -> (Vec<LayerTrace>, Vec<f32>) {
    let mut pass = ForwardPass::of_tokens(model, &[ids.to_vec()]).unwrap();
    let traces =
        (0..model.arch.n_layers).flat_map(|_| pass.step(model, true, None).unwrap()).collect();
    (traces, pass.resid(0).to_vec())
}

fn trace(
    run: CleanRun<'_>,
    objective: &Objective,
    options: &TraceOptions,
    mut jitter: Option<Jitter>,
) -> (Seeding, Circuit) {
    let seeding = seeds(run, objective, options, jitter.as_mut()).unwrap();
    let mut tracer = Tracer::new(seeding.seeds.clone(), seeding.share);
    while let Some(firings) = tracer.next_layer() {
        for share in layer::shares(run, firings) {
            tracer.take(layer::decompose(run, &share, options, jitter.as_mut()).unwrap());
        }
    }
    (seeding, tracer.finish())
}

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap()
}

/// The golden circuits of a model: file name and graph.
fn circuits(name: &str) -> Vec<(String, Value)> {
    let mut found: Vec<_> = std::fs::read_dir(folder(name))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|file| file.starts_with("circuit_"))
        .map(|file| {
            let text = std::fs::read(folder(name).join(&file)).unwrap();
            (file, serde_json::from_slice(&text).unwrap())
        })
        .collect();
    found.sort_by(|a: &(String, Value), b| a.0.cmp(&b.0));
    found
}

fn asked(golden: &Value) -> (Objective, TraceOptions) {
    let of = &golden["objective"];
    let id = |key: &str| of[key].as_u64().map(|id| id as u32);
    let answer = id("answer").unwrap();
    let objective = match id("wrong") {
        Some(wrong) => Objective::Contrast { answer, wrong },
        None => Objective::Probability { answer },
    };
    let options = TraceOptions {
        tau: of["tau"].as_f64().unwrap_or(0.8),
        threshold_scale: number(&golden["threshold"]["scale"]),
        ..TraceOptions::default()
    };
    (objective, options)
}

#[test]
fn every_golden_circuit_is_met_cell_by_cell() {
    let (mut n_circuits, mut n_firings, mut n_edges, mut worst) = (0, 0, 0, 0.0_f64);
    for name in ["gpt2", "gpt_neox", "llama", "names"] {
        let model = model(name);
        for (file, golden) in circuits(name) {
            let ids: Vec<u32> = serde_json::from_value(golden["ids"].clone()).unwrap();
            let (traces, last) = run(&model, &ids);
            let clean = CleanRun { model: &model, traces: &traces, last: &last };
            let (objective, options) = asked(&golden);
            let (seeding, circuit) = trace(clean, &objective, &options, None);
            let found = serde_json::to_value(&circuit).unwrap();
            let at = format!("{name}/{file}");
            assert_eq!(found["empty"], golden["empty"], "{at}");
            let of = |key: &str| golden["objective"][key].as_f64();
            let value = of("logit_difference").or(of("answer_logprob")).unwrap();
            let value = if of("wrong").is_some() { of("logit_difference").unwrap() } else { value };
            assert!((seeding.value - value).abs() < 1e-4, "{at}: {} {value}", seeding.value);
            let baseline = of("bias_difference").or(of("baseline_logprob")).unwrap();
            assert!((seeding.baseline - baseline).abs() < 1e-4, "{at}");

            let list = |of: &Value, key: &str| of[key].as_array().unwrap().clone();
            let (seeds, expected) = (list(&found, "seeds"), list(&golden, "seeds"));
            assert_eq!(seeds.len(), expected.len(), "{at}: seeds");
            for (a, b) in seeds.iter().zip(&expected) {
                assert_eq!(a["from"], b["from"], "{at}: seeds");
                assert!(
                    (number(&a["weight"]) - number(&b["weight"])).abs() < 1e-4,
                    "{at}: {a} {b}"
                );
            }
            if golden["empty"].as_bool().unwrap() {
                n_circuits += 1;
                continue;
            }
            let (visits, expected) = (list(&found, "firings"), list(&golden, "firings"));
            assert_eq!(visits.len(), expected.len(), "{at}: firings");
            for (a, b) in visits.iter().zip(&expected) {
                for key in ["layer", "head", "dest", "src", "status"] {
                    assert_eq!(a[key], b[key], "{at}: {a}");
                }
                assert!((number(&a["attention"]) - number(&b["attention"])).abs() < 1e-5, "{at}");
                for side in ["dest", "src"].into_iter().filter(|_| b["status"] == "traced") {
                    let (a, b) = (&a["cells"][side], &b["cells"][side]);
                    assert_eq!(a["removed"], b["removed"], "{at} {side}");
                    let (a, b) = (list(a, "attention_after"), list(b, "attention_after"));
                    for (a, b) in a.iter().zip(&b) {
                        assert!((number(a) - number(b)).abs() < 1e-5, "{at} {side}: {a} {b}");
                    }
                    n_firings += 1;
                }
            }
            // The program's list groups edges by the node they come from; an edge is known by its two ends and its side.
            let by_ends = |of: &Value| {
                let mut edges = list(of, "edges");
                edges.sort_by_key(|e| format!("{} {} {}", e["from"], e["to"], e["side"]));
                edges
            };
            let (edges, expected) = (by_ends(&found), by_ends(&golden));
            assert_eq!(edges.len(), expected.len(), "{at}: edges");
            for (a, b) in edges.iter().zip(&expected) {
                for key in ["from", "to", "side", "k"] {
                    assert_eq!(a[key], b[key], "{at}");
                }
                let apart = (number(&a["weight"]) - number(&b["weight"])).abs();
                worst = worst.max(apart);
                // The program computes in f32.
                assert!(apart < 1e-4, "{at}: {a} {b}");
            }
            (n_circuits, n_edges) = (n_circuits + 1, n_edges + edges.len());
        }
    }
    println!(
        "{n_circuits} circuits, {n_firings} sides, {n_edges} edges, weights within {worst:.1e}"
    );
    assert_eq!((n_circuits, n_firings, n_edges), (21, 180, 450));
}

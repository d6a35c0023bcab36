//! How sparse scores become in training: the built-in series, head by head, beside its controls.

#![allow(clippy::unwrap_used, reason = "a test says by panicking what is wrong")]

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use omega_lens::checkpoint::Checkpoint;
use omega_lens::circuits::prompts::{self, Prompt, Task};
use omega_lens::circuits::sad::controls::ControlOptions;
use omega_lens::circuits::sad::run::LayerRun;
use omega_lens::circuits::sad::set::{HeadSet, HeadSetReport, SetOptions};
use omega_lens::circuits::sad::sparsity::EventRule;
use omega_lens::circuits::sad::terms::{TermBasis, View};
use omega_lens::circuits::series::training_order;
use omega_lens::math::product_svd;
use omega_lens::model::{AttentionLayer, ForwardPass, Hints, Model, Part, Weights};

const N_HEADS: usize = 4;
const HEADS: usize = 12;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("www/models/names")
}

/// The vocabulary: whole words.
fn vocabulary() -> HashMap<String, u32> {
    let text = std::fs::read(folder().join("tokenizer.json")).unwrap();
    let json: serde_json::Value = serde_json::from_slice(&text).unwrap();
    serde_json::from_value(json["model"]["vocab"].clone()).unwrap()
}

/// The start token, then words and punctuation.
fn encode(vocabulary: &HashMap<String, u32>, text: &str) -> Vec<u32> {
    let spaced = text.replace(',', " ,").replace('.', " .");
    spaced.split_whitespace().map(|word| vocabulary[word]).collect()
}

/// What a checkpoint does with a set of prompts.
struct Measured {
    step: u64,
    accuracy: f64,
    /// One per head, layer by layer.
    heads: Vec<HeadSetReport>,
    /// Share of the prompts in which the head looks most at a name, per head.
    at_names: Vec<f64>,
}

fn measure(file: &str, step: u64, asked: &[Prompt], rule: EventRule) -> Measured {
    let words = vocabulary();
    let paths = [folder().join(file), folder().join("config.json")];
    let model = Model::open(Checkpoint::open_paths(&paths).unwrap(), &Hints::default()).unwrap();
    let located: Vec<_> =
        asked.iter().map(|p| p.locate(|text| encode(&words, text), &[0]).unwrap()).collect();
    let ids: Vec<Vec<u32>> = located.iter().map(|l| l.ids.clone()).collect();
    let mut pass = ForwardPass::of_tokens(&model, &ids).unwrap();
    // A head's rotations are the same for all prompts: their mean settles with their number, not with the prompts'.
    let controls = ControlOptions { draws: 64, seed: 0 };
    let options = SetOptions { rule, controls };
    let (mut heads, mut at_names) = (Vec::new(), Vec::new());
    for layer in 0..model.arch.n_layers {
        let traces = pass.step(&model, true, None).unwrap();
        let attention = AttentionLayer::read(&model, layer, Part::Qk).unwrap();
        for head in 0..N_HEADS {
            let weights = attention.head(head, Weights::Folded).unwrap();
            let basis = TermBasis::of(&product_svd(&weights.w_q, &weights.w_k).unwrap());
            let mut set = HeadSet::new(basis, options, (layer * N_HEADS + head) as u32);
            let mut names = 0;
            for (trace, prompt) in traces.iter().zip(&located) {
                let run = LayerRun::of(&model.arch, trace).unwrap();
                let view = View { causal: true, window: None };
                assert_eq!(run.view, view);
                let parts = run.head(head).unwrap();
                set.add(parts, run.scale, view, prompt.dest, None).unwrap();
                let last = &parts.2[prompt.dest * trace.n..];
                let most = (0..trace.n).max_by(|&a, &b| last[a].total_cmp(&last[b])).unwrap();
                let answer = prompt.ids[prompt.src.unwrap()];
                let is_name =
                    |id: u32| id == answer || prompt.ids.iter().filter(|&&x| x == id).count() == 2;
                names += usize::from(is_name(prompt.ids[most]) && prompt.ids[most] > 1);
            }
            at_names.push(names as f64 / located.len() as f64);
            heads.push(set.report());
        }
    }
    let places: Vec<(usize, usize)> = located.iter().map(|l| l.dest).enumerate().collect();
    let logits = pass.logits(&model, &places).unwrap();
    let rows = logits.chunks_exact(logits.len() / asked.len());
    let right = asked.iter().zip(rows).filter(|(p, row)| p.score(row).unwrap().correct).count();
    Measured { step, accuracy: right as f64 / asked.len() as f64, heads, at_names }
}

fn series(n: usize, rule: EventRule) -> Vec<Measured> {
    let words = vocabulary();
    let known = |word: &str| words.get(word.trim()).copied();
    let asked = prompts::generate(Task::IndirectObject, n, 0, known).unwrap();
    let files: Vec<String> = std::fs::read_dir(folder())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.ends_with(".safetensors"))
        .collect();
    let names: Vec<&str> = files.iter().map(String::as_str).collect();
    let order = training_order(&names).into_iter();
    order.map(|(_, entry)| measure(&entry.name, entry.step.unwrap(), &asked, rule)).collect()
}

fn mean_sparseness(report: &HeadSetReport) -> (f64, f64, f64) {
    let mean = |d: &Option<omega_lens::circuits::distribution::Distribution>| d.unwrap().mean;
    (mean(&report.real.sparseness), mean(&report.basis.sparseness), mean(&report.real.n_recon))
}

#[test]
fn training_makes_the_scores_of_name_attending_heads_sparse_but_not_their_basis_control() {
    let series = series(32, EventRule::Every);
    println!(
        "step   right | per head that looks at names: S, basis control, N_recon, looks at a name"
    );
    for at in &series {
        print!("{:5} {:6.2} |", at.step, at.accuracy);
        for head in 0..HEADS {
            let (s, basis, n_recon) = mean_sparseness(&at.heads[head]);
            if at.at_names[head] > 0.5 {
                let name = format!("L{}H{}", head / N_HEADS, head % N_HEADS);
                print!(
                    " {name} {s:.2} {basis:.2} {n_recon:4.1} {:3.0}%;",
                    100.0 * at.at_names[head]
                );
            }
        }
        println!();
    }
    let (first, last) = (series.first().unwrap(), series.last().unwrap());
    assert_eq!((first.step, last.step), (0, 4000));
    assert!(first.accuracy < 0.7 && last.accuracy > 0.95, "{} {}", first.accuracy, last.accuracy);
    let looking: Vec<usize> = (0..HEADS).filter(|&head| last.at_names[head] > 0.5).collect();
    assert!(!looking.is_empty());
    // Measured: 0.13 to 0.29, beside controls of 0.38 to 0.44.
    let sparseness: Vec<(f64, f64)> = looking
        .iter()
        .map(|&head| mean_sparseness(&last.heads[head]))
        .map(|(s, basis, _)| (s, basis))
        .collect();
    assert!(sparseness.iter().all(|(s, basis)| *s < 0.8 * basis), "{sparseness:?}");
    assert!(sparseness.iter().filter(|(s, _)| *s < 0.22).count() >= 4, "{sparseness:?}");
    for at in &series {
        for head in &at.heads {
            let (_, basis, _) = mean_sparseness(head);
            assert!((0.3..0.55).contains(&basis), "step {}: basis control {basis}", at.step);
        }
    }
    let untrained =
        first.heads.iter().map(|head| mean_sparseness(head).0).sum::<f64>() / HEADS as f64;
    assert!(untrained > 0.3, "{untrained}");
}

//! Traces beside the original's time, and the heap that they take: `cargo bench --bench trace`.
//!
//! The built-in model, and a checkpoint of GPT-2 small's shape with random weights, written once into `target/bench-trace` (550 MB). Two
//! threads share the firings of a layer, as two workers of the page would. Random weights fire everywhere, so what is comparable is the time of a
//! firing: accpp-tracer 0.3.0 took 0.61 s and 0.24 s for each of two such models, on one thread with torch.

#![allow(clippy::unwrap_used, reason = "a benchmark says by panicking what is wrong")]

use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Instant;

use omega_lens::checkpoint::Checkpoint;
use omega_lens::circuits::trace::layer::decompose;
use omega_lens::math::random::Rng;
use omega_lens::model::forward::{Cpu, ready};
use omega_lens::model::{Hints, Model};
use omega_lens::study::prompt::{Prompt, PromptRun};
use omega_lens::study::trace::{CleanPrompt, Question, SeedRule, TraceRun, Traced};
use peak_alloc::PeakAlloc;

#[global_allocator]
static HEAP: PeakAlloc = PeakAlloc;

const THREADS: usize = 2;

/// Seconds of the original for one firing, by `reference` runs of GPT-2 small's shape: sharper weights, less sharp ones.
const ORIGINAL: [f64; 2] = [347.0 / 567.0, 161.0 / 677.0];

/// Spread of the query and key weights: scores with a deviation of about 2.8.
const SHARPNESS: f64 = 0.06;

fn model(files: &[PathBuf]) -> Model {
    Model::open(Checkpoint::open_paths(files).unwrap(), &Hints::default()).unwrap()
}

/// GPT-2 small's shape, made once.
fn gpt2(folder: &Path) -> Vec<PathBuf> {
    let files = ["model.safetensors", "config.json"].map(|name| folder.join(name)).to_vec();
    if files.iter().all(|file| file.exists()) {
        return files;
    }
    std::fs::create_dir_all(folder).unwrap();
    let (d, vocab, positions) = (768, 50_257, 1024);
    let mut tensors: Vec<(String, Vec<usize>, f64)> = vec![
        ("wte.weight".into(), vec![vocab, d], 0.05),
        ("wpe.weight".into(), vec![positions, d], 0.02),
    ];
    let norm = |name: String| {
        [(format!("{name}.weight"), vec![d], -1.0), (format!("{name}.bias"), vec![d], 0.0)]
    };
    for layer in 0..12 {
        let name = |rest: &str| format!("h.{layer}.{rest}");
        tensors.extend(norm(name("ln_1")));
        tensors.extend(norm(name("ln_2")));
        for (rest, shape, sd) in [
            ("attn.c_attn", [d, 3 * d], SHARPNESS),
            ("attn.c_proj", [d, d], 0.1),
            ("mlp.c_fc", [d, 4 * d], 0.02),
            ("mlp.c_proj", [4 * d, d], 0.01),
        ] {
            tensors.push((name(&format!("{rest}.weight")), shape.to_vec(), sd));
            tensors.push((name(&format!("{rest}.bias")), vec![shape[1]], 0.0));
        }
    }
    tensors.extend(norm("ln_f".into()));
    let (mut header, mut at) = (serde_json::Map::new(), 0);
    for (name, shape, _) in &tensors {
        let end = at + 4 * shape.iter().product::<usize>();
        let about = serde_json::json!({"dtype": "F32", "shape": shape, "data_offsets": [at, end]});
        header.insert(name.clone(), about);
        at = end;
    }
    let header = serde_json::Value::Object(header).to_string();
    let mut out = std::io::BufWriter::new(std::fs::File::create(&files[0]).unwrap());
    out.write_all(&(header.len() as u64).to_le_bytes()).unwrap();
    out.write_all(header.as_bytes()).unwrap();
    let mut rng = Rng::new(1);
    for (_, shape, sd) in &tensors {
        for _ in 0..shape.iter().product::<usize>() {
            // A norm's gains are one.
            let x = if *sd < 0.0 { 1.0 } else { sd * rng.normal() };
            out.write_all(&(x as f32).to_le_bytes()).unwrap();
        }
    }
    out.flush().unwrap();
    let config = serde_json::json!({
        "model_type": "gpt2", "architectures": ["GPT2LMHeadModel"], "n_embd": d, "n_head": 12, "n_layer": 12, "n_positions": positions,
        "vocab_size": vocab, "layer_norm_epsilon": 1e-5, "activation_function": "gelu_new",
    });
    std::fs::write(&files[1], config.to_string()).unwrap();
    files
}

/// Runs and traces a prompt; seconds of the run and of the trace.
fn traced(model: &Model, ids: &[u32]) -> (Traced, [f64; 2]) {
    let began = Instant::now();
    let mut run = PromptRun::new(model, None, &Prompt::of_ids(ids)).unwrap();
    let mut traces = Vec::new();
    while let Some(trace) = ready(run.step(&mut Cpu, model)).unwrap() {
        traces.push(trace);
    }
    let ran = began.elapsed().as_secs_f64();
    let clean = CleanPrompt::new(&run, &traces);
    let question = Question { seeding: Some(SeedRule::Contrast), ..Question::default() };
    let mut trace = ready(TraceRun::new(&mut Cpu, model, None, clean, &question)).unwrap();
    while let Some(shares) = trace.next_layer(clean, model) {
        let options = *trace.options();
        let work = |share: &[Vec<_>]| -> Vec<_> {
            share.iter().map(|s| decompose(clean.run(model), s, &options, None).unwrap()).collect()
        };
        let found: Vec<_> = std::thread::scope(|scope| {
            let half = shares.len().div_ceil(THREADS).max(1);
            let threads: Vec<_> =
                shares.chunks(half).map(|share| scope.spawn(move || work(share))).collect();
            threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
        });
        found.into_iter().for_each(|decomposed| trace.take(decomposed));
    }
    (trace.finish(), [ran, began.elapsed().as_secs_f64() - ran])
}

fn main() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let names =
        ["step-04000.safetensors", "config.json"].map(|n| root.join("www/models/names").join(n));
    let small = model(&names);
    let ids = [0, 50, 2, 54, 10, 51, 55, 56, 18, 57, 10, 34, 57, 26, 55];
    println!(
        "| model | tokens | run, s | trace, s | firings taken apart | s a firing | original / ours | heap over the model, MB |\n|---|---|---|---|---|---|---|---|"
    );
    let row = |name: &str, model: &Model, ids: &[u32], original: &[f64]| {
        HEAP.reset_peak_usage();
        let before = HEAP.current_usage();
        let (found, [ran, took]) = traced(model, ids);
        let heap = HEAP.peak_usage().saturating_sub(before) as f64 / 1e6;
        let apart = found.circuit.firings.iter().filter(|visit| visit.cells.is_some()).count();
        let each = took / apart.max(1) as f64;
        let ratios: Vec<String> =
            original.iter().map(|seconds| format!("{:.0}", seconds / each)).collect();
        println!(
            "| {name} | {} | {ran:.3} | {took:.3} | {apart} | {each:.4} | {} | {heap:.0} |",
            ids.len(),
            ratios.join(", ")
        );
    };
    row("built-in", &small, &ids, &[0.017]);
    let folder =
        std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), PathBuf::from);
    let large = model(&gpt2(&folder.join("bench-trace")));
    let mut rng = Rng::new(3);
    let ids: Vec<u32> = (0..64).map(|_| rng.below(50_257)).collect();
    row("GPT-2 small's shape", &large, &ids[..16], &ORIGINAL);
    row("GPT-2 small's shape", &large, &ids, &ORIGINAL);
}

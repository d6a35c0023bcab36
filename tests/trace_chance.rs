//! A circuit's singular vectors beside random directions: nothing stands out of a head that has no basis of its own.

#![allow(clippy::unwrap_used, reason = "a test says by panicking what is wrong")]

use crate::golden;

use golden::{memory, open};
use omega_lens::circuits::trace::directions::{DirectionOptions, directions};
use omega_lens::circuits::trace::seeds::seeds;
use omega_lens::circuits::trace::tracer::Tracer;
use omega_lens::circuits::trace::{Circuit, CleanRun, Objective, TraceOptions, layer};
use omega_lens::math::random::Rng;
use omega_lens::model::{ForwardPass, Hints, LayerTrace, Model};

const D: usize = 48;
const HEADS: usize = 4;
const D_HEAD: usize = 12;
const LAYERS: usize = 3;
const VOCAB: usize = 61;
const POSITIONS: usize = 16;

/// `[D, D_HEAD]` at right angles to each other and to the mean: every singular value of the head is the same.
fn orthonormal(rng: &mut Rng, length: f64) -> Vec<Vec<f64>> {
    let mut columns: Vec<Vec<f64>> = vec![vec![1.0 / (D as f64).sqrt(); D]];
    while columns.len() <= D_HEAD {
        let mut column: Vec<f64> = (0..D).map(|_| rng.normal()).collect();
        for other in &columns {
            let along: f64 = column.iter().zip(other).map(|(x, y)| x * y).sum();
            column.iter_mut().zip(other).for_each(|(x, y)| *x -= along * y);
        }
        let norm = column.iter().map(|x| x * x).sum::<f64>().sqrt();
        columns.push(column.into_iter().map(|x| x / norm).collect());
    }
    let scaled = |column: Vec<f64>| column.into_iter().map(|x| x * length).collect();
    columns.into_iter().skip(1).map(scaled).collect()
}

/// A GPT-2 with random weights whose heads' scores are the same in every basis of their subspace.
fn model(seed: u32) -> Model {
    let rng = &mut Rng::new(seed);
    let mut tensors: Vec<(String, Vec<usize>, Vec<f64>)> = Vec::new();
    let mut add = |name: String, shape: &[usize], values: Vec<f64>| {
        tensors.push((format!("transformer.{name}"), shape.to_vec(), values));
    };
    let normals = |rng: &mut Rng, n: usize, sd: f64| (0..n).map(|_| sd * rng.normal()).collect();
    add("wte.weight".into(), &[VOCAB, D], normals(rng, VOCAB * D, 1.0));
    add("wpe.weight".into(), &[POSITIONS, D], normals(rng, POSITIONS * D, 0.3));
    for layer in 0..LAYERS {
        let name = |rest: &str| format!("h.{layer}.{rest}");
        let mut c_attn = vec![0.0; D * 3 * D];
        for head in 0..HEADS {
            for part in 0..2 {
                for (k, column) in orthonormal(rng, 2.5).into_iter().enumerate() {
                    for (row, x) in column.into_iter().enumerate() {
                        c_attn[row * 3 * D + part * D + head * D_HEAD + k] = x;
                    }
                }
            }
        }
        for row in c_attn.chunks_mut(3 * D) {
            row[2 * D..].iter_mut().for_each(|x| *x = 0.3 * rng.normal());
        }
        add(name("attn.c_attn.weight"), &[D, 3 * D], c_attn);
        add(name("attn.c_attn.bias"), &[3 * D], vec![0.0; 3 * D]);
        add(name("attn.c_proj.weight"), &[D, D], normals(rng, D * D, 0.3));
        add(name("attn.c_proj.bias"), &[D], vec![0.0; D]);
        add(name("mlp.c_fc.weight"), &[D, 4 * D], normals(rng, 4 * D * D, 0.2));
        add(name("mlp.c_fc.bias"), &[4 * D], vec![0.0; 4 * D]);
        add(name("mlp.c_proj.weight"), &[4 * D, D], normals(rng, 4 * D * D, 0.2));
        add(name("mlp.c_proj.bias"), &[D], vec![0.0; D]);
        for norm in ["ln_1", "ln_2"] {
            add(name(&format!("{norm}.weight")), &[D], vec![1.0; D]);
            add(name(&format!("{norm}.bias")), &[D], vec![0.0; D]);
        }
    }
    add("ln_f.weight".into(), &[D], vec![1.0; D]);
    add("ln_f.bias".into(), &[D], vec![0.0; D]);
    let (mut header, mut data) = (serde_json::Map::new(), Vec::new());
    for (name, shape, values) in tensors {
        let start = data.len();
        data.extend(values.iter().flat_map(|x| (*x as f32).to_le_bytes()));
        let about = serde_json::json!({"dtype": "F32", "shape": shape, "data_offsets": [start, data.len()]});
        header.insert(name, about);
    }
    let header = serde_json::Value::Object(header).to_string();
    let file = [&(header.len() as u64).to_le_bytes()[..], header.as_bytes(), &data].concat();
    let config = serde_json::json!({
        "model_type": "gpt2", "architectures": ["GPT2LMHeadModel"], "n_embd": D, "n_head": HEADS, "n_layer": LAYERS,
        "n_positions": POSITIONS, "vocab_size": VOCAB, "layer_norm_epsilon": 1e-5, "activation_function": "gelu_new",
    });
    let files =
        [memory("config.json", config.to_string().into_bytes()), memory("model.safetensors", file)];
    open(files.into(), &Hints::default()).unwrap()
}

fn run(model: &Model, ids: &[u32]) -> (Vec<LayerTrace>, Vec<f32>) {
    let mut pass = ForwardPass::of_tokens(model, &[ids.to_vec()]).unwrap();
    let step = |_| pass.step(model, true, None).unwrap();
    let traces = (0..LAYERS).flat_map(step).collect();
    (traces, pass.resid(0).to_vec())
}

fn trace(run: CleanRun<'_>, options: &TraceOptions) -> Circuit {
    let objective = Objective::Contrast { answer: 5, wrong: 9 };
    let seeding = seeds(run, &objective, options, None).unwrap();
    let mut tracer = Tracer::new(seeding.seeds, seeding.share);
    while let Some(firings) = tracer.next_layer() {
        for share in layer::shares(run, firings) {
            tracer.take(layer::decompose(run, &share, options, None).unwrap());
        }
    }
    tracer.finish()
}

#[test]
fn heads_without_a_basis_of_their_own_need_as_many_cells_in_any() {
    let (options, mut all, mut of_firings) = (TraceOptions::default(), Vec::new(), Vec::new());
    for seed in 0..160 {
        let (model, mut rng) = (model(seed), Rng::new(1000 + seed));
        let ids: Vec<u32> = (0..10).map(|_| rng.below(VOCAB as u32)).collect();
        let (traces, last) = run(&model, &ids);
        let clean = CleanRun { model: &model, traces: &traces, last: &last };
        let circuit = trace(clean, &options);
        let draws = DirectionOptions { draws: 19, seed };
        let found = directions(clean, &circuit, &options, draws).unwrap();
        all.extend(found.p_cells);
        // One firing of a prompt: those of a head share its bases.
        of_firings.extend(found.firings.first().map(|firing| firing.p));
    }
    assert!(all.len() >= 60, "{} circuits", all.len());
    for p in [all, of_firings] {
        for level in [0.05, 0.1, 0.25, 0.5] {
            let (n, below) = (p.len() as f64, p.iter().filter(|p| **p <= level).count());
            let most = level + 3.0 * (level * (1.0 - level) / n).sqrt();
            assert!(below as f64 / n <= most, "{below} of {n} below {level}: {p:?}");
        }
    }
}

#[test]
fn all_directions_together_are_the_same_in_every_basis() {
    let options = TraceOptions::default();
    let mut n_edges = 0;
    for seed in 0..12 {
        let model = model(seed);
        let ids = [7, 21, 3, 58, 40, 12, 33, 9, 2, 50];
        let (traces, last) = run(&model, &ids);
        let clean = CleanRun { model: &model, traces: &traces, last: &last };
        let mut circuit = trace(clean, &options);
        circuit.edges.iter_mut().for_each(|edge| edge.k = (0..D_HEAD).collect());
        let found =
            directions(clean, &circuit, &options, DirectionOptions { draws: 5, seed }).unwrap();
        for edge in &found.edges {
            assert!((edge.fall - edge.random_mean).abs() < 1e-9 && edge.p == 1.0, "{edge:?}");
        }
        assert!(found.random_falls.iter().all(|fall| (fall - found.fall).abs() < 1e-8));
        n_edges += found.edges.iter().filter(|edge| edge.fall.abs() > 0.01).count();
    }
    assert!(n_edges > 10, "{n_edges}");
}

//! A score's share of the token's embedding and of the position's: by hand, and against plain loops over the file's own tensors.

#![allow(clippy::unwrap_used, reason = "a test says by panicking what is wrong")]

use crate::golden;

use golden::{Fixture, fixtures, more_families, variants};
use omega_lens::checkpoint::{Named, to_safetensors};
use omega_lens::circuits::sad::components::model::split_head;
use omega_lens::circuits::sad::components::{Component, ComponentTerms};
use omega_lens::circuits::sad::run::LayerRun;
use omega_lens::circuits::sad::terms::TermBasis;
use omega_lens::math::product_svd;
use omega_lens::model::forward::EmbeddingPart;
use omega_lens::model::{AttentionLayer, ForwardPass, Hints, LayerTrace, Model, Part, Weights};

/// Both sides of the look of head 0 of layer 0 from `dest` at `src`, split; and its relative attention.
fn first_head(
    model: &Model,
    trace: &LayerTrace,
    dest: usize,
    src: usize,
) -> ([ComponentTerms; 2], f64) {
    let attention = AttentionLayer::read(model, 0, Part::Qk).unwrap();
    let weights = attention.head(0, Weights::Folded).unwrap();
    let basis = TermBasis::of(&product_svd(&weights.w_q, &weights.w_k).unwrap());
    let traces = std::slice::from_ref(trace);
    let (q, k) = split_head(model, traces, (0, 0), &weights, &basis).unwrap();
    let run = LayerRun::of(&model.arch, trace).unwrap();
    let visible = run.view.visible(dest, trace.n);
    let relative = run.terms(0, &basis).unwrap().relative(dest, visible, src).unwrap();
    let sides = [q.dest_terms(&relative).unwrap(), k.src_terms(&relative, run.view).unwrap()];
    (sides, relative.score)
}

fn share(terms: &ComponentTerms, part: EmbeddingPart) -> f64 {
    let rows = terms.components.iter().zip(terms.totals(None));
    rows.filter(|(c, _)| **c == Component::Embedding { part }).map(|(_, x)| x).sum()
}

/// GPT-2 with one head on a stream of four, whose norms divide by exactly 2.
fn by_hand() -> Model {
    let zeros = |n: usize| vec![0.0; n];
    // q = (3 x₀, x₂, 0, 0), k = (x₀, x₂, 0, 0); values and output are nothing.
    let mut qkv = zeros(4 * 6 * 2);
    (qkv[0], qkv[2 * 12 + 1]) = (3.0, 1.0);
    (qkv[4], qkv[2 * 12 + 5]) = (1.0, 1.0);
    let arrays = [
        Named::f64("wte.weight", &[2, 4], vec![2., -2., 0., 0., -2., 2., 0., 0.]),
        Named::f64("wpe.weight", &[2, 4], vec![0., 0., 2., -2., 0., 0., -2., 2.]),
        Named::f64("h.0.ln_1.weight", &[4], vec![1.0; 4]),
        Named::f64("h.0.ln_1.bias", &[4], zeros(4)),
        Named::f64("h.0.ln_2.weight", &[4], vec![1.0; 4]),
        Named::f64("h.0.ln_2.bias", &[4], zeros(4)),
        Named::f64("h.0.attn.c_attn.weight", &[4, 12], qkv),
        Named::f64("h.0.attn.c_attn.bias", &[12], zeros(12)),
        Named::f64("h.0.attn.c_proj.weight", &[4, 4], zeros(16)),
        Named::f64("h.0.attn.c_proj.bias", &[4], zeros(4)),
        Named::f64("h.0.mlp.c_fc.weight", &[4, 4], zeros(16)),
        Named::f64("h.0.mlp.c_fc.bias", &[4], zeros(4)),
        Named::f64("h.0.mlp.c_proj.weight", &[4, 4], zeros(16)),
        Named::f64("h.0.mlp.c_proj.bias", &[4], zeros(4)),
        Named::f64("ln_f.weight", &[4], vec![1.0; 4]),
        Named::f64("ln_f.bias", &[4], zeros(4)),
    ];
    let config = r#"{"model_type": "gpt2", "n_layer": 1, "n_head": 1, "n_embd": 4, "n_inner": 4, "n_positions": 2,
        "vocab_size": 2, "layer_norm_epsilon": 1e-12}"#;
    let weights = golden::memory("model.safetensors", to_safetensors(&arrays, &[]).unwrap());
    let config = golden::memory("config.json", config.as_bytes().to_vec());
    golden::open(vec![weights, config], &Hints::default()).unwrap()
}

fn first_trace(model: &Model, ids: Vec<u32>) -> LayerTrace {
    ForwardPass::of_tokens(model, &[ids]).unwrap().step(model, true, None).unwrap().remove(0)
}

#[test]
fn a_look_that_is_computed_by_hand_is_shared_between_token_and_position() {
    let model = by_hand();
    let trace = first_trace(&model, vec![0, 1]);
    let ([dest, src], relative) = first_head(&model, &trace, 1, 0);
    // Normed streams (1, −1, 1, −1) and its negative: q₁ = (−3, −1, 0, 0), k₀ = (1, 1, 0, 0) = −k₁; the head is four wide, so scores
    // are divided by 2: −2 and 2.
    let unit = 0.5;
    let close = |a: f64, b: f64| assert!((a - b).abs() < 1e-6, "{a} {b}");
    close(relative, -8.0 * unit);
    // Destination: (−3, 0) of the token and (0, −1) of the position, each on k₀ − k₁ = (2, 2).
    close(share(&dest, EmbeddingPart::Tokens), -6.0 * unit);
    close(share(&dest, EmbeddingPart::Positions), -2.0 * unit);
    // Source: the token's (2, 0) and the position's (0, 2), each under q₁.
    close(share(&src, EmbeddingPart::Tokens), -6.0 * unit);
    close(share(&src, EmbeddingPart::Positions), -2.0 * unit);
    for part in [EmbeddingPart::Whole, EmbeddingPart::Types, EmbeddingPart::Bias] {
        assert!(dest.components.iter().all(|c| *c != Component::Embedding { part }));
    }
}

#[test]
fn behind_a_norm_of_the_sum_each_part_is_what_plain_loops_over_the_file_find() {
    let fixture = Fixture::named("bert");
    let model = fixture.model();
    let ids = fixture.ids().unwrap();
    let read = |name: &str| model.checkpoint.read(name).unwrap().f64s().unwrap();
    let of = |what: &str| read(&format!("embeddings.{what}"));
    let own = |what: &str| read(&format!("encoder.layer.0.attention.self.{what}"));
    let (d, d_head, n) = (32, 8, ids.len());
    let row = |table: &[f64], at: usize| table[at * d..(at + 1) * d].to_vec();
    let (words, places) = (of("word_embeddings.weight"), of("position_embeddings.weight"));
    let types = row(&of("token_type_embeddings.weight"), 0);
    let (gains, bias) = (of("LayerNorm.weight"), of("LayerNorm.bias"));
    let centred = |x: &[f64]| -> Vec<f64> {
        let mean = x.iter().sum::<f64>() / d as f64;
        x.iter().map(|x| x - mean).collect()
    };
    // Per position: the parts in the stream, the norm's bias last.
    let parts: Vec<[Vec<f64>; 4]> = (0..n)
        .map(|at| {
            let parts = [row(&words, ids[at] as usize), row(&places, at), types.clone()];
            let sum: Vec<f64> = (0..d).map(|i| parts.iter().map(|p| p[i]).sum()).collect();
            let sigma =
                (centred(&sum).iter().map(|x| x * x).sum::<f64>() / d as f64 + 1e-12).sqrt();
            let [word, place, kind] = parts.map(|part| {
                let scaled = centred(&part).into_iter().zip(&gains).map(|(x, g)| x * g / sigma);
                scaled.collect()
            });
            [word, place, kind, bias.clone()]
        })
        .collect();
    let map = |w: &[f64], x: &[f64]| -> Vec<f64> {
        (0..d_head).map(|o| x.iter().zip(&w[o * d..]).map(|(x, w)| x * w).sum()).collect()
    };
    let (w_q, w_k) = (own("query.weight"), own("key.weight"));
    let whole = |w: &[f64], b: &[f64], at: usize| -> Vec<f64> {
        let stream: Vec<f64> = (0..d).map(|i| parts[at].iter().map(|p| p[i]).sum()).collect();
        map(w, &stream).iter().zip(b).map(|(x, b)| x + b).collect()
    };
    let (dest, src) = (n - 1, 1);
    // What is set against the mean of the other sources.
    let against = |rows: &dyn Fn(usize) -> Vec<f64>| -> Vec<f64> {
        let mut found = rows(src);
        for other in (0..n).filter(|&other| other != src) {
            found.iter_mut().zip(rows(other)).for_each(|(x, y)| *x -= y / (n as f64 - 1.0));
        }
        found
    };
    let dot = |a: &[f64], b: &[f64]| {
        a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>() / (d_head as f64).sqrt()
    };
    let (query, b_k) = (whole(&w_q, &own("query.bias"), dest), own("key.bias"));
    let keys = against(&|at| whole(&w_k, &b_k, at));
    let trace = first_trace(&model, ids.clone());
    let (sides, relative) = first_head(&model, &trace, dest, src);
    // The pass is in f32.
    let close = |found: f64, expected: f64, what: &str| {
        let scale = relative.abs().max(expected.abs());
        assert!((found - expected).abs() < 1e-5 * scale, "{what}: {found} {expected}");
    };
    close(dot(&query, &keys), relative, "relative attention");
    let named = [
        EmbeddingPart::Tokens,
        EmbeddingPart::Positions,
        EmbeddingPart::Types,
        EmbeddingPart::Bias,
    ];
    for (i, part) in named.into_iter().enumerate() {
        let of_query = dot(&map(&w_q, &parts[dest][i]), &keys);
        close(share(&sides[0], part), of_query, &format!("{part:?}, destination"));
        let of_key = dot(&query, &against(&|at| map(&w_k, &parts[at][i])));
        close(share(&sides[1], part), of_key, &format!("{part:?}, source"));
    }
    // They are no small change of one another.
    assert!(share(&sides[0], EmbeddingPart::Positions).abs() > 1e-3 * relative.abs());
}

#[test]
fn in_every_family_the_parts_sum_to_what_entered() {
    let (mut summed, mut whole) = (Vec::new(), 0);
    for fixture in fixtures().into_iter().chain(variants()).chain(more_families()) {
        let model = fixture.model();
        if model.arch.cannot_run.is_some() {
            continue;
        }
        let mut pass = ForwardPass::of_input(&model, &fixture.input()).unwrap();
        let mut entered = std::collections::BTreeSet::new();
        while pass.next_layer() < model.arch.n_layers {
            let stream = model.arch.stack_of(pass.next_layer()).unwrap().stream;
            let trace = pass.step(&model, true, None).unwrap().remove(0);
            let name = format!("{} layer {}", fixture.name, trace.layer);
            let embedding = &model.arch.streams[stream].embedding;
            let apart = embedding.positions.is_some() || embedding.token_types.is_some();
            assert_eq!(!trace.embedded.is_empty(), entered.insert(stream) && apart, "{name}");
            if trace.embedded.is_empty() {
                whole += 1;
                continue;
            }
            let most = trace.resid_pre.iter().fold(0.0_f32, |most, x| most.max(x.abs()));
            for (i, x) in trace.resid_pre.iter().enumerate() {
                let sum: f32 = trace.embedded.iter().map(|(_, part)| part[i]).sum();
                // Sums in f32, in another order.
                assert!((sum - x).abs() < 1e-5 * most.max(1.0), "{name}: {sum} {x}");
            }
            summed.push(fixture.name.clone());
        }
    }
    for name in ["gpt2", "bert", "opt", "vit"] {
        assert!(summed.iter().any(|s| s == name), "{name}: {summed:?}");
    }
    assert!(whole > 20);
}

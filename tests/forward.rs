//! The streamed forward pass against the library, for every family: attention, hidden states, logits.

#![allow(clippy::unwrap_used, reason = "a test says by panicking what is wrong")]

use crate::golden;
#[cfg(feature = "gpu")]
use crate::support::gpu as support;

use golden::{Fixture, fixtures, variants};
#[cfg(feature = "gpu")]
use omega_lens::gpu::{Gpu, GpuOptions};
use omega_lens::model::forward::{Cpu, ForwardPass, Image, Input, Products};
use omega_lens::model::{LayerTrace, Model, ModelError};

/// An image as an input.
fn seen(image: Image) -> Input {
    Input { image: Some(image), ..Input::default() }
}

/// The library computes in f32, so do we, in another order of summation.
const TOLERANCE: f64 = 1e-4;

/// Largest difference, relative to the larger of 1 and the largest expected value.
fn difference(expected: &[f64], found: &[f32]) -> f64 {
    assert_eq!(expected.len(), found.len());
    let size = expected.iter().fold(1.0, |a: f64, b| a.max(b.abs()));
    expected.iter().zip(found).map(|(a, &b)| (a - f64::from(b)).abs()).fold(0.0, f64::max) / size
}

/// The result of a future that waits for nobody but the GPU, which the driver waits for.
fn now<T>(future: impl Future<Output = T>) -> T {
    let mut future = std::pin::pin!(future);
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    loop {
        if let std::task::Poll::Ready(result) = future.as_mut().poll(&mut context) {
            return result;
        }
    }
}

fn start(fixture: &Fixture, model: &Model) -> ForwardPass {
    match fixture.ids() {
        Some(ids) => ForwardPass::of_tokens(model, &[ids]).unwrap(),
        None => {
            let pixels = fixture.values("pixel_values").into_iter().map(|x| x as f32).collect();
            let side = if fixture.name == "vit" { 16 } else { 8 };
            ForwardPass::of_input(model, &seen(Image { shape: [3, side, side], pixels })).unwrap()
        }
    }
}

/// Every family with `products` made by somebody, against the library.
fn runs_as_in_the_library(products: &mut impl Products) {
    let mut wrong = Vec::new();
    for fixture in fixtures().into_iter().chain(variants()) {
        let model = fixture.model();
        let mut pass = start(&fixture, &model);
        let mut check = |what: String, found: &[f32]| {
            let off =
                if fixture.has(&what) { difference(&fixture.values(&what), found) } else { 0.0 };
            if off.is_nan() || off > TOLERANCE {
                wrong.push(format!("{}: {what} is off by {off:e}", fixture.name));
            }
        };
        // Of a file with two sides only the one that has an input runs.
        let mut n_run = 0;
        while pass.next_layer() < model.arch.n_layers {
            let number = model.arch.layers[pass.next_layer()].number;
            check(format!("hidden.{number}"), &pass.hidden(&model, 0).unwrap());
            let traces = now(pass.step_by(products, &model, true, None)).unwrap();
            check(format!("attention.{number}"), &traces[0].pattern);
            n_run += 1;
        }
        check(format!("hidden.{n_run}"), &pass.hidden(&model, 0).unwrap());
        if fixture.has("logits") {
            let positions: Vec<(usize, usize)> = (0..pass.lengths()[0]).map(|t| (0, t)).collect();
            check("logits".into(), &now(pass.logits_by(products, &model, &positions)).unwrap());
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn every_family_and_layout_runs_as_in_the_library() {
    runs_as_in_the_library(&mut Cpu);
}

#[cfg(feature = "gpu")]
#[test]
fn every_family_runs_as_in_the_library_with_its_products_on_the_gpu() {
    let Some(gpu) = support::gpu() else { return };
    runs_as_in_the_library(&mut &gpu);
}

#[cfg(feature = "gpu")]
#[test]
fn little_gpu_memory_means_smaller_pieces_and_the_same_stream() {
    if support::gpu().is_none() {
        return;
    }
    let options = GpuOptions { memory_budget: 1 << 15, ..GpuOptions::new(support::now) };
    let frugal = now(Gpu::request(options)).unwrap();
    for name in ["llama", "phi3", "bloom"] {
        let fixture = Fixture::named(name);
        let (model, ids) = (fixture.model(), fixture.ids().unwrap());
        let prompts = [ids.clone(), ids[..4].to_vec(), ids];
        let start = || ForwardPass::of_tokens(&model, &prompts).unwrap();
        let (mut cpu, mut gpu) = (start(), start());
        cpu.step(&model, false, None).unwrap();
        now(gpu.step_by(&mut &frugal, &model, false, None)).unwrap();
        for prompt in 0..3 {
            let expected: Vec<f64> = cpu.resid(prompt).iter().map(|&x| x.into()).collect();
            assert!(difference(&expected, gpu.resid(prompt)) < 1e-5, "{name}");
        }
    }
}

#[test]
fn a_batch_of_different_lengths_gives_what_each_prompt_gives_alone() {
    for fixture in fixtures() {
        let (model, Some(ids)) = (fixture.model(), fixture.ids()) else { continue };
        let prompts = [ids[..3].to_vec(), ids.clone(), ids[5..6].to_vec()];
        let mut together = ForwardPass::of_tokens(&model, &prompts).unwrap();
        let mut alone: Vec<ForwardPass> = prompts
            .iter()
            .map(|p| ForwardPass::of_tokens(&model, std::slice::from_ref(p)).unwrap())
            .collect();
        for _ in 0..model.arch.n_layers {
            let traces = together.step(&model, true, None).unwrap();
            for (trace, alone) in traces.iter().zip(&mut alone) {
                let expected = alone.step(&model, true, None).unwrap();
                let expected: Vec<f64> = expected[0].pattern.iter().map(|&x| x.into()).collect();
                assert!(difference(&expected, &trace.pattern) < 1e-5, "{}", fixture.name);
            }
        }
    }
}

#[test]
fn what_the_trace_says_was_added_adds_up_to_the_stream() {
    for fixture in fixtures() {
        let model = fixture.model();
        if model.arch.layers.iter().any(|l| l.after_attention.is_some()) {
            continue;
        }
        let mut pass = start(&fixture, &model);
        let trace = pass.step(&model, true, None).unwrap().remove(0);
        let sum: Vec<f64> = (0..trace.resid_pre.len())
            .map(|i| {
                f64::from(trace.resid_pre[i])
                    + f64::from(trace.attn_out[i])
                    + f64::from(trace.mlp_out[i])
            })
            .collect();
        assert!(difference(&sum, pass.resid(0)) < 1e-5, "{}", fixture.name);
    }
}

#[test]
fn scores_are_queries_times_keys() {
    let model = Fixture::named("qwen3").model();
    let mut pass = start(&Fixture::named("qwen3"), &model);
    let LayerTrace { n, q, k, scores, .. } = pass.step(&model, true, None).unwrap().remove(0);
    let (h, scale) = (model.arch.d_head, model.attention(0).unwrap().score_scale as f32);
    for head in 0..model.arch.n_heads {
        let kv = model.attention(0).unwrap().sizes.kv_head(head);
        for dest in 0..n {
            for src in 0..n {
                let (q, k) = (&q[(head * n + dest) * h..][..h], &k[(kv * n + src) * h..][..h]);
                let dot: f32 = q.iter().zip(k).map(|(a, b)| a * b).sum();
                assert!((dot * scale - scores[(head * n + dest) * n + src]).abs() < 1e-4);
            }
        }
    }
}

#[test]
fn an_edit_of_one_heads_scores_changes_that_head_and_what_follows() {
    let fixture = Fixture::named("gpt2");
    let model = fixture.model();
    let (mut plain, mut edited) = (start(&fixture, &model), start(&fixture, &model));
    let before = plain.step(&model, true, None).unwrap().remove(0);
    let mut flatten = |site: omega_lens::model::forward::Site, scores: &mut [f32]| {
        if site.head == 2 {
            scores.fill(0.0);
        }
    };
    let after = edited.step(&model, true, Some(&mut flatten)).unwrap().remove(0);
    let n = before.n;
    let of =
        |trace: &LayerTrace, head: usize| trace.pattern[head * n * n..(head + 1) * n * n].to_vec();
    assert_eq!(of(&before, 1), of(&after, 1));
    assert!((of(&after, 2)[n * n - 1] - 1.0 / n as f32).abs() < 1e-6);
    assert_ne!(plain.resid(0), edited.resid(0));
    // The same edit from a stream that was kept gives the same.
    let mut again = ForwardPass::of_hidden(&model, 0, vec![n], before.resid_pre).unwrap();
    again.step(&model, false, Some(&mut flatten)).unwrap();
    assert_eq!(again.resid(0), edited.resid(0));
}

#[test]
fn what_a_model_does_not_have_is_an_error() {
    let model = Fixture::named("gpt2").model();
    let run = |prompts: &[Vec<u32>]| ForwardPass::of_tokens(&model, prompts).unwrap_err();
    assert_eq!(run(&[vec![1], vec![]]), ModelError::EmptyPrompt { prompt: 1 });
    assert_eq!(run(&[vec![96]]), ModelError::OutOfRange { what: "token id", index: 96, count: 96 });
    assert_eq!(
        run(&[vec![1; 33]]),
        ModelError::OutOfRange { what: "position", index: 32, count: 32 }
    );
    let mut pass = ForwardPass::of_tokens(&model, &[vec![1, 2]]).unwrap();
    assert!(matches!(pass.logits(&model, &[(0, 2)]), Err(ModelError::OutOfRange { .. })));
    pass.step(&model, false, None).unwrap();
    pass.step(&model, false, None).unwrap();
    assert!(matches!(
        pass.step(&model, false, None),
        Err(ModelError::OutOfRange { what: "layer", .. })
    ));
    let image = Image { shape: [3, 16, 16], pixels: vec![0.0; 768] };
    assert!(matches!(
        ForwardPass::of_input(&model, &seen(image)),
        Err(ModelError::CannotRun { .. })
    ));
}

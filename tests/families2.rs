//! The second set of families against the libraries that define them: spectra, attention, hidden states and logits of every stack.

#![allow(clippy::unwrap_used, reason = "a test says by panicking what is wrong")]

use crate::golden;

use golden::{Fixture, more_families};
use omega_lens::model::architecture::StackKind;
use omega_lens::model::{AttentionLayer, ForwardPass, Model, Part, Weights};
use serde_json::Value;

/// The library computes in f32, so do we, in another order of summation.
const TOLERANCE: f64 = 1e-4;

/// Largest difference, relative to the larger of 1 and the largest expected value.
fn difference(expected: &[f64], found: &[f32]) -> f64 {
    assert_eq!(expected.len(), found.len());
    let size = expected.iter().fold(1.0, |a: f64, b| a.max(b.abs()));
    expected.iter().zip(found).map(|(a, &b)| (a - f64::from(b)).abs()).fold(0.0, f64::max) / size
}

/// What stands in front of a stack's names in the fixtures.
fn front(kind: StackKind) -> String {
    kind.name().map_or_else(String::new, |name| format!("{name}."))
}

#[test]
fn spectra_agree_with_numpy_raw_and_folded() {
    let mut wrong = Vec::new();
    for fixture in more_families() {
        let model = fixture.model();
        let whole = fixture.spectra();
        for stack in &model.arch.stacks {
            let spectra = stack.kind.name().map_or(&whole, |name| &whole[name]);
            for (number, &layer) in stack.layers.iter().enumerate() {
                if spectra["raw"]["qk"][number].is_null() {
                    assert!(model.attention(layer).is_err(), "{} L{number}", fixture.name);
                    continue;
                }
                check_layer(&fixture, &model, (layer, number), spectra, &mut wrong);
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

fn check_layer(
    fixture: &Fixture,
    model: &Model,
    (layer, number): (usize, usize),
    spectra: &Value,
    wrong: &mut Vec<String>,
) {
    let attention = AttentionLayer::read(model, layer, Part::Both).unwrap();
    assert_eq!(attention.n_heads(), spectra["raw"]["qk"][number].as_array().unwrap().len());
    for (weights, form) in [(Weights::Raw, "raw"), (Weights::Folded, "folded")] {
        for head in 0..attention.n_heads() {
            let w = attention.head(head, weights).unwrap();
            let mut matrices = vec![("qk", &w.w_q * w.w_k.transpose()), ("ov", &w.w_v * &w.w_o)];
            assert_eq!(w.rotary.is_some(), !spectra[form]["qk_rope"].is_null());
            if let Some(rotary) = &w.rotary {
                matrices.push(("qk_rope", &rotary.w_q * rotary.w_k.transpose()));
                let whole = w.clone().whole();
                matrices.push(("qk_full", &whole.w_q * whole.w_k.transpose()));
            }
            for (kind, m) in matrices {
                let expected: Vec<f64> =
                    serde_json::from_value(spectra[form][kind][number][head].clone()).unwrap();
                let found = m.singular_values();
                let off = expected.iter().zip(found.iter()).map(|(a, b)| (a - b).abs());
                let off = off.fold(0.0, f64::max) / expected[0];
                // 1e-9 of the largest: two SVD routines in f64, and the fixture prints all digits.
                if off.is_nan() || off > 1e-9 {
                    let head = model.arch.head_name(layer, head);
                    wrong.push(format!("{} {form} {kind} {head}: off by {off:e}", fixture.name));
                }
            }
        }
    }
}

#[test]
fn every_stack_runs_as_in_the_library() {
    let mut wrong = Vec::new();
    for fixture in more_families() {
        let model = fixture.model();
        if let Some(reason) = &model.arch.cannot_run {
            wrong.push(format!("{}: {reason}", fixture.name));
            continue;
        }
        let mut seen = 0;
        let mut check = |what: String, found: &[f32]| {
            if !fixture.has(&what) {
                return;
            }
            seen += 1;
            let off = difference(&fixture.values(&what), found);
            if off.is_nan() || off > TOLERANCE {
                wrong.push(format!("{}: {what} is off by {off:e}", fixture.name));
            }
        };
        let mut pass = ForwardPass::of_input(&model, &fixture.input()).unwrap();
        for layer in 0..model.arch.n_layers {
            let kind = model.arch.stack_of(layer).unwrap().kind;
            let (front, number) = (front(kind), model.arch.layers[layer].number);
            if kind != StackKind::Cross {
                check(format!("{front}hidden.{number}"), &pass.hidden(&model, 0).unwrap());
            }
            for trace in pass.step(&model, true, None).unwrap() {
                check(format!("{front}attention.{number}"), &trace.pattern);
            }
        }
        for (index, stream) in model.arch.streams.iter().enumerate() {
            let own = model.arch.stacks.iter().find(|s| s.kind == stream.kind).unwrap();
            let (front, n) = (front(stream.kind), own.layers.len());
            check(format!("{front}hidden.{n}"), &pass.hidden_of(&model, index, 0).unwrap());
            check(format!("{front}last_hidden"), &pass.last_hidden(&model, index, 0).unwrap());
        }
        if fixture.has("logits") {
            let positions: Vec<(usize, usize)> = (0..pass.lengths()[0]).map(|t| (0, t)).collect();
            check("logits".into(), &pass.logits(&model, &positions).unwrap());
        }
        let expected = fixture.names().filter(|name| {
            ["attention.", "hidden", "logits"].iter().any(|what| name.contains(what))
                && !name.starts_with("logits_per")
        });
        assert_eq!(seen, expected.count(), "{}: not all was compared", fixture.name);
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn prompts_of_a_batch_do_not_see_each_other() {
    let hybrids = ["qwen3_next", "qwen3_5_text", "jamba", "lfm2", "falcon_h1"];
    let others = ["deepseek_v3", "gemma3n_text", "gemma4_text"];
    for fixture in more_families() {
        if !hybrids.iter().chain(&others).any(|name| *name == fixture.name) {
            continue;
        }
        let model = fixture.model();
        let ids = fixture.ids().unwrap();
        let short = ids[3..8].to_vec();
        let logits = |prompts: &[Vec<u32>]| -> Vec<f32> {
            let mut pass = ForwardPass::of_tokens(&model, prompts).unwrap();
            for _ in 0..model.arch.n_layers {
                pass.step(&model, false, None).unwrap();
            }
            let last: Vec<_> = prompts.iter().enumerate().map(|(i, p)| (i, p.len() - 1)).collect();
            pass.logits(&model, &last).unwrap()
        };
        let both = logits(&[ids.clone(), short.clone()]);
        let apart = [logits(&[ids]), logits(&[short])].concat();
        // The same sums; products of more rows at once may add up in another order.
        let off = both.iter().zip(&apart).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        assert!(both.len() == apart.len() && off < 1e-4, "{}: off by {off:e}", fixture.name);
    }
}

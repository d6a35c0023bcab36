//! Every family against the library that defines it: matrices, spectra and attention of 24 tiny checkpoints.

#![allow(clippy::unwrap_used, reason = "a test says by panicking what is wrong")]

use crate::golden;

use golden::{Fixture, fixtures};
use omega_lens::math::Mat;
use omega_lens::math::layout::from_row_major;
use omega_lens::model::architecture::{Attention, Norm, NormKind, QkNorm};
use omega_lens::model::{AttentionLayer, HeadWeights, Model, Part, Weights};

/// Largest difference of two slices of one length.
fn distance(a: &[f64], b: &[f64]) -> f64 {
    assert_eq!(a.len(), b.len());
    a.iter().zip(b).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max)
}

fn singular_values(m: Mat, keep: usize) -> Vec<f64> {
    m.singular_values().iter().copied().take(keep).collect()
}

#[test]
fn spectra_agree_with_numpy_raw_and_folded() {
    for fixture in fixtures() {
        let model = fixture.model();
        let spectra = fixture.spectra();
        for (weights, name) in [(Weights::Raw, "raw"), (Weights::Folded, "folded")] {
            for layer in 0..model.arch.n_layers {
                let attention = AttentionLayer::read(&model, layer, Part::Both).unwrap();
                for head in 0..model.arch.n_heads {
                    let w = attention.head(head, weights).unwrap();
                    for (kind, product) in
                        [("qk", &w.w_q * w.w_k.transpose()), ("ov", &w.w_v * &w.w_o)]
                    {
                        let expected: Vec<f64> =
                            serde_json::from_value(spectra[name][kind][layer][head].clone())
                                .unwrap();
                        let found = singular_values(product, expected.len());
                        // 1e-9 of the largest: two SVD routines in f64, and the fixture prints all digits.
                        assert!(
                            distance(&expected, &found) < 1e-9 * expected[0],
                            "{} {name} {kind} L{layer}H{head}: {expected:?} against {found:?}",
                            fixture.name
                        );
                    }
                }
            }
        }
    }
}

#[test]
fn attention_agrees_with_the_library_from_one_layers_input() {
    for fixture in fixtures() {
        let model = fixture.model();
        for layer in 0..model.arch.n_layers {
            let hidden = fixture.matrix(&format!("hidden.{layer}"));
            for weights in [Weights::Raw, Weights::Folded] {
                let expected = fixture.values(&format!("attention.{layer}"));
                let found = attention_of_layer(&model, layer, &hidden, weights);
                let off = distance(&expected, &found);
                // The library computed in f32.
                assert!(off < 1e-4, "{} layer {layer} {weights:?}: off by {off}", fixture.name);
            }
        }
    }
}

/// All heads' patterns `[n_heads, n, n]` of a layer, the slow and plain way, in f64.
fn attention_of_layer(model: &Model, layer: usize, hidden: &Mat, weights: Weights) -> Vec<f64> {
    let description = model.layer(layer).unwrap();
    let attention = description.attention.as_ref().unwrap();
    let heads = AttentionLayer::read(model, layer, Part::Both).unwrap();
    let input = match (&description.before_attention, weights) {
        (None, _) => hidden.clone(),
        (Some(norm), Weights::Raw) => normed(model, norm, hidden, true),
        (Some(norm), Weights::Folded) => normed(model, norm, hidden, false),
    };
    let n_heads = attention.sizes.n_heads;
    let raw: Vec<(HeadWeights, Mat, Mat)> = (0..n_heads)
        .map(|head| {
            let w = heads.head(head, weights).unwrap();
            let (q, k) = (project(&input, &w.w_q, &w.b_q), project(&input, &w.w_k, &w.b_k));
            (w, q, k)
        })
        .collect();
    let (q_scale, k_scale) = qk_scales(model, layer, hidden, attention);
    let mut pattern = Vec::new();
    for (head, (_, q, k)) in raw.iter().enumerate() {
        let mut q = q.clone();
        let mut k = k.clone();
        if let Some(norm) = &attention.qk_norm {
            divide_rows(&mut q, &q_scale[head]);
            divide_rows(&mut k, &k_scale[head]);
            if weights == Weights::Raw {
                apply_gains(model, norm, head, &mut q, &mut k);
            }
        }
        rotate(attention, &mut q);
        rotate(attention, &mut k);
        let n = hidden.nrows();
        let alibi = model.arch.alibi.as_ref().map(|alibi| (alibi, head));
        for dest in 0..n {
            let seen = attention.visible(dest, n);
            let score = |src: usize| attention.score(q.row(dest).dot(&k.row(src)), alibi, src);
            let total: f64 = seen.clone().map(|src| score(src).exp()).sum();
            pattern.extend(
                (0..n).map(|src| if seen.contains(&src) { score(src).exp() / total } else { 0.0 }),
            );
        }
    }
    pattern
}

fn project(x: &Mat, w: &Mat, b: &[f64]) -> Mat {
    let mut y = x * w;
    for mut row in y.row_iter_mut() {
        row.iter_mut().zip(b).for_each(|(y, b)| *y += b);
    }
    y
}

fn vector(model: &Model, name: &str) -> Vec<f64> {
    model.checkpoint.read(name).unwrap().f64s().unwrap()
}

/// Rows normed; with gains and bias, or bare.
fn normed(model: &Model, norm: &Norm, x: &Mat, with_gains: bool) -> Mat {
    let (gains, _) = model.read_norm(norm, x.ncols()).unwrap();
    let bias = norm.bias.as_ref().map(|name| vector(model, name));
    let mut y = x.clone();
    for mut row in y.row_iter_mut() {
        if norm.kind.centres() {
            let mean = row.mean();
            row.add_scalar_mut(-mean);
        }
        let scale = (row.norm_squared() / row.len() as f64 + norm.eps).sqrt();
        for (i, y) in row.iter_mut().enumerate() {
            *y /= scale;
            if with_gains {
                *y *= gains[i];
                *y += bias.as_ref().map_or(0.0, |b| b[i]);
            }
        }
    }
    y
}

fn divide_rows(m: &mut Mat, by: &[f64]) {
    for (mut row, by) in m.row_iter_mut().zip(by) {
        row /= *by;
    }
}

/// Per head and token, the root mean square that norms queries and keys; from raw weights.
fn qk_scales(
    model: &Model,
    layer: usize,
    hidden: &Mat,
    attention: &Attention,
) -> (Vec<Vec<f64>>, Vec<Vec<f64>>) {
    let Some(norm) = &attention.qk_norm else { return (Vec::new(), Vec::new()) };
    let (QkNorm::Shared { q: q_norm, .. } | QkNorm::Together { q: q_norm, .. }) = norm else {
        panic!("no fixture has a norm per head")
    };
    assert_ne!(q_norm.kind, NormKind::Layer);
    let heads = AttentionLayer::read(model, layer, Part::Qk).unwrap();
    let before = &model.layer(layer).unwrap().before_attention;
    let input =
        before.as_ref().map_or_else(|| hidden.clone(), |norm| normed(model, norm, hidden, true));
    let squares = |read_keys: bool| -> Vec<Vec<f64>> {
        (0..model.arch.n_heads)
            .map(|head| {
                let w = heads.head(head, Weights::Raw).unwrap();
                let y = if read_keys {
                    project(&input, &w.w_k, &w.b_k)
                } else {
                    project(&input, &w.w_q, &w.b_q)
                };
                y.row_iter().map(|row| row.norm_squared() / row.len() as f64).collect()
            })
            .collect()
    };
    let root = |mut squares: Vec<Vec<f64>>| {
        if matches!(norm, QkNorm::Together { .. }) {
            let n = squares.len() as f64;
            let together: Vec<f64> = (0..hidden.nrows())
                .map(|t| squares.iter().map(|head| head[t]).sum::<f64>() / n)
                .collect();
            squares.iter_mut().for_each(|head| head.clone_from(&together));
        }
        squares
            .into_iter()
            .map(|head| head.into_iter().map(|s| (s + q_norm.eps).sqrt()).collect())
            .collect()
    };
    (root(squares(false)), root(squares(true)))
}

fn apply_gains(model: &Model, norm: &QkNorm, head: usize, q: &mut Mat, k: &mut Mat) {
    let (QkNorm::Shared { q: q_norm, k: k_norm } | QkNorm::Together { q: q_norm, k: k_norm }) =
        norm
    else {
        return;
    };
    let sizes = model.arch.layers[0].attention.as_ref().unwrap().sizes;
    for (m, norm, head) in [(q, q_norm, head), (k, k_norm, sizes.kv_head(head))] {
        let gains = vector(model, norm.weight.as_deref().unwrap());
        let d_head = m.ncols();
        let start = if gains.len() == d_head { 0 } else { head * d_head };
        for (i, mut column) in m.column_iter_mut().enumerate() {
            column *= gains[start + i] + if norm.kind == NormKind::RmsPlusOne { 1.0 } else { 0.0 };
        }
    }
}

fn rotate(attention: &Attention, m: &mut Mat) {
    let Some(rope) = &attention.rope else { return };
    let n = m.nrows();
    for (position, mut row) in m.row_iter_mut().enumerate() {
        let mut values: Vec<f64> = row.iter().copied().collect();
        rope.rotate(&mut values, &rope.angles(position as f64, n));
        row.copy_from_slice(&values);
    }
}

#[test]
fn folded_layer_norm_models_cannot_see_the_all_ones_vector() {
    for fixture in fixtures() {
        let model = fixture.model();
        if !model.arch.reads_through_layer_norm() {
            continue;
        }
        let w =
            AttentionLayer::read(&model, 0, Part::Both).unwrap().head(1, Weights::Folded).unwrap();
        let ones = from_row_major(1, model.arch.d_model, &vec![1.0; model.arch.d_model]);
        for m in [&ones * &w.w_q, &ones * &w.w_k, &ones * &w.w_v, &ones * w.w_o.transpose()] {
            assert!(m.amax() < 1e-12, "{}", fixture.name);
        }
    }
}

#[test]
fn the_folded_output_bias_holds_the_value_biases() {
    for fixture in fixtures() {
        let model = fixture.model();
        if !model.arch.folds_norms() {
            continue;
        }
        let layer = AttentionLayer::read(&model, 1, Part::Both).unwrap();
        let Some(norm) = &model.layer(1).unwrap().before_attention else { continue };
        // A constant input, so that every pattern gives the same: bare norm in, full attention out.
        let hidden = fixture.matrix("hidden.1").rows(0, 1).into_owned();
        let (full, bare) =
            (normed(&model, norm, &hidden, true), normed(&model, norm, &hidden, false));
        let sum = |weights: Weights, x: &Mat| {
            let mut y = from_row_major(1, model.arch.d_model, &layer.b_o(weights).unwrap());
            for head in 0..model.arch.n_heads {
                let w = layer.head(head, weights).unwrap();
                y += project(x, &w.w_v, &w.b_v) * w.w_o;
            }
            y
        };
        let (mut raw, folded) = (sum(Weights::Raw, &full), sum(Weights::Folded, &bare));
        if norm.kind.centres() {
            let mean = raw.mean();
            raw.add_scalar_mut(-mean);
        }
        assert!((raw - folded).amax() < 1e-10, "{}", fixture.name);
    }
}

#[test]
fn notes_say_what_stays_outside() {
    let says = |name: &str, words: &str| {
        let notes = Fixture::named(name).model().notes;
        assert!(notes.iter().any(|n| n.contains(words)), "{name}: {notes:?}");
    };
    says("bert", "nothing is folded");
    says("olmo2", "nothing is folded");
    says("olmo2", "over all heads");
    says("gemma2", "soft-capped at 5");
    says("gemma2", "stays outside OV");
    says("bloom", "ALiBi");
    says("mistral", "sliding window");
    assert!(Fixture::named("llama").model().notes.is_empty());
}

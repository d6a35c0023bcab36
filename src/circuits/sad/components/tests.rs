//! Splits of a small random transformer's residual stream.

use super::*;
use crate::circuits::sad::components::builder::{Reader, SplitBuilder, Upstream};
use crate::circuits::sad::terms::{HeadTerms, TermBasis};
use crate::math::{layout::to_row_major_f32, product_svd, random::Rng};

const N: usize = 5;
const D_MODEL: usize = 12;
const D_HEAD: usize = 4;
const CAUSAL: View = View { causal: true, window: None };

struct Layer {
    pattern: Vec<f32>,
    v: Mat,
    w_o: Vec<Mat>,
    b_o: Vec<f64>,
    output_scale: Vec<f32>,
    mlp_out: Mat,
}

/// Two layers of two query heads on one key/value head, the second with a norm on its output.
fn layers(rng: &mut Rng) -> Vec<Layer> {
    let one = |normed: bool, rng: &mut Rng| {
        let lower = |at: usize| at % N <= at / N % N;
        let pattern = (0..2 * N * N).map(|at| if lower(at) { rng.uniform() as f32 } else { 0.0 });
        Layer {
            pattern: pattern.collect(),
            v: rng.normal_matrix(N, D_HEAD),
            w_o: vec![rng.normal_matrix(D_HEAD, D_MODEL), rng.normal_matrix(D_HEAD, D_MODEL)],
            b_o: rng.normal_matrix(1, D_MODEL).iter().copied().collect(),
            output_scale: if normed { vec![0.5, 1.5, 2.0, 0.7, 1.1] } else { Vec::new() },
            mlp_out: rng.normal_matrix(N, D_MODEL),
        }
    };
    vec![one(false, rng), one(true, rng)]
}

/// The stream that the layers add up to, by the definition.
fn stream(embedding: &Mat, layers: &[Layer]) -> Mat {
    let mut x = embedding.clone();
    for layer in layers {
        let mut out = Mat::from_fn(N, D_MODEL, |_, d| layer.b_o[d]);
        for (head, w_o) in layer.w_o.iter().enumerate() {
            let p = Mat::from_fn(N, N, |i, j| f64::from(layer.pattern[(head * N + i) * N + j]));
            out += p * &layer.v * w_o;
        }
        divide(&mut out, &layer.output_scale);
        x += out + &layer.mlp_out;
    }
    x
}

fn divide(m: &mut Mat, scales: &[f32]) {
    m.row_iter_mut().zip(scales).for_each(|(mut row, scale)| row /= f64::from(*scale));
}

struct Setup {
    split_q: Split,
    split_k: Split,
    head: HeadTerms,
}

fn setup(qk_norm: bool) -> Setup {
    let mut rng = Rng::new(8);
    let embedding = rng.normal_matrix(N, D_MODEL);
    let layers = layers(&mut rng);
    let x = stream(&embedding, &layers);
    let norm_scale: Vec<f32> =
        x.row_iter().map(|row| (row.norm_squared() / D_MODEL as f64).sqrt() as f32).collect();
    let mut normed = x;
    divide(&mut normed, &norm_scale);
    let (w_q, w_k) = (rng.normal_matrix(D_MODEL, D_HEAD), rng.normal_matrix(D_MODEL, D_HEAD));
    let (b_q, b_k) = (rng.normal_matrix(1, D_HEAD), rng.normal_matrix(1, D_HEAD));
    // A rotation of the first two dimensions that grows with the position.
    let rotate = |at: usize, v: &mut [f64]| {
        let (sin, cos) = (0.4 * at as f64).sin_cos();
        (v[0], v[1]) = (v[0] * cos - v[1] * sin, v[1] * cos + v[0] * sin);
    };
    let whole = |w: &Mat, b: &Mat| {
        let mut whole = &normed * w + Mat::repeat(N, 1, 1.0) * b;
        let mut scales = Vec::new();
        for (at, mut row) in whole.row_iter_mut().enumerate() {
            let mut v: Vec<f64> = row.iter().copied().collect();
            rotate(at, &mut v);
            let scale = if qk_norm { row.norm() as f32 / 2.0 } else { 1.0 };
            v.iter().enumerate().for_each(|(k, x)| row[k] = x / f64::from(scale));
            scales.push(scale);
        }
        (whole, scales)
    };
    let ((q, q_scale), (k, k_scale)) = (whole(&w_q, &b_q), whole(&w_k, &b_k));
    let basis = TermBasis::of(&product_svd(&w_q, &w_k).unwrap());
    let (q, k) = (to_row_major_f32(&q), to_row_major_f32(&k));
    let head = HeadTerms::from_f32(&basis, &q, &k, 0.5).unwrap();
    let (v, mlp): (Vec<_>, Vec<_>) =
        layers.iter().map(|l| (to_row_major_f32(&l.v), to_row_major_f32(&l.mlp_out))).unzip();
    let upstream: Vec<Upstream> = (layers.iter().zip(v.iter().zip(&mlp)))
        .map(|(l, (v, mlp_out))| Upstream {
            pattern: &l.pattern,
            v,
            w_o: &l.w_o,
            b_o: &l.b_o,
            output_scale: &l.output_scale,
            mlp_out,
        })
        .collect();
    let entered = to_row_major_f32(&embedding);
    let split = |w: &Mat, bias: &Mat, g: &Mat, whole: &[f32], head_scale: &[f32]| {
        let reader = Reader {
            w,
            bias: bias.as_slice(),
            g,
            norm_scale: &norm_scale,
            whole,
            head_scale,
            rotate: &rotate,
        };
        let mut builder = SplitBuilder::new(reader, [(EmbeddingPart::Whole, &*entered)]).unwrap();
        upstream.iter().for_each(|layer| builder.add(layer).unwrap());
        builder.finish()
    };
    let split_q = split(&w_q, &b_q, &basis.g_dest, &q, &q_scale);
    let split_k = split(&w_k, &b_k, &basis.g_src, &k, &k_scale);
    Setup { split_q, split_k, head }
}

#[test]
fn the_parts_of_both_sides_sum_to_each_term() {
    for qk_norm in [false, true] {
        let Setup { split_q, split_k, head } = setup(qk_norm);
        // Inputs went through f32.
        assert!(split_q.remainder_share() < 1e-6 && split_k.remainder_share() < 1e-6);
        assert_eq!(split_q.components.len(), 1 + 2 * (2 * N + 2) + 1);
        for src in 0..4 {
            let relative = head.relative(3, 0..4, src).unwrap();
            let sides = [split_q.dest_terms(&relative), split_k.src_terms(&relative, CAUSAL)];
            for side in sides.map(Option::unwrap) {
                for (k, term) in relative.terms.iter().enumerate() {
                    let sum: f64 = side.totals(Some(&[k])).iter().sum();
                    assert!((sum + side.remainder[k] - term).abs() < 1e-9, "{sum} {term}");
                    assert!((sum - term).abs() < 1e-5 * relative.score.abs().max(1.0));
                }
            }
        }
    }
}

#[test]
fn what_is_written_later_has_no_part() {
    let Setup { split_k, head, .. } = setup(false);
    let relative = head.relative(1, 0..2, 1).unwrap();
    let terms = split_k.src_terms(&relative, CAUSAL).unwrap();
    let later = |c: &Component| matches!(c, Component::Head { src, .. } if *src > 1);
    for (component, total) in terms.components.iter().zip(terms.totals(None)) {
        assert!(!later(component) || total == 0.0);
    }
}

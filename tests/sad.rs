//! Sparse attention decomposition against an independent reference, and its invariants on random heads.

#![allow(clippy::unwrap_used, reason = "a test says by panicking what is wrong")]

use omega_lens::circuits::sad::controls::{ControlOptions, Controls, basis_rotated};
use omega_lens::circuits::sad::sparsity::{Sparsity, n_recon, sparseness};
use omega_lens::circuits::sad::terms::{HeadTerms, TermBasis};
use omega_lens::math::layout::from_row_major;
use omega_lens::math::random::Rng;
use omega_lens::math::statistics::mean_sd;
use omega_lens::math::{Mat, product_svd};
use proptest::prelude::*;
use serde_json::Value;

fn golden() -> Value {
    serde_json::from_str(include_str!("golden/toy/sad.json")).unwrap()
}

fn matrix(value: &Value) -> Mat {
    let rows = value.as_array().unwrap();
    let width = rows[0].as_array().unwrap().len();
    let values: Vec<f64> =
        rows.iter().flat_map(|r| r.as_array().unwrap()).map(|x| x.as_f64().unwrap()).collect();
    from_row_major(rows.len(), width, &values)
}

fn vector(value: &Value) -> Vec<f64> {
    value.as_array().unwrap().iter().map(|x| x.as_f64().unwrap()).collect()
}

fn basis(w_q: &Mat, w_k: &Mat) -> TermBasis {
    TermBasis::of(&product_svd(w_q, w_k).unwrap())
}

fn close(found: &[f64], expected: &[f64], tolerance: f64) {
    assert_eq!(found.len(), expected.len());
    for (f, e) in found.iter().zip(expected) {
        assert!((f - e).abs() <= tolerance, "{found:?}\n{expected:?}");
    }
}

/// The golden file's queries and keys, and the basis of either way to treat the biases.
fn golden_head(inputs: &Value, mode: &str) -> (TermBasis, Mat, Mat) {
    let (r, w_q, w_k) = (matrix(&inputs["R"]), matrix(&inputs["Wq"]), matrix(&inputs["Wk"]));
    let with_bias = |w: &Mat, bias: &Value| {
        let mut w = w.clone().insert_row(w.nrows(), 0.0);
        let last = w.nrows() - 1;
        vector(bias).iter().enumerate().for_each(|(k, b)| w[(last, k)] = *b);
        w
    };
    let (a_q, a_k) = (with_bias(&w_q, &inputs["bq"]), with_bias(&w_k, &inputs["bk"]));
    let r_1 = r.clone().insert_column(r.ncols(), 1.0);
    let basis = if mode == "augment" { basis(&a_q, &a_k) } else { basis(&w_q, &w_k) };
    (basis, &r_1 * a_q, &r_1 * a_k)
}

#[test]
fn the_golden_decomposition_is_reproduced_number_by_number() {
    let golden = golden();
    let inputs = &golden["inputs"];
    let (scale, q_given) = (inputs["scale"].as_f64().unwrap(), matrix(&inputs["Q"]));
    for case in golden["cases"].as_array().unwrap() {
        let expected = &case["expected"];
        let (basis, q, k) = golden_head(inputs, case["mode"].as_str().unwrap());
        close(&basis.s, &vector(&expected["s"]), 1e-9);
        let head = HeadTerms::new(&basis, &q, &k, scale).unwrap();
        for dest in 0..7 {
            let end = if case["causal"].as_bool().unwrap() { dest + 1 } else { 7 };
            for src in 0..7 {
                let at = |name: &str| &expected[name][dest][src];
                if src < end {
                    close(
                        &[head.score(dest, src).unwrap()],
                        &[at("logits").as_f64().unwrap()],
                        1e-9,
                    );
                    close(&head.terms(dest, src).unwrap(), &vector(at("c")), 1e-9);
                }
                let Some(relative) = head.relative(dest, 0..end, src) else {
                    assert!(at("relative").is_null(), "{dest} {src}");
                    continue;
                };
                close(&[relative.score], &[at("relative").as_f64().unwrap()], 1e-9);
                close(&relative.terms, &vector(at("c_relative")), 1e-9);
                let sparsity = Sparsity::of(&relative.terms);
                close(&[sparsity.sparseness.unwrap()], &[at("S").as_f64().unwrap()], 1e-9);
                assert_eq!(sparsity.n_recon.map(|n| n as f64), at("n_recon").as_f64());
                assert_eq!(sparsity.n_recon_90.map(|n| n as f64), at("n_recon_90").as_f64());
                if let Some(rotated) = expected.get("basis_rotated") {
                    let (a, b) = (&relative.dest_coefficients, &relative.src_contrast);
                    // The golden rotation turns the golden signs of (u_k, v_k), which are a joint gauge.
                    let flips: Vec<f64> = (0..4)
                        .map(|k| (a[k] * expected["a"][dest][k].as_f64().unwrap()).signum())
                        .collect();
                    let flip =
                        |x: &[f64]| x.iter().zip(&flips).map(|(x, f)| x * f).collect::<Vec<_>>();
                    let turn = |x: &mut [f64]| {
                        let turned = q_given.tr_mul(&Mat::from_column_slice(x.len(), 1, x));
                        x.copy_from_slice(turned.as_slice());
                    };
                    let terms = basis_rotated(&flip(a), &flip(b), &basis.s, turn, scale);
                    close(&terms, &vector(&rotated["c_relative"][dest][src]), 1e-9);
                    close(
                        &[sparseness(&terms).unwrap()],
                        &[rotated["S"][dest][src].as_f64().unwrap()],
                        1e-9,
                    );
                }
            }
        }
    }
}

#[test]
fn the_golden_edge_vectors_are_measured_exactly() {
    for case in golden()["vectors"].as_array().unwrap() {
        let v = vector(&case["v"]);
        match case["S"].as_f64() {
            Some(s) => close(&[sparseness(&v).unwrap()], &[s], 1e-12),
            None => assert_eq!(sparseness(&v), None),
        }
        assert_eq!(n_recon(&v, 1.0).map(|n| n as u64), case["n_recon"].as_u64(), "{v:?}");
        assert_eq!(n_recon(&v, 0.9).map(|n| n as u64), case["n_recon_90"].as_u64(), "{v:?}");
    }
}

struct Random {
    w_q: Mat,
    w_k: Mat,
    x: Mat,
    b_q: Mat,
    b_k: Mat,
}

/// A random head whose singular values fall by `decay` from one to the next, on `n` random tokens.
fn random_head(seed: u32, d_head: usize, n: usize, decay: f64) -> Random {
    let (mut rng, d_model) = (Rng::new(seed), 3 * d_head);
    let mut w_q = rng.normal_matrix(d_model, d_head);
    w_q.column_iter_mut().enumerate().for_each(|(k, mut column)| column *= decay.powi(k as i32));
    Random {
        w_q,
        w_k: rng.normal_matrix(d_model, d_head),
        x: rng.normal_matrix(n, d_model),
        b_q: rng.normal_matrix(1, d_head),
        b_k: rng.normal_matrix(1, d_head),
    }
}

impl Random {
    fn q(&self) -> Mat {
        let ones = Mat::repeat(self.x.nrows(), 1, 1.0);
        &self.x * &self.w_q + ones * &self.b_q
    }

    fn k(&self) -> Mat {
        let ones = Mat::repeat(self.x.nrows(), 1, 1.0);
        &self.x * &self.w_k + ones * &self.b_k
    }

    fn terms(&self) -> HeadTerms {
        HeadTerms::new(&basis(&self.w_q, &self.w_k), &self.q(), &self.k(), 0.25).unwrap()
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn terms_sum_to_the_score_and_relative_terms_to_relative_attention(
        seed in 0_u32..1000, d_head in 1_usize..12, n in 2_usize..8, decay in 0.3_f64..1.0,
    ) {
        let random = random_head(seed, d_head, n, decay);
        let head = random.terms();
        let (q, k) = (random.q(), random.k());
        prop_assert!(head.remainder_share() < 1e-10, "{}", head.remainder_share());
        for dest in 0..n {
            for src in 0..=dest {
                let score = (q.row(dest) * k.row(src).transpose())[(0, 0)] * 0.25;
                prop_assert!((head.score(dest, src).unwrap() - score).abs() < 1e-10);
                let Some(relative) = head.relative(dest, 0..dest + 1, src) else {
                    prop_assert_eq!(dest, 0);
                    continue;
                };
                let others = (0..=dest).filter(|&j| j != src);
                let mean = others.map(|j| head.score(dest, j).unwrap()).sum::<f64>() / dest as f64;
                prop_assert!((relative.score - (score - mean)).abs() < 1e-10);
                let sum: f64 = relative.terms.iter().sum();
                prop_assert!((sum - relative.score).abs() < 1e-9);
            }
        }
    }

    #[test]
    fn sparseness_and_n_recon_stay_in_their_ranges(
        terms in prop::collection::vec(-1e3_f64..1e3, 1..40),
    ) {
        let h = terms.len();
        let sparsity = Sparsity::of(&terms);
        let s = sparsity.sparseness.unwrap();
        prop_assert!(s > 1.0 / h as f64 - 1e-12 && s < 1.0 + 1e-12);
        let (all, most) = (sparsity.n_recon.unwrap(), sparsity.n_recon_90.unwrap());
        prop_assert!(1 <= most && most <= all && all <= h);
    }

    #[test]
    fn no_smaller_choice_of_terms_reaches_the_sum(
        terms in prop::collection::vec(-5.0_f64..5.0, 1..9),
    ) {
        let total: f64 = terms.iter().sum();
        let target = (1.0 - 5e-6) * total.abs();
        let brute = (1_u32..1 << terms.len())
            .filter(|set| {
                let chosen = terms.iter().enumerate().filter(|(k, _)| set >> k & 1 == 1);
                chosen.map(|(_, t)| t).sum::<f64>() * total.signum() >= target
            })
            .map(u32::count_ones)
            .min();
        prop_assert_eq!(n_recon(&terms, 1.0).map(|n| n as u32), brute);
    }

    #[test]
    fn the_basis_control_keeps_every_score(
        seed in 0_u32..1000, d_head in 1_usize..12, decay in 0.3_f64..1.0,
    ) {
        let random = random_head(seed, d_head, 6, decay);
        let basis = basis(&random.w_q, &random.w_k);
        let head = random.terms();
        let options = ControlOptions { draws: 3, seed };
        let controls = Controls::new(&basis.s, options, 7);
        let looks = Controls::of_one_look(&basis.s, options, 7);
        for src in 0..6 {
            let relative = head.relative(5, 0..6, src).unwrap();
            let drawn = [controls.basis_terms(&relative), looks.basis_terms(&relative)].concat();
            prop_assert_eq!(drawn.len(), 6);
            for terms in drawn {
                prop_assert_eq!(terms.len(), d_head);
                let sum: f64 = terms.iter().sum();
                prop_assert!((sum - relative.score).abs() < 1e-6 * relative.score.abs().max(1.0));
            }
            for terms in controls.subspace_terms(&relative) {
                prop_assert_eq!(terms.len(), d_head);
            }
        }
    }

    #[test]
    fn neither_gauge_nor_a_common_change_of_head_basis_moves_a_term(
        seed in 0_u32..1000, d_head in 2_usize..10,
    ) {
        let random = random_head(seed, d_head, 5, 0.5);
        let turn = Rng::new(seed + 1).haar_rotation(d_head);
        let flip = Mat::from_diagonal(&nalgebra::DVector::from_fn(d_head, |k, _| {
            if k % 2 == 0 { -1.0 } else { 1.0 }
        }));
        let original = basis(&random.w_q, &random.w_k);
        let gauge = TermBasis::new(
            &original.g_dest * &flip, &original.g_src * &flip, original.s.clone(),
        ).unwrap();
        let turned = basis(&(&random.w_q * &turn), &(&random.w_k * &turn));
        let (q, k) = (random.q(), random.k());
        let first = HeadTerms::new(&original, &q, &k, 0.5).unwrap();
        let flipped = HeadTerms::new(&gauge, &q, &k, 0.5).unwrap();
        let second = HeadTerms::new(&turned, &(&q * &turn), &(&k * &turn), 0.5).unwrap();
        for src in 0..5 {
            let terms = first.relative(4, 0..5, src).unwrap().terms;
            for other in [&flipped, &second] {
                let other = other.relative(4, 0..5, src).unwrap().terms;
                for (a, b) in terms.iter().zip(&other) {
                    prop_assert!((a - b).abs() < 1e-8, "{:?} {:?}", terms, other);
                }
            }
        }
    }
}

#[test]
fn a_key_bias_cancels_in_relative_attention_and_a_query_bias_does_not() {
    let mut random = random_head(3, 6, 5, 0.8);
    let relative = |random: &Random| random.terms().relative(4, 0..5, 2).unwrap();
    let before = relative(&random);
    random.b_k *= 5.0;
    close(&relative(&random).terms, &before.terms, 1e-10);
    random.b_q *= 5.0;
    assert!((relative(&random).score - before.score).abs() > 0.1);
}

#[test]
fn a_rank_deficient_head_shows_what_its_bias_adds_outside_the_row_space() {
    let mut random = random_head(4, 6, 5, 0.8);
    random.w_q.column_mut(5).fill(0.0);
    random.b_q.fill(0.0);
    assert!(random.terms().remainder_share() < 1e-10, "without a bias nothing is lost");
    random.b_q[(0, 5)] = 2.0;
    let head = random.terms();
    let (q, k) = (random.q(), random.k());
    for src in 0..5 {
        let lost = 0.25 * q[(4, 5)] * k[(src, 5)];
        assert!((head.remainder(4, src).unwrap() - lost).abs() < 1e-9);
    }
    let relative = head.relative(4, 0..5, 1).unwrap();
    assert_eq!(relative.terms.len(), 6);
    let sum = relative.terms.iter().sum::<f64>() + relative.remainder;
    assert!((sum - relative.score).abs() < 1e-12 && relative.remainder.abs() > 1e-3);
}

#[test]
fn undefined_and_absent_pairs_are_none() {
    let head = random_head(5, 4, 3, 0.9).terms();
    assert!(head.relative(0, 0..1, 0).is_none(), "one visible source");
    assert!(head.relative(2, 0..2, 2).is_none(), "hidden source");
    assert!(head.relative(3, 0..3, 0).is_none() && head.relative(2, 0..9, 0).is_none());
    assert!(head.terms(0, 3).is_none() && head.score(3, 0).is_none());
}

#[test]
fn one_planted_pair_is_sparse_and_its_basis_control_is_not() {
    // Rank one plus a little noise: the singular vectors find it, a random basis smears it.
    let mut rng = Rng::new(11);
    let (mut w_q, mut w_k) = (rng.normal_matrix(48, 16) * 0.05, rng.normal_matrix(48, 16) * 0.05);
    let direction = rng.normal_matrix(1, 16).normalize();
    w_q.row_mut(0).copy_from(&(&direction * 4.0));
    w_k.row_mut(1).copy_from(&(&direction * 4.0));
    let mut x = rng.normal_matrix(8, 48) * 0.2;
    (x[(7, 0)], x[(3, 1)]) = (2.0, 2.0);
    let basis = basis(&w_q, &w_k);
    let head = HeadTerms::new(&basis, &(&x * &w_q), &(&x * &w_k), 0.25).unwrap();
    let relative = head.relative(7, 0..8, 3).unwrap();
    let real = Sparsity::of(&relative.terms);
    assert!(real.sparseness.unwrap() < 0.1 && real.n_recon_90 == Some(1), "{real:?}");
    let options = ControlOptions { draws: 40, seed: 1 };
    let [whole, look] = [Controls::new, Controls::of_one_look].map(|new| {
        let draws = new(&basis.s, options, 0).basis_terms(&relative);
        let s: Vec<f64> = draws.iter().map(|terms| sparseness(terms).unwrap()).collect();
        mean_sd(&s)
    });
    assert!((0.3..0.65).contains(&whole.0) && whole.1 > 0.0, "{whole:?}");
    // The same law, however it is drawn: the standard error of either mean is a sixth of the spread.
    assert!((whole.0 - look.0).abs() < whole.1, "{whole:?} {look:?}");
}

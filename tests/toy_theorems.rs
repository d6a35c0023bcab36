//! Theorems 1 to 3 against the reference, against brute force, and against random draws.

#![allow(clippy::unwrap_used, reason = "a test says by panicking what is wrong")]

use omega_lens::math::{Mat, layout, random::Rng};
use omega_lens::toy::{
    Config, FeatureKind, HeadInit, Metrics, Params, Regression, Template, Trained, Trainer,
    alignment_with_inverse, cloud_point, isotropy,
};
use serde_json::Value;

fn matrix(value: &Value) -> Option<Mat> {
    let rows: Vec<Vec<f64>> = value.as_array()?.iter().map(|row| numbers(row).unwrap()).collect();
    Some(layout::from_row_major(rows.len(), rows[0].len(), &rows.concat()))
}

fn numbers(value: &Value) -> Option<Vec<f64>> {
    Some(value.as_array()?.iter().map(|x| x.as_f64().unwrap()).collect())
}

fn cos(a: &Mat, b: &Mat) -> f64 {
    a.dot(b).abs() / (a.norm() * b.norm())
}

/// The golden's features are columns.
fn problem(inputs: &Value) -> (Regression, Mat) {
    let x = matrix(&inputs["X"]).unwrap().transpose();
    let y = matrix(&inputs["Y"]).unwrap().transpose();
    let mut one_pair = Mat::zeros(x.nrows(), y.nrows());
    one_pair[(0, 0)] = 1.0;
    let weights = numbers(&inputs["p"]).zip(numbers(&inputs["q"]));
    (Regression::new(x.clone(), y, matrix(&inputs["T"]).unwrap_or(one_pair), weights).unwrap(), x)
}

#[test]
fn theorem_1_three_ways_agree_with_the_reference() {
    let golden: Value = serde_json::from_str(include_str!("golden/toy/theorem1.json")).unwrap();
    for case in golden["cases"].as_array().unwrap() {
        let (name, expected) = (case["name"].as_str().unwrap(), &case["expected"]);
        let tolerance = case["tol"].as_f64().unwrap();
        let (regression, x) = problem(&case["inputs"]);
        let omega = matrix(&expected["Omega"]).unwrap();
        let closed = regression.closed_form();
        assert!((&closed - &omega).abs().max() < tolerance, "{name}: closed form");
        assert!(
            (regression.least_squares() - &omega).abs().max() < tolerance,
            "{name}: least squares"
        );
        let mut descent = regression.descent();
        let left = (0..4000).map(|_| descent.step()).find(|left| *left < 1e-13);
        assert!(
            left.is_some() && (descent.omega() - &omega).abs().max() < 1e-7,
            "{name}: gradient descent"
        );
        let s = closed.clone().svd(false, false).singular_values;
        for (found, expected) in s.iter().zip(numbers(&expected["s"]).unwrap()) {
            assert!((found - expected).abs() < tolerance, "{name}: singular values");
        }
        if let Some(u1) = numbers(&expected["u1"]) {
            let found = isotropy(&x);
            assert!(
                (found.norm_e - expected["normE"].as_f64().unwrap()).abs() < tolerance,
                "{name}"
            );
            assert!(
                (found.kantorovich - expected["kantorovich"].as_f64().unwrap()).abs() < tolerance,
                "{name}"
            );
            assert!(close(found.condition, &expected["kappa"], 1e-7), "{name}: κ");
            assert!(close(found.bound, &expected["sqrt_one_minus_E2"], tolerance), "{name}: bound");
            assert!(close(found.average, &expected["sqrt_HM_AM"], tolerance), "{name}: A");
            let u1 = layout::from_row_major(1, u1.len(), &u1);
            let x1: Mat = x.rows(0, 1).into_owned();
            let alignment = alignment_with_inverse(&x);
            assert!(
                (alignment[0] - expected["cos_u1_x1"].as_f64().unwrap()).abs() < tolerance,
                "{name}"
            );
            for (found, expected) in
                alignment.iter().zip(numbers(&expected["all_cos_X"]).unwrap_or_default())
            {
                assert!((found - expected).abs() < tolerance, "{name}");
            }
            let unwhitened = &u1 * regression.scatters().0;
            assert!(1.0 - cos(&unwhitened, &x1) < 1e-12, "{name}: unwhitening restores x₁");
        }
    }
}

fn close(found: Option<f64>, expected: &Value, tolerance: f64) -> bool {
    match (found, expected.as_f64()) {
        (Some(a), Some(b)) => (a - b).abs() < tolerance,
        (found, expected) => found.is_none() && expected.is_none(),
    }
}

#[test]
fn the_closed_form_is_the_brute_force_minimum_over_all_entries_of_omega() {
    let mut rng = Rng::new(4);
    let (x, y) = (rng.normal_matrix(7, 4), rng.normal_matrix(6, 3));
    let regression = Regression::one_pair(x.clone(), y.clone()).unwrap();
    // One row per pair, one unknown per entry of Ω.
    let design =
        Mat::from_fn(42, 12, |pair, entry| x[(pair / 6, entry / 3)] * y[(pair % 6, entry % 3)]);
    let mut target = Mat::zeros(42, 1);
    target[(0, 0)] = 1.0;
    let solved = design.svd(true, true).solve(&target, 1e-12).unwrap();
    let brute = layout::from_row_major(4, 3, solved.as_slice());
    assert!((regression.closed_form() - &brute).abs().max() < 1e-12);
    assert!(regression.loss(&brute) <= regression.loss(&(&brute * 1.001)));
}

#[test]
fn the_bound_is_never_broken_and_is_attained() {
    for index in 0..10_000 {
        let point = cloud_point(1, index);
        let slack = 1e-9;
        assert!(point.cos >= point.kantorovich - slack, "{point:?}");
        assert!(
            point.bound.is_none_or(
                |bound| point.cos >= bound - slack && bound <= point.kantorovich + slack
            ),
            "{point:?}"
        );
    }
    // Two axes of variance k and 1: the worst x has x_i ∝ √λ_i.
    for (k, expected) in [(4.0_f64, 0.8), (25.0, 0.384_615_384_615)] {
        let x = Mat::from_row_slice(2, 2, &[k.sqrt(), 0.0, 0.0, 1.0]);
        let worst = Mat::from_row_slice(1, 2, &[k.sqrt(), 1.0]);
        let image = Mat::from_row_slice(1, 2, &[1.0 / k.sqrt(), 1.0]);
        assert!((isotropy(&x).kantorovich - expected).abs() < 1e-9);
        assert!((cos(&worst, &image) - expected).abs() < 1e-9);
    }
}

#[test]
fn the_average_cosine_is_a_and_norm_e_does_not_decide_it() {
    let mut rng = Rng::new(7);
    let measured = |kind: FeatureKind, strength: f64, rng: &mut Rng| {
        let features = kind.draw(800, 48, strength, rng);
        let isotropy = isotropy(&features);
        let cosines = alignment_with_inverse(&features);
        (isotropy.norm_e, isotropy.average.unwrap(), cosines.iter().sum::<f64>() / 800.0)
    };
    for (kind, strength) in
        [(FeatureKind::Random, 0.0), (FeatureKind::Cone, 1.0), (FeatureKind::PowerLaw, 1.0)]
    {
        let (_, average, mean) = measured(kind, strength, &mut rng);
        assert!((average - mean).abs() < 0.04, "{kind:?}: A {average}, measured {mean}");
    }
    let (cone_e, _, cone_cos) = measured(FeatureKind::Cone, 0.6, &mut rng);
    let (power_e, _, power_cos) = measured(FeatureKind::PowerLaw, 1.26, &mut rng);
    assert!((cone_e / power_e - 1.0).abs() < 0.25, "‖E‖ alike: {cone_e} and {power_e}");
    assert!(cone_cos - power_cos > 0.25, "alignment not: {cone_cos} and {power_cos}");
}

#[test]
fn theorem_3_reconstruction_makes_features_orthogonal_under_a_fixed_head() {
    let config = Config {
        n_features: 10,
        lambda: 10.0,
        lr: 1e-2,
        steps: 2500,
        batch: 32,
        template: Template::OnePair { strength: 10.0 },
        head: HeadInit::RankOne { strength: 10.0 },
        train: Trained::Features,
        seed: 1,
        ..Config::default()
    };
    let mut trainer = Trainer::new(config).unwrap();
    let before = trainer.params().clone();
    while !trainer.is_done() {
        trainer.step();
    }
    let Params { w_q, w_k, .. } = trainer.params();
    assert_eq!((w_q, w_k), (&before.w_q, &before.w_k), "the head stayed");
    let metrics = Metrics::of(trainer.config(), trainer.params()).unwrap();
    assert!(metrics.least_cos > 0.97 && metrics.interference < 0.05, "{metrics:?}");
}

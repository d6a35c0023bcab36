//! Heads whose decomposition an independent numpy program computed: random, ill-conditioned, rank-deficient, degenerate.

#![allow(clippy::unwrap_used, reason = "a test says by panicking what is wrong")]

use omega_lens::math::{Mat, product_svd};
use serde_json::Value;

fn matrix(rows: &Value) -> Mat {
    let rows: Vec<Vec<f64>> = serde_json::from_value(rows.clone()).unwrap();
    Mat::from_fn(rows.len(), rows[0].len(), |i, j| rows[i][j])
}

#[test]
fn every_golden_head_agrees_up_to_joint_signs() {
    let golden: Value = serde_json::from_str(include_str!("golden/toy/svd_head.json")).unwrap();
    let cases = golden["cases"].as_array().unwrap();
    assert_eq!(cases.len(), 6);
    for case in cases {
        let name = case["name"].as_str().unwrap();
        let (w_q, w_k) = (matrix(&case["inputs"]["Wq"]), matrix(&case["inputs"]["Wk"]));
        let svd = product_svd(&w_q, &w_k).unwrap();
        let s: Vec<f64> = serde_json::from_value(case["expected"]["s"].clone()).unwrap();
        let tolerance = |key: &str| case["tol"][key].as_f64().unwrap();
        assert_eq!(svd.s.len(), s.len());
        for (found, expected) in svd.s.iter().zip(&s) {
            assert!(
                (found - expected).abs() <= tolerance("s_rel_to_s1") * s[0],
                "{name}: {found} {expected}"
            );
        }
        let scaled = Mat::from_fn(w_k.nrows(), s.len(), |i, k| svd.v[(i, k)] * svd.s[k]);
        let error = (&w_q * w_k.transpose() - &svd.u * scaled.transpose()).amax();
        assert!(error <= tolerance("reconstruction_abs"), "{name}: reconstruction {error:e}");
        if !case["check_vectors"].as_bool().unwrap() {
            continue;
        }
        let (u, v) = (matrix(&case["expected"]["U"]), matrix(&case["expected"]["V"]));
        for k in 0..s.len() {
            let sign = svd.u.column(k).dot(&u.column(k)).signum();
            let error = (svd.u.column(k) - sign * u.column(k))
                .amax()
                .max((svd.v.column(k) - sign * v.column(k)).amax());
            assert!(error <= tolerance("UV_abs"), "{name}: pair {k} off by {error:e}");
        }
    }
}

//! The closed-form chance level against 60-digit arithmetic and against simulation.

#![allow(clippy::unwrap_used, reason = "a test says by panicking what is wrong")]

use omega_lens::circuits::null::IsotropicNull;
use serde_json::Value;

fn golden() -> Value {
    serde_json::from_str(include_str!("golden/toy/null.json")).unwrap()
}

fn number(row: &Value, key: &str) -> f64 {
    row[key].as_f64().unwrap()
}

fn null_of(row: &Value) -> IsotropicNull {
    IsotropicNull { d: row["D"].as_u64().unwrap() as usize, n: row["N"].as_u64().unwrap() as usize }
}

/// 1e-11 relative on every logarithm, down to ln p = −8024. Where the logarithm itself is tiny (p next to 1) the table's own
/// last digits allow 1e-13 absolute.
#[test]
fn tail_probabilities_match_sixty_digit_arithmetic() {
    let golden = golden();
    let rows = golden["rows"].as_array().unwrap();
    assert_eq!(rows.len(), 360);
    for row in rows {
        let (null, t) = (null_of(row), number(row, "t"));
        for (ours, key) in [(null.ln_p_single(t), "log_p1"), (null.ln_p(t), "log_pmax")] {
            let exact = number(row, key);
            assert!(
                (ours - exact).abs() <= 1e-11 * exact.abs() + 1e-13,
                "{null:?} t = {t}: {key} {ours} {exact}"
            );
        }
    }
}

#[test]
fn expected_and_critical_cosines_match_quadrature() {
    for row in golden()["emax"].as_array().unwrap() {
        let null = null_of(row);
        assert!((null.moments().0 - number(row, "emax")).abs() < 1e-7, "{null:?}");
        assert!((null.critical(0.05) - number(row, "t05")).abs() < 1e-8, "{null:?}");
        assert!((null.critical(0.001) - number(row, "t001")).abs() < 1e-8, "{null:?}");
    }
}

#[test]
fn p_values_reach_1e_300_and_their_logarithms_go_on() {
    let null = IsotropicNull { d: 768, n: 50_257 };
    let p = null.p(0.92);
    assert!(p > 0.0 && p < 1e-290, "{p}");
    assert!(null.ln_p(0.999_999).is_finite() && null.ln_p(0.999_999) < -4000.0);
    assert_eq!(null.p(0.0), 1.0);
}

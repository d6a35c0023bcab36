//! When in training a head became what it is.

use crate::circuits::compare::CircuitChange;
use crate::circuits::omega::Circuit;

/// `‖ΔΩ‖ / ‖Ω‖` with the norm of the *new* matrix: how far the old one was from it; `None` if that is zero.
pub fn still_to_go(change: &CircuitChange) -> Option<f64> {
    let norm = |sigma: &[f64]| sigma.iter().map(|s| s * s).sum::<f64>().sqrt();
    let now = norm(&change.sigma_b);
    (now > 0.0).then(|| norm(&change.delta) / now)
}

/// When a circuit became what it is at step `now`, or in a model that is none of the steps, from its changes since each step, ascending.
pub fn became(
    name: &str,
    circuit: Circuit,
    now: Option<u32>,
    since: &[(u32, CircuitChange)],
) -> String {
    let until = now.unwrap_or(u32::MAX);
    // From this step on it was never again as far away.
    let within = |far: f64| {
        let near =
            |(_, change): &&(u32, CircuitChange)| still_to_go(change).is_some_and(|x| x < far);
        since
            .iter()
            .rev()
            .filter(|(step, _)| *step <= until)
            .take_while(near)
            .last()
            .map(|(step, _)| *step)
    };
    let who = format!("{name}'s {}", circuit.name());
    let what = match now {
        Some(now) => format!("within WHAT of its size of what it is at step {now} by step"),
        None => "within WHAT of its size of what it is in the open model by step".to_owned(),
    };
    let came = |far: &str, step: u32| format!("{who} came {} {step}", what.replace("WHAT", far));
    match (within(0.5), within(0.1)) {
        (Some(half), Some(whole)) if half < whole && whole < until => {
            format!("{}, and within a tenth by step {whole}.", came("half", half))
        }
        (Some(half), None) if half < until => {
            format!("{}; no step is within a tenth.", came("half", half))
        }
        (Some(half), Some(_)) if half < until => {
            format!("{}; no earlier step is within a tenth.", came("half", half))
        }
        (_, Some(whole)) => {
            format!("{}, and was not within half before.", came("a tenth", whole))
        }
        _ if now.is_none() => {
            format!(
                "{who} was not within half of its size of what it is in the open model by the last of these steps."
            )
        }
        _ => format!("{who} is still being compared."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::math::random::Rng;

    #[test]
    fn a_head_became_what_it_is_when_it_was_not_far_again() {
        let from = |scale: f64| {
            let mut rng = Rng::new(9);
            let (a, b) = (rng.normal_matrix(20, 3), rng.normal_matrix(20, 3));
            CircuitChange::new((&(&a * scale), &b), (&a, &b)).expect("finite")
        };
        // Near, far again, then half of the way, then there; what comes after now does not count.
        let since = [(0, 0.9), (10, 0.1), (20, 0.6), (30, 0.95), (40, 1.0), (50, 9.0)];
        let since = since.map(|(step, scale)| (step, from(scale)));
        assert!((still_to_go(&since[2].1).unwrap() - 0.4).abs() < 1e-12);
        let said = became("L0H0", Circuit::Ov, Some(40), &since);
        assert!(
            said.contains("at step 40 by step 20") && said.ends_with("a tenth by step 30."),
            "{said}"
        );
        // Of a model that is none of the steps: the last of them is far away; without it, and without those that are near.
        let said = |steps| became("L0H0", Circuit::Ov, None, steps);
        assert!(said(&since).contains("was not within half"), "{}", said(&since));
        let near = said(&since[..5]);
        assert!(
            near.contains("in the open model by step 20, and within a tenth by step 30"),
            "{near}"
        );
        assert!(said(&since[..3]).ends_with("by step 20; no step is within a tenth."));
    }
}

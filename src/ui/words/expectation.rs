//! Whether what a preset of the toy should show came out: sentences with what was measured.

use super::format::{capital, three};
use crate::toy::{Claim, Origin, Quantity, Verdict};

/// Whether an expectation holds, as one sentence or two with what was measured; `known` where the step was not trained here yet.
pub fn judged(verdict: &Verdict, known: bool) -> String {
    let Verdict { claim, measured, holds } = verdict;
    let Claim { quantity, says, origin, .. } = claim;
    let whose = match origin {
        Origin::Paper => "the paper found",
        Origin::Condition => "expected here",
    };
    let Some(x) = measured else {
        // When it came about is not known of an end that was not trained here yet.
        let why = if known { "is not known before it was trained here" } else { "never came" };
        return format!("{}: {} {why}; {whose}: {}.", capital(says), name(*quantity), range(claim));
    };
    let got = format!("{} {}", name(*quantity), is(*quantity, *x));
    if *holds {
        format!("{}: {got}; {whose}: {}.", capital(says), range(claim))
    } else {
        format!("Expected that {says}, but {got}; {whose}: {}.", range(claim))
    }
}

/// How many expectations hold: the paper's and those of this setting apart, for some settings are there to break the paper's.
pub fn tally(verdicts: &[Verdict], at: Option<usize>) -> String {
    let of = |origin: Origin, whose: &str| {
        let own: Vec<&Verdict> = verdicts.iter().filter(|v| v.claim.origin == origin).collect();
        let held = own.iter().filter(|v| v.holds).count();
        (!own.is_empty()).then(|| format!("{held} of {} {whose}", own.len()))
    };
    let parts: Vec<String> = [
        of(Origin::Paper, "findings of the paper"),
        of(Origin::Condition, "expectations of this setting"),
    ]
    .into_iter()
    .flatten()
    .collect();
    let held = parts.join(" and ");
    match at {
        None => format!("At the end {held} hold."),
        Some(step) => format!("At step {step}, {held} hold; what counts is the end."),
    }
}

/// A quantity in a few words.
pub fn name(quantity: Quantity) -> &'static str {
    match quantity {
        Quantity::LeastCos => "the smallest cosine of a feature with its singular vector",
        Quantity::MeanCos => "the mean cosine of a feature with its singular vector",
        Quantity::SameRankCos => "the mean cosine with the singular vectors of the same rank",
        Quantity::Interference => "Σ cos² of an attended feature with all others",
        Quantity::InterferenceOthers => "Σ cos² of an unattended feature with all others",
        Quantity::Crowding => "the largest cosine with an unattended feature",
        Quantity::Effective => "the logit of the first pair over T",
        Quantity::LargestSigma => "σ₀",
        Quantity::SurplusSigma => "the first surplus σ over σ₀",
        Quantity::InOrder => "the order of T",
        Quantity::PairsLost => "the number of pairs lost",
        Quantity::Anisotropy => "‖E‖₂ of the features",
        Quantity::Recon => "the reconstruction loss",
        Quantity::Kl => "the KL from the template’s attention",
        Quantity::AlignedAfter => "the number of steps until aligned for good",
        Quantity::OrthogonalAfter => "the number of steps until orthogonal for good",
        Quantity::Lead => "the number of steps from aligned to orthogonal",
    }
}

fn is(quantity: Quantity, x: f64) -> String {
    match quantity {
        Quantity::InOrder if x > 0.5 => "is kept".to_owned(),
        Quantity::InOrder => "is not kept".to_owned(),
        _ => format!("is {}", shown(quantity, x)),
    }
}

fn shown(quantity: Quantity, x: f64) -> String {
    match quantity {
        Quantity::PairsLost
        | Quantity::AlignedAfter
        | Quantity::OrthogonalAfter
        | Quantity::Lead => format!("{x:.0}").replace('-', "−"),
        _ => three(x),
    }
}

fn range(claim: &Claim) -> String {
    let Claim { quantity, low, high, .. } = *claim;
    if quantity == Quantity::InOrder {
        return "kept".into();
    }
    let cosine = matches!(quantity, Quantity::LeastCos | Quantity::MeanCos | Quantity::SameRankCos);
    if high == f64::MAX || (cosine && high == 1.0) {
        format!("at least {}", shown(quantity, low))
    } else if low == 0.0 {
        format!("at most {}", shown(quantity, high))
    } else {
        format!("{} to {}", shown(quantity, low), shown(quantity, high))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::toy::{History, Outcome, Trainer, presets};

    #[test]
    fn every_expectation_is_a_sentence_with_its_number_and_every_row_can_fail() {
        for preset in presets() {
            let mut trainer = Trainer::new(preset.config.clone()).unwrap();
            let outcome = Outcome::of(&mut trainer, &History::default()).unwrap();
            for claim in &preset.claims {
                let verdict = claim.judge(&outcome);
                for holds in [true, false] {
                    let text = judged(&Verdict { holds, measured: Some(0.123), ..verdict }, false);
                    let number = shown(claim.quantity, 0.123);
                    assert!(
                        text.contains(&number) || claim.quantity == Quantity::InOrder,
                        "{text}"
                    );
                    assert!(
                        text.ends_with('.') && text.starts_with("Expected that") != holds,
                        "{text}"
                    );
                }
                let text = judged(&Verdict { measured: None, holds: false, ..verdict }, false);
                assert!(text.contains("never came"), "{text}");
                // A clause of its own, that says what it is about.
                let first = claim.says.split(' ').next().unwrap();
                assert!(!["they", "and", "though", "it"].contains(&first), "{}", claim.says);
            }
        }
    }

    #[test]
    fn a_setting_that_breaks_the_papers_finding_has_not_failed() {
        let preset = presets().into_iter().find(|p| p.id == "threshold-below").unwrap();
        let mut verdicts: Vec<Verdict> = preset
            .claims
            .iter()
            .map(|claim| Verdict { claim: *claim, measured: Some(0.9), holds: true })
            .collect();
        verdicts[1].holds = false;
        assert_eq!(
            tally(&verdicts, None),
            "At the end 1 of 2 findings of the paper and 2 of 2 expectations of this setting hold."
        );
        assert!(tally(&verdicts, Some(7)).starts_with("At step 7, 1 of 2 findings"));
    }
}

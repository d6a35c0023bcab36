//! What the toy lab says: what the step in view shows, in a sentence with its numbers, and what became of what was typed.

use super::format::three;
use crate::toy::{ALIGNED, Config, Metrics, ORTHOGONAL};
use crate::ui::address::toy::Kind;

/// What the step in view shows.
pub fn said(config: &Config, step: usize, metrics: &Metrics) -> String {
    if config.lambda == 0.0 {
        let all = metrics.interference_others;
        let how = if (all - 1.0).abs() < 0.03 {
            "as if each had one antipode and stood at right angles to the rest"
        } else {
            "more than the 1 that a single antipode makes, or less than it"
        };
        return format!(
            "Step {step}: no head, only features that share {} dimensions. Σ cos² of one with all others is {} on average: {how}.",
            config.d_model,
            three(all)
        );
    }
    let aligned = if metrics.least_cos > ALIGNED { "lie on" } else { "do not all lie on" };
    let alone = if metrics.interference < ORTHOGONAL {
        "have left the crowd"
    } else {
        "share their places with others"
    };
    format!(
        "Step {step}: the attended features {aligned} their singular vectors (smallest cosine {}) and {alone} (Σ cos² with all others {}, of the other features {}).",
        three(metrics.least_cos),
        three(metrics.interference),
        three(metrics.interference_others)
    )
}

/// What became of a number that was typed into a field: which value is used now, and that the run began anew.
pub fn taken(label: &str, kind: Kind, typed: &str, before: &str, now: &str) -> String {
    let takes = match kind {
        Kind::Whole(least, most) => format!("a whole number from {least} to {most}"),
        Kind::Real(least, most) => format!("a number from {} to {}", three(least), three(most)),
        Kind::Optional(least, most) => {
            format!("“off” or a number from {} to {}", three(least), three(most))
        }
        Kind::Choice(_) | Kind::Entries => "one of its values".to_owned(),
    };
    let same = |a: &str, b: &str| match (a.parse::<f64>(), b.parse::<f64>()) {
        (Ok(a), Ok(b)) => a == b,
        _ => a == b,
    };
    let typed = typed.trim();
    let anew = "The run begins anew; “back” in the browser brings the one before.";
    if same(typed, now) {
        return format!("{label} is {now} now. {anew}");
    }
    let shown =
        if typed.is_empty() { "what was typed".to_owned() } else { format!("“{typed}”") };
    if same(before, now) {
        format!("{label} takes {takes}; {shown} is none, so it stays {now}.")
    } else {
        format!("{label} takes {takes}: {shown} became {now}. {anew}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::toy::{Params, presets};

    fn at_start(id: &str) -> String {
        let config = presets().into_iter().find(|preset| preset.id == id).unwrap().config;
        let metrics = Metrics::of(&config, &Params::initial(&config)).unwrap();
        said(&config, 0, &metrics)
    }

    #[test]
    fn a_run_without_a_head_says_nothing_of_singular_vectors() {
        assert!(
            at_start("no-head").contains("no head") && !at_start("no-head").contains("singular")
        );
        assert!(at_start("one-pair").contains("do not all lie on their singular vectors"));
    }

    #[test]
    fn what_is_aligned_and_orthogonal_is_said_to_be() {
        let config = Config::default();
        let start = Metrics::of(&config, &Params::initial(&config)).unwrap();
        let end = Metrics { least_cos: 0.999, interference: 0.0005, ..start };
        let text = said(&config, 800, &end);
        assert!(text.contains("lie on their singular vectors (smallest cosine 0.999)"), "{text}");
        assert!(text.contains("have left the crowd (Σ cos² with all others 5.0e-4"), "{text}");
    }

    #[test]
    fn every_way_to_type_a_number_has_a_reply() {
        let whole = Kind::Whole(2, 100);
        let said = |typed, before, now| taken("N", whole, typed, before, now);
        assert!(said("30", "20", "30").starts_with("N is 30 now. The run begins anew"));
        assert!(said("2.5", "20", "20").contains("“2.5” is none, so it stays 20"));
        assert!(said("", "20", "20").contains("what was typed is none"));
        assert!(said("1000", "20", "100").contains("from 2 to 100: “1000” became 100"));
        let rate = taken("rate", Kind::Real(0.0, 1.0), "1000", "0.01", "1");
        assert!(rate.contains("a number from 0 to 1.00: “1000” became 1"), "{rate}");
        assert!(
            taken("rate", Kind::Real(0.0, 1.0), "0.50", "0.01", "0.5").starts_with("rate is 0.5")
        );
    }
}

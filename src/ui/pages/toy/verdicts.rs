//! What the paper found, what you got: a number for each expectation, and a verdict that can say no.

use yew::prelude::*;

use super::LabProps;
use crate::toy::{Claim, Origin, Quantity, Verdict};
use crate::ui::words::format::three;

/// The table.
#[component]
pub(in crate::ui::pages) fn Verdicts(props: &LabProps) -> Html {
    let LabProps { lab, config, preset, .. } = props;
    let Some(outcome) = &lab.outcome else { return html! {} };
    let verdicts: Vec<Verdict> = preset.claims.iter().map(|c| c.judge(outcome)).collect();
    let settled = lab.at_end();
    let held = verdicts.iter().filter(|v| v.holds).count();
    let when = if settled {
        format!("After all {} steps, {held} of {} hold.", config.steps, verdicts.len())
    } else {
        format!(
            "At step {}, {held} of {} hold so far; verdicts count at the end.",
            lab.step(),
            verdicts.len()
        )
    };
    let row = |verdict: &Verdict| {
        let Verdict { claim, measured, holds } = verdict;
        let (word, class) = match (settled, holds) {
            (true, true) => ("yes", "yes"),
            (true, false) => ("no", "no"),
            (false, true) => ("so far", "open"),
            (false, false) => ("not yet", "open"),
        };
        let got = match measured {
            Some(x) => shown(claim.quantity, *x),
            // When it came about is not known of an end that was not trained here yet.
            None if lab.known => "…".to_owned(),
            None => "never".to_owned(),
        };
        html! {
            <tr>
                <th scope="row">{ claim.says }<span class="origin">{ match claim.origin { Origin::Paper => "paper", Origin::Condition => "condition" } }</span></th>
                <td data-got={measured.map(|x| x.to_string())}>{ got }</td>
                <td>{ range(claim) }</td>
                <td class={classes!("verdict", class)}>{ word }</td>
                <td class="measure">{ name(claim.quantity) }</td>
            </tr>
        }
    };
    html! {
        <section class="verdicts" aria-label="What the paper found, what you got">
            <h2>{ "What the paper found, what you got" }</h2>
            <p class="hint" data-testid="toy-verdict" data-settled={settled.to_string()}>{ when }
                if **config != preset.config { { " These expectations were made for the preset’s settings, not for yours." } }</p>
            <div class="numbers" tabindex="0" role="region" aria-label="Expectations and measurements">
                <table>
                    <thead><tr>{ for ["expectation", "you got", "expected", "holds", "measured"].map(|h| html! { <th scope="col">{ h }</th> }) }</tr></thead>
                    <tbody>{ for verdicts.iter().map(row) }</tbody>
                </table>
            </div>
            <p class="hint">{ "“Paper”: said there. “Condition”: found when the paper was rebuilt from its description; ranges are those of several seeds of that reference, since the paper’s own settings are not known." }</p>
        </section>
    }
}

/// A quantity in a few words.
pub(super) fn name(quantity: Quantity) -> &'static str {
    match quantity {
        Quantity::LeastCos => "smallest cosine with its singular vector",
        Quantity::MeanCos => "mean of those cosines",
        Quantity::SameRankCos => "mean cosine, same rank",
        Quantity::Interference => "interference of attended features",
        Quantity::InterferenceOthers => "interference of the others",
        Quantity::Crowding => "largest cosine with an unattended feature",
        Quantity::Effective => "logit of the first pair over T",
        Quantity::LargestSigma => "σ₁",
        Quantity::SurplusSigma => "first surplus σ over σ₁",
        Quantity::InOrder => "in the order of T",
        Quantity::PairsLost => "pairs lost",
        Quantity::Anisotropy => "‖E‖₂ of the features",
        Quantity::Recon => "reconstruction loss",
        Quantity::Kl => "KL from the template’s attention",
        Quantity::AlignedAfter => "steps until aligned for good",
        Quantity::OrthogonalAfter => "steps until orthogonal for good",
        Quantity::Lead => "steps from aligned to orthogonal",
    }
}

fn shown(quantity: Quantity, x: f64) -> String {
    match quantity {
        Quantity::InOrder => if x > 0.5 { "yes" } else { "no" }.to_owned(),
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
        return "yes".into();
    }
    let cosine = matches!(quantity, Quantity::LeastCos | Quantity::MeanCos | Quantity::SameRankCos);
    if high == f64::MAX || (cosine && high == 1.0) {
        format!("≥ {}", shown(quantity, low))
    } else if low == 0.0 {
        format!("≤ {}", shown(quantity, high))
    } else {
        format!("{} to {}", shown(quantity, low), shown(quantity, high))
    }
}

//! What the paper found, what you got: each expectation as a sentence with what was measured, and a verdict that can say no.

use yew::prelude::*;

use super::LabProps;
use crate::toy::Verdict;
use crate::ui::nothing::nothing;
use crate::ui::words::expectation as words;
use crate::ui::words::toy as said;

/// The sentences.
#[component]
pub(in crate::ui::pages) fn Verdicts(props: &LabProps) -> Html {
    let LabProps { lab, config, preset, .. } = props;
    let Some(outcome) = &lab.outcome else { return nothing() };
    let verdicts: Vec<Verdict> = preset.claims.iter().map(|c| c.judge(outcome)).collect();
    let settled = lab.at_end();
    let tally = words::tally(&verdicts, (!settled).then(|| lab.step()));
    let row = |verdict: &Verdict| {
        let (word, class) = match (settled, verdict.holds) {
            (true, true) => ("yes", "yes"),
            (true, false) => ("no", "no"),
            (false, true) => ("so far", "open"),
            (false, false) => ("not yet", "open"),
        };
        html! {
            <li data-got={verdict.measured.map(|x| x.to_string())}>
                <span class={classes!("verdict", class)}>{ word }</span><span>{ words::judged(verdict, lab.known) }</span>
            </li>
        }
    };
    html! {
        <section class="verdicts" aria-label={said::WHAT_PAPER_FOUND_GOT}>
            <h2>{ said::WHAT_PAPER_FOUND_GOT }</h2>
            <p class="hint" data-testid="toy-verdict" data-settled={settled.to_string()}>{ tally }
                if **config != preset.config { { said::THESE_EXPECTATIONS_WERE_MADE } }</p>
            <ul>{ for verdicts.iter().map(row) }</ul>
        </section>
    }
}

//! Sparse attention decomposition on sampled tokens, where it is known what the answer should be.

use yew::prelude::*;

use super::LabProps;
use super::run::drawn;
use crate::study::stamp::Stamp;
use crate::study::toy::{Means, ToyEvent};
use crate::ui::charts::{Bar, Bars, Figure};
use crate::ui::widgets::glossary::Gloss;
use crate::ui::widgets::select::Slider;
use crate::ui::words::format::{percent, three};
use crate::ui::words::table::Table;
use crate::ui::words::toy as words;

/// Words of this part that the glossary explains.
const WORDS: [&str; 5] =
    ["relative attention", "S", "N_recon", "basis control", "subspace control"];

/// The head taken apart.
#[component]
pub(super) fn Sad(props: &LabProps) -> Html {
    let LabProps { lab, config, controls, .. } = props.clone();
    let chosen = use_state(|| 0_usize);
    let (step, running) = (lab.step(), lab.running);
    let take_apart = Callback::from(move |_: MouseEvent| controls.take_apart(step));
    let sad = lab.sad.clone();
    html! {
        <section class="prompt-set" aria-label={words::SPARSE_ATTENTION_DECOMPOSITION}>
            <h2>{ words::TAKEN_APART_TOKENS }</h2>
            <p class="hint">{ words::TOKENS_TRAINING_NEVER_SAW }</p>
            <div class="controls words">{ for WORDS.into_iter().map(|term| html! { <Gloss {term} /> }) }</div>
            <div class="controls"><button type="button" onclick={take_apart} disabled={running} data-testid="take-apart">{ words::take_step_apart(&step) }</button></div>
            if let Some((at, sad)) = sad {
                if sad.events.is_empty() {
                    <p role="status">{ words::none_queries_key_template(&sad.n_queries) }</p>
                } else {
                    <p role="status" data-testid="toy-sad">{ words::step_events_among_queries(&at, &sad.events.len(), &sad.n_queries, &config.d_head, &three(1.0 / config.d_head as f64)) }</p>
                    { means(&[("singular vectors", sad.mean), (words::ONE_ROTATION_SAME_SCORES, sad.basis), (words::TWO_ROTATIONS_SCORES_CHANGE, sad.subspace)]) }
                    { event(&sad.events, *chosen, { let chosen = chosen.clone(); Callback::from(move |i: f64| chosen.set(i as usize)) }, props.stamp().terms(drawn(config.seed))) }
                    <p class="hint">{ words::N_NO_EVIDENCE }</p>
                }
            }
        </section>
    }
}

fn means(rows: &[(&str, Means); 3]) -> Html {
    let shown = |x: Option<f64>| x.map_or_else(|| "–".to_owned(), three);
    html! {
        <table class="compare">
            <thead><tr>{ for ["basis", "S", "N_recon", "N for 90 %"].map(|h| html! { <th scope="col">{ h }</th> }) }</tr></thead>
            <tbody>{ for rows.iter().map(|(name, m)| html! {
                <tr><th scope="row">{ *name }</th><td>{ shown(m.sparseness) }</td><td>{ shown(m.n_recon) }</td><td>{ shown(m.n_recon_90) }</td></tr>
            }) }</tbody>
        </table>
    }
}

fn event(events: &[ToyEvent], chosen: usize, choose: Callback<f64>, convention: Stamp) -> Html {
    let chosen = chosen.min(events.len() - 1);
    let event = &events[chosen];
    let sad = &event.sad;
    let listed = |features: &[(usize, f64)]| {
        let named: Vec<String> = features.iter().map(|(i, f)| format!("{i} ({f:.2})")).collect();
        if named.is_empty() { "nothing".to_owned() } else { named.join(", ") }
    };
    let most = event
        .wanted
        .iter()
        .enumerate()
        .fold(0, |best, (i, p)| if *p > event.wanted[best] { i } else { best });
    let key = event.keys.get(most).map(|k| listed(k)).unwrap_or_default();
    let bars: Vec<Bar> =
        sad.relative.terms.iter().map(|&value| Bar { value, mark: None }).collect();
    let table = {
        let bars = bars.clone();
        Callback::from(move |()| {
            bars.iter()
                .enumerate()
                .fold(Table::new(["k", "term"]), |t, (k, bar)| t.row([k.into(), bar.value.into()]))
        })
    };
    let total: f64 = sad.relative.terms.iter().sum();
    html! {
        <div class="toy-event">
            <Slider label="event" min={0.0} max={(events.len() - 1) as f64} step={1.0} value={chosen as f64} on_change={choose} />
            <p>{ words::query_features_wanted_key(
                &listed(&event.query), &key, &percent(sad.attention), &percent(event.wanted[most])) }</p>
            <Figure name="toy-terms" {table} {convention} caption={html! { { words::relative_attention_sum_over(&three(total), &sad.sparsity.sparseness.map_or_else(|| "–".into(), three),
                &sad.sparsity.n_recon.map_or_else(|| "–".into(), |n| n.to_string())) } }}>
                <Bars label={words::TERMS_RELATIVE_ATTENTION_OVER} {bars} y="term" />
            </Figure>
        </div>
    }
}

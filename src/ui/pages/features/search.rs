//! The inverse question: which heads read, or write, this feature?

use yew::prelude::*;

use crate::circuits::alignment::FeatureHit;
use crate::study::stamp::Stamp;
use crate::ui::address::keys;
use crate::ui::app::use_app;
use crate::ui::browser::export::save;
use crate::ui::widgets::glossary::Method;
use crate::ui::widgets::select::typing;
use crate::ui::words::features as words;
use crate::ui::words::format::three;
use crate::ui::words::table::{Cell, Table};

const COLUMNS: [&str; 8] = ["head", "side", "k", "σ", "cos", "p", "q", "p rotation"];

/// Rows of the table on the page.
const SHOWN: usize = 60;

/// Properties of [`SearchBox`].
#[derive(Properties, PartialEq)]
pub(super) struct SearchBoxProps {
    /// Called with the feature's name.
    pub on_search: Callback<String>,
    /// Where the numbers come from.
    pub convention: Stamp,
    /// Its label and the directions nearest to it.
    pub hits: Option<(String, Vec<FeatureHit>)>,
}

/// A field for the feature, and the directions nearest to it.
#[component]
pub(super) fn SearchBox(props: &SearchBoxProps) -> Html {
    let app = use_app();
    let typed = use_state(String::new);
    let oninput = typing(&typed);
    let onsubmit = {
        let (typed, on_search) = (typed.clone(), props.on_search.clone());
        Callback::from(move |event: SubmitEvent| {
            event.prevent_default();
            on_search.emit((*typed).clone());
        })
    };
    let cells = |hit: &FeatureHit| [hit.sigma, hit.cos, hit.p, hit.q, hit.p_rotation].map(three);
    let row = |hit: &FeatureHit| {
        let go = app.clone();
        let side = hit.side;
        let (layer, head, k) = (hit.layer, hit.head, hit.k);
        let onclick = Callback::from(move |_: MouseEvent| {
            let route = go.value().route.clone().put(&keys::LAYER, layer).put(&keys::HEAD, head);
            go.go(route
                .put(&keys::CIRCUIT, side.circuit())
                .put(&keys::SIDE, side)
                .put(&keys::K, k));
        });
        html! {
            <tr>
                <th scope="row"><button type="button" {onclick}>{ app.value().head_name(hit.layer, hit.head) }</button></th>
                <td>{ hit.side.name() }</td><td>{ hit.k }</td>
                { for cells(hit).into_iter().map(|x| html! { <td>{ x }</td> }) }
            </tr>
        }
    };
    let csv = props.hits.clone().map(|(label, hits)| {
        let named = app.clone();
        let stamp = props.convention.clone().how(words::directions_nearest(&label.trim()));
        Callback::from(move |_: MouseEvent| {
            let table = hits.iter().fold(Table::new(COLUMNS), |table, hit| {
                let at = [
                    named.value().head_name(hit.layer, hit.head).into(),
                    hit.side.name().into(),
                    hit.k.into(),
                ];
                let measures = [hit.sigma, hit.cos, hit.p, hit.q, hit.p_rotation];
                table.row(at.into_iter().chain(measures.map(Cell::from)))
            });
            // A refused download leaves the table on the page.
            let _ = save("feature-search.csv", "text/csv", table.csv(&stamp).as_bytes());
        })
    });
    html! {
        <section class="prompt-set" aria-label="Feature search">
            <h2>{ words::WHICH_HEADS_READ_FEATURE }</h2>
            <form class="controls" {onsubmit}>
                <label class="field"><span>{ "feature" }</span><input type="search" id="feature-search" value={(*typed).clone()} {oninput} placeholder="Mary" /></label>
                <button type="submit" class="primary">{ "find" }</button>
            </form>
            if let Some((label, hits)) = &props.hits {
                <p class="hint">{ words::directions_nearest_best_side(&label.trim(), &hits.len(), &(if hits.len() > SHOWN { words::nearest_shown_csv_all(&SHOWN) } else { String::new() })) }{ " " }<Method of="feature search" /></p>
                <div class="numbers" tabindex="0" role="region" aria-label={words::DIRECTIONS_NEAREST_FEATURE}>
                    <table>
                        <thead><tr>{ for COLUMNS.into_iter().map(|h| html! { <th scope="col">{ h }</th> }) }</tr></thead>
                        <tbody>{ for hits.iter().take(SHOWN).map(row) }</tbody>
                    </table>
                </div>
                <p class="convention">{ props.convention.line() }</p>
                if let Some(onclick) = csv { <span class="exports"><button type="button" {onclick}>{ "CSV" }</button></span> }
            }
        </section>
    }
}

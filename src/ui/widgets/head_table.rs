//! All heads as a table, sorted by the measure that the reader picks: the head finder.

use std::fmt::Debug;

use yew::prelude::*;

use super::head_grid::pick;
use crate::ui::address::key::Choice;
use crate::ui::address::keys;
use crate::ui::app::App;

/// One head of the table.
pub struct HeadRow {
    /// Layer and head.
    pub at: (usize, usize),
    /// What it is sorted by.
    pub sort: f64,
    /// One cell for each measure, and a pointer's tip where it has one.
    pub cells: Vec<(String, Option<String>)>,
}

/// A column for each measure of the parameter `by`, which also says what sorts: the largest first, unless the address has it the
/// other way round.
pub fn head_table<M: Copy + PartialEq + Debug + 'static>(
    app: &App,
    by: Choice<M>,
    name: fn(M) -> &'static str,
    mut rows: Vec<HeadRow>,
) -> Html {
    let state = app.value();
    let (sorted_by, ascending) = (state.route.read(&by), state.route.read(&keys::ORDER));
    rows.sort_by(|a, b| b.sort.total_cmp(&a.sort).then(a.at.cmp(&b.at)));
    if ascending {
        rows.reverse();
    }
    let column = |measure: M| {
        let app = app.clone();
        let mine = measure == sorted_by;
        let sort = mine.then_some(if ascending { "ascending" } else { "descending" });
        let onclick = Callback::from(move |_: MouseEvent| {
            let route = app.value().route.clone().put(&by, measure);
            app.go(route.put(&keys::ORDER, mine && !ascending));
        });
        let mark = if mine { if ascending { " ▴" } else { " ▾" } } else { "" };
        html! { <th scope="col" aria-sort={sort}><button type="button" {onclick}>{ name(measure) }{ mark }</button></th> }
    };
    let row = |HeadRow { at: (layer, head), cells, .. }: HeadRow| {
        let chosen = app.clone();
        let choose = Callback::from(move |_: MouseEvent| pick(&chosen, layer, head, &[]));
        html! {
            <tr key={format!("{layer}-{head}")}>
                <th scope="row"><button type="button" onclick={choose}>{ state.head_name(layer, head) }</button></th>
                { for cells.into_iter().map(|(shown, title)| html! { <td {title}>{ shown }</td> }) }
            </tr>
        }
    };
    html! {
        <div class="numbers finder" tabindex="0" role="region" aria-label="All heads">
            <table>
                <thead><tr><th scope="col">{ "head" }</th>{ for by.all.iter().copied().map(column) }</tr></thead>
                <tbody>{ for rows.into_iter().map(row) }</tbody>
            </table>
        </div>
    }
}

//! All heads as a table, sorted by the measure that the reader picks: the head finder.

use std::fmt::Debug;
use std::rc::Rc;

use yew::prelude::*;

use super::head_grid::pick;
use crate::math::order::sort_by;
use crate::study::stamp::Stamp;
use crate::ui::address::key::Choice;
use crate::ui::address::keys;
use crate::ui::app::App;
use crate::ui::browser::export::save;
use crate::ui::words::format::three;
use crate::ui::words::table::Table;
use crate::ui::words::widgets;

/// Most heads that are put on the page; the CSV has them all.
const MAX_ROWS: usize = 400;

/// What a table of heads is about.
pub struct Columns<M: 'static> {
    /// The parameter that says what sorts.
    pub by: Choice<M>,
    /// The measures, one a column.
    pub shown: Vec<M>,
    /// What each is called.
    pub name: fn(M) -> &'static str,
    /// Name of the CSV, and where its numbers come from.
    pub file: (&'static str, Stamp),
}

/// One head of the table.
pub struct HeadRow {
    /// Layer and head.
    pub at: (usize, usize),
    /// What it is sorted by.
    pub sort: f64,
    /// One cell for each column, NaN where nothing is defined, and a pointer's tip where it has one.
    pub cells: Vec<(f64, Option<String>)>,
}

/// The table, the largest first, unless the address has it the other way round; what is not defined comes last in both.
pub fn head_table<M: Copy + PartialEq + Debug + 'static>(
    app: &App,
    columns: Columns<M>,
    mut rows: Vec<HeadRow>,
) -> Html {
    let Columns { by, shown, name, file: (file, stamp) } = columns;
    let state = app.value();
    let (sorted_by, ascending) = (state.route.read(&by), state.route.read(&keys::ORDER));
    let sign = if ascending { -1.0 } else { 1.0 };
    let key = |row: &HeadRow| if row.sort.is_nan() { f64::NEG_INFINITY } else { sign * row.sort };
    sort_by(&mut rows, |a, b| key(b).total_cmp(&key(a)).then(a.at.cmp(&b.at)));
    let rows = Rc::new(rows);
    let save = {
        let (app, rows, shown) = (app.clone(), rows.clone(), shown.clone());
        Callback::from(move |_: MouseEvent| {
            let header = std::iter::once("head").chain(shown.iter().map(|measure| name(*measure)));
            let table = rows.iter().fold(Table::new(header), |table, row| {
                let head = app.value().head_name(row.at.0, row.at.1);
                let cells = row.cells.iter().map(|(value, _)| (*value).into());
                table.row(std::iter::once(head.into()).chain(cells))
            });
            // A refused download leaves the table on the page.
            let _ = save(file, "text/csv", table.csv(&stamp).as_bytes());
        })
    };
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
    let more = rows.len().saturating_sub(MAX_ROWS);
    let row = |HeadRow { at, cells, .. }: &HeadRow| {
        let (layer, head) = *at;
        let chosen = app.clone();
        let choose = Callback::from(move |_: MouseEvent| pick(&chosen, layer, head, &[]));
        let cell = |value: f64| if value.is_nan() { "–".to_owned() } else { three(value) };
        html! {
            <tr key={format!("{layer}-{head}")}>
                <th scope="row"><button type="button" onclick={choose}>{ state.head_name(layer, head) }</button></th>
                { for cells.iter().map(|(value, title)| html! { <td title={title.clone()}>{ cell(*value) }</td> }) }
            </tr>
        }
    };
    html! {
        <>
            <div class="numbers finder" tabindex="0" role="region" aria-label="All heads">
                <table>
                    <thead><tr><th scope="col">{ "head" }</th>{ for shown.into_iter().map(column) }</tr></thead>
                    <tbody>{ for rows.iter().take(MAX_ROWS).map(row) }</tbody>
                </table>
            </div>
            <p class="exports">
                <button type="button" onclick={save}>{ widgets::THIS_TABLE_AS_CSV }</button>
                if more > 0 { <span class="hint">{ widgets::more_heads_in_csv(&more) }</span> }
            </p>
        </>
    }
}

//! Every head as a coloured cell, layers down and heads across, a grid for each stack; arrow keys move the selection, and the focus
//! with it.

use wasm_bindgen::JsCast;
use yew::prelude::*;

use crate::model::Layers;
use crate::model::architecture::StackKind;
use crate::ui::address::key::Whole;
use crate::ui::address::keys::{HEAD, LAYER};
use crate::ui::app::{App, here};
use crate::ui::palette::Scale;
use crate::ui::words::widgets as words;

/// What one head shows.
#[derive(Debug, Clone, PartialEq)]
pub struct HeadCell {
    /// The text in the cell.
    pub shown: String,
    /// What a screen reader hears, and a pointer's tip.
    pub label: String,
    /// Colours; a cell without is still waited for.
    pub style: Option<String>,
    /// Whether the head could not be computed.
    pub broken: bool,
}

impl HeadCell {
    /// A cell in the colour of `value`; `shown` is its text, the label starts with the head's name.
    pub fn coloured(shown: String, label: String, value: f64, scale: Scale, dark: bool) -> Self {
        let style =
            format!("background: {}; color: {}", scale.css(value, dark), scale.ink(value, dark));
        Self { shown, label, style: Some(style), broken: false }
    }

    /// A cell in which nothing can stand, and why.
    pub fn empty(label: String) -> Self {
        Self { shown: "–".into(), label, style: None, broken: false }
    }

    /// A cell whose number is not there yet.
    pub fn waiting(label: String) -> Self {
        Self { shown: "…".into(), label, style: None, broken: false }
    }
}

/// Heads in a row from which cells are colours alone, and from which they are small.
const DENSE: usize = 9;
const DENSER: usize = 33;

/// Which heads are drawn.
#[derive(Debug, Clone, Copy)]
pub struct Rows<'a> {
    /// All layers of the model.
    pub layers: &'a Layers,
    /// Those that are drawn.
    pub shown: &'a [usize],
}

/// What is said of a grid and of its cells, and in which language where it is not the page's.
#[derive(Debug, Clone, Copy)]
pub struct Label<'a>(pub &'a str, pub Option<&'static str>);

/// A grid for each stack of `rows`, as ragged as the model is. `selected` is marked; picking a head sets it in the URL and drops
/// the parameters in `forgets`.
pub fn head_grid(
    app: &App,
    Label(label, lang): Label<'_>,
    rows: Rows<'_>,
    selected: Option<(usize, usize)>,
    forgets: &'static [Whole<usize>],
    cell: impl Fn(usize, usize) -> HeadCell,
) -> Html {
    let foreign = lang.and(app.speech().foreign());
    let stacks = rows.layers.by_stack(rows.shown);
    let order: Vec<(usize, usize)> = (stacks.iter().flat_map(|(_, layers)| layers))
        .map(|&layer| (layer, rows.layers.n_heads(layer)))
        .filter(|(_, n_heads)| *n_heads > 0)
        .collect();
    let there = |&(layer, head): &(usize, usize)| order.iter().any(|o| o.0 == layer && head < o.1);
    let entry = selected.filter(there).or(order.first().map(|o| (o.0, 0))).unwrap_or_default();
    let draw = |layer: usize, head: usize| {
        let HeadCell { shown, label, style, broken } = cell(layer, head);
        let mine = selected == Some((layer, head));
        let label = format!("{}: {label}", rows.layers.head_name(layer, head));
        let onclick = {
            let app = app.clone();
            Callback::from(move |_: MouseEvent| pick(&app, layer, head, forgets))
        };
        html! {
            <td key={head} class={classes!(mine.then_some("selected"), broken.then_some("broken"))}>
                <button type="button" {style} aria-label={label.clone()} title={label} aria-pressed={mine.to_string()}
                    tabindex={if (layer, head) == entry { "0" } else { "-1" }} data-head={format!("{layer},{head}")} {onclick}>{ shown }</button>
            </td>
        }
    };
    let row = |layer: usize| {
        let n_heads = rows.layers.n_heads(layer);
        html! {
            <tr key={layer}>
                { row_head(rows, layer, foreign) }
                { for (0..n_heads).map(|head| draw(layer, head)) }
                if n_heads == 0 { <td class="absent" colspan="3" lang={foreign}>{ "no attention" }</td> }
            </tr>
        }
    };
    let grid = |(kind, layers): &(StackKind, Vec<usize>)| {
        let most = layers.iter().map(|&l| rows.layers.n_heads(l)).max().unwrap_or(0);
        let stack = kind.name().zip(kind.reads());
        let label = stack.map_or_else(|| label.to_owned(), |(name, _)| format!("{label}: {name}"));
        html! {
            <>
                if let Some((name, reads)) = stack { <p class="stack"><strong>{ name }</strong>{ format!(": {reads}") }</p> }
                <div class="grid-frame">
                    <table class={classes!("grid", (most >= DENSE).then_some("dense"), (most >= DENSER).then_some("denser"))} role="grid" aria-label={label} {lang} onkeydown={keys(app, order.clone(), entry, forgets)}>
                        <thead><tr><td></td>{ for (0..most).map(|h| html! { <th scope="col" key={h}>{ format!("H{h}") }</th> }) }</tr></thead>
                        <tbody>{ for layers.iter().map(|&layer| row(layer)) }</tbody>
                    </table>
                </div>
            </>
        }
    };
    // Where a cell has no room for its number, the number of the head in view stands in a line.
    let wide = order.iter().any(|(_, n_heads)| *n_heads >= DENSE);
    let told = selected.filter(|at| wide && there(at)).map(|(layer, head)| {
        format!("{}: {}", rows.layers.head_name(layer, head), cell(layer, head).label)
    });
    html! {
        <>
            { for stacks.iter().map(grid) }
            if let Some(told) = told { <p class="told" role="status" {lang}>{ told }</p> }
        </>
    }
}

/// A layer's number, and how often its tensors are used where that is more than once.
fn row_head(rows: Rows<'_>, layer: usize, foreign: Option<&'static str>) -> Html {
    let (number, uses) = (rows.layers.number(layer), rows.layers.uses(layer));
    if uses > 1 && rows.layers.own().len() == rows.shown.len() {
        let title = words::one_set_tensors_used(&uses);
        return html! { <th scope="row" {title} lang={foreign}>{ format!("L{number} ×{uses}") }</th> };
    }
    html! { <th scope="row">{ format!("L{number}") }</th> }
}

/// Selects a head.
pub fn pick(app: &App, layer: usize, head: usize, forgets: &[Whole<usize>]) {
    let route = app.value().route.clone().put(&LAYER, layer).put(&HEAD, head);
    app.go(forgets.iter().fold(route, |route, key| route.clear(key)));
}

/// Moves through `order`, the layers as they are drawn with their numbers of heads.
fn keys(
    app: &App,
    order: Vec<(usize, usize)>,
    entry: (usize, usize),
    forgets: &'static [Whole<usize>],
) -> Callback<KeyboardEvent> {
    let app = app.clone();
    Callback::from(move |event: KeyboardEvent| {
        // Keys may come faster than a large grid is drawn: the address knows where the last one went.
        let now = here();
        let gone = now.find(&LAYER).zip(now.find(&HEAD));
        let (layer, head) = gone.filter(|at| order.iter().any(|o| o.0 == at.0)).unwrap_or(entry);
        let row = order.iter().position(|o| o.0 == layer).unwrap_or(0);
        let (row, head) = match event.key().as_str() {
            "ArrowUp" => (row.saturating_sub(1), head),
            "ArrowDown" => (row + 1, head),
            "ArrowLeft" => (row, head.saturating_sub(1)),
            "ArrowRight" => (row, head + 1),
            "Home" => (row, 0),
            "End" => (row, usize::MAX),
            _ => return,
        };
        let Some(&(layer, n_heads)) = order.get(row.min(order.len().saturating_sub(1))) else {
            return;
        };
        let head = head.min(n_heads.saturating_sub(1));
        event.prevent_default();
        pick(&app, layer, head, forgets);
        // The cell itself: events are heard at the root, under which a page seen before has a cell of this name too.
        let page = event.target().and_then(|t| t.dyn_into::<web_sys::Element>().ok());
        // The head may be in the grid of another stack, beside this one.
        let page = page.and_then(|t| t.closest("section").ok().flatten().or(Some(t)));
        let cell = page.and_then(|t| {
            t.query_selector(&format!("[data-head=\"{layer},{head}\"]")).ok().flatten()
        });
        if let Some(cell) = cell.and_then(|c| c.dyn_into::<web_sys::HtmlElement>().ok()) {
            // Focus cannot be refused to a button that is shown.
            let _ = cell.focus();
        }
    })
}

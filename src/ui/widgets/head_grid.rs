//! Every head as a coloured cell, layers down and heads across; arrow keys move the selection, and the focus with it.

use wasm_bindgen::JsCast;
use yew::prelude::*;

use crate::model::Head;
use crate::ui::address::key::Whole;
use crate::ui::address::keys::{HEAD, LAYER};
use crate::ui::app::App;
use crate::ui::palette::Scale;

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

    /// A cell whose number is not there yet.
    pub fn waiting(label: String) -> Self {
        Self { shown: "…".into(), label, style: None, broken: false }
    }
}

/// The grid of `n_layers` × `n_heads` cells. `selected` is marked; picking a head sets it in the URL and drops the
/// parameters in `forgets`.
pub fn head_grid(
    app: &App,
    label: &str,
    [n_layers, n_heads]: [usize; 2],
    selected: Option<(usize, usize)>,
    forgets: &'static [Whole<usize>],
    cell: impl Fn(usize, usize) -> HeadCell,
) -> Html {
    let entry = selected.unwrap_or_default();
    let draw = |layer: usize, head: usize| {
        let HeadCell { shown, label, style, broken } = cell(layer, head);
        let mine = selected == Some((layer, head));
        let label = format!("{}: {label}", Head::new(layer, head));
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
    html! {
        <div class="grid-frame">
            <table class="grid" role="grid" aria-label={label.to_owned()} onkeydown={keys(app, [n_layers, n_heads], entry, forgets)}>
                <thead><tr><td></td>{ for (0..n_heads).map(|h| html! { <th scope="col" key={h}>{ format!("H{h}") }</th> }) }</tr></thead>
                <tbody>
                    { for (0..n_layers).map(|layer| html! {
                        <tr key={layer}><th scope="row">{ format!("L{layer}") }</th>{ for (0..n_heads).map(|head| draw(layer, head)) }</tr>
                    }) }
                </tbody>
            </table>
        </div>
    }
}

/// Selects a head.
pub fn pick(app: &App, layer: usize, head: usize, forgets: &[Whole<usize>]) {
    let route = app.value().route.clone().put(&LAYER, layer).put(&HEAD, head);
    app.go(forgets.iter().fold(route, |route, key| route.clear(key)));
}

fn keys(
    app: &App,
    [n_layers, n_heads]: [usize; 2],
    (layer, head): (usize, usize),
    forgets: &'static [Whole<usize>],
) -> Callback<KeyboardEvent> {
    let app = app.clone();
    Callback::from(move |event: KeyboardEvent| {
        let (last_layer, last_head) = (n_layers.saturating_sub(1), n_heads.saturating_sub(1));
        let (layer, head) = match event.key().as_str() {
            "ArrowUp" => (layer.saturating_sub(1), head),
            "ArrowDown" => ((layer + 1).min(last_layer), head),
            "ArrowLeft" => (layer, head.saturating_sub(1)),
            "ArrowRight" => (layer, (head + 1).min(last_head)),
            "Home" => (layer, 0),
            "End" => (layer, last_head),
            _ => return,
        };
        event.prevent_default();
        pick(&app, layer, head, forgets);
        let table = event.current_target().and_then(|t| t.dyn_into::<web_sys::Element>().ok());
        let cell = table.and_then(|t| {
            t.query_selector(&format!("[data-head=\"{layer},{head}\"]")).ok().flatten()
        });
        if let Some(cell) = cell.and_then(|c| c.dyn_into::<web_sys::HtmlElement>().ok()) {
            // Focus cannot be refused to a button that is shown.
            let _ = cell.focus();
        }
    })
}

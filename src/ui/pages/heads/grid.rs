//! Every head as a coloured cell, layers down and heads across; or as a table, sorted: the head finder.

use wasm_bindgen::JsCast;
use yew::prelude::*;

use crate::circuits::omega::Circuit;
use crate::ui::app::{App, use_app};
use crate::ui::format::three;
use crate::ui::statistic::Statistic;
use crate::ui::text::circuit_name;
use crate::ui::widgets::glossary::Gloss;
use crate::ui::widgets::select::{Select, Switch};

/// The grid of heads.
#[component]
pub fn Grid() -> Html {
    let app = use_app();
    let state = app.value();
    let (Some(model), Some(at)) = (state.model.as_ref(), state.at()) else {
        return Html::default();
    };
    let summary = &model.summary;
    let statistic = Statistic::parse(state.route.text("colour"));
    let value = |layer: usize, head: usize| {
        state.spectra.heads.get(&(layer, head)).map(|s| statistic.of(s, at.circuit))
    };
    let all: Vec<f64> = state.spectra.heads.values().map(|s| statistic.of(s, at.circuit)).collect();
    let scale = statistic.scale(&all);
    let as_table = state.route.text("view") == Some("table");
    let choose = {
        let app = app.clone();
        Callback::from(move |slug: String| app.set("colour", slug))
    };
    let switch = {
        let app = app.clone();
        Callback::from(move |on: bool| app.set("view", if on { "table" } else { "grid" }))
    };
    let options =
        Statistic::ALL.into_iter().map(|s| (s.slug().into(), s.name().into())).collect::<Vec<_>>();
    let cell = |layer: usize, head: usize| {
        let v = value(layer, head);
        let broken = state.spectra.broken.get(&(layer, head));
        let selected = (layer, head) == (at.layer, at.head);
        let style = v.map(|v| {
            format!("background: {}; color: {}", scale.css(v, app.dark), scale.ink(v, app.dark))
        });
        let shown = match (v, broken) {
            (Some(v), _) => three(v),
            (None, Some(_)) => "!".into(),
            (None, None) => "…".into(),
        };
        let label = match broken {
            Some(why) => format!("L{layer}H{head}: {why}"),
            None => format!("L{layer}H{head}, {} {shown}", statistic.name()),
        };
        let pick = pick(&app, layer, head);
        html! {
            <td key={head} class={classes!(selected.then_some("selected"), broken.map(|_| "broken"))}>
                <button type="button" {style} aria-label={label.clone()} title={label} aria-pressed={selected.to_string()}
                    tabindex={if selected { "0" } else { "-1" }} data-head={format!("{layer},{head}")} onclick={pick}>{ shown }</button>
            </td>
        }
    };
    html! {
        <section class="column heads-grid" aria-label="Grid of heads">
            <div class="controls">
                <Select label="colour by" {options} value={statistic.slug()} on_change={choose} />
                <Switch label="table" on={as_table} on_change={switch} />
            </div>
            <Gloss term={format!("{} of {}", statistic.name(), if statistic == Statistic::Copying { "OV" } else { circuit_name(at.circuit) })}
                meaning={statistic.meaning()} />
            if as_table {
                { finder(&app, at.circuit) }
            } else {
                <div class="grid-frame">
                    <table class="grid" role="grid" aria-label={format!("{} of every head", statistic.name())} onkeydown={keys(&app)}>
                        <thead><tr><td></td>{ for (0..summary.n_heads).map(|h| html! { <th scope="col" key={h}>{ format!("H{h}") }</th> }) }</tr></thead>
                        <tbody>
                            { for (0..summary.n_layers).map(|layer| html! {
                                <tr key={layer}><th scope="row">{ format!("L{layer}") }</th>{ for (0..summary.n_heads).map(|head| cell(layer, head)) }</tr>
                            }) }
                        </tbody>
                    </table>
                </div>
                <p class="hint">{ "Arrow keys move; j and k step through the pairs, [ and ] through the layers." }</p>
            }
        </section>
    }
}

fn pick(app: &App, layer: usize, head: usize) -> Callback<MouseEvent> {
    let app = app.clone();
    Callback::from(move |_| select(&app, layer, head))
}

fn select(app: &App, layer: usize, head: usize) {
    app.go(app.value().route.clone().with("layer", layer).with("head", head));
}

/// Arrows inside the grid; the focus follows the selection.
fn keys(app: &App) -> Callback<KeyboardEvent> {
    let app = app.clone();
    Callback::from(move |event: KeyboardEvent| {
        let state = app.value();
        let (Some(model), Some(at)) = (state.model.as_ref(), state.at()) else { return };
        let (last_layer, last_head) = (model.summary.n_layers - 1, model.summary.n_heads - 1);
        let (layer, head) = match event.key().as_str() {
            "ArrowUp" => (at.layer.saturating_sub(1), at.head),
            "ArrowDown" => ((at.layer + 1).min(last_layer), at.head),
            "ArrowLeft" => (at.layer, at.head.saturating_sub(1)),
            "ArrowRight" => (at.layer, (at.head + 1).min(last_head)),
            "Home" => (at.layer, 0),
            "End" => (at.layer, last_head),
            _ => return,
        };
        event.prevent_default();
        select(&app, layer, head);
        let cell = web_sys::window().and_then(|w| w.document()).and_then(|d| {
            d.query_selector(&format!("[data-head=\"{layer},{head}\"]")).ok().flatten()
        });
        if let Some(cell) = cell.and_then(|c| c.dyn_into::<web_sys::HtmlElement>().ok()) {
            // Focus cannot be refused to a button that is shown.
            let _ = cell.focus();
        }
    })
}

/// All heads with all statistics, sorted by the one that the reader picks.
fn finder(app: &App, circuit: Circuit) -> Html {
    let state = app.value();
    let sorted_by = Statistic::parse(state.route.text("colour"));
    let ascending = state.route.text("order") == Some("up");
    let mut heads: Vec<_> = state.spectra.heads.values().cloned().collect();
    let key = |s: &crate::worker::protocol::heads::HeadSpectra| sorted_by.of(s, circuit);
    heads.sort_by(|a, b| key(b).total_cmp(&key(a)).then((a.layer, a.head).cmp(&(b.layer, b.head))));
    if ascending {
        heads.reverse();
    }
    let head_cell = |statistic: Statistic| {
        let app = app.clone();
        let mine = statistic == sorted_by;
        let sort = mine.then_some(if ascending { "ascending" } else { "descending" });
        let onclick = Callback::from(move |_: MouseEvent| {
            let order = if mine && !ascending { "up" } else { "down" };
            app.go(app.value().route.clone().with("colour", statistic.slug()).with("order", order));
        });
        let mark = if mine { if ascending { " ▴" } else { " ▾" } } else { "" };
        html! { <th scope="col" aria-sort={sort}><button type="button" {onclick}>{ statistic.name() }{ mark }</button></th> }
    };
    html! {
        <div class="numbers finder" tabindex="0" role="region" aria-label="All heads">
            <table>
                <thead><tr><th scope="col">{ "head" }</th>{ for Statistic::ALL.into_iter().map(head_cell) }</tr></thead>
                <tbody>
                    { for heads.iter().map(|s| html! {
                        <tr key={format!("{}-{}", s.layer, s.head)}>
                            <th scope="row"><button type="button" onclick={pick(app, s.layer, s.head)}>{ format!("L{}H{}", s.layer, s.head) }</button></th>
                            { for Statistic::ALL.into_iter().map(|statistic| html! { <td>{ three(statistic.of(s, circuit)) }</td> }) }
                        </tr>
                    }) }
                </tbody>
            </table>
        </div>
    }
}

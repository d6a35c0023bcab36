//! The template as a grid that can be edited: which feature of the query wants which feature of a key.

use std::rc::Rc;

use web_sys::HtmlInputElement;
use yew::prelude::*;

use super::LabProps;
use crate::toy::{Dial, Entry};
use crate::ui::charts::{Figure, HeatMap};
use crate::ui::palette::Scale;
use crate::ui::words::table::Table;
use crate::ui::words::toy as words;

/// Strength of an entry that is switched on where there is no other to go by.
const STRENGTH: f64 = 10.0;

/// Properties of [`TemplateGrid`].
#[derive(Properties, PartialEq)]
pub(super) struct TemplateGridProps {
    /// What every part gets.
    pub(super) parts: LabProps,
    /// Called with an entry that is turned.
    pub(super) on_turn: Callback<Dial>,
}

/// The grid, and the same with numbers; a change acts on the run as it goes.
#[component]
pub(super) fn TemplateGrid(props: &TemplateGridProps) -> Html {
    let TemplateGridProps { parts, on_turn } = props;
    let selected = use_state(|| (0_usize, 1_usize));
    let n = parts.config.n_features;
    let entries = parts.config.template.entries();
    let (query, key) = (selected.0.min(n - 1), selected.1.min(n - 1));
    let now = entries.iter().find(|e| (e.query, e.key) == (query, key)).map_or(0.0, |e| e.strength);
    let strongest = entries.iter().map(|e| e.strength.abs()).fold(0.0, f64::max);
    let put = {
        let on_turn = on_turn.clone();
        move |query: usize, key: usize, strength: f64| {
            on_turn.emit(Dial::Entry(Entry { query, key, strength }));
        }
    };
    let on_select = {
        let selected = selected.clone();
        Callback::from(move |cell: (usize, usize)| selected.set(cell))
    };
    let on_press = {
        let (put, entries) = (put.clone(), entries.clone());
        Callback::from(move |(query, key): (usize, usize)| {
            let on = entries.iter().any(|e| (e.query, e.key) == (query, key));
            let fresh = if strongest > 0.0 { strongest } else { STRENGTH };
            put(query, key, if on { 0.0 } else { fresh });
        })
    };
    let number = |label: &'static str, value: String, set: Callback<f64>| {
        let onchange = Callback::from(move |event: Event| {
            if let Some(input) = event.target_dyn_into::<HtmlInputElement>() {
                set.emit(input.value_as_number());
            }
        });
        html! { <label class="field number"><span>{ label }</span><input type="number" step="any" {value} {onchange} /></label> }
    };
    let choose = |which: fn(&mut (usize, usize), usize)| {
        let selected = selected.clone();
        Callback::from(move |value: f64| {
            let mut at = (query, key);
            which(&mut at, (value.max(0.0) as usize).min(n - 1));
            selected.set(at);
        })
    };
    let set_strength = Callback::from(move |value: f64| {
        if value.is_finite() {
            put(query, key, value);
        }
    });
    let values =
        Rc::new(parts.config.template.matrix(n).iter().map(|t| *t as f32).collect::<Vec<f32>>());
    let table = Callback::from(move |()| {
        entries.iter().fold(Table::new(["query", "key", "T"]), |table, e| {
            table.row([e.query.into(), e.key.into(), e.strength.into()])
        })
    });
    let scale = Scale::Diverging { max: if strongest > 0.0 { strongest } else { 1.0 } };
    html! {
        <div>
            <Figure name="toy-template" {table} convention={parts.stamp()} caption={html! { { words::WHAT_HEAD_ASKED_TEMPLATE } }}>
                <HeatMap label="Template" {values} n_cols={n} {scale} y="query" x="key →" selected={Some((query, key))} {on_select} {on_press} />
            </Figure>
            <div class="controls">
                { number("query feature", query.to_string(), choose(|at, i| at.0 = i)) }
                { number("key feature", key.to_string(), choose(|at, i| at.1 = i)) }
                { number("strength", now.to_string(), set_strength) }
            </div>
        </div>
    }
}

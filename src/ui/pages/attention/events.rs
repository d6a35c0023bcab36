//! One head over a prompt set, prompt by prompt: how sparse against how large, real beside every control.

use yew::prelude::*;

use crate::study::python::samples;
use crate::study::stamp::Stamp;
use crate::ui::charts::{Bar, Bars, Figure, Point, Scatter};
use crate::ui::memory::measured::{MeasuredEvent, MeasuredHead};
use crate::ui::widgets::python::Python;
use crate::ui::words::attention as words;
use crate::ui::words::table::{Cell, Table};

/// What the four values of every measure are of.
const KINDS: [&str; 4] =
    ["singular vectors", "basis control", "subspace control", "matched control"];

/// Properties of [`Events`].
#[derive(Properties, PartialEq)]
pub(super) struct EventsProps {
    /// The head.
    pub head: MeasuredHead,
    /// Its name in files.
    pub name: String,
    /// How the set was measured.
    pub convention: Stamp,
}

/// The distributions of S and N_recon over the prompts, and where in the spectrum the work is done.
#[component]
pub(super) fn Events(props: &EventsProps) -> Html {
    let h = &props.head;
    let name = &props.name;
    let bars = |file: &str, y: &str, caption: String, values: Vec<f64>| {
        let table = {
            let (values, y) = (values.clone(), y.to_owned());
            Callback::from(move |()| {
                let rows = values.iter().enumerate();
                rows.fold(Table::new(["k", y.as_str()]), |table, (k, value)| {
                    table.row([k.into(), (*value).into()])
                })
            })
        };
        let bars: Vec<Bar> = values.iter().map(|&value| Bar { value, mark: None }).collect();
        html! {
            <Figure name={format!("{file}-{name}")} {table} convention={props.convention.clone()} caption={html! { { caption.clone() } }}>
                <Bars label={caption} {bars} y={y.to_owned()} />
            </Figure>
        }
    };
    let cloud = |file: &str,
                 y: &str,
                 caption: String,
                 of: fn(&MeasuredEvent) -> &[Option<f64>; 4]| {
        let table = {
            let events = h.events.clone();
            Callback::from(move |()| table(&events))
        };
        html! {
            <Figure name={format!("{file}-{name}")} {table} convention={props.convention.clone()} caption={html! { { caption.clone() } }}>
                <Scatter label={caption} points={points(&h.events, of)} x="|relative attention|" y={y.to_owned()} />
            </Figure>
        }
    };
    let largest = h.largest.iter().map(|&n| n as f64).collect();
    html! {
        <div class="measured">
            { cloud("sparseness", "S", words::sparseness_every_event_against(&name), |e| &e.sparseness) }
            { cloud("terms", "terms", words::terms_make_up_nine(&name), |e| &e.n_recon_90) }
            { bars("largest-terms", "events", words::how_often_singular_vector(&name), largest) }
            { bars("variance-shares", "share", words::singular_vectors_share_score(&name), h.variance_shares.clone()) }
            <Python name="samples.py" python={samples(&columns(&h.events), &props.convention)} />
        </div>
    }
}

/// Every event four times; the last of each kind carries its name.
fn points(events: &[MeasuredEvent], of: fn(&MeasuredEvent) -> &[Option<f64>; 4]) -> Vec<Point> {
    let mut points = Vec::new();
    for (group, kind) in KINDS.iter().enumerate() {
        let values = events.iter().filter_map(|e| Some((e.relative.abs(), of(e)[group]?)));
        let point = |(x, y)| Point { x, y, name: (*kind).into(), group, shown: false };
        points.extend(values.map(point));
        if let Some(last) = points.last_mut().filter(|last| last.group == group) {
            last.shown = true;
        }
    }
    points
}

fn table(events: &[MeasuredEvent]) -> Table {
    let row = |e: &MeasuredEvent| e.values().map(Cell::from);
    events.iter().fold(Table::new(MeasuredEvent::NAMES), |table, e| table.row(row(e)))
}

/// Every column as far as it is known.
fn columns(events: &[MeasuredEvent]) -> Vec<(String, Vec<f64>)> {
    let column = |(i, name): (usize, &&str)| {
        let values = events.iter().filter_map(|e| e.values().get(i).copied().flatten());
        ((*name).to_owned(), values.collect())
    };
    MeasuredEvent::NAMES.iter().enumerate().map(column).collect()
}

//! The whole comparison as files: every number of every head as JSON, the measures beside their chance levels as CSV.

use yew::prelude::*;

use crate::circuits::omega::Circuit;
use crate::study::compare::CompareDocument;
use crate::study::stamp::Stamp;
use crate::ui::app::use_save;
use crate::ui::memory::compare::Compared;
use crate::ui::words::change::{Measure, circuit_of};
use crate::ui::words::compare as words;
use crate::ui::words::table::{Cell, Table};

/// Properties of [`ExportBar`].
#[derive(Properties, PartialEq)]
pub(super) struct ExportBarProps {
    /// What was found.
    pub compared: Compared,
    /// Where the numbers come from.
    pub stamp: Stamp,
}

/// Buttons that save the comparison.
#[component]
pub(super) fn ExportBar(props: &ExportBarProps) -> Html {
    let save = use_save();
    let csv = {
        let (save, compared, stamp) = (save.clone(), props.compared.clone(), props.stamp.clone());
        Callback::from(move |_: MouseEvent| {
            save("comparison.csv", "text/csv", measures(&compared).csv(&stamp).as_bytes());
        })
    };
    let json = {
        let compared = props.compared.clone();
        Callback::from(move |_: MouseEvent| {
            save("comparison.json", "application/json", document(&compared).as_bytes());
        })
    };
    let disabled = !props.compared.complete;
    html! {
        <footer class="export-bar">
            <span class="convention">{ props.stamp.line() }</span>
            <span class="exports">
                <button type="button" {disabled} onclick={csv}>{ words::ALL_MEASURES_CSV }</button>
                <button type="button" {disabled} onclick={json}>{ words::WHOLE_COMPARISON_JSON }</button>
            </span>
        </footer>
    }
}

/// Every measure of every circuit: its value, what chance makes of it, and how rarely.
fn measures(compared: &Compared) -> Table {
    let columns =
        ["layer", "head", "was head", "circuit", "measure", "value", "chance", "z", "p", "q"];
    let mut table = Table::new(columns);
    for head in compared.heads.values() {
        for circuit in [Circuit::Qk, Circuit::Ov] {
            let change = circuit_of(head, circuit);
            for measure in Measure::ALL.into_iter().filter(|m| *m != Measure::Against) {
                let found = measure.against(change);
                let value = match found {
                    // Of these the value is what stands beside the third model; z has a column of its own.
                    Some(found) if measure.needs_third() => Some(found.observed),
                    _ => measure.of(change),
                };
                let cell = |x: Option<f64>| x.map_or(Cell::Empty, Cell::from);
                table = table.row([
                    head.layer.into(),
                    head.head_b.into(),
                    head.head.into(),
                    circuit.name().into(),
                    measure.slug().into(),
                    cell(value),
                    cell(found.map(|found| found.expected)),
                    cell(found.map(|found| found.z)),
                    cell(found.map(|found| found.p)),
                    cell(found.and_then(|found| found.q)),
                ]);
            }
        }
    }
    table
}

/// The document that `omega compare` prints.
fn document(compared: &Compared) -> String {
    let Some(models) = &compared.models else { return String::new() };
    let found = compared.found();
    let document = CompareDocument::new(models.conventions.each_ref(), &found);
    // Plain values always have a JSON form.
    serde_json::to_string(&document).unwrap_or_default()
}

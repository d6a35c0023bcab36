//! Every head in the colour of one measure of its change; or all measures as a table, sorted.

use yew::prelude::*;

use crate::ui::address::keys;
use crate::ui::app::{App, use_app};
use crate::ui::memory::compare::Compared;
use crate::ui::nothing::nothing;
use crate::ui::widgets::glossary::Gloss;
use crate::ui::widgets::head_grid::{HeadCell, Label, Rows, head_grid};
use crate::ui::widgets::head_table::{Columns, HeadRow, head_table};
use crate::ui::widgets::select::{Select, Switch};
use crate::ui::words::change::{Measure, circuit_of};
use crate::ui::words::compare as words;
use crate::ui::words::format::three;

/// Properties of [`Grid`].
#[derive(Properties, PartialEq)]
pub(super) struct GridProps {
    /// What was found.
    pub compared: Compared,
}

/// The grid of change.
#[component]
pub(super) fn Grid(props: &GridProps) -> Html {
    let app = use_app();
    let state = app.value();
    let (Some(model), Some(at)) = (state.model.as_ref(), state.at()) else {
        return nothing();
    };
    let compared = &props.compared;
    let measure = state.route.read(&keys::CHANGE);
    let all: Vec<f64> = compared
        .heads
        .values()
        .filter_map(|head| measure.of(circuit_of(head, at.circuit)))
        .collect();
    let scale = measure.scale(&all);
    let cell = |layer: usize, head: usize| {
        let change = compared.heads.get(&(layer, head)).map(|head| circuit_of(head, at.circuit));
        match (change, compared.broken.get(&(layer, head))) {
            (Some(change), _) => {
                let label = format!("{} {}", measure.name(), measure.told(change));
                match measure.of(change) {
                    Some(value) => HeadCell::coloured(three(value), label, value, scale, app.dark),
                    None => HeadCell::empty(label),
                }
            }
            (None, Some(why)) => {
                HeadCell { shown: "!".into(), label: why.clone(), style: None, broken: true }
            }
            (None, None) if compared.complete => HeadCell::empty(words::NOT_BOTH_MODELS.into()),
            (None, None) if compared.stopped => HeadCell::empty(words::HEAD_NOT_COMPARED.into()),
            (None, None) => HeadCell::waiting(measure.name().to_owned()),
        }
    };
    let options: Vec<(AttrValue, AttrValue)> =
        Measure::ALL.map(|m| (m.slug().into(), m.name().into())).to_vec();
    let choose = {
        let app = app.clone();
        Callback::from(move |slug: String| app.choose(&keys::CHANGE, &slug))
    };
    let as_table = state.route.read(&keys::VIEW);
    let switch = {
        let app = app.clone();
        Callback::from(move |on: bool| app.put(&keys::VIEW, on))
    };
    let layers = &model.summary.layers;
    let label = words::every_head(&measure.name());
    html! {
        <section class="column heads-grid" aria-label={words::GRID_CHANGE}>
            <div class="controls">
                <Select label="colour by" {options} value={measure.slug()} on_change={choose} />
                <Switch label="table" on={as_table} on_change={switch} />
            </div>
            <Gloss term={format!("{} of {}", measure.name(), at.circuit.name())} meaning={measure.meaning()} />
            if as_table {
                { finder(&app, compared) }
            } else {
                { head_grid(&app, Label(&label, None), Rows { layers, shown: &layers.own() }, Some((at.layer, at.head)), &[], cell) }
            }
        </section>
    }
}

/// All heads with all measures, sorted by the one that the reader picks.
fn finder(app: &App, compared: &Compared) -> Html {
    let circuit = app.value().route.read(&keys::CIRCUIT);
    let sorted_by = app.value().route.read(&keys::CHANGE);
    let heads = compared.heads.values().map(|head| {
        let change = circuit_of(head, circuit);
        let cell =
            |measure: Measure| (measure.of(change).unwrap_or(f64::NAN), Some(measure.told(change)));
        HeadRow {
            at: (head.layer, head.head_b),
            sort: sorted_by.of(change).unwrap_or(f64::NAN),
            cells: Measure::ALL.map(cell).to_vec(),
        }
    });
    let stamp = app.value().stamp(app.value().weights()).circuit(circuit);
    let columns = Columns {
        by: keys::CHANGE,
        shown: Measure::ALL.to_vec(),
        name: Measure::name,
        file: ("change.csv", stamp),
    };
    head_table(app, columns, heads.collect())
}

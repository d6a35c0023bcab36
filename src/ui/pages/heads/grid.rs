//! Every head as a coloured cell, layers down and heads across; or as a table, sorted: the head finder.

use yew::prelude::*;

use crate::circuits::omega::Circuit;
use crate::ui::address::keys;
use crate::ui::app::{App, use_app};
use crate::ui::widgets::glossary::Gloss;
use crate::ui::widgets::head_grid::{HeadCell, Rows, head_grid};
use crate::ui::widgets::head_table::{HeadRow, head_table};
use crate::ui::widgets::select::{Select, Switch};
use crate::ui::words::format::three;
use crate::ui::words::statistic::Statistic;
use crate::ui::words::text;

/// The grid of heads.
#[component]
pub fn Grid() -> Html {
    let app = use_app();
    let state = app.value();
    let (Some(model), Some(at)) = (state.model.as_ref(), state.at()) else {
        return Html::default();
    };
    let summary = &model.summary;
    let statistic = state.route.read(&keys::COLOUR);
    let value = |layer: usize, head: usize| {
        state.spectra.heads.get(&(layer, head)).map(|s| statistic.of(s, at.circuit))
    };
    let all: Vec<f64> = state.spectra.heads.values().map(|s| statistic.of(s, at.circuit)).collect();
    let scale = statistic.scale(&all);
    let as_table = state.route.read(&keys::VIEW);
    let choose = {
        let app = app.clone();
        Callback::from(move |slug: String| app.choose(&keys::COLOUR, &slug))
    };
    let switch = {
        let app = app.clone();
        Callback::from(move |on: bool| app.put(&keys::VIEW, on))
    };
    let options =
        Statistic::ALL.into_iter().map(|s| (s.slug().into(), s.name().into())).collect::<Vec<_>>();
    let cell = |layer: usize, head: usize| {
        let name = statistic.name();
        match (value(layer, head), state.spectra.broken.get(&(layer, head))) {
            (_, Some(why)) => {
                HeadCell { shown: "!".into(), label: why.clone(), style: None, broken: true }
            }
            (Some(v), None) => {
                HeadCell::coloured(three(v), format!("{name} {}", three(v)), v, scale, app.dark)
            }
            (None, None) => HeadCell::waiting(format!("{name} …")),
        }
    };
    html! {
        <section class="column heads-grid" aria-label="Grid of heads">
            <div class="controls">
                <Select label="colour by" {options} value={statistic.slug()} on_change={choose} />
                <Switch label="table" on={as_table} on_change={switch} />
            </div>
            <Gloss term={statistic.circuit().map_or_else(|| format!("{} of {}", statistic.name(), at.circuit.name()), |_| statistic.name().to_owned())}
                meaning={statistic.meaning()} />
            if as_table {
                { finder(&app, at.circuit) }
            } else {
                { head_grid(&app, &format!("{} of every head", statistic.name()), Rows { layers: &summary.layers, shown: &summary.layers.own() }, Some((at.layer, at.head)), &[], cell) }
                <p class="hint">{ "Arrow keys move; j and k step through the pairs, [ and ] through the layers." }</p>
            }
            <p class="hint" data-testid="computed">{ text::gpu_line(state.gpu.as_ref()) }</p>
        </section>
    }
}

/// All heads with all statistics, sorted by the one that the reader picks.
fn finder(app: &App, circuit: Circuit) -> Html {
    let state = app.value();
    let sorted_by = state.route.read(&keys::COLOUR);
    let heads = state.spectra.heads.values().map(|head| HeadRow {
        at: (head.layer, head.head),
        sort: sorted_by.of(head, circuit),
        cells: Statistic::ALL.map(|s| (three(s.of(head, circuit)), None)).to_vec(),
    });
    head_table(app, keys::COLOUR, Statistic::name, heads.collect())
}

//! Every head as a coloured cell, layers down and heads across; or as a table, sorted: the head finder.

use yew::prelude::*;

use crate::protocol::heads::HeadSpectra;
use crate::ui::address::keys;
use crate::ui::address::route::Page;
use crate::ui::app::{App, use_app};
use crate::ui::lessons::speech::Speech;
use crate::ui::nothing::nothing;
use crate::ui::widgets::glossary::Gloss;
use crate::ui::widgets::head_grid::{HeadCell, Label, Rows, head_grid};
use crate::ui::widgets::head_table::{Columns, HeadRow, head_table};
use crate::ui::widgets::select::{Select, Switch};
use crate::ui::words::colour::{self, Colour};
use crate::ui::words::format::three;
use crate::ui::words::heads as words;
use crate::ui::words::pictures::OnStage;
use crate::ui::words::text;

/// The grid of heads.
#[component]
pub fn Grid() -> Html {
    let app = use_app();
    let state = app.value();
    let (Some(model), Some(at)) = (state.model.as_ref(), state.at()) else {
        return nothing();
    };
    let speech = app.speech();
    let lang = speech.own();
    let summary = &model.summary;
    let chosen = state.route.read(&keys::COLOUR);
    let roles = state.roles.as_deref();
    let value = |head: &HeadSpectra| chosen.of(head, at.circuit, roles);
    let all: Vec<f64> = state.spectra.heads.values().map(|head| value(head)).collect();
    let scale = chosen.scale(&all);
    let as_table = state.route.read(&keys::VIEW);
    let choose = {
        let app = app.clone();
        Callback::from(move |slug: String| app.choose(&keys::COLOUR, &slug))
    };
    let switch = {
        let app = app.clone();
        Callback::from(move |on: bool| app.put(&keys::VIEW, on))
    };
    let mut there: Vec<Colour> = Colour::there(state.has_positions(), roles.is_some()).collect();
    if !there.contains(&chosen) {
        there.push(chosen);
    }
    let options =
        there.iter().map(|c| (c.slug().into(), speech.colour(*c).into())).collect::<Vec<_>>();
    let cell = |layer: usize, head: usize| {
        let name = speech.colour(chosen);
        match (state.spectra.heads.get(&(layer, head)), state.spectra.broken.get(&(layer, head))) {
            (_, Some(why)) => {
                HeadCell { shown: "!".into(), label: why.clone(), style: None, broken: true }
            }
            (Some(head), None) => {
                let (value, label) = (value(head), chosen.told(&speech, head, at.circuit, roles));
                let label = format!("{name} {label}");
                if value.is_nan() {
                    return HeadCell::empty(label);
                }
                HeadCell::coloured(three(value), label, value, scale, app.dark)
            }
            (None, None) => HeadCell::waiting(format!("{name} …")),
        }
    };
    let said = match (chosen, roles) {
        (Colour::Weights(_), _) => None,
        (Colour::Prompt(_), Some(roles)) => Some(colour::on(&roles.prompt())),
        (Colour::Prompt(_), None) => Some(colour::MEASURED_ON_PROMPT.to_owned()),
    };
    let label = speech.fill(OnStage::EveryHead, &[&speech.colour(chosen)]);
    // The glossary knows the word by this name.
    let english = Speech::default();
    html! {
        <section class="column heads-grid" aria-label={words::GRID_HEADS}>
            <div class="controls" {lang}>
                <Select label={speech.say(OnStage::ColourBy)} {options} value={chosen.slug()} on_change={choose} />
                <Switch label={speech.say(OnStage::AsTable)} on={as_table} on_change={switch} />
            </div>
            <Gloss term={chosen.term(&english, at.circuit)} own={chosen.term(&speech, at.circuit)} meaning={chosen.meaning()} />
            if let Some(said) = said {
                <p class="hint" data-testid="roles-on">{ said }<a href={state.route.clone().on(Page::Attention).to_hash()}>{ colour::RUN_ONE }</a></p>
            }
            if as_table {
                { finder(&app, there) }
            } else {
                { head_grid(&app, Label(&label, lang), Rows { layers: &summary.layers, shown: &summary.layers.own() }, Some((at.layer, at.head)), &[], cell) }
                <p class="hint">{ words::ARROW_KEYS_MOVE_STEP }</p>
            }
            <p class="hint" data-testid="computed" {lang}>{ text::gpu_line(&speech, state.gpu.as_ref()) }</p>
        </section>
    }
}

/// All heads with all that colours them, sorted by what the reader picks.
fn finder(app: &App, shown: Vec<Colour>) -> Html {
    let state = app.value();
    let (sorted_by, roles) = (state.route.read(&keys::COLOUR), state.roles.as_deref());
    let (circuit, english) = (state.route.read(&keys::CIRCUIT), Speech::default());
    let heads = state.spectra.heads.values().map(|head| HeadRow {
        at: (head.layer, head.head),
        sort: sorted_by.of(head, circuit, roles),
        cells: (shown.iter())
            .map(|c| (c.of(head, circuit, roles), Some(c.told(&english, head, circuit, roles))))
            .collect(),
    });
    let rows = heads.collect();
    let stamp = state.stamp(state.weights()).circuit(circuit);
    let stamp = match roles {
        Some(roles) => stamp.how(format!("roles on {}", roles.prompt())),
        None => stamp,
    };
    let file = ("heads.csv", stamp);
    head_table(app, Columns { by: keys::COLOUR, shown, name: Colour::name, file }, rows)
}

//! The QK spectrum of a rotary head for keys some tokens back.

use yew::prelude::*;

use crate::circuits::omega::Circuit;
use crate::protocol::heads::AtDistances;
use crate::study::distance::FARTHEST;
use crate::ui::address::keys;
use crate::ui::address::route::Page;
use crate::ui::app::use_app;
use crate::ui::asking::use_asking;
use crate::ui::charts::{Bar, Bars, Figure};
use crate::ui::nothing::nothing;
use crate::ui::widgets::select::Slider;
use crate::ui::words::format::three;
use crate::ui::words::heads as words;
use crate::ui::words::table::Table;
use crate::worker::request::Request;

/// A slider for the distance, and the spectrum there; nothing for OV and for models without rotary positions.
#[component]
pub(super) fn Distance() -> Html {
    let app = use_app();
    let state = app.value();
    let rotary = state.model.as_ref().filter(|model| model.summary.rotary);
    let at = state.at().filter(|at| at.circuit == Circuit::Qk);
    let asked = rotary.zip(at).map(|(model, at)| (model.generation, at));
    let delta = state.route.read(&keys::DISTANCE);
    let wanted = asked.filter(|_| delta > 0 && state.route.page == Page::Heads);
    let known = use_asking::<Vec<Vec<f64>>, _>("heads/distance", wanted).quiet();
    {
        let known = known.clone();
        use_effect_with((known.number(), wanted.is_some()), move |_| {
            // The slider was at nothing in between: what is known stays known.
            if let (None, Some((_, at))) = (known.found(), wanted) {
                known.ask(Request::new(AtDistances { at }).urgent());
            }
        });
    }
    let Some((_, at)) = asked else { return nothing() };
    let set = {
        let app = app.clone();
        Callback::from(move |delta: f64| {
            app.replace(app.value().route.clone().put(&keys::DISTANCE, delta as usize));
        })
    };
    html! {
        <div data-testid="distance">
            <p class="hint">{ words::ROTARY_TURNS_QUERIES }</p>
            <div class="controls">
                <Slider label={words::KEYS_STAND_BACK} min={0.0} max={FARTHEST as f64} step={1.0} value={delta as f64} on_change={set} />
            </div>
            { match (known.failed(), known.found()) {
                _ if delta == 0 => nothing(),
                (None, None) => html! { <p class="empty" role="status">{ words::HEADS_DISTANCES_BEING_COMPUTED }</p> },
                (Some(why), _) => html! { <p class="empty" role="alert">{ words::head_cannot_decomposed_others(&why.what) }</p> },
                (None, Some(sigma)) => match (sigma.first(), sigma.get(delta)) {
                    (Some(here), Some(there)) => {
                        let bars: Vec<Bar> = there.iter().zip(here).map(|(value, mark)| Bar { value: *value, mark: Some(*mark) }).collect();
                        let name = state.head_name(at.layer, at.head);
                        let [first, last] = [there.first(), there.last()].map(|s| three(s.copied().unwrap_or(0.0)));
                        let table = {
                            let sigma = sigma.clone();
                            Callback::from(move |()| sigma.iter().enumerate().fold(
                                Table::new(["distance", "k", "sigma"]),
                                |table, (delta, row)| row.iter().enumerate().fold(table, |table, (k, s)| table.row([delta.into(), k.into(), (*s).into()])),
                            ))
                        };
                        html! {
                            <Figure name={format!("{name}-QK-at-a-distance")} {table} convention={state.stamp(at.weights).how(words::DISTANCE_CONVENTION)}
                                caption={html! { <>{ words::distance_caption(&at.circuit.name(), &delta) }</> }}>
                                <Bars label={words::distance_spoken(&name, &delta, &first, &last)} {bars} log={state.route.read(&keys::AXIS)} />
                            </Figure>
                        }
                    }
                    _ => html! { <p class="empty">{ words::DISTANCE_DOES_NOT_TURN }</p> },
                },
            } }
        </div>
    }
}

//! λ, T and p as sliders that act on the run as it goes: nothing starts anew, and the address tells what was turned when.

use std::rc::Rc;

use web_sys::HtmlInputElement;
use yew::prelude::*;

use super::LabProps;
use crate::toy::{Config, Dial};
use crate::ui::address::turns::{self, Knob};
use crate::ui::app::App;
use crate::ui::nothing::nothing;
use crate::ui::widgets::typed::Typed;
use crate::ui::words::toy as words;

/// Properties of [`Dials`].
#[derive(Properties, PartialEq)]
pub(super) struct DialsProps {
    /// The settings in force at its last step.
    pub(super) now: Rc<Config>,
    /// Called with one that is turned.
    pub(super) on_turn: Callback<Dial>,
}

/// Turns a dial: of a run that has not begun, by beginning it so; of another, where it stands.
pub(super) fn turning(app: &App, props: &LabProps) -> Callback<Dial> {
    let (app, controls) = (app.clone(), props.controls.clone());
    let begun = props.lab.trained > 0 || props.lab.running;
    Callback::from(move |dial: Dial| {
        if begun {
            controls.turn(dial);
        } else {
            app.replace(turns::begun_with(&app.value().route, dial));
        }
    })
}

/// The sliders, each with a field for a number.
#[component]
pub(super) fn Dials(props: &DialsProps) -> Html {
    let refused = use_state(|| None::<String>);
    let DialsProps { now, on_turn } = props;
    let row = |knob: Knob| {
        let Some(value) = knob.of(now) else { return nothing() };
        let (name, what) = words::knob(knob);
        let set = {
            let on_turn = on_turn.clone();
            move |value: f64| on_turn.emit(knob.at(value))
        };
        let oninput = {
            let (set, refused) = (set.clone(), refused.clone());
            Callback::from(move |event: InputEvent| {
                if let Some(input) = event.target_dyn_into::<HtmlInputElement>() {
                    refused.set(None);
                    set(knob.value(input.value_as_number()));
                }
            })
        };
        let on_take = {
            let refused = refused.clone();
            Callback::from(move |typed: String| {
                let taken = knob.read(&typed);
                refused.set(words::limited(knob, &typed, taken));
                if let Some(taken) = taken.filter(|taken| *taken != value) {
                    set(taken);
                }
            })
        };
        let label = format!("{name}, {what}");
        html! {
            <div class="dial">
                <b>{ name }</b>
                <input type="range" min="0" max={knob.length().to_string()} step="1" value={knob.place(value).to_string()} {oninput}
                    aria-label={label.clone()} aria-valuetext={words::number(value)} data-dial={knob.name()} />
                <Typed step="any" value={words::number(value)} {on_take} label={format!("{label}: as a number")} setting={knob.name()} />
                <span class="hint">{ what }</span>
            </div>
        }
    };
    html! {
        <section class="dials" aria-label={words::SETTINGS_ACT_WHILE_TRAINS}>
            { for Knob::ALL.into_iter().map(row) }
            if let Some(refused) = &*refused { <p class="hint" role="status" data-testid="dial-said">{ refused.clone() }</p> }
        </section>
    }
}

//! λ, T and p as sliders that act on the run as it goes: nothing starts anew, and the address tells what was turned when.

use std::rc::Rc;

use web_sys::HtmlInputElement;
use yew::prelude::*;

use super::SameControls;
use crate::toy::{Config, Dial};
use crate::ui::address::turns::{self, Knob};
use crate::ui::app::{App, use_app};
use crate::ui::memory::toy::ToyRun;
use crate::ui::nothing::nothing;
use crate::ui::widgets::typed::Typed;
use crate::ui::words::toy as words;

/// Properties of [`Dials`].
#[derive(Properties, PartialEq)]
pub(super) struct DialsProps {
    /// The run.
    pub(super) lab: ToyRun,
    /// The settings in force at its last step.
    pub(super) now: Rc<Config>,
    /// What turns them.
    pub(super) controls: SameControls,
}

/// Turns a dial: of a run that has not begun, by beginning it so; of another, where it stands.
pub(super) fn turn(app: &App, lab: &ToyRun, controls: &SameControls, dial: Dial) {
    if lab.trained == 0 && !lab.running {
        app.replace(turns::begun_with(&app.value().route, dial));
    } else {
        controls.turn(dial);
    }
}

/// The sliders, each with a field for a number.
#[component]
pub(super) fn Dials(props: &DialsProps) -> Html {
    let app = use_app();
    let refused = use_state(|| None::<String>);
    let DialsProps { lab, now, controls } = props;
    let row = |knob: Knob| {
        let Some(value) = knob.of(now) else { return nothing() };
        let (name, what) = words::knob(knob);
        let set = {
            let (app, lab, controls) = (app.clone(), lab.clone(), controls.clone());
            move |value: f64| turn(&app, &lab, &controls, knob.at(value))
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

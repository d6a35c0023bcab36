//! Every setting of the run's beginning as a control; each change begins the run anew, and is in the URL.

use std::rc::Rc;

use yew::prelude::*;

use crate::toy::Config;
use crate::ui::address::toy::{self, FIELDS, Field, GROUPS, Kind};
use crate::ui::address::turns::Knob;
use crate::ui::app::{App, use_app};
use crate::ui::lessons::speech::Speech;
use crate::ui::lessons::stage::{Picture, Staged};
use crate::ui::nothing::nothing;
use crate::ui::widgets::select::Select;
use crate::ui::widgets::typed::Typed;
use crate::ui::words::pictures::OnStage;
use crate::ui::words::toy as words;

/// What a lesson can show alone.
const SEED: &str = "seed";

/// Properties of [`Settings`].
#[derive(Properties, PartialEq)]
pub(super) struct SettingsProps {
    /// The settings.
    pub config: Rc<Config>,
}

/// The controls.
#[component]
pub(super) fn Settings(props: &SettingsProps) -> Html {
    let app = use_app();
    let config = &props.config;
    let said = use_state(String::new);
    let say = {
        let said = said.clone();
        Callback::from(move |text: String| said.set(text))
    };
    let control = |field: &'static Field| control(&app, field, config, &say);
    // What has a slider of its own is not set a second time.
    let listed = |f: &&Field| f.name != SEED && Knob::ALL.iter().all(|knob| knob.name() != f.name);
    let seed = FIELDS.iter().filter(|f| f.name == SEED);
    html! {
        <section class="toy-settings" aria-label="Settings">
            <div class="controls">
                <Staged picture={Picture::Seed}>{ for seed.map(control) }</Staged>
            </div>
            <p class="hint" role="status" data-testid="setting-said">{ (*said).clone() }</p>
            <div class="setting-groups">
                { for GROUPS.iter().map(|group| html! {
                    <fieldset>
                        <legend>{ *group }</legend>
                        { for FIELDS.iter().filter(|f| f.group == *group).filter(listed).map(control) }
                    </fieldset>
                }) }
            </div>
        </section>
    }
}

fn control(app: &App, field: &'static Field, config: &Config, say: &Callback<String>) -> Html {
    let Some(value) = (field.write)(config) else {
        return nothing();
    };
    let take = {
        let app = app.clone();
        move |text: &str| {
            let route = toy::with(&app.value().route, field.name, text);
            let taken = (field.write)(&toy::read(&route).1);
            app.go(route);
            taken
        }
    };
    let on_take = {
        let (say, before) = (say.clone(), value.clone());
        Callback::from(move |typed: String| {
            if let Some(taken) = take(&typed) {
                say.emit(words::taken(field.label, field.kind, &typed, &before, &taken));
            }
        })
    };
    // The one setting that a translated lesson puts on the stage.
    let speech = Some(app.speech()).filter(|_| field.name == SEED);
    let lang = speech.as_ref().and_then(Speech::own);
    let label = speech.map_or(field.label.to_owned(), |speech| speech.say(OnStage::Seed));
    let numeric = |min: String, max: String, step: &'static str| {
        html! {
            <label class="field number" {lang}><span>{ label.clone() }</span>
                <Typed {min} {max} {step} value={value.clone()} on_take={on_take.clone()} setting={field.name} />
            </label>
        }
    };
    match field.kind {
        Kind::Whole(min, max) => numeric(min.to_string(), max.to_string(), "1"),
        Kind::Real(min, max) => numeric(min.to_string(), max.to_string(), "any"),
        Kind::Choice(choices) => {
            let options = choices.iter().map(|(slug, words)| ((*slug).into(), (*words).into()));
            html! { <Select label={field.label} options={options.collect::<Vec<_>>()} value={value.clone()} on_change={on_take} /> }
        }
        Kind::Optional(..) => html! {
            <label class="field number"><span>{ field.label }</span>
                <Typed kind="decimal" value={value.clone()} {on_take} setting={field.name} />
            </label>
        },
        Kind::Entries => nothing(),
    }
}

//! Which model the heads came from, and which third one is the yardstick: a step of the built-in one by the address, or files of the reader.

use wasm_bindgen_futures::spawn_local;
use web_sys::HtmlInputElement;
use yew::prelude::*;

use crate::model::Weights;
use crate::protocol::Failure;
use crate::protocol::model::Hints;
use crate::ui::address::key::Whole;
use crate::ui::address::keys;
use crate::ui::app::{App, use_app};
use crate::ui::browser::drop::listed;
use crate::ui::session::BUILT_IN_STEPS;
use crate::ui::widgets::glossary::Method;
use crate::ui::widgets::select::{Select, Switch};
use crate::ui::words::compare as words;
use crate::worker::pool::Files;

/// A model beside the open one: the second, or the third.
#[derive(Clone, PartialEq)]
pub(super) struct Second {
    pub name: String,
    pub files: Files,
}

impl Second {
    /// The same with what the reader says of its files.
    pub(super) fn said(&self, hints: Hints) -> Self {
        let name = match &hints.model {
            Some(model) => format!("{}, {model}", self.name),
            None => self.name.clone(),
        };
        Self { name, files: self.files.said(hints) }
    }
}

/// The step of the built-in model that the address names; none beside a model of the reader's own.
fn named(app: &App, key: &Whole<u32>) -> Option<u32> {
    let state = app.value();
    let built_in = state.model.as_ref().is_some_and(|model| model.built_in.is_some());
    let step = state.route.find(key).filter(|step| BUILT_IN_STEPS.contains(step));
    step.filter(|_| built_in)
}

/// The model that `key` is for: the step that the address names once its files are here, else the files that the reader chose.
#[hook]
pub(super) fn use_beside(app: &App, key: &Whole<u32>, own: &Option<Second>) -> Option<Second> {
    let fetched = use_state(|| None::<(u32, Second)>);
    let named = named(app, key);
    {
        let (session, fetched) = (app.session.clone(), fetched.clone());
        use_effect_with(named, move |&step| {
            let Some(step) = step else { return };
            spawn_local(async move {
                let name = words::builtin_model_step(&step);
                match session.built_in(step).await {
                    Ok(files) => fetched.set(Some((step, Second { name, files }))),
                    Err(why) => {
                        session.note(Failure::new(words::could_not_loaded(&name, &why)));
                    }
                }
            });
        });
    }
    match (named, &*fetched) {
        (None, _) => own.clone(),
        (Some(step), Some((of, second))) if step == *of => Some(second.clone()),
        _ => None,
    }
}

/// Properties of [`Choose`].
#[derive(Properties, PartialEq)]
pub(super) struct ChooseProps {
    /// Hears which files the reader chose as the second model.
    pub on_second: Callback<Second>,
    /// Hears which are the third; that there is none.
    pub on_third: Callback<Option<Second>>,
    /// There is a third model.
    pub has_third: bool,
}

/// Which second model, and how.
#[component]
pub(super) fn Choose(props: &ChooseProps) -> Html {
    let app = use_app();
    let state = app.value();
    let built_in = state.model.as_ref().is_some_and(|model| model.built_in.is_some());
    let second = chosen(&app, keys::WITH, props.on_second.clone());
    let third = chosen(&app, keys::YARDSTICK, props.on_third.reform(Some));
    let no_third = {
        let (app, on_third) = (app.clone(), props.on_third.clone());
        Callback::from(move |_: MouseEvent| {
            app.go(app.value().route.clone().clear(&keys::YARDSTICK));
            on_third.emit(None);
        })
    };
    let set_raw = {
        let app = app.clone();
        Callback::from(move |raw: bool| {
            app.put(&keys::WEIGHTS, if raw { Weights::Raw } else { Weights::Folded });
        })
    };
    let set_match = {
        let app = app.clone();
        Callback::from(move |on: bool| app.put(&keys::LIKENESS, on))
    };
    html! {
        <>
            <div class="controls">
                if built_in { { steps(&app, "came from", keys::WITH) } }
                <label class="field"><span>{ if built_in { words::FILES_MINE } else { words::CAME_FILES } }</span>
                    <input type="file" multiple=true onchange={second.clone()} data-testid="second-files" /></label>
                <label class="field"><span>{ words::OR_FROM_FOLDER }</span>
                    <input type="file" webkitdirectory=true onchange={second} /></label>
                <Switch label="raw weights" on={state.weights() == Weights::Raw} on_change={set_raw} />
                <Switch label={words::MATCH_HEADS_LIKENESS} on={state.route.read(&keys::LIKENESS)} on_change={set_match} />
            </div>
            <details class="third" open={props.has_third}>
                <summary>{ words::THERE_THIRD_MODEL_CAME }</summary>
                <p class="hint">{ words::YARDSTICK_THEN_HEADS_CHANGE }<Method of={words::CHANGE_BESIDE_THIRD_MODEL} /></p>
                <div class="controls">
                    if built_in { { steps(&app, "yardstick", keys::YARDSTICK) } }
                    <label class="field"><span>{ words::FILES_THIRD_MODEL }</span>
                        <input type="file" multiple=true onchange={third.clone()} data-testid="third-files" /></label>
                    <label class="field"><span>{ words::OR_ITS_FOLDER }</span>
                        <input type="file" webkitdirectory=true onchange={third} /></label>
                    if props.has_third { <button type="button" onclick={no_third}>{ "without it" }</button> }
                </div>
            </details>
        </>
    }
}

/// The steps of the built-in model, one of which `key` names.
fn steps(app: &App, label: &'static str, key: Whole<u32>) -> Html {
    let step = named(app, &key).map_or_else(String::new, |step| step.to_string());
    let options = std::iter::once(("".into(), "…".into()))
        .chain(BUILT_IN_STEPS.map(|step| (step.to_string().into(), format!("step {step}").into())))
        .collect::<Vec<(AttrValue, AttrValue)>>();
    let app = app.clone();
    let on_change = Callback::from(move |step: String| app.choose(&key, &step));
    html! { <Select {label} {options} value={step} {on_change} /> }
}

/// Files that the reader chose, in place of the step that `key` names: they have no address, and a step in it would come back with the
/// next link.
fn chosen(app: &App, key: Whole<u32>, on_files: Callback<Second>) -> Callback<Event> {
    let app = app.clone();
    Callback::from(move |event: Event| {
        let Some(input) = event.target_dyn_into::<HtmlInputElement>() else { return };
        let files = input.files().map(|list| listed(&list)).unwrap_or_default();
        let weights = files.iter().find(|file| file.name.ends_with(".safetensors"));
        let Some(first) = weights.or_else(|| files.first()) else { return };
        let name = first.name.split('/').next().unwrap_or_default().to_owned();
        app.go(app.value().route.clone().clear(&key));
        on_files.emit(Second { name, files: Files::new(files) });
    })
}

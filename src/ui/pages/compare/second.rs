//! Which model the heads came from: a step of the built-in one by the address, or files of the reader.

use wasm_bindgen_futures::spawn_local;
use web_sys::HtmlInputElement;
use yew::prelude::*;

use crate::model::Weights;
use crate::protocol::Failure;
use crate::ui::address::keys;
use crate::ui::app::{App, use_app};
use crate::ui::browser::drop::listed;
use crate::ui::session::BUILT_IN_STEPS;
use crate::ui::widgets::select::{Select, Switch};
use crate::worker::pool::Files;

/// The second model.
#[derive(Clone, PartialEq)]
pub(super) struct Second {
    pub name: String,
    pub files: Files,
}

/// The step of the built-in model that the address names; none beside a model of the reader's own.
fn named(app: &App) -> Option<u32> {
    let state = app.value();
    let built_in = state.model.as_ref().is_some_and(|model| model.built_in.is_some());
    let step = state.route.find(&keys::WITH).filter(|step| BUILT_IN_STEPS.contains(step));
    step.filter(|_| built_in)
}

/// The second model: the step that the address names once its files are here, else the files that the reader chose.
#[hook]
pub(super) fn use_second(app: &App, own: &Option<Second>) -> Option<Second> {
    let fetched = use_state(|| None::<(u32, Second)>);
    let named = named(app);
    {
        let (session, fetched) = (app.session.clone(), fetched.clone());
        use_effect_with(named, move |&step| {
            let Some(step) = step else { return };
            spawn_local(async move {
                let name = format!("built-in model, step {step}");
                match session.built_in(step).await {
                    Ok(files) => fetched.set(Some((step, Second { name, files }))),
                    Err(why) => {
                        session
                            .note(Failure::new(format!("The {name}, could not be loaded: {why}.")));
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
    /// Hears which files the reader chose.
    pub on_files: Callback<Second>,
}

/// Which second model, and how.
#[component]
pub(super) fn Choose(props: &ChooseProps) -> Html {
    let app = use_app();
    let state = app.value();
    let built_in = state.model.as_ref().is_some_and(|model| model.built_in.is_some());
    let step = named(&app).map_or_else(String::new, |step| step.to_string());
    let options = std::iter::once(("".into(), "…".into()))
        .chain(BUILT_IN_STEPS.map(|step| (step.to_string().into(), format!("step {step}").into())))
        .collect::<Vec<(AttrValue, AttrValue)>>();
    let set_step = {
        let app = app.clone();
        Callback::from(move |step: String| app.choose(&keys::WITH, &step))
    };
    let chosen = {
        let (app, on_files) = (app.clone(), props.on_files.clone());
        Callback::from(move |event: Event| {
            let Some(input) = event.target_dyn_into::<HtmlInputElement>() else { return };
            let files = input.files().map(|list| listed(&list)).unwrap_or_default();
            let weights = files.iter().find(|file| file.name.ends_with(".safetensors"));
            let Some(first) = weights.or_else(|| files.first()) else { return };
            let name = first.name.split('/').next().unwrap_or_default().to_owned();
            // The reader's files have no address; a step in it would come back with the next link.
            app.go(app.value().route.clone().clear(&keys::WITH));
            on_files.emit(Second { name, files: Files::new(files) });
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
        <div class="controls">
            if built_in { <Select label="came from" {options} value={step} on_change={set_step} /> }
            <label class="field"><span>{ if built_in { "or from files of mine" } else { "came from these files" } }</span>
                <input type="file" multiple=true onchange={chosen.clone()} data-testid="second-files" /></label>
            <label class="field"><span>{ "or from a folder" }</span>
                <input type="file" webkitdirectory=true onchange={chosen} /></label>
            <Switch label="raw weights" on={state.weights() == Weights::Raw} on_change={set_raw} />
            <Switch label="match heads by likeness" on={state.route.read(&keys::LIKENESS)} on_change={set_match} />
        </div>
    }
}

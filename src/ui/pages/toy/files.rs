//! The run taken along: as a checkpoint in the rest of the product, or as files.

use wasm_bindgen::JsValue;
use yew::prelude::*;

use super::LabProps;
use crate::circuits::omega::Circuit;
use crate::protocol::heads::File;
use crate::study::python::toy;
use crate::study::toy::feature_words;
use crate::toy::Config;
use crate::ui::address::keys;
use crate::ui::address::route::Page;
use crate::ui::app::{App, use_app};
use crate::ui::browser::export::{blob, save};
use crate::ui::memory::state::Action;
use crate::ui::widgets::python::Python;
use crate::ui::words::toy as words;
use crate::worker::sources::Dropped;

/// What the opened toy is called.
const NAME: &str = "trained toy";

/// Open elsewhere, download.
#[component]
pub(super) fn Files(props: &LabProps) -> Html {
    let app = use_app();
    let LabProps { lab, config, controls, .. } = props.clone();
    let step = lab.step();
    let open = |page: Page| {
        let (app, controls, config) = (app.clone(), controls.clone(), config.clone());
        Callback::from(move |_: MouseEvent| {
            let (app, config) = (app.clone(), config.clone());
            controls.files(step, move |files| {
                if open_in(&app, &config, &files, page).is_err() {
                    refuse(&app);
                }
            });
        })
    };
    let download = |name: &'static str, saved_as: String, mime: &'static str| {
        let (app, controls) = (app.clone(), controls.clone());
        Callback::from(move |_: MouseEvent| {
            let (app, saved_as) = (app.clone(), saved_as.clone());
            controls.files(step, move |files| {
                let file = files.iter().find(|f| f.name == name);
                if file.is_some_and(|f| save(&saved_as, mime, &f.bytes).is_err()) {
                    refuse(&app);
                }
            });
        })
    };
    let saved_as = format!("toy-{}-seed-{}-step-{step}", props.preset.id, config.seed);
    html! {
        <div class="export-bar" role="group" aria-label={words::RUN_ELSEWHERE}>
            <span>{ words::step_checkpoint_features_vocabulary(&step) }</span>
            <button type="button" onclick={open(Page::Heads)} data-testid="open-heads">{ words::OPEN_HEADS }</button>
            <button type="button" onclick={open(Page::Features)} data-testid="open-features">{ words::OPEN_FEATURES }</button>
            <button type="button" onclick={download("model.safetensors", format!("{saved_as}.safetensors"), "application/octet-stream")}>{ "safetensors" }</button>
            <button type="button" onclick={download("config.json", "config.json".into(), "application/json")}>{ "config.json" }</button>
            <button type="button" onclick={download("run.json", format!("{saved_as}.json"), "application/json")} data-testid="run-json">{ words::RUN_JSON }</button>
            <Python name="toy.py" python={toy(&props.stamp())} />
        </div>
    }
}

/// Opens the files as if they had been dropped, and shows the head as it is: its features have no direction in common that
/// would have to go.
fn open_in(app: &App, config: &Config, files: &[File], page: Page) -> Result<(), JsValue> {
    let mut dropped = Vec::new();
    for file in files.iter().filter(|f| f.name != "run.json") {
        let blob = blob("application/octet-stream", &file.bytes)?;
        dropped.push(Dropped::here(format!("{NAME}/{}", file.name), blob));
    }
    app.session.open(dropped, Default::default());
    let mut route =
        app.value().route.clone().on(page).put(&keys::CIRCUIT, Circuit::Qk).put(&keys::K, 0);
    route = route.put(&keys::MEAN, false).put(&keys::DICTIONARY, "embed");
    route = route.put(&keys::PROMPT, prompt(config));
    app.go(route);
    Ok(())
}

/// A prompt of single features that ends with one that wants an earlier one.
fn prompt(config: &Config) -> String {
    let names = feature_words(config);
    let pair = config.template.entries().first().map(|e| (e.query, e.key));
    let others = (0..names.len()).filter(|i| pair.is_none_or(|(q, k)| *i != q && *i != k)).take(4);
    let mut prompt: Vec<usize> = others.collect();
    if let Some((query, key)) = pair {
        prompt.insert(prompt.len() / 2, key);
        prompt.push(query);
    }
    prompt.iter().filter_map(|&i| names.get(i).cloned()).collect::<Vec<_>>().join(" ")
}

fn refuse(app: &App) {
    app.session.act(Action::Note(words::BROWSER_REFUSED_FILES.into(), String::new()));
}

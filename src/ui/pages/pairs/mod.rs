//! Which features meet in the score in view: a button, a dictionary, then the split. It stands on Attention and on Trace.

mod files;
mod picture;

use wasm_bindgen_futures::spawn_local;
use web_sys::HtmlInputElement;
use yew::prelude::*;

use crate::model::Weights;
use crate::protocol::Failure;
use crate::protocol::trace::{CellAt, MeetingOptions, Meetings, Prompt, SplitScore};
use crate::ui::app::use_app;
use crate::ui::asking::use_asking;
use crate::ui::browser::drop::listed;
use crate::ui::browser::fetch::beside;
use crate::ui::session::BUILT_IN_STEP;
use crate::ui::widgets::glossary::Method;
use crate::ui::widgets::notices::failed;
use crate::ui::words::format::token;
use crate::ui::words::pairs as words;
use crate::worker::pool::Files;
use crate::worker::request::Request;

/// Layers of the built-in model, fully trained, that a dictionary of its own comes with.
const BUILT_IN: [usize; 2] = [1, 2];

/// Properties of [`PairsView`].
#[derive(Properties, PartialEq)]
pub(super) struct PairsViewProps {
    /// The prompt in view.
    pub prompt: Prompt,
    /// Its tokens.
    pub tokens: Vec<String>,
    /// Their ids.
    pub ids: Vec<u32>,
    /// The score in view.
    pub at: CellAt,
}

/// Asks for the split of a score and shows it.
#[component]
pub(super) fn PairsView(props: &PairsViewProps) -> Html {
    let app = use_app();
    let own = use_state(|| None::<Files>);
    let generation = app.value().model.as_ref().map(|model| model.generation);
    let about = (props.prompt.clone(), props.at, generation);
    let meetings = use_asking::<Meetings, _>("pairs/score", Some(about)).quiet();
    {
        // Another model has other dictionaries.
        let own = own.clone();
        use_effect_with(generation, move |_| own.set(None));
    }
    let ask = {
        let meetings = meetings.clone();
        let (prompt, at) = (props.prompt.clone(), props.at);
        Callback::from(move |files: Files| {
            let question =
                SplitScore { prompt: prompt.clone(), at, options: MeetingOptions::default() };
            let request = Request::new(question).urgent().beside(&files);
            meetings.ask(request.listed(words::SCORE_SPLIT_FEATURES));
        })
    };
    let built_in = app.value().model.as_ref().and_then(|model| model.built_in)
        == Some(BUILT_IN_STEP)
        && BUILT_IN.contains(&props.at.layer);
    {
        // A file that was refused does not take the place of the page's own dictionary.
        let own = own.clone();
        use_effect_with(built_in && meetings.failed().is_some(), move |refused| {
            if *refused {
                own.set(None);
            }
        });
    }
    let press = {
        let (ask, own, meetings) = (ask.clone(), own.clone(), meetings.clone());
        let layer = props.at.layer;
        Callback::from(move |_: MouseEvent| {
            if let Some(files) = &*own {
                return ask.emit(files.clone());
            }
            let (ask, meetings) = (ask.clone(), meetings.clone());
            spawn_local(async move {
                match shipped(layer).await {
                    Ok(files) => ask.emit(files),
                    Err(why) => meetings.fail(Failure::new(why)),
                }
            });
        })
    };
    let chosen = {
        let (ask, own) = (ask.clone(), own.clone());
        Callback::from(move |event: Event| {
            let input = event.target_dyn_into::<HtmlInputElement>();
            if let Some(list) = input.and_then(|input| input.files()) {
                // A field that was cleared has no file: the page's own dictionary is back.
                let files = Some(listed(&list)).filter(|list| !list.is_empty()).map(Files::new);
                own.set(files.clone());
                files.into_iter().for_each(|files| ask.emit(files));
            }
        })
    };
    let word = |i: usize| props.tokens.get(i).map(|text| token(text)).unwrap_or_default();
    let CellAt { layer, head, dest, src } = props.at;
    let model = app.value().model.as_ref();
    let weights = model.map(|model| model.summary.convention(Weights::Folded).clone());
    html! {
        <section class="pairs prompt-set" aria-label="Feature pairs">
            <h2>{ words::WHICH_FEATURES_MEET_SCORE }</h2>
            <p class="hint">{ words::sparse_dictionary_writes_stream(&word(dest), &word(src), &app.value().head_name(layer, head)) }{ " " }<Method of={words::FEATURES_MEET} /></p>
            <div class="controls">
                if built_in || own.is_some() {
                    <button type="button" class="primary" onclick={press} disabled={meetings.under_way()} data-testid="pairs">{ if own.is_some() { words::SPLIT_SCORE_MY_DICTIONARY } else { words::SPLIT_SCORE_FEATURES } }</button>
                }
                <label class="field"><span>{ words::MY_OWN_SAE_RESIDUAL }</span>
                    <input type="file" multiple=true onchange={chosen} data-testid="pairs-file" /></label>
            </div>
            if !built_in && own.is_none() {
                <p class="empty">{ words::BUILTIN_MODEL_COMES_DICTIONARIES }</p>
            }
            { failed(meetings.failed()) }
            if let (None, Some(found)) = (meetings.failed(), meetings.found()) {
                <picture::Split weights={weights.unwrap_or_default()} head={app.value().head_slug(layer, head)} convention={app.value().stamp(Weights::Folded)} {found} tokens={props.tokens.clone()} ids={props.ids.clone()} />
            }
        </section>
    }
}

/// The dictionary that comes with the page for a layer of the built-in model.
async fn shipped(layer: usize) -> Result<Files, String> {
    let names = ["sae_weights.safetensors", "cfg.json", "labels.json"];
    beside(&format!("models/sae-layer-{layer}"), &names).await.map(Files::new)
}

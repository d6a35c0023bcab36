//! The line about the open model: what was found, what is missing, what is being computed; and how to open another.

use wasm_bindgen_futures::spawn_local;
use web_sys::HtmlInputElement;
use yew::prelude::*;

use super::named::ByName;
use super::select::chooses;
use crate::ui::address::keys;
use crate::ui::address::route::{Page, Route};
use crate::ui::app::use_app;
use crate::ui::browser::time::now;
use crate::ui::browser::{drop, recent};
use crate::ui::lessons::place::keep;
use crate::ui::lessons::speech::Speech;
use crate::ui::session::{BUILT_IN_STEP, Session};
use crate::ui::words::format::duration;
use crate::ui::words::frame::Word;
use crate::ui::words::recent as said;
use crate::ui::words::text;
use crate::ui::words::widgets as words;
use crate::worker::request::Running;

/// The open model, in one line with details.
#[component]
pub fn Loading() -> Html {
    let app = use_app();
    let state = app.value();
    let input = use_node_ref();
    // Where the browser's own choice leaves handles, the files can be asked for again.
    let choose = if recent::can_pick() { picks(&app.session) } else { chooses(&input) };
    let chosen = {
        let session = app.session.clone();
        Callback::from(move |event: Event| {
            let Some(input) = event.target_dyn_into::<HtmlInputElement>() else { return };
            if let Some(list) = input.files() {
                session.open(drop::listed(&list), Default::default());
            }
            // Choosing the same file again must fire again.
            input.set_value("");
        })
    };
    let built_in = {
        let session = app.session.clone();
        Callback::from(move |_: MouseEvent| session.open_built_in(BUILT_IN_STEP))
    };
    let is_built_in = state.model.as_ref().is_some_and(|m| m.built_in.is_some());
    let first_screen = state.model.as_ref().is_none_or(|m| m.built_in.is_some())
        && state.route.clone().clear(&keys::LANG) == Route::default();
    let speech = state.speech();
    html! {
        <div class="model-line" lang={speech.foreign()}>
            <p data-testid="model">
                if let Some(model) = &state.model {
                    <strong>{ model.name.clone() }</strong>{ format!(": {}", text::found(&model.summary)) }
                } else if state.opening.is_none() {
                    { words::NO_MODEL_OPEN }
                }
                if let Some(name) = &state.opening { <span class="opening" role="status">{ format!(" opening {name}…") }</span> }
            </p>
            <p class="open-another">
                { text::DROP }{ " " }
                <button type="button" onclick={choose.clone()}>{ "open…" }</button>
                if !is_built_in { <button type="button" onclick={built_in}>{ "built-in model" }</button> }
                <input ref={input} type="file" multiple=true hidden=true aria-label="Checkpoint files" data-testid="file-input" onchange={chosen} />
            </p>
            <ByName />
            if first_screen { { welcome(choose, &state.route, &speech) } }
            // Lines that come and go keep their place: a page that moves under the pointer loses clicks.
            if let Some(model) = &state.model { { details(&model.summary) } } else { <p class="found">{ "\u{a0}" }</p> }
            <div class="running">{ for state.running.iter().map(|job| html! { <Progress key={job.id} job={job.clone()} /> }) }</div>
        </div>
    }
}

/// Opens what the reader picks.
fn picks(session: &Session) -> Callback<MouseEvent> {
    let session = session.clone();
    Callback::from(move |_: MouseEvent| {
        let session = session.clone();
        spawn_local(async move {
            match recent::pick().await {
                Ok(Some(files)) => session.open(files, Default::default()),
                Ok(None) => {}
                Err(why) => session.note(said::no_choice(why.trim_end_matches('.'))),
            }
        });
    })
}

/// The built-in model introduces itself, and three doors stand open.
fn welcome(open: Callback<MouseEvent>, from: &Route, speech: &Speech) -> Html {
    let at_work = keep(Route::default().on(Page::Attention), from);
    let teachers = keep(Route::default().on(Page::Learn), from).put(&keys::READ, "teachers");
    html! {
        <div class="welcome" data-testid="welcome" lang={speech.own()}>
            <p>{ speech.say(Word::Welcome) }</p>
            <p class="onward">
                <a href={at_work.to_hash()}>{ speech.say(Word::SeeWork) }</a>
                <button type="button" onclick={open}>{ speech.say(Word::OpenMine) }</button>
                <a href={teachers.to_hash()}>{ speech.say(Word::Teach) }</a>
            </p>
        </div>
    }
}

fn details(summary: &crate::protocol::model::ModelSummary) -> Html {
    let row =
        |name: &str, value: String| html! { <><dt>{ name.to_owned() }</dt><dd>{ value }</dd></> };
    let missing = summary.n_layers - summary.complete_layers.len();
    html! {
        <details class="found">
            <summary>{ words::WHAT_FOUND }</summary>
            <dl>
                { row("family", summary.family.clone()) }
                { row("layers × heads", summary.layers.shape()) }
                { row("key/value heads", summary.n_kv_heads.to_string()) }
                { row("d_model, d_head", format!("{}, {}", summary.d_model, summary.d_head)) }
                { row("vocabulary", summary.d_vocab.to_string()) }
                { row("number type", summary.dtypes.join(", ")) }
                { row("files", summary.files.join(", ")) }
                { row("config.json", yes(summary.has_config)) }
                { row("tokenizer", if summary.has_tokenizer { "yes".into() } else { text::NO_TOKENIZER.into() }) }
                { row("unembedding", yes(summary.has_unembedding)) }
                if missing > 0 { { row(words::LAYERS_WITHOUT_ALL_THEIR, missing.to_string()) } }
                if !summary.missing_shards.is_empty() { { row("missing shards", summary.missing_shards.join(", ")) } }
                { for summary.notes.iter().map(|n| row("note", n.clone())) }
            </dl>
        </details>
    }
}

fn yes(x: bool) -> String {
    if x { "yes" } else { "no" }.into()
}

/// Properties of [`Progress`].
#[derive(Properties, PartialEq)]
pub struct ProgressProps {
    /// A job under way.
    pub job: Running,
}

/// What is being computed, how much is left, and a button that stops it.
#[component]
pub fn Progress(props: &ProgressProps) -> Html {
    let app = use_app();
    let Running { id, what, from, done, total, since, own } = props.job.clone();
    let (had, left) = (done.saturating_sub(from), total.saturating_sub(done));
    let left = (had > 0).then(|| (now() - since) / 1000.0 / had as f64 * left as f64);
    let cancel = Callback::from(move |_: MouseEvent| app.session.jobs.cancel(id));
    html! {
        <p class={classes!("progress", own.then_some("own"))} role="status">
            <progress value={done.to_string()} max={total.to_string()} aria-label={what.clone()} />
            { format!("{what}: {done} of {total}") }
            if let Some(left) = left { { format!(", about {} left", duration(left)) } }
            <button type="button" onclick={cancel} aria-label={format!("cancel: {what}")}>{ "cancel" }</button>
        </p>
    }
}

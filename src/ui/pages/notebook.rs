//! The notebook: what was pinned, with notes; saved as a file, opened again, written out as a report.

use wasm_bindgen_futures::spawn_local;
use web_sys::{HtmlInputElement, HtmlTextAreaElement};
use yew::prelude::*;

use crate::ui::app::use_app;
use crate::ui::browser::fetch::bytes;
use crate::ui::memory::notebook::{Notebook as Pins, Pin};
use crate::ui::memory::state::Action;
use crate::ui::widgets::select::chooses;
use crate::ui::words::notebook as words;

/// The page.
#[component]
pub fn Notebook() -> Html {
    let app = use_app();
    let notebook = app.value().notebook.clone();
    let input = use_node_ref();
    let download = |name: &'static str, mime: &'static str, text: fn(&Pins) -> String| {
        let (app, notebook) = (app.clone(), notebook.clone());
        Callback::from(move |_: MouseEvent| {
            app.session.save(name, mime, text(&notebook).as_bytes());
        })
    };
    let choose = chooses(&input);
    let chosen = {
        let session = app.session.clone();
        Callback::from(move |event: Event| {
            let Some(input) = event.target_dyn_into::<HtmlInputElement>() else { return };
            let Some(file) = input.files().and_then(|list| list.get(0)) else { return };
            input.set_value("");
            let session = session.clone();
            spawn_local(async move {
                let bytes = bytes(&file).await.unwrap_or_default();
                session.act(match Pins::of_file(&bytes) {
                    Ok(notebook) => Action::Notebook(Box::new(notebook)),
                    Err(why) => Action::Note(why, words::WHAT_PINNED_STILL_THERE.into()),
                });
            });
        })
    };
    let empty = notebook.pins.is_empty();
    let entry = |pin: &Pin| {
        let id = pin.id;
        let unpin = {
            let session = app.session.clone();
            Callback::from(move |_: MouseEvent| session.act(Action::Unpin(id)))
        };
        let noted = {
            let session = app.session.clone();
            Callback::from(move |event: InputEvent| {
                if let Some(area) = event.target_dyn_into::<HtmlTextAreaElement>() {
                    session.act(Action::Annotate(id, area.value()));
                }
            })
        };
        html! {
            <li key={id}>
                <h3><a href={pin.address.clone()}>{ pin.title.clone() }</a></h3>
                <label class="field wide"><span>{ "note" }</span><textarea rows="2" value={pin.note.clone()} oninput={noted} /></label>
                { for pin.said.iter().map(|said| html! { <p class="hint">{ said.clone() }</p> }) }
                <div class="pinned">{ for pin.figures.iter().map(|figure| html! { <img style={figure.style()} src={figure.source()} alt={figure.caption.clone()} /> }) }</div>
                <button type="button" onclick={unpin} aria-label={format!("take away: {}", pin.title)}>{ "take away" }</button>
            </li>
        }
    };
    html! {
        <div class="notebook">
            <h2>{ "Notebook" }</h2>
            <p class="hint">{ words::KEPT }</p>
            <div class="controls">
                <button type="button" disabled={empty} onclick={download("omega-lens-notebook.json", "application/json", Pins::file)}>{ "save" }</button>
                <button type="button" onclick={choose}>{ "open…" }</button>
                <button type="button" disabled={empty} onclick={download("omega-lens-report.html", "text/html", report)}>{ "report" }</button>
                <input ref={input} type="file" accept=".json,application/json" hidden=true aria-label="Notebook file" data-testid="notebook-file" onchange={chosen} />
            </div>
            if empty { <p class="empty">{ words::EMPTY }</p> } else { <ol class="pins">{ for notebook.pins.iter().map(entry) }</ol> }
        </div>
    }
}

fn report(notebook: &Pins) -> String {
    let here = web_sys::window().and_then(|w| w.location().href().ok()).unwrap_or_default();
    notebook.report(here.split('#').next().unwrap_or_default())
}

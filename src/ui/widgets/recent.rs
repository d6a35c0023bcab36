//! What was opened before: to open again, where the browser can lead back to the files, and to forget.

use wasm_bindgen_futures::spawn_local;
use yew::prelude::*;

use super::listed::use_listed;
use crate::ui::app::use_app;
use crate::ui::browser::recent::{self, Recent};
use crate::ui::nothing::nothing;
use crate::ui::session::Session;
use crate::ui::words::recent as words;

/// The list.
#[component]
pub(super) fn RecentFiles() -> Html {
    let app = use_app();
    // What was opened last heads the list.
    let generation = app.value().model.as_ref().map(|model| model.generation);
    let (list, look) = use_listed(recent::list, generation);
    if list.is_empty() {
        return nothing();
    }
    html! {
        <details class="kept recent" data-testid="recent">
            <summary>{ words::title(list.len()) }</summary>
            <p class="hint">{ words::RECENT }</p>
            <ul>{ for list.iter().map(|entry| row(entry, &look, &app.session)) }</ul>
        </details>
    }
}

/// One entry.
fn row(entry: &Recent, look: &Callback<()>, session: &Session) -> Html {
    let Recent { id, name, bytes, date, names, askable } = entry.clone();
    let open = {
        let (session, id, name) = (session.clone(), id.clone(), name.clone());
        Callback::from(move |_: MouseEvent| {
            let (session, id, name) = (session.clone(), id.clone(), name.clone());
            spawn_local(async move {
                match recent::files(&id).await {
                    Ok(Some(files)) => session.open(files, Default::default()),
                    Ok(None) => session.note(words::refused(&name)),
                    Err(why) => session.note(words::gone(&name, why.trim_end_matches('.'))),
                }
            });
        })
    };
    let forget = {
        let (look, id) = (look.clone(), id.clone());
        Callback::from(move |_: MouseEvent| {
            let (look, id) = (look.clone(), id.clone());
            spawn_local(async move {
                recent::forget(&id).await;
                look.emit(());
            });
        })
    };
    let said = words::made_of(&name, &names, bytes, &day(date), askable);
    html! {
        <li key={id}>
            if askable { <button type="button" onclick={open}>{ name.clone() }</button> } else { { name.clone() } }
            { said }
            <button type="button" onclick={forget} aria-label={crate::ui::words::named::forget(&name)}>{ "forget" }</button>
        </li>
    }
}

/// A date as the reader's browser writes it.
fn day(date: f64) -> String {
    let date = js_sys::Date::new(&date.into());
    String::from(date.to_locale_date_string("default", &wasm_bindgen::JsValue::UNDEFINED))
}

//! What is kept on this machine: the open model, if it came from elsewhere, and a list to open and to forget.

use wasm_bindgen_futures::spawn_local;
use yew::prelude::*;

use super::listed::use_listed;
use crate::ui::address::keys;
use crate::ui::address::route::Route;
use crate::ui::app::use_app;
use crate::ui::browser::kept::{self, Kept};
use crate::ui::lessons::place::keep;
use crate::ui::nothing::nothing;
use crate::ui::words::named as words;
use crate::worker::sources::Bytes;

/// The offer to keep the open model, how far that is, and the list.
#[component]
pub(super) fn KeptModels() -> Html {
    let app = use_app();
    let (list, look) = use_listed(kept::list, ());
    let keeping = use_state(|| None::<(u64, u64)>);
    let open = app.value().model.as_ref().and_then(|model| model.named.clone());
    let wanted = open.filter(|named| !list.iter().any(|kept| kept.whole && kept.name == *named));
    let wanted = wanted.and_then(|named| Some((app.session.files_of(&named)?, named)));
    let offer = wanted.filter(|_| keeping.is_none()).map(|(files, named)| {
        let size = |bytes: &Bytes| match bytes {
            Bytes::Here(blob) => blob.size() as u64,
            Bytes::There { size, .. } => *size,
        };
        let total = files.list().iter().map(|file| size(&file.at)).sum();
        let (session, keeping, look) = (app.session.clone(), keeping.clone(), look.clone());
        let keep = Callback::from(move |_: MouseEvent| {
            let (session, keeping, look) = (session.clone(), keeping.clone(), look.clone());
            let (files, named) = (files.clone(), named.clone());
            keeping.set(Some((0, total)));
            spawn_local(async move {
                let told = keeping.clone();
                let kept = kept::keep(&named, files.list(), move |done| told.set(Some((done, total))));
                if let Err(why) = kept.await {
                    session.note(words::not_kept(&named, &why));
                }
                keeping.set(None);
                look.emit(());
            });
        });
        html! { <button type="button" onclick={keep} data-testid="keep">{ words::keep(total) }</button> }
    });
    let stop = Callback::from(|_: MouseEvent| spawn_local(kept::stop()));
    html! {
        <>
            { nothing() }
            if let Some(offer) = offer { <p class="keep">{ offer }</p> }
            if let Some((done, total)) = *keeping {
                <p class="progress" role="status">
                    <progress value={done.to_string()} max={total.to_string()} aria-label={words::KEEPING} />
                    { words::keeping(done, total) }
                    <button type="button" onclick={stop}>{ "stop" }</button>
                </p>
            }
            if !list.is_empty() {
                <details class="kept" data-testid="kept">
                    <summary>{ words::kept(list.len()) }</summary>
                    <p class="hint">{ words::KEPT }</p>
                    <ul>{ for list.iter().map(|model| row(model, &look, &app.value().route)) }</ul>
                </details>
            }
        </>
    }
}

/// One kept model.
fn row(model: &Kept, look: &Callback<()>, from: &Route) -> Html {
    let forget = {
        let (name, look) = (model.name.clone(), look.clone());
        Callback::from(move |_: MouseEvent| {
            let (name, look) = (name.clone(), look.clone());
            spawn_local(async move {
                kept::forget(&name).await;
                look.emit(());
            });
        })
    };
    let address = keep(Route::default(), from).put(&keys::NAMED, model.name.clone()).to_hash();
    html! {
        <li key={model.name.clone()}>
            if model.whole { <a href={address}>{ model.name.clone() }</a> } else { { model.name.clone() } }
            { words::kept_size(model.bytes, model.whole) }
            <button type="button" onclick={forget} aria-label={words::forget(&model.name)}>{ "forget" }</button>
        </li>
    }
}

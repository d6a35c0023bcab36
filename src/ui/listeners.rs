//! What the page hears of the window: the address, keys, files that are dropped or pasted, the theme, a newer version.

use std::cell::Cell;
use std::rc::Rc;

use wasm_bindgen::{JsCast, closure::Closure};
use wasm_bindgen_futures::spawn_local;
use web_sys::{ClipboardEvent, DragEvent, Event};
use yew::prelude::*;

use super::address::{keys, lock};
use super::app::{Store, go, here};
use super::browser::drop;
use super::memory::state::Action;
use super::session::Session;
use super::widgets::theme;
use super::words::{lessons, text};
use crate::protocol::model::Hints;

/// Keys that work everywhere outside a text field: `j` `k` for pairs, `[` `]` for layers.
#[hook]
pub(super) fn use_keys(state: &UseReducerHandle<Store>) {
    let latest = use_mut_ref(|| state.clone());
    *latest.borrow_mut() = state.clone();
    use_effect_with((), move |()| {
        let Some(window) = web_sys::window() else { return };
        listen(&window, "keydown", move |event| {
            let Some(event) = event.dyn_ref::<KeyboardEvent>() else { return };
            let typing = event
                .target()
                .and_then(|t| t.dyn_into::<web_sys::Element>().ok())
                .is_some_and(|e| matches!(e.tag_name().as_str(), "INPUT" | "TEXTAREA" | "SELECT"));
            if typing || event.ctrl_key() || event.meta_key() || event.alt_key() {
                return;
            }
            let state = latest.borrow().0.clone();
            let (Some(model), Some(at)) = (state.model.as_ref(), state.at()) else { return };
            let (k, last_k, last_layer) = (
                state.k(),
                model.summary.d_head.saturating_sub(1),
                model.summary.n_layers.saturating_sub(1),
            );
            let (key, value) = match event.key().as_str() {
                "j" => (keys::K, (k + 1).min(last_k)),
                "k" => (keys::K, k.saturating_sub(1)),
                "[" => (keys::LAYER, at.layer.saturating_sub(1)),
                "]" => (keys::LAYER, (at.layer + 1).min(last_layer)),
                _ => return,
            };
            go(&state.route.clone().put(&key, value));
        });
    });
}

/// Listens to the window: the URL, files dropped or pasted anywhere, the theme.
#[hook]
pub(super) fn use_listeners(
    session: &Session,
    dark: &UseStateHandle<bool>,
    dragging: &UseStateHandle<bool>,
) {
    let (session, dark, dragging) = (session.clone(), dark.clone(), dragging.clone());
    use_effect_with((), move |()| {
        let Some(window) = web_sys::window() else { return };
        let route = session.clone();
        listen(&window, "hashchange", move |_| route.act(Action::Go(here())));
        let turned = move |_| dark.set(theme::is_dark());
        if let Some(system) = theme::system() {
            listen(&system, "change", turned.clone());
        }
        listen(&window, "omega-theme", turned);
        let newer = session.clone();
        let ready = window.document().and_then(|d| d.document_element());
        if ready.is_some_and(|root| root.has_attribute("data-update")) {
            newer.act(Action::Update);
        }
        listen(&window, "omega-update", move |_| newer.act(Action::Update));
        let shown = Cell::new(false);
        let veil = Rc::new(move |on: bool| {
            let on = on && !lock::locks(&here(), "open");
            if shown.replace(on) != on {
                dragging.set(on);
            }
        });
        let over = veil.clone();
        listen(&window, "dragover", move |event| {
            event.prevent_default();
            over(true);
        });
        let left = veil.clone();
        listen(&window, "dragleave", move |event: Event| {
            // Leaving for another element of the page has a related target; leaving the window has none.
            if event.dyn_ref::<DragEvent>().is_some_and(|e| e.related_target().is_none()) {
                left(false);
            }
        });
        // A drag that ended without a word: neither keys nor a free pointer are heard of while one lasts.
        for over in ["keydown", "mousemove"] {
            let ended = veil.clone();
            listen(&window, over, move |_| ended(false));
        }
        let drops = session.clone();
        listen(&window, "drop", move |event| {
            event.prevent_default();
            veil(false);
            if let Some(transfer) = event.dyn_ref::<DragEvent>().and_then(DragEvent::data_transfer)
            {
                take(&drops, drop::entries(&transfer));
            }
        });
        listen(&window, "paste", move |event| {
            if let Some(transfer) =
                event.dyn_ref::<ClipboardEvent>().and_then(ClipboardEvent::clipboard_data)
            {
                take(&session, drop::entries(&transfer));
            }
        });
    });
}

/// Opens what was dropped or pasted.
fn take(session: &Session, entries: drop::Entries) {
    if entries.is_empty() {
        return;
    }
    if lock::locks(&here(), "open") {
        return session.act(Action::Note(lessons::LOCKED.into(), lessons::LOCKED_HINT.into()));
    }
    let session = session.clone();
    spawn_local(async move {
        let files = entries.walk().await;
        if files.is_empty() {
            session.act(Action::Note(text::EMPTY_FOLDER.into(), text::EMPTY_FOLDER_HINT.into()));
        } else {
            session.open(files, Hints::default());
        }
    });
}

/// Adds a listener that lives as long as the page.
pub(super) fn listen(at: &web_sys::EventTarget, name: &str, handle: impl Fn(Event) + 'static) {
    let handle = Closure::<dyn Fn(Event)>::new(handle);
    // The names are the browser's own; adding a listener to what lives as long as the page cannot fail.
    let _ = at.add_event_listener_with_callback(name, handle.as_ref().unchecked_ref());
    handle.forget();
}

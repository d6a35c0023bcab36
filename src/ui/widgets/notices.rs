//! What happened, what still works, what to try: calm lines that the reader can put away.

use yew::prelude::*;

use super::asked::Asked;
use super::named::Offered;
use crate::protocol::Failure;
use crate::protocol::model::Hints;
use crate::ui::address::keys;
use crate::ui::app::{App, use_app};
use crate::ui::memory::state::Action;
use crate::ui::words::text;
use crate::ui::words::widgets as words;

/// The notices, and the question about files that do not speak for themselves.
#[component]
pub fn Notices() -> Html {
    let app = use_app();
    let lines = app.value().notices.iter().map(|notice| {
        let (session, id) = (app.session.clone(), notice.id);
        let dismiss = Callback::from(move |_| session.act(Action::Dismiss(id)));
        html! {
            <li key={notice.id}>
                <p class="what">{ notice.what.clone() }
                    if !notice.hint.is_empty() { <span class="hint">{ format!(" {}", notice.hint) }</span> }</p>
                <button type="button" onclick={dismiss} aria-label={words::DISMISS_NOTICE}>{ "×" }</button>
            </li>
        }
    });
    html! {
        <>
            <div role="status" aria-label="Notices" lang={app.speech().foreign()}><ul class="notices">
                if let Some(wish) = app.value().wish() {
                    <li key="wish" data-testid="wish"><p class="what">{ text::wish(&wish) }<span class="hint">{ format!(" {}", text::wish_hint(app.value().model.as_ref().map(|m| m.name.as_str()))) }</span></p>
                        <button type="button" onclick={forget_wish(&app)} aria-label={words::FORGET_WHAT_LINK_ABOUT}>{ "×" }</button></li>
                }
                { for lines }
                if app.value().update {
                    <li key="update"><p class="what">{ words::NEWER_VERSION_PAGE_READY }<span class="hint">{ words::COMES_NEXT_VISIT_NOW }</span></p>
                        <button type="button" onclick={Callback::from(|_| update_now())}>{ "reload" }</button></li>
                }
            </ul></div>
            if let (Some(named), None) = (app.value().offered(), &app.value().opening) { <Offered {named} /> }
            if let Some(failure) = &app.value().asking {
                <Asked failure={failure.clone()} busy={app.value().opening.is_some()} on_answer={answer(&app)} on_forget={forget(&app)} />
            }
        </>
    }
}

/// Opens the files again with the reader's word.
fn answer(app: &App) -> Callback<Hints> {
    let session = app.session.clone();
    Callback::from(move |hints: Hints| session.open_again(hints))
}

/// Leaves the files that nobody can open.
fn forget(app: &App) -> Callback<()> {
    let session = app.session.clone();
    Callback::from(move |()| session.act(Action::Forget))
}

/// Takes the checkpoint that a link named, and its head, out of the address.
fn forget_wish(app: &App) -> Callback<MouseEvent> {
    let app = app.clone();
    Callback::from(move |_| {
        let route = app.value().route.clone().clear(&keys::CHECKPOINT);
        app.go(route.without_selection());
    })
}

/// Asks `www/offline.js` to go over to the newer version.
fn update_now() {
    if let (Some(window), Ok(event)) = (web_sys::window(), web_sys::Event::new("omega-update-now"))
    {
        // An event of ours cannot be malformed.
        let _ = window.dispatch_event(&event);
    }
}

/// Why there is no answer, beside what was asked.
pub fn failed(why: Option<&Failure>) -> Html {
    html! {
        if let Some(Failure { what, hint, .. }) = why {
            <p class="ask" role="status"><strong>{ what.clone() }</strong>{ format!(" {hint}") }</p>
        }
    }
}

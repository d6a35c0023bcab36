//! What happened, what still works, what to try: calm lines that the reader can put away.

use yew::prelude::*;

use super::select::typing;
use crate::protocol::model::Hints;
use crate::protocol::{Failure, Unclear};
use crate::ui::app::use_app;
use crate::ui::memory::state::Action;

/// The notices, and the question for the head count where a file does not say it.
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
                <button type="button" onclick={dismiss} aria-label="Dismiss this notice">{ "×" }</button>
            </li>
        }
    });
    html! {
        <>
            <div role="status" aria-label="Notices"><ul class="notices">
                { for lines }
                if app.value().update {
                    <li key="update"><p class="what">{ "A newer version of this page is ready." }<span class="hint">{ " It comes with the next visit, or now." }</span></p>
                        <button type="button" onclick={Callback::from(|_| update_now())}>{ "reload" }</button></li>
                }
            </ul></div>
            if let Some(failure) = &app.value().asking { <HeadCount failure={failure.clone()} /> }
        </>
    }
}

/// Asks `www/offline.js` to go over to the newer version.
fn update_now() {
    if let (Some(window), Ok(event)) = (web_sys::window(), web_sys::Event::new("omega-update-now"))
    {
        // An event of ours cannot be malformed.
        let _ = window.dispatch_event(&event);
    }
}

/// Properties of [`HeadCount`].
#[derive(Properties, PartialEq)]
struct HeadCountProps {
    failure: Failure,
}

/// Asks how many heads a layer has, with the counts that would fit.
#[component]
fn HeadCount(props: &HeadCountProps) -> Html {
    let app = use_app();
    let typed = use_state(String::new);
    let open = |n_heads: usize| {
        let session = app.session.clone();
        Callback::from(move |_: MouseEvent| {
            session.open_again(Hints { n_heads: Some(n_heads), ..Hints::default() })
        })
    };
    let oninput = typing(&typed);
    let onsubmit = {
        let (session, typed) = (app.session.clone(), typed.clone());
        Callback::from(move |event: SubmitEvent| {
            event.prevent_default();
            if let Ok(n_heads) = typed.trim().parse() {
                session.open_again(Hints { n_heads: Some(n_heads), ..Hints::default() });
            }
        })
    };
    let forget = {
        let session = app.session.clone();
        Callback::from(move |_: MouseEvent| session.act(Action::Forget))
    };
    let counts = match &props.failure.unclear {
        Some(Unclear::HeadCount(counts)) => counts.as_slice(),
        _ => &[],
    };
    html! {
        <form class="ask" {onsubmit} aria-label="Head count" data-testid="head-count">
            <p>{ props.failure.what.clone() }</p>
            <p class="hint">{ props.failure.hint.clone() }</p>
            <div class="controls">
                { for counts.iter().map(|&n| html! { <button type="button" key={n} onclick={open(n)}>{ format!("{n} heads") }</button> }) }
                <label class="field"><span>{ "or" }</span><input type="number" min="1" value={(*typed).clone()} {oninput} /></label>
                <button type="submit" class="primary">{ "open" }</button>
                <button type="button" onclick={forget}>{ "never mind" }</button>
            </div>
        </form>
    }
}

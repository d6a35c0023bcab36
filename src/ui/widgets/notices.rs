//! What happened, what still works, what to try: calm lines that the reader can put away.

use yew::prelude::*;

use crate::ui::app::use_app;
use crate::ui::state::Action;

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
    html! { <ul class="notices" role="status" aria-label="Notices">{ for lines }</ul> }
}

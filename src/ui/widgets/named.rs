//! Opening by name: a field for names and addresses, and the reader's word before anything is asked of anybody.

use yew::prelude::*;

use super::kept::KeptModels;
use super::recent::RecentFiles;
use super::select::typing;
use crate::checkpoint::remote::reference::Reference;
use crate::ui::address::keys;
use crate::ui::app::use_app;
use crate::ui::words::named as words;
use crate::ui::words::widgets as said;

/// The field. What is typed goes into the address; [`Offered`] asks.
#[component]
pub(super) fn ByName() -> Html {
    let app = use_app();
    let typed = use_state(String::new);
    let oninput = typing(&typed);
    let onsubmit = {
        let typed = typed.clone();
        Callback::from(move |event: SubmitEvent| {
            event.prevent_default();
            let named = typed.trim();
            if !named.is_empty() {
                let route = app.value().route.clone().clear(&keys::CHECKPOINT);
                app.go(route.without_selection().put(&keys::NAMED, named.to_owned()));
            }
        })
    };
    html! {
        <>
        <KeptModels />
        <RecentFiles />
        <details class="by-name">
            <summary>{ said::NAME_ADDRESS }</summary>
            <form class="controls" {onsubmit}>
                <label class="field"><span>{ said::NAME_ADDRESS_2 }</span>
                    <input type="text" spellcheck="false" autocapitalize="off" autocomplete="off" value={(*typed).clone()} {oninput} data-testid="by-name" /></label>
                <button type="submit">{ "look" }</button>
            </form>
            <p class="hint">{ words::TYPE_A_NAME }</p>
        </details>
        </>
    }
}

/// Properties of [`Offered`].
#[derive(Properties, PartialEq)]
pub(super) struct OfferedProps {
    /// What the address names.
    pub(super) named: String,
}

/// What would be read from whom; nothing is until the reader agrees.
#[component]
pub(super) fn Offered(props: &OfferedProps) -> Html {
    let app = use_app();
    let forget = {
        let app = app.clone();
        Callback::from(move |_: MouseEvent| app.go(app.value().route.clone().clear(&keys::NAMED)))
    };
    let open = {
        let (session, named) = (app.session.clone(), props.named.clone());
        Callback::from(move |_: MouseEvent| session.open_named(named.clone(), None))
    };
    let reference = Reference::parse(&props.named);
    html! {
        <section class="ask" aria-label={said::OPEN_NAME} data-testid="offered">
            {
                match &reference {
                    Ok(reference) => html! {
                        <><p>{ words::consent(&props.named, reference) }</p><p class="hint">{ words::who_learns(reference) }</p></>
                    },
                    Err(why) => html! { <p>{ why.clone() }</p> },
                }
            }
            <div class="controls">
                if let Ok(reference) = &reference { <button type="button" class="primary" onclick={open}>{ words::agree(reference) }</button> }
                <button type="button" onclick={forget}>{ "never mind" }</button>
            </div>
        </section>
    }
}

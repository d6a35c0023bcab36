//! Methods: how every number that makes a claim is measured, one screen each.

use yew::prelude::*;

use crate::ui::address::keys;
use crate::ui::address::route::{Page, Route};
use crate::ui::app::use_route;
use crate::ui::lessons::beside::Beside;
use crate::ui::lessons::glossary::Entry;
use crate::ui::lessons::methods::{entries, of};
use crate::ui::lessons::place::keep;
use crate::ui::words::methods as words;

/// The page: all titles, and the method in view.
#[component]
pub fn Methods() -> Html {
    let route = use_route();
    let wanted: String = route.read(&keys::METHOD);
    let chosen = of(&wanted);
    let heading = use_node_ref();
    {
        let heading = heading.clone();
        use_effect_with(chosen.map(Entry::name), move |chosen| {
            if let (Some(_), Some(heading)) = (chosen, heading.cast::<web_sys::HtmlElement>()) {
                // Focus cannot be refused to a heading that is shown.
                let _ = heading.focus();
            }
        });
    }
    let to = |entry: &Entry| {
        let to = keep(Route::default().on(Page::Methods), &route);
        to.put(&keys::METHOD, entry.name().to_owned()).to_hash()
    };
    let link = |entry: &'static Entry| {
        let here = chosen.is_some_and(|chosen| chosen == entry);
        html! { <li><a href={to(entry)} aria-current={here.then_some("true")}>{ entry.name() }</a></li> }
    };
    let at = chosen.and_then(|chosen| entries().iter().position(|entry| entry == chosen));
    let beside = |step: usize, back: bool| {
        let at = at?;
        let at = if back { at.checked_sub(step)? } else { at + step };
        entries().get(at)
    };
    html! {
        <div class="methods">
            <nav aria-label="All methods"><ol>{ for entries().iter().map(link) }</ol></nav>
            if let Some(entry) = chosen {
                <article aria-label={entry.name()}>
                    <h2 ref={heading} tabindex="-1">{ entry.name() }</h2>
                    if entry.names.len() > 1 { <p class="hint">{ format!("For {}.", entry.names[1..].join(", ")) }</p> }
                    <Beside name="methods" section={Some(entry.name())} />
                    <p class="turn">
                        if let Some(entry) = beside(1, true) { <a href={to(entry)}>{ format!("← {}", entry.name()) }</a> }
                        if let Some(entry) = beside(1, false) { <a href={to(entry)}>{ format!("{} →", entry.name()) }</a> }
                    </p>
                </article>
            } else {
                <article aria-label="Methods">
                    <h2>{ words::HOW_EVERY_NUMBER_MEASURED }</h2>
                    <p>{ words::CLAIM_NUMBER_BESIDE_WHAT }</p>
                </article>
            }
        </div>
    }
}

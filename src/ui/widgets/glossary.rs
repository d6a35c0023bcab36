//! A "?" that opens the meaning of a word in place.

use yew::prelude::*;

/// Properties of [`Gloss`].
#[derive(Properties, PartialEq)]
pub struct GlossProps {
    /// The word.
    pub term: AttrValue,
    /// What it means.
    pub meaning: AttrValue,
}

/// A word with its meaning behind a "?".
#[component]
pub fn Gloss(props: &GlossProps) -> Html {
    html! {
        <details class="gloss">
            <summary>{ props.term.clone() }<span class="mark" aria-hidden="true">{ "?" }</span></summary>
            <p>{ props.meaning.clone() }</p>
        </details>
    }
}

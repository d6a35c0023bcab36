//! A "?" that opens the meaning of a word in place.

use yew::prelude::*;

use crate::ui::address::keys::{METHOD, READ, WORD};
use crate::ui::address::route::{Page, Route};
use crate::ui::app::{use_route, use_speech};
use crate::ui::lessons::glossary::of;
use crate::ui::lessons::methods;
use crate::ui::lessons::place::keep;
use crate::ui::lessons::prose::Prose;
use crate::ui::nothing::nothing;
use crate::ui::words::frame::Word;
use crate::ui::words::widgets as words;

/// Properties of [`Symbols`].
#[derive(Properties, PartialEq)]
pub struct SymbolsProps {
    /// The page whose symbols they are.
    pub page: Page,
}

/// Every symbol of a page with its meaning behind a "?".
#[component]
pub fn Symbols(props: &SymbolsProps) -> Html {
    let speech = use_speech();
    let words = of(props.page);
    if words.is_empty() {
        return nothing();
    }
    html! {
        <details class="symbols">
            <summary lang={speech.own()}>{ speech.say(Word::Symbols) }</summary>
            <div>{ for words.iter().map(|word| html! { <Gloss key={*word} term={*word} /> }) }</div>
        </details>
    }
}

/// Properties of [`Gloss`].
#[derive(Properties, PartialEq)]
pub struct GlossProps {
    /// The word; its entry in the glossary is the one of that name.
    pub term: AttrValue,
    /// What it means here; without it the glossary says what it means.
    #[prop_or_default]
    pub meaning: Option<AttrValue>,
    /// The word in the reader's language, where it is said in that.
    #[prop_or_default]
    pub own: Option<AttrValue>,
}

/// A word with its meaning behind a "?".
#[component]
pub fn Gloss(props: &GlossProps) -> Html {
    let speech = use_speech();
    let lang = props.own.as_ref().and_then(|_| speech.own());
    html! {
        <details class="gloss">
            <summary {lang}>{ props.own.as_ref().unwrap_or(&props.term).clone() }<span class="mark" aria-hidden="true">{ "?" }</span></summary>
            <Meaning term={props.term.clone()} meaning={props.meaning.clone()} />
        </details>
    }
}

/// What a word means, and where to go for more.
#[component]
pub fn Meaning(props: &GlossProps) -> Html {
    let (route, speech) = (use_route(), use_speech());
    let entry = speech.entry(&props.term);
    let more = entry.map(|(entry, _)| {
        let learn = Route::default().on(Page::Learn);
        keep(learn, &route).put(&READ, "glossary").put(&WORD, entry.name().to_owned())
    });
    html! {
        <>
            { nothing() }
            if let Some(meaning) = props.meaning.clone() {
                <p>{ meaning }
                    if let Some(more) = more { { " " }<a href={more.to_hash()} lang={speech.own()}>{ speech.say(Word::InGlossary) }</a> }</p>
            } else if let Some((entry, lang)) = entry {
                <Prose text={entry.meaning.clone()} lang={speech.own().map(|_| lang)} />
            }
            if let Some(room) = touched_at(&props.term, &route) { <p lang={speech.own()}><a href={room.to_hash()}>{ speech.say(Word::TouchIt) }</a></p> }
            if let Some(method) = method_of(&props.term, &route) { <p lang={speech.own()}><a href={method.to_hash()}>{ speech.say(Word::Measured) }</a></p> }
        </>
    }
}

/// The room where a word of the SVD can be touched; none from inside it.
fn touched_at(term: &str, from: &Route) -> Option<Route> {
    let words =
        ["Ω", "SVD", "σ", "u_k", "block", "rank", "singular value", "largest σ", "norm ‖·‖_F"];
    let is_one = words.contains(&term) && from.page != Page::Svd;
    is_one.then(|| keep(from.clone().on(Page::Svd), from))
}

/// The address of the screen that says how a number is measured.
fn method_of(term: &str, from: &Route) -> Option<Route> {
    let entry = methods::of(term)?;
    Some(keep(Route::default().on(Page::Methods), from).put(&METHOD, entry.name().to_owned()))
}

/// Properties of [`Method`].
#[derive(Properties, PartialEq)]
pub struct MethodProps {
    /// The number, by a name that the methods know.
    pub of: AttrValue,
}

/// A "?" at a number that opens how it is measured.
#[component]
pub fn Method(props: &MethodProps) -> Html {
    let Some(to) = method_of(&props.of, &use_route()) else { return nothing() };
    let spoken = words::how_measured(&props.of);
    html! { <a class="mark" href={to.to_hash()} aria-label={spoken}>{ "?" }</a> }
}

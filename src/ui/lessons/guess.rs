//! Predict, then see: the pictures of a step stay covered until the reader has guessed, or does not want to.

use yew::prelude::*;

use super::prose::Prose;
use crate::ui::address::keys::PRESENT;
use crate::ui::app::{use_route, use_speech};
use crate::ui::words::frame::Word;

/// Properties of [`Guess`].
#[derive(Properties, PartialEq)]
pub(super) struct GuessProps {
    /// What is to be guessed.
    pub ask: String,
    /// What may be guessed.
    pub guesses: Vec<String>,
    /// The language of both, where it is not the page's.
    pub mark: Option<&'static str>,
    /// Called with the guess, or with one past the last by who does not guess.
    pub on_guess: Callback<usize>,
}

/// The guesses as buttons; while they stand there the stage is covered.
#[component]
pub(super) fn Guess(props: &GuessProps) -> Html {
    let speech = use_speech();
    // A slide's title is of the first level.
    let level = use_route().read(&PRESENT).then_some("2");
    let button = |i: usize, text: Html, class: &'static str| {
        let on_guess = props.on_guess.clone();
        let onclick = Callback::from(move |_: MouseEvent| on_guess.emit(i));
        html! { <button type="button" {class} {onclick}>{ text }</button> }
    };
    html! {
        <div class="question guessing" data-testid="guess">
            <h3 aria-level={level}>{ speech.say(Word::PredictFirst) }</h3>
            <p><Prose text={props.ask.clone()} inline={true} lang={props.mark} /></p>
            <div class="guesses">
                { for props.guesses.iter().enumerate().map(|(i, text)| button(i, html! { <Prose text={text.clone()} inline={true} lang={props.mark} /> }, "")) }
                { button(props.guesses.len(), html! { { speech.say(Word::JustShow) } }, "plain") }
            </div>
        </div>
    }
}

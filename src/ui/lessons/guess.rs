//! Predict, then see: the pictures of a step stay covered until the reader has guessed, or does not want to; then the guess has a reply.

use yew::prelude::*;

use super::parse::Prediction;
use super::prose::Prose;
use super::speech::Speech;
use crate::ui::address::keys::PRESENT;
use crate::ui::app::{use_route, use_speech};
use crate::ui::nothing::nothing;
use crate::ui::words::frame::Word;

/// Properties of [`Guess`].
#[derive(Properties, PartialEq)]
pub(super) struct GuessProps {
    /// What is to be guessed.
    pub predict: Prediction,
    /// The language of it, where it is not the page's.
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
    let Prediction { ask, guesses, .. } = &props.predict;
    let button = |i: usize, text: Html, class: &'static str| {
        let on_guess = props.on_guess.clone();
        let onclick = Callback::from(move |_: MouseEvent| on_guess.emit(i));
        html! { <button type="button" {class} {onclick}>{ text }</button> }
    };
    html! {
        <div class="question guessing" data-testid="guess">
            <h3 aria-level={level}>{ speech.say(Word::PredictFirst) }</h3>
            <p><Prose text={ask.clone()} inline={true} lang={props.mark} /></p>
            <div class="guesses">
                { for guesses.iter().enumerate().map(|(i, text)| button(i, html! { <Prose text={text.clone()} inline={true} lang={props.mark} /> }, "")) }
                { button(guesses.len(), html! { { speech.say(Word::JustShow) } }, "plain") }
            </div>
        </div>
    }
}

/// What is said to guess `i`, and to who did not want to guess; whether the guess is right only once that can be `seen`.
pub(super) fn reply(
    speech: &Speech,
    predict: &Prediction,
    i: usize,
    seen: bool,
    mark: Option<&'static str>,
) -> Html {
    let prose = |text: &String| html! { <Prose text={text.clone()} inline={true} lang={mark} /> };
    let guess = predict.guesses.get(i);
    if guess.is_none() && !seen {
        return nothing();
    }
    let verdict = if i == predict.right { Word::AsGuessed } else { Word::NotAsGuessed };
    html! {
        <p class="hint guessed">
            if let Some(text) = guess { <span class="mine">{ speech.say(Word::YourGuess) }{ " " }{ prose(text) }{ ". " }</span> }
            if seen {
                if guess.is_some() { <strong>{ speech.say(verdict) }</strong>{ " " } }
                { prose(&predict.says) }
            }
        </p>
    }
}

//! Predict, then see: the pictures of a step stay covered until the reader has guessed, or does not want to.

use yew::prelude::*;

use super::prose::Prose;

/// Properties of [`Guess`].
#[derive(Properties, PartialEq)]
pub(super) struct GuessProps {
    /// What is to be guessed.
    pub ask: String,
    /// What may be guessed.
    pub guesses: Vec<String>,
    /// Called with the guess, or with one past the last by who does not guess.
    pub on_guess: Callback<usize>,
}

/// The guesses as buttons; while they stand there the stage is covered.
#[component]
pub(super) fn Guess(props: &GuessProps) -> Html {
    let button = |i: usize, text: Html, class: &'static str| {
        let on_guess = props.on_guess.clone();
        let onclick = Callback::from(move |_: MouseEvent| on_guess.emit(i));
        html! { <button type="button" {class} {onclick}>{ text }</button> }
    };
    html! {
        <div class="question guessing" data-testid="guess">
            <h3>{ "Predict first" }</h3>
            <p><Prose text={props.ask.clone()} inline={true} /></p>
            <div class="guesses">
                { for props.guesses.iter().enumerate().map(|(i, text)| button(i, html! { <Prose text={text.clone()} inline={true} /> }, "")) }
                { button(props.guesses.len(), html! { { "just show me" } }, "plain") }
            </div>
        </div>
    }
}

//! The prompt: typed or picked, its tokens as buttons that choose who looks, coloured by the pair in view.

use std::rc::Rc;

use web_sys::HtmlInputElement;
use yew::prelude::*;

use crate::ui::app::{use_app, use_dark};
use crate::ui::format::{percent, three, token};
use crate::ui::palette::Scale;
use crate::ui::widgets::select::Switch;
use crate::worker::protocol::attention::{Cell, Guess, Prompt, Ran};

/// Sentences that show something, for models with words.
const EXAMPLES: [(&str, &str); 4] = [
    ("indirect object", "When Mary and John went to the store , John gave a drink to"),
    ("where is", "Alice is at the park . Bob is at the store . Where is Alice ? The"),
    ("repeated list", "one Mary key at flower John one Mary key at"),
    ("pronoun", "Mary went to the park because"),
];

/// The prompt that the page opens with.
pub(super) fn example(built_in: bool, has_tokenizer: bool) -> String {
    match (built_in, has_tokenizer) {
        (true, _) => EXAMPLES[0].1.to_owned(),
        (false, true) => "When Mary and John went to the store, John gave a drink to".to_owned(),
        (false, false) => "1 2 3 4 5 6 7 8 1 2 3 4".to_owned(),
    }
}

/// Properties of [`PromptBar`].
#[derive(Properties, PartialEq)]
pub(super) struct PromptBarProps {
    /// The prompt in view.
    pub prompt: Prompt,
    /// What the model made of it.
    pub ran: Option<Rc<Ran>>,
    /// What it expects after the last token, once that is known.
    pub next: Option<Rc<Vec<Guess>>>,
    /// Who looks.
    pub dest: usize,
    /// What is looked at.
    pub src: Option<usize>,
    /// The cell in view, for colours.
    pub cell: Option<Rc<Cell>>,
}

/// Prompt, examples, tokens, predictions.
#[component]
pub(super) fn PromptBar(props: &PromptBarProps) -> Html {
    let app = use_app();
    let dark = use_dark();
    let typed = use_state(|| props.prompt.text.clone());
    {
        let typed = typed.clone();
        use_effect_with(props.prompt.text.clone(), move |text| typed.set(text.clone()));
    }
    let oninput = {
        let typed = typed.clone();
        Callback::from(move |event: InputEvent| {
            if let Some(input) = event.target_dyn_into::<HtmlInputElement>() {
                typed.set(input.value());
            }
        })
    };
    let show = {
        let app = app.clone();
        move |text: String| {
            let route = app.value().route.clone().with("prompt", text);
            app.go(["dest", "src", "layer", "head"]
                .into_iter()
                .fold(route, |r, name| r.without(name)));
        }
    };
    let onsubmit = {
        let (show, typed) = (show.clone(), typed.clone());
        Callback::from(move |event: SubmitEvent| {
            event.prevent_default();
            show((*typed).clone());
        })
    };
    let set_bos = {
        let app = app.clone();
        Callback::from(move |on: bool| app.set("bos", if on { "on" } else { "off" }))
    };
    let words = app.value().model.as_ref().is_some_and(|m| m.summary.has_tokenizer);
    let built_in = app.value().model.as_ref().is_some_and(|m| m.built_in.is_some());
    let bos = props.ran.as_ref().is_some_and(|r| r.bos);
    html! {
        <section class="prompt" aria-label="Prompt">
            <form class="controls" {onsubmit}>
                <label class="field wide"><span>{ if words { "prompt" } else { "token ids" } }</span>
                    <input type="text" value={(*typed).clone()} {oninput} data-testid="prompt" /></label>
                <button type="submit" class="primary">{ "run" }</button>
                <Switch label="start token" on={bos} on_change={set_bos} />
                if built_in {
                    { for EXAMPLES.iter().map(|(name, text)| {
                        let (show, text) = (show.clone(), (*text).to_owned());
                        let onclick = Callback::from(move |_: MouseEvent| show(text.clone()));
                        html! { <button type="button" {onclick}>{ *name }</button> }
                    }) }
                }
            </form>
            if let Some(ran) = &props.ran {
                <p class="hint">{ "Pick the token that looks; its sources are coloured by the singular pair in view." }</p>
                <div class="tokens" role="group" aria-label="Tokens of the prompt">
                    { for ran.tokens.iter().enumerate().map(|(i, text)| {
                        let app = app.clone();
                        let onclick = Callback::from(move |_: MouseEvent| {
                            app.go(app.value().route.clone().with("dest", i).without("src"));
                        });
                        let style = props.cell.as_ref().and_then(|cell| colour(cell, i, props.dest, app_k(&props.cell, i), dark));
                        let class = classes!((i == props.dest).then_some("dest"), (Some(i) == props.src).then_some("src"));
                        html! { <button type="button" key={i} {class} {style} {onclick} aria-pressed={(i == props.dest).to_string()}>{ token(text) }</button> }
                    }) }
                </div>
                if let Some(next) = props.next.as_ref().filter(|next| !next.is_empty()) {
                    <p class="next" data-testid="next">{ "next: " }
                        { for next.iter().take(5).map(|g| html! { <span><code>{ token(&g.text) }</code>{ format!(" {} ", percent(g.probability)) }</span> }) }
                    </p>
                }
                if !ran.named.is_empty() { <p class="hint">{ format!("In this family: {}.", ran.named.join("; ")) }</p> }
            }
        </section>
    }
}

/// The pair that the colours show: the one with the largest term.
fn app_k(cell: &Option<Rc<Cell>>, _token: usize) -> usize {
    let terms = cell
        .as_ref()
        .and_then(|c| c.event.as_ref())
        .map(|e| e.relative.terms.as_slice())
        .unwrap_or_default();
    let largest = terms.iter().enumerate().max_by(|a, b| a.1.abs().total_cmp(&b.1.abs()));
    largest.map_or(0, |(k, _)| k)
}

/// A source's colour: its coefficient on the pair, in the sign that raises the score.
fn colour(cell: &Cell, token: usize, dest: usize, k: usize, dark: bool) -> Option<String> {
    let d_head = cell.sigma.len();
    if token > dest {
        return None;
    }
    let sign = f64::from(*cell.dest_coefficients.get(dest * d_head + k)?).signum();
    let of =
        |i: usize| cell.src_coefficients.get(i * d_head + k).map_or(0.0, |&c| sign * f64::from(c));
    let max = (0..=dest).map(|i| of(i).abs()).fold(0.0, f64::max);
    let (scale, value) = (Scale::Diverging { max }, of(token));
    Some(format!(
        "background: {}; color: {}; --value: {}",
        scale.css(value, dark),
        scale.ink(value, dark),
        three(value)
    ))
}

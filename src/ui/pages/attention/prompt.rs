//! The prompt: typed or picked, its tokens as buttons that choose who looks, coloured by the pair in view.

use std::rc::Rc;

use yew::prelude::*;

use super::file_field::FileField;
use crate::circuits::alignment::Side;
use crate::circuits::sad::sparsity::RunningSum;
use crate::math::random::Rng;
use crate::model::architecture::StackKind;
use crate::protocol::attention::{Asking, Cell, Given, Guess, Prompt, Ran};
use crate::ui::address::keys;
use crate::ui::address::route::Page;
use crate::ui::app::{App, use_app, use_dark};
use crate::ui::memory::state::AppState;
use crate::ui::palette::Scale;
use crate::ui::widgets::select::{Select, Switch, use_typed};
use crate::ui::words::attention as words;
use crate::ui::words::format::{percent, three, token};

/// Sentences that show something, for models with words; and the answer that would be wrong.
const EXAMPLES: [(&str, &str, &str); 4] = [
    ("indirect object", "When Mary and John went to the store , John gave a drink to", "John"),
    ("where is", "Alice is at the park . Bob is at the store . Where is Alice ? The", "store"),
    ("repeated list", "one Mary key at flower John one Mary key at", "one"),
    ("pronoun", "Mary went to the park because", "he"),
];

/// Which coefficient colours the tokens.
const SIDES: [(&str, &str); 2] = [("src", "sources"), ("dest", "destinations")];

/// The prompt of the address, or the one that the page opens with.
pub(in crate::ui::pages) fn in_view(state: &AppState) -> Prompt {
    let built_in = state.model.as_ref().is_some_and(|m| m.built_in.is_some());
    let has_tokenizer = state.model.as_ref().is_some_and(|m| m.summary.has_tokenizer);
    let text = state.route.find(&keys::PROMPT);
    Prompt {
        text: text.unwrap_or_else(|| example(built_in, has_tokenizer)),
        bos: state.route.find(&keys::BOS),
        ids: !has_tokenizer || state.route.read(&keys::IDS),
        decoder: decoder_in_view(state, has_tokenizer),
        given: None,
    }
}

/// The answer of the address, and what it is held against; of an example, the answer that would be wrong.
pub(super) fn asking(state: &AppState, prompt: &Prompt, at: usize) -> Asking {
    let route = &state.route;
    let (answer, wrong) = (route.find(&keys::ANSWER), route.find(&keys::AGAINST));
    let built_in = state.model.as_ref().is_some_and(|m| m.built_in.is_some());
    let example = EXAMPLES.iter().find(|(_, text, _)| built_in && *text == prompt.text);
    let usual = example.filter(|_| answer.is_none() && route.find(&keys::DEST).is_none());
    let wrong = wrong.or_else(|| usual.map(|(_, _, wrong)| (*wrong).to_owned()));
    Asking { answer, wrong, mean: route.read(&keys::OF_ALL), at: Some(at) }
}

/// The decoder's prompt of the address, or the one that the page opens with; empty where the model reads one prompt.
fn decoder_in_view(state: &AppState, has_tokenizer: bool) -> String {
    if state.model.as_ref().is_none_or(|m| !m.summary.two_prompts) {
        return String::new();
    }
    let by_ids = !has_tokenizer || state.route.read(&keys::IDS);
    let opening = if by_ids { "0 1 2 3 4 5" } else { "The answer is" };
    state.route.find(&keys::DECODER).unwrap_or_else(|| opening.to_owned())
}

fn example(built_in: bool, has_tokenizer: bool) -> String {
    match (built_in, has_tokenizer) {
        (true, _) => EXAMPLES[0].1.to_owned(),
        (false, true) => "When Mary and John went to the store, John gave a drink to".to_owned(),
        (false, false) => "1 2 3 4 5 6 7 8 1 2 3 4".to_owned(),
    }
}

/// Tokens of the random list.
const LIST: usize = 12;

/// Token ids drawn at random, twice over: the same for everybody.
fn twice(d_vocab: usize) -> String {
    let mut rng = Rng::new(0);
    let most = u32::try_from(d_vocab).unwrap_or(u32::MAX).max(1);
    let list: Vec<String> = (0..LIST).map(|_| rng.below(most).to_string()).collect();
    [list.clone(), list].concat().join(" ")
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
    /// The stack of the head in view: whose tokens look, and whose are looked at.
    pub stack: StackKind,
    /// The cell in view, for colours.
    pub cell: Option<Rc<Cell>>,
    /// Runs the same prompt again, where its last run has failed or was cancelled.
    pub again: Option<Callback<()>>,
    /// A file is given, or taken back.
    pub on_given: Callback<Option<Given>>,
}

/// Prompt, examples, tokens, predictions.
#[component]
pub(super) fn PromptBar(props: &PromptBarProps) -> Html {
    let app = use_app();
    let dark = use_dark();
    let settled = app.value().model.is_some();
    let (typed, oninput) = use_typed(&props.prompt.text, settled);
    let (typed_decoder, oninput_decoder) = use_typed(&props.prompt.decoder, settled);
    let two = app.value().model.as_ref().is_some_and(|m| m.summary.two_prompts);
    let show = {
        let (app, decoder) = (app.clone(), typed_decoder.clone());
        move |text: String, ids: bool| {
            let route = app.value().route.clone().put(&keys::PROMPT, text);
            let route = if ids { route.put(&keys::IDS, true) } else { route.clear(&keys::IDS) };
            let route = if two { route.put(&keys::DECODER, (*decoder).clone()) } else { route };
            // Positions and the answer are the old prompt's; the head and its pair stay in view.
            let route = route.clear(&keys::ANSWER).clear(&keys::AGAINST);
            app.go(route.clear(&keys::DEST).clear(&keys::SRC).clear(&keys::WHAT_IF));
        }
    };
    let onsubmit = {
        let (show, typed, ids) = (show.clone(), typed.clone(), props.prompt.ids);
        let again = props
            .again
            .clone()
            .filter(|_| *typed == props.prompt.text && *typed_decoder == props.prompt.decoder);
        Callback::from(move |event: SubmitEvent| {
            event.prevent_default();
            if let Some(again) = &again {
                return again.emit(());
            }
            show((*typed).clone(), ids);
        })
    };
    let set_bos = {
        let app = app.clone();
        Callback::from(move |on: bool| app.put(&keys::BOS, on))
    };
    let d_vocab = app.value().model.as_ref().map_or(0, |m| m.summary.d_vocab);
    let by_ids = props.prompt.ids;
    let in_words = {
        let app = app.clone();
        Callback::from(move |_: MouseEvent| {
            let route = app.value().route.clone().clear(&keys::PROMPT).clear(&keys::IDS);
            app.go(route.clear(&keys::DEST).clear(&keys::SRC).clear(&keys::WHAT_IF));
        })
    };
    let words = app.value().model.as_ref().is_some_and(|m| m.summary.has_tokenizer);
    let built_in = app.value().model.as_ref().is_some_and(|m| m.built_in.is_some());
    let bos = props.ran.as_ref().is_some_and(|r| r.bos);
    let is_unknown = |t: &&String| matches!(t.trim(), "<unk>" | "[UNK]");
    let unknown = props.ran.as_ref().map_or(0, |ran| ran.tokens.iter().filter(is_unknown).count());
    let by_dest = app.value().route.find(&keys::SIDE) == Some(Side::Dest);
    let set_side = {
        let app = app.clone();
        Callback::from(move |side: String| app.choose(&keys::SIDE, &side))
    };
    let pair = props.cell.as_ref().and_then(|cell| {
        let relative = &cell.event.as_ref()?.relative;
        let terms = &relative.terms;
        let chosen = app.value().route.find(&keys::K).filter(|k| *k < terms.len());
        chosen.or(RunningSum::toward(terms, relative.score).order.first().copied())
    });
    html! {
        <section class="prompt" aria-label="Prompt">
            <form class="controls" {onsubmit}>
                <label class="field wide"><span>{ if by_ids { "token ids" } else { "prompt" } }</span>
                    <input type="text" value={(*typed).clone()} {oninput} data-testid="prompt" /></label>
                if two {
                    <label class="field wide"><span>{ if by_ids { words::TOKEN_IDS_DECODER } else { "decoder prompt" } }</span>
                        <input type="text" value={(*typed_decoder).clone()} oninput={oninput_decoder} data-testid="decoder-prompt" /></label>
                }
                <button type="submit" class="primary">{ "run" }</button>
                <Switch label="start token" on={bos} on_change={set_bos} />
                if built_in {
                    { for EXAMPLES.iter().map(|(name, text, _)| {
                        let (show, text) = (show.clone(), (*text).to_owned());
                        let onclick = Callback::from(move |_: MouseEvent| show(text.clone(), false));
                        html! { <button type="button" {onclick}>{ *name }</button> }
                    }) }
                }
                <button type="button" onclick={Callback::from(move |_: MouseEvent| show(twice(d_vocab), true))}
                    title={words::TOKEN_IDS_DRAWN_RANDOM}>{ words::RANDOM_LIST_TWICE }</button>
                if by_ids && words {
                    <button type="button" onclick={in_words}>{ "words again" }</button>
                }
            </form>
            if let Some(reads) = app.value().model.as_ref().and_then(|m| m.summary.reads_file.clone()) {
                <FileField {reads} given={props.prompt.given.as_ref().map(|given| given.name.clone())} on_given={props.on_given.clone()} />
            }
            if let Some(ran) = &props.ran {
                <div class="controls">
                    <p class="hint">{ match pair {
                        Some(k) if by_dest => words::pick_token_looks_colours(&k),
                        Some(k) => words::pick_token_looks_colours_how(&k),
                        None => words::PICK_TOKEN_LOOKS.to_owned(),
                    } }</p>
                    <Select label={words::COLOUR_TOKENS} options={SIDES.map(|(slug, name)| (AttrValue::from(slug), AttrValue::from(name))).to_vec()}
                        value={if by_dest { "dest" } else { "src" }} on_change={set_side} />
                </div>
                { for rows(ran, props.stack).into_iter().map(|row| token_row(&app, props, &row, pair, by_dest, dark)) }
                if let Some(next) = props.next.as_ref().filter(|next| !next.is_empty()) {
                    <p class="next" data-testid="next">{ "next: " }
                        { for next.iter().take(5).map(|g| html! { <span><a href={who_wrote(&app, g.id)} title={words::who_wrote_trace(&token(&g.text))}><code>{ token(&g.text) }</code></a>{ format!(" {} ", percent(g.probability)) }</span> }) }
                        <span class="hint">{ words::WHO_WROTE_PICK_ONE }</span>
                    </p>
                }
                if unknown > 0 {
                    <p class="hint" data-testid="unknown">{ words::tokens_stand_words_models(&unknown) }</p>
                }
                if !ran.named.is_empty() { <p class="hint">{ words::in_this_family(&ran.named.join("; ")) }</p> }
            }
        </section>
    }
}

/// A row of tokens as buttons.
struct Row<'a> {
    tokens: &'a [String],
    /// Whose they are, where there are two prompts.
    of: Option<StackKind>,
    /// They look in the stack of the head in view.
    looks: bool,
    /// They are looked at there.
    seen: bool,
}

/// The encoder's tokens and the decoder's, or the only ones.
fn rows(ran: &Ran, stack: StackKind) -> Vec<Row<'_>> {
    if ran.decoder.is_empty() {
        return vec![Row { tokens: ran.sides(stack)[0], of: None, looks: true, seen: true }];
    }
    let in_decoder = matches!(stack, StackKind::Decoder | StackKind::Cross);
    let sees_decoder = stack == StackKind::Decoder;
    vec![
        Row {
            tokens: ran.sides(StackKind::Encoder)[0],
            of: Some(StackKind::Encoder),
            looks: !in_decoder,
            seen: !sees_decoder,
        },
        Row {
            tokens: &ran.decoder,
            of: Some(StackKind::Decoder),
            looks: in_decoder,
            seen: sees_decoder,
        },
    ]
}

fn token_row(
    app: &App,
    props: &PromptBarProps,
    row: &Row<'_>,
    pair: Option<usize>,
    by_dest: bool,
    dark: bool,
) -> Html {
    let (label, name) = match row.of {
        None => (words::TOKENS_PROMPT, None),
        Some(StackKind::Decoder) => (words::TOKENS_DECODERS_PROMPT, Some("decoder")),
        Some(_) => (words::TOKENS_ENCODERS_PROMPT, Some("encoder")),
    };
    // A token of the other prompt looks with a head of its own stack; cross heads come first for the decoder's.
    let other = row.of.filter(|_| !row.looks).and_then(|of| {
        let layers = &app.value().model.as_ref()?.summary.layers;
        let kind = if of == StackKind::Decoder { StackKind::Cross } else { of };
        (0..layers.0.len()).find(|&layer| layers.stack(layer) == kind)
    });
    let button = |(i, text): (usize, &String)| {
        let app = app.clone();
        let onclick = Callback::from(move |_: MouseEvent| {
            let route = app.value().route.clone().put(&keys::DEST, i).clear(&keys::SRC);
            app.go(match other {
                Some(layer) => route.put(&keys::LAYER, layer).put(&keys::HEAD, 0),
                None => route,
            });
        });
        let coloured = if by_dest { row.looks } else { row.seen };
        let cell = props.cell.as_ref().filter(|_| coloured);
        let style = cell.and_then(|cell| colour(cell, i, props.dest, pair, by_dest, dark));
        let (dest, src) = (row.looks && i == props.dest, row.seen && Some(i) == props.src);
        let class = classes!(dest.then_some("dest"), src.then_some("src"));
        html! { <button type="button" key={i} {class} {style} {onclick} aria-pressed={dest.to_string()}>{ token(text) }</button> }
    };
    html! {
        <div class="tokens" role="group" aria-label={label}>
            if let Some(name) = name { <span class="hint">{ name }</span> }
            { for row.tokens.iter().enumerate().map(button) }
        </div>
    }
}

/// The address that traces a prediction back to its circuit.
fn who_wrote(app: &App, id: u32) -> String {
    let route = app.value().route.clone().on(Page::Trace);
    let route = route.clear(&keys::AGAINST).clear(&keys::AFTER).clear(&keys::PIN);
    let route = route.clear(&keys::READING);
    route.put(&keys::ANSWER, format!("#{id}")).to_hash()
}

/// A token's colour: its coefficient on one side of pair `k`; as a source, in the sign that raises the score of `dest`.
fn colour(
    cell: &Cell,
    token: usize,
    dest: usize,
    k: Option<usize>,
    by_dest: bool,
    dark: bool,
) -> Option<String> {
    let (k, d_head) = (k?, cell.sigma.len());
    let all = if by_dest { &cell.dest_coefficients } else { &cell.src_coefficients };
    let seen = if by_dest { all.len() / d_head.max(1) } else { cell.seen_from(dest) };
    if token >= seen {
        return None;
    }
    let sign = if by_dest {
        1.0
    } else {
        f64::from(*cell.dest_coefficients.get(dest * d_head + k)?).signum()
    };
    let of = |i: usize| all.get(i * d_head + k).map_or(0.0, |&c| sign * f64::from(c));
    let max = (0..seen).map(|i| of(i).abs()).fold(0.0, f64::max);
    let (scale, value) = (Scale::Diverging { max }, of(token));
    Some(format!(
        "background: {}; color: {}; --value: {}",
        scale.css(value, dark),
        scale.ink(value, dark),
        three(value)
    ))
}

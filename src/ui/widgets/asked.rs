//! What files leave open is asked: how many heads, which of several models, which family; the answer opens them again.

use yew::prelude::*;

use super::select::{Select, typing};
use crate::protocol::model::Hints;
use crate::protocol::{Failure, Unclear};
use crate::ui::nothing::nothing;
use crate::ui::words::widgets as words;

/// So many answers are buttons; more are a list.
const MANY: usize = 6;

/// Properties of [`Asked`].
#[derive(Properties, PartialEq)]
pub struct AskedProps {
    /// What could not be opened, and what it leaves open.
    pub failure: Failure,
    /// It is being opened again.
    #[prop_or_default]
    pub busy: bool,
    /// Hears the answer.
    pub on_answer: Callback<Hints>,
    /// Hears that the reader leaves it.
    pub on_forget: Callback<()>,
}

/// The question, its answers, and a way out.
#[component]
pub fn Asked(props: &AskedProps) -> Html {
    let (answer, busy) = (props.on_answer.clone(), props.busy);
    let forget = props.on_forget.reform(|_: MouseEvent| ());
    let (label, test_id, answers) = match &props.failure.unclear {
        Some(Unclear::Model(names)) => {
            let options: Vec<_> = names.iter().map(|name| (name.clone(), name.clone())).collect();
            let said = |model| Hints { model: Some(model), ..Hints::default() };
            let on_answer = answer.reform(said);
            let pick = html! { <Pick label="open" {options} {on_answer} /> };
            ("Which model", "which-model", pick)
        }
        Some(Unclear::Family(known)) => {
            let said = |family| Hints { family: Some(family), ..Hints::default() };
            let on_answer = answer.reform(said);
            let pick = html! { <Pick label="read as" options={known.clone()} {on_answer} /> };
            ("Which family", "which-family", pick)
        }
        Some(Unclear::HeadCount(counts)) => {
            let count = html! { <HeadCount counts={counts.clone()} on_answer={answer} /> };
            ("Head count", "head-count", count)
        }
        Some(Unclear::Base(rows)) => ("Adapter", "adapter", added(rows)),
        Some(Unclear::Matrix(_) | Unclear::RowsOrColumns) | None => return nothing(),
    };
    html! {
        <section class="ask" aria-label={label} data-testid={test_id} aria-busy={busy.to_string()}>
            <p>{ props.failure.what.clone() }</p>
            <p class="hint">{ props.failure.hint.clone() }</p>
            <div class="controls">
                { answers }
                <button type="button" onclick={forget}>{ "never mind" }</button>
            </div>
        </section>
    }
}

/// What an adapter adds, head by head.
fn added(rows: &[[String; 3]]) -> Html {
    html! {
        <div class="numbers" tabindex="0" role="region" aria-label={words::WHAT_ADAPTER_ADDS_HEAD}>
            <table>
                <thead><tr><th scope="col">{ "head" }</th><th scope="col">{ "matrix" }</th><th scope="col">{ "σ of scale · B A" }</th></tr></thead>
                <tbody>{ for rows.iter().map(|[head, matrix, sigma]| html! {
                    <tr><th scope="row">{ head.clone() }</th><td>{ matrix.clone() }</td><td>{ sigma.clone() }</td></tr>
                }) }</tbody>
            </table>
        </div>
    }
}

/// Properties of [`HeadCount`].
#[derive(Properties, PartialEq)]
struct HeadCountProps {
    /// Counts that would fit.
    counts: Vec<usize>,
    on_answer: Callback<Hints>,
}

/// Counts that would fit, and any other.
#[component]
fn HeadCount(props: &HeadCountProps) -> Html {
    let typed = use_state(String::new);
    let said = |n_heads: usize| Hints { n_heads: Some(n_heads), ..Hints::default() };
    let open = |n_heads: usize| {
        let answer = props.on_answer.clone();
        Callback::from(move |_: MouseEvent| answer.emit(said(n_heads)))
    };
    let oninput = typing(&typed);
    let onsubmit = {
        let (answer, typed) = (props.on_answer.clone(), typed.clone());
        Callback::from(move |event: SubmitEvent| {
            event.prevent_default();
            if let Ok(n_heads) = typed.trim().parse() {
                answer.emit(said(n_heads));
            }
        })
    };
    let name = |n: usize| if n == 1 { "1 head".to_owned() } else { format!("{n} heads") };
    html! {
        <form class="controls" {onsubmit}>
            { for props.counts.iter().map(|&n| html! { <button type="button" key={n} onclick={open(n)}>{ name(n) }</button> }) }
            <label class="field"><span>{ "or" }</span><input type="number" min="1" value={(*typed).clone()} {oninput} /></label>
            <button type="submit" class="primary">{ "open" }</button>
        </form>
    }
}

/// Properties of [`Pick`].
#[derive(Properties, PartialEq)]
struct PickProps {
    /// What a choice does.
    label: AttrValue,
    /// Values and what the reader sees of them.
    options: Vec<(String, String)>,
    on_answer: Callback<String>,
}

/// One of several: a button each, or a list where they are many.
#[component]
fn Pick(props: &PickProps) -> Html {
    let chosen = use_state(|| None::<String>);
    let answer = |value: &str| {
        let (answer, value) = (props.on_answer.clone(), value.to_owned());
        Callback::from(move |_: MouseEvent| answer.emit(value.clone()))
    };
    if props.options.len() <= MANY {
        return props
            .options
            .iter()
            .map(|(value, text)| {
                html! { <button type="button" key={value.clone()} onclick={answer(value)}>{ text.clone() }</button> }
            })
            .collect();
    }
    let on_change = {
        let chosen = chosen.clone();
        Callback::from(move |value: String| chosen.set(Some(value)))
    };
    // Nobody's word is put into the reader's mouth: nothing is chosen until the reader has.
    let nothing = std::iter::once((AttrValue::from(""), AttrValue::from("choose…")));
    let options = props.options.iter();
    let options: Vec<(AttrValue, AttrValue)> =
        nothing.chain(options.map(|(v, text)| (v.clone().into(), text.clone().into()))).collect();
    let value = (*chosen).clone().unwrap_or_default();
    html! {
        <>
            <Select label={props.label.clone()} {options} value={value.clone()} {on_change} />
            <button type="button" class="primary" disabled={value.is_empty()} onclick={answer(&value)}>{ "open" }</button>
        </>
    }
}

//! The question: a prompt, an answer, what it is held against, and the rules.

use std::rc::Rc;

use yew::prelude::*;

use crate::circuits::trace::Rule;
use crate::protocol::trace::{Answer, Prompt, Question};
use crate::study::trace::SeedRule;
use crate::ui::address::key::{Key, Real};
use crate::ui::address::keys;
use crate::ui::app::{App, use_app};
use crate::ui::layered::Grouping;
use crate::ui::widgets::select::{Select, Slider, Switch, use_typed};
use crate::ui::words::circuit::full_name;
use crate::ui::words::format::{three, token};
use crate::ui::words::trace as words;

/// Properties of [`Asked`].
#[derive(Properties, PartialEq)]
pub(super) struct AskedProps {
    /// The prompt in view.
    pub prompt: Prompt,
    /// The question in view.
    pub question: Question,
    /// What was found, once it is.
    pub answer: Option<Rc<Answer>>,
    /// Share from which edges are drawn.
    pub least: f64,
    /// What a node stands for.
    pub grouping: Grouping,
}

/// Fields, tokens, rules.
#[component]
pub(super) fn Asked(props: &AskedProps) -> Html {
    let app = use_app();
    let Question { answer, wrong, seeding, options, reading } = props.question.clone();
    let [text, right, other] =
        [props.prompt.text.clone(), answer.unwrap_or_default(), wrong.unwrap_or_default()];
    let settled = app.value().model.is_some();
    let (typed_text, on_text) = use_typed(&text, settled);
    let (typed_right, on_right) = use_typed(&right, true);
    let (typed_other, on_other) = use_typed(&other, true);
    let onsubmit = {
        let app = app.clone();
        let typed = [&typed_text, &typed_right, &typed_other].map(|typed| (**typed).clone());
        Callback::from(move |event: SubmitEvent| {
            event.prevent_default();
            let [text, right, other] = typed.clone();
            let mut route = app.value().route.clone().clear(&keys::PIN).clear(&keys::READING);
            if app.value().route.find(&keys::PROMPT).as_ref() != Some(&text) {
                let selected = [keys::AFTER, keys::DEST, keys::SRC, keys::LAYER, keys::HEAD];
                route = selected
                    .iter()
                    .fold(route.clear(&keys::WHAT_IF), |route, key| route.clear(key));
            }
            // Nothing is held against itself: the field still names the rival of the answer before.
            let other = if other == right { String::new() } else { other };
            for (key, word) in [(keys::ANSWER, right), (keys::AGAINST, other)] {
                route = if word.is_empty() { route.clear(&key) } else { route.put(&key, word) };
            }
            route = route.put(&keys::PROMPT, text);
            app.go(route);
        })
    };
    let set_bos = {
        let app = app.clone();
        Callback::from(move |on: bool| app.put(&keys::BOS, on))
    };
    let choices = |all: &[(&'static str, &'static str)]| {
        all.iter()
            .map(|&(slug, name)| (AttrValue::from(slug), AttrValue::from(name)))
            .collect::<Vec<_>>()
    };
    let by_contrast = seeding != Some(SeedRule::Probability);
    let words = app.value().model.as_ref().is_some_and(|m| m.summary.has_tokenizer);
    let bos = props.answer.as_ref().is_some_and(|answer| answer.ran.bos);
    let at = props.answer.as_ref().map(|answer| answer.traced.objective.at);
    html! {
        <section class="prompt" aria-label={words::WHAT_TRACED}>
            <form class="controls" {onsubmit}>
                <label class="field wide"><span>{ if words { "prompt" } else { "token ids" } }</span>
                    <input type="text" value={(*typed_text).clone()} oninput={on_text} data-testid="trace-prompt" /></label>
                <label class="field"><span>{ "answer" }</span>
                    <input type="text" size="10" value={(*typed_right).clone()} oninput={on_right} placeholder="the likeliest" data-testid="trace-answer" /></label>
                if by_contrast {
                    <label class="field"><span>{ "against" }</span>
                        <input type="text" size="10" value={(*typed_other).clone()} oninput={on_other} placeholder="the next" data-testid="trace-against" /></label>
                }
                <button type="submit" class="primary">{ "trace" }</button>
            </form>
            if let Some(answer) = &props.answer {
                if let Some(firing) = reading {
                    <p class="ask" role="status">{ words::traced_what_makes_not(&full_name(answer, Some(firing.node()))) }
                        <a href={app.value().route.clone().clear(&keys::READING).clear(&keys::PIN).to_hash()}>{ words::TRACE_ANSWER }</a></p>
                }
                <p class="hint">{ words::ANSWER_WHAT_COMES_AFTER }</p>
                <div class="tokens" role="group" aria-label={words::TOKENS_PROMPT}>
                    { for answer.ran.tokens.iter().enumerate().map(|(i, text)| {
                        let app = app.clone();
                        let onclick = Callback::from(move |_: MouseEvent| {
                            let route = app.value().route.clone().put(&keys::AFTER, i);
                            app.go([keys::ANSWER, keys::AGAINST, keys::READING, keys::PIN].iter().fold(route, |route, key| route.clear(key)));
                        });
                        let here = at == Some(i);
                        html! { <button type="button" key={i} class={classes!(here.then_some("dest"))} {onclick} aria-pressed={here.to_string()}>{ token(text) }</button> }
                    }) }
                </div>
            }
            <div class="controls">
                <Switch label="start token" on={bos} on_change={set_bos} />
                if reading.is_none() {
                    <Select label={words::WHAT_CARRIES_ANSWER} options={choices(&[("linear", words::SHARES_LOGIT_DIFFERENCE), ("prob", words::GRADIENTS_LN)])}
                        value={if by_contrast { "linear" } else { "prob" }} on_change={chooser(&app, &keys::SEEDING)} />
                }
                if !by_contrast && reading.is_none() {
                    <Slider label={words::SHARE_RISE} min={keys::TAU.least} max={keys::TAU.most} step={0.05} value={options.tau} shown={three(options.tau)} on_change={slider(&app, &keys::TAU)} />
                }
                <Slider label={words::HEAD_FIRES_UNIFORM} min={keys::THRESHOLD.least} max={keys::THRESHOLD.most} step={0.1} value={options.threshold_scale}
                    shown={three(options.threshold_scale)} on_change={slider(&app, &keys::THRESHOLD)} />
                <Select label={words::PARTS_KEYS_GO} options={choices(&[("accpp", words::EVERYWHERE_ONCE_ACC), ("key", words::ONE_KEY)])}
                    value={if options.rule == Rule::Key { "key" } else { "accpp" }} on_change={chooser(&app, &keys::REMOVAL)} />
            </div>
            <div class="controls">
                <Slider label={words::DRAW_EDGES} min={keys::LEAST.least} max={keys::LEAST.most} step={0.01} value={props.least} shown={three(props.least)} on_change={slider(&app, &keys::LEAST)} />
                <Select label="a node is" options={choices(&[("positions", words::COMPONENT_TOKEN), ("components", "a component anywhere")])}
                    value={if props.grouping == Grouping::Components { "components" } else { "positions" }} on_change={chooser(&app, &keys::NODES)} />
            </div>
        </section>
    }
}

/// Sets what a menu chose; what is pinned may be gone.
fn chooser<K: Key>(app: &App, key: &'static K) -> Callback<String> {
    let app = app.clone();
    Callback::from(move |value: String| {
        app.go(app.value().route.clone().choose(key, &value).clear(&keys::PIN));
    })
}

/// Sets what a slider says; not a step in the history.
fn slider(app: &App, key: &'static Real) -> Callback<f64> {
    let app = app.clone();
    Callback::from(move |x: f64| app.replace(app.value().route.clone().put(key, x)))
}

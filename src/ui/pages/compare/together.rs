//! Both models on one prompt: what either expects next, and the head in view: both patterns, their difference, one score.

use std::rc::Rc;

use yew::prelude::*;

use super::in_view;
use super::score::ScoreView;
use super::second::Second;
use crate::circuits::convention::Convention;
use crate::model::Weights;
use crate::protocol::attention::Prompt;
use crate::protocol::compare::{NextToken, OnPrompt, ScoreAt, Scored, Together};
use crate::ui::address::keys;
use crate::ui::app::use_app;
use crate::ui::asking::use_asking;
use crate::ui::pages::attention::prompt;
use crate::ui::widgets::select::use_typed;
use crate::ui::words::compare as words;
use crate::ui::words::format::{percent, token};
use crate::worker::request::Request;

/// Tokens that are listed.
const SHOWN: usize = 8;

/// Properties of [`OnOnePrompt`].
#[derive(Properties, PartialEq)]
pub(super) struct OnOnePromptProps {
    /// The second model.
    pub second: Second,
    /// The layer in view, and the head of the second model; none if it is not in both.
    pub head: Option<(usize, usize)>,
    /// The weights as they are in the file, or with norms folded in.
    pub weights: Weights,
    /// Heads belong together by likeness.
    pub match_heads: bool,
    /// Conventions of the second model and of the open one.
    pub conventions: Rc<[Convention; 2]>,
}

/// The head in view on the prompt, and its patterns before and now.
pub(super) type ScoreOnPrompt = (Scored, [Rc<Vec<f32>>; 2]);

/// The prompt, and what is seen on it.
#[component]
pub(super) fn OnOnePrompt(props: &OnOnePromptProps) -> Html {
    let app = use_app();
    let state = app.value();
    let shown = state.route.read(&keys::TOGETHER);
    let prompt = prompt::in_view(state);
    // What was found stays while the page is out of view.
    let here = shown && in_view(&app);
    let files = props.second.files.clone();
    let about = here.then(|| (prompt.clone(), files.clone()));
    let both = use_asking::<OnPrompt, _>("compare/together", about.clone()).quiet();
    {
        let both = both.clone();
        use_effect_with((both.number(), here), move |_| {
            if let (None, Some((prompt, files))) = (both.found(), about) {
                let request = Request::new(Together { prompt }).beside(&files).urgent();
                both.ask(request.listed(words::PROMPT_THROUGH_BOTH_MODELS));
            }
        });
    }
    let on = both.found();
    let n = on.as_ref().map_or(0, |on| on.ids.len());
    let position = |at: Option<usize>| at.filter(|at| *at < n);
    let score = props.head.filter(|_| on.is_some()).map(|(layer, head)| ScoreAt {
        name: props.second.name.clone(),
        prompt: prompt.clone(),
        layer,
        head,
        weights: props.weights,
        match_heads: props.match_heads,
        dest: position(state.route.find(&keys::DEST)),
        src: position(state.route.find(&keys::SRC)),
    });
    let about = here.then_some((score, files));
    let seen = use_asking::<ScoreOnPrompt, _>("compare/score", about.clone()).quiet();
    {
        let seen = seen.clone();
        use_effect_with((seen.number(), here), move |_| {
            if let (None, Some((Some(question), files))) = (seen.found(), about) {
                let request = Request::new(question).beside(&files).urgent();
                seen.ask_for(request, |scored, arrays| {
                    let mut arrays = arrays.into_iter().map(Rc::new);
                    let mut next = || arrays.next().unwrap_or_default();
                    Rc::new((*scored, [next(), next()]))
                });
            }
        });
    }
    let failed = both.failed().or(seen.failed());
    let open = {
        let app = app.clone();
        Callback::from(move |_: MouseEvent| app.put(&keys::TOGETHER, true))
    };
    let (before, now) = (&props.conventions[0].model, &props.conventions[1].model);
    html! {
        <section class="series-view" aria-label="On a prompt">
            <h2>{ "On a prompt" }</h2>
            if shown {
                <PromptField {prompt} />
                if let Some(failure) = failed {
                    <p class="ask" role="status" data-testid="not-together"><strong>{ failure.what.clone() }</strong>{ format!(" {}", failure.hint) }</p>
                } else if let Some(on) = &on {
                    { expected(&on.next, before, now) }
                    { match seen.found() {
                        Some(seen) => html! { <ScoreView on={on.clone()} {seen} conventions={props.conventions.clone()} /> },
                        None if props.head.is_none() => html! { <p class="empty">{ words::HEAD_VIEW_NOT_BOTH }</p> },
                        None => html! { <p class="empty" role="status">{ words::SCORE_BEING_TAKEN_APART }</p> },
                    } }
                    if !on.named.is_empty() { <p class="hint">{ words::in_these_families(&on.named.join("; ")) }</p> }
                } else {
                    <p class="empty" role="status">{ words::PROMPT_BEING_RUN_THROUGH }</p>
                }
            } else {
                <p class="hint">{ words::WHAT_HEAD_VIEW_LOOKED }</p>
                <button type="button" onclick={open} data-testid="run-together">{ words::RUN_PROMPT_THROUGH_BOTH }</button>
            }
        </section>
    }
}

/// Properties of [`PromptField`].
#[derive(Properties, PartialEq)]
struct PromptFieldProps {
    /// The prompt in view.
    prompt: Prompt,
}

/// The prompt, to change.
#[component]
fn PromptField(props: &PromptFieldProps) -> Html {
    let app = use_app();
    let settled = app.value().model.is_some();
    let (typed, oninput) = use_typed(&props.prompt.text, settled);
    let onsubmit = {
        let typed = typed.clone();
        Callback::from(move |event: SubmitEvent| {
            event.prevent_default();
            let route = app.value().route.clone().put(&keys::PROMPT, (*typed).clone());
            // Positions are the old prompt's.
            app.go(route.clear(&keys::DEST).clear(&keys::SRC).clear(&keys::WHAT_IF));
        })
    };
    let label =
        if props.prompt.ids { words::TOKEN_IDS_BOTH_MODELS } else { words::PROMPT_BOTH_MODELS };
    html! {
        <form class="controls" {onsubmit}>
            <label class="field wide"><span>{ label }</span>
                <input type="text" value={(*typed).clone()} {oninput} data-testid="both-prompt" /></label>
            <button type="submit" class="primary">{ "run" }</button>
        </form>
    }
}

/// Next tokens of both models, side by side.
fn expected(next: &[NextToken], before: &str, now: &str) -> Html {
    if next.is_empty() {
        return html! { <p class="hint">{ words::NEITHER_MODEL_NEXT_TOKEN }</p> };
    }
    let p = |p: Option<f64>| p.map_or_else(|| "–".to_owned(), percent);
    html! {
        <>
        <p class="hint" id="next-of-both">{ words::what_comes_next_before(&before, &now) }</p>
        <table class="compare" data-testid="next-of-both" aria-labelledby="next-of-both">
            <thead><tr><th scope="col">{ "token" }</th><th scope="col">{ "before" }</th><th scope="col">{ "now" }</th></tr></thead>
            <tbody>{ for next.iter().take(SHOWN).map(|next| html! {
                <tr key={next.id}><th scope="row"><code>{ token(&next.text) }</code></th><td>{ p(next.a) }</td><td>{ p(next.b) }</td></tr>
            }) }</tbody>
        </table>
        </>
    }
}

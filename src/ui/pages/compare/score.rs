//! The head in view on a prompt: its patterns in both models, their difference, and one score's difference over singular pairs.

use std::rc::Rc;

use yew::prelude::*;

use super::together::ScoreOnPrompt;
use crate::circuits::compare::scores::Split;
use crate::circuits::convention::Convention;
use crate::circuits::omega::Circuit;
use crate::protocol::compare::{HeadOnPrompt, OnPrompt};
use crate::study::compare::{CompareDocument, Found, PromptDocument};
use crate::study::stamp::Stamp;
use crate::ui::address::keys;
use crate::ui::app::use_app;
use crate::ui::charts::{Bar, Bars, Figure, HeatMap};
use crate::ui::palette::Scale;
use crate::ui::widgets::glossary::Method;
use crate::ui::widgets::python::Python;
use crate::ui::words::compare as words;
use crate::ui::words::format::{short_exponent, three, token};
use crate::ui::words::score::{PARTS, score, signed};
use crate::ui::words::table::Table;

/// Properties of [`ScoreView`].
#[derive(Properties, PartialEq)]
pub(super) struct ScoreViewProps {
    /// The prompt.
    pub on: Rc<OnPrompt>,
    /// The head in view.
    pub seen: Rc<ScoreOnPrompt>,
    /// Conventions of the second model and of the open one.
    pub conventions: Rc<[Convention; 2]>,
}

/// Patterns and one score.
#[component]
pub(super) fn ScoreView(props: &ScoreViewProps) -> Html {
    let app = use_app();
    let (scored, patterns) = &*props.seen;
    let (found, n) = (&scored.found, props.on.ids.len());
    let difference = use_memo(props.seen.clone(), |seen| {
        let [before, now] = &seen.1;
        Rc::new(now.iter().zip(before.iter()).map(|(now, before)| now - before).collect::<Vec<_>>())
    });
    let names = use_memo(props.on.clone(), |on| {
        Rc::new(on.tokens.iter().map(|text| token(text)).collect::<Vec<_>>())
    });
    let state = app.value();
    let name = state.head_name(found.layer, found.head_b);
    let slug = state.head_slug(found.layer, found.head_b);
    let ids: Vec<String> = props.on.ids.iter().map(u32::to_string).collect();
    let stamp = Stamp::between(props.conventions.each_ref()).circuit(Circuit::Qk);
    let stamp = stamp.how(format!("token ids {}", ids.join(" ")));
    let of_score = stamp.clone().score(found.dest, found.src);

    let select = {
        let (app, patterns) = (app.clone(), patterns.clone());
        Callback::from(move |(dest, src): (usize, usize)| {
            // Where nothing can be seen there is no score to take apart.
            let seen =
                |pattern: &Rc<Vec<f32>>| pattern.get(dest * n + src).is_some_and(|p| *p > 0.0);
            if patterns.iter().any(seen) {
                app.go(app.value().route.clone().put(&keys::DEST, dest).put(&keys::SRC, src));
            }
        })
    };
    let table = {
        let ([before, now], names) = (patterns.clone(), names.clone());
        Callback::from(move |()| {
            let columns = ["destination", "source", "before", "now", "difference"];
            let cells = (0..n * n).filter(|i| before[*i] > 0.0 || now[*i] > 0.0);
            cells.fold(Table::new(columns), |table, i| {
                let of = |at: usize| format!("{at} {}", names[at]);
                let (before, now) = (before[i], now[i]);
                table.row([
                    of(i / n).into(),
                    of(i % n).into(),
                    before.into(),
                    now.into(),
                    (now - before).into(),
                ])
            })
        })
    };
    let map = |what: &str, values: Rc<Vec<f32>>, scale: Scale, caption: &str| {
        let label = format!("Attention of {name}, {what}");
        html! {
            <Figure name={format!("{slug}-pattern-{what}")} table={table.clone()} convention={stamp.clone().pattern()} caption={html! { { caption.to_owned() } }}>
                <HeatMap {label} {values} n_cols={n} {scale} rows={(*names).clone()} cols={(*names).clone()} y="looks" x="looked at →"
                    selected={Some((found.dest, found.src))} on_select={Some(select.clone())} />
            </Figure>
        }
    };
    let one = Scale::Sequential { max: 1.0 };
    let largest = difference.iter().fold(0.0_f32, |most, x| most.max(x.abs()));
    let json = {
        let (app, on) = (app.clone(), props.on.clone());
        let (seen, conventions) = (props.seen.clone(), props.conventions.clone());
        Callback::from(move |_: MouseEvent| {
            let text = document(&on, &seen, &conventions);
            app.session.save("prompt-in-both.json", "application/json", text.as_bytes());
        })
    };
    let change = &found.score;
    html! {
        <>
            <p class="sentence" data-testid="score-change" aria-live="polite">{ score(&name, &props.on.tokens, found) }</p>
            <div class="measured">
                { map("before", patterns[0].clone(), one, words::ATTENTION_BEFORE_TOKEN_ROW) }
                { map("now", patterns[1].clone(), one, words::ATTENTION_NOW_CLICK_CELL) }
                { map("difference", (*difference).clone(), Scale::Diverging { max: f64::from(largest) }, words::ATTENTION_NOW_LESS_ATTENTION) }
            </div>
            <p class="hint">{ PARTS }{ " " }<Method of={words::DIFFERENCE_SCORE} /></p>
            { sums(found) }
            <div class="measured">
                { terms(&format!("{slug}-score-weights"), &change.weights, None, of_score.clone(), words::WEIGHTS_WHAT_SINGULAR_PAIR) }
                { terms(&format!("{slug}-score-residuals"), &change.streams, None, of_score.clone(), words::RESIDUALS_WHAT_SINGULAR_PAIR) }
                { terms(&format!("{slug}-score"), &change.b, Some(&change.a), of_score, words::WHOLE_SCORE_NOW_OVER) }
            </div>
            <Python name="score.py" python={scored.python.clone()} />
            <p class="controls"><button type="button" onclick={json}>{ words::PROMPT_JSON }</button></p>
        </>
    }
}

/// The exact sums, and what no pair holds.
fn sums(found: &HeadOnPrompt) -> Html {
    let score = &found.score;
    let row = |name: &str, value: String| html! { <div key={name.to_owned()}><dt>{ name.to_owned() }</dt><dd>{ value }</dd></div> };
    let left = |split: &Split| {
        // What rounding leaves is not worth a word.
        let size = split.terms.iter().map(|term| term.abs()).fold(split.sum.abs(), f64::max);
        if split.remainder.abs() <= 1e-9 * size {
            String::new()
        } else {
            words::which_no_pair_holds(&short_exponent(split.remainder))
        }
    };
    html! {
        <dl class="statistics" data-testid="sums">
            { row("score before", format!("{}{}", three(score.a.sum), left(&score.a))) }
            { row(words::FROM_THE_WEIGHTS, format!("{}{}", signed(score.weights.sum), left(&score.weights))) }
            { row(words::FROM_THE_RESIDUALS, format!("{}{}", signed(score.streams.sum), left(&score.streams))) }
            { row("score now", format!("{}{}", three(score.b.sum), left(&score.b))) }
            { row(words::ATTENTION_WEIGHTS_NOW_RESIDUALS, three(found.attention_across)) }
        </dl>
    }
}

/// The terms of one sum; `before` as lines across them.
fn terms(
    name: &str,
    now: &Split,
    before: Option<&Split>,
    convention: Stamp,
    caption: &str,
) -> Html {
    let n = now.terms.len().max(before.map_or(0, |split| split.terms.len()));
    let of = |split: &Split, k: usize| split.terms.get(k).copied();
    let bar = |k: usize| Bar {
        value: of(now, k).unwrap_or(0.0),
        mark: before.and_then(|split| of(split, k)),
    };
    let bars: Vec<Bar> = (0..n).map(bar).collect();
    let (now, before) = (now.clone(), before.cloned());
    let table = Callback::from(move |()| {
        let cells =
            |split: &Split, k: usize| [split.sigma.get(k).copied().into(), of(split, k).into()];
        match &before {
            None => (0..n).fold(Table::new(["k", "sigma", "term"]), |table, k| {
                let [sigma, term] = cells(&now, k);
                table.row([k.into(), sigma, term])
            }),
            Some(before) => {
                let columns = ["k", "sigma now", "term now", "sigma before", "term before"];
                (0..n).fold(Table::new(columns), |table, k| {
                    let ([sigma, term], [old_sigma, old_term]) = (cells(&now, k), cells(before, k));
                    table.row([k.into(), sigma, term, old_sigma, old_term])
                })
            }
        }
    });
    html! {
        <Figure name={name.to_owned()} {table} {convention} caption={html! { { caption.to_owned() } }}>
            <Bars label={caption.to_owned()} {bars} y="term" />
        </Figure>
    }
}

/// The document that `omega compare … --ids …` prints, without the heads that are not in view.
fn document(
    on: &OnPrompt,
    (scored, [before, now]): &ScoreOnPrompt,
    conventions: &[Convention; 2],
) -> String {
    let found = Found::default();
    let document = CompareDocument::new(conventions.each_ref(), &found);
    let prompt = PromptDocument::new(on, &scored.found, [before, now]);
    // Plain values always have a JSON form.
    serde_json::to_string(&document.on(Some(prompt))).unwrap_or_default()
}

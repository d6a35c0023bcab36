//! Who writes the answer: every head, MLP and the embedding with its exact share of the logit, as a grid and as a table.

use std::rc::Rc;

use yew::prelude::*;

use crate::circuits::trace::attribution::Writer;
use crate::math::statistics::ranked;
use crate::model::Weights;
use crate::protocol::attention::{Attributed, Ran, Writes};
use crate::study::attribution::{Report, convention_of_shares};
use crate::study::stamp::Stamp;
use crate::ui::address::keys;
use crate::ui::app::{App, use_app, use_dark};
use crate::ui::browser::export::save;
use crate::ui::nothing::nothing;
use crate::ui::palette::Scale;
use crate::ui::widgets::glossary::Gloss;
use crate::ui::widgets::head_grid::{HeadCell, Label, Rows, head_grid};
use crate::ui::widgets::select::{Switch, use_typed};
use crate::ui::words::answer::{contest, sentence, word, writer};
use crate::ui::words::attention as words;
use crate::ui::words::format::three;
use crate::ui::words::table::Table;

/// Rows of the table; the exports have all.
const ROWS: usize = 10;

/// Properties of [`AnswerView`].
#[derive(Properties, PartialEq)]
pub(super) struct AnswerViewProps {
    /// The answer, split.
    pub found: Rc<Attributed>,
    /// What the head in view writes, where that is known.
    pub writes: Option<Rc<Writes>>,
    /// The prompt.
    pub ran: Rc<Ran>,
    /// The head in view.
    pub head: Option<(usize, usize)>,
}

/// The stamp of an answer's shares.
pub(super) fn stamp(app: &App, found: &Attributed) -> Stamp {
    let stamp = app.value().stamp(Weights::Folded).how(convention_of_shares());
    stamp.how(format!("{} after position {}", contest(found), found.at))
}

/// Which answer, the sentence about it, the grid of heads, the table of all components.
#[component]
pub(super) fn AnswerView(props: &AnswerViewProps) -> Html {
    let app = use_app();
    let dark = use_dark();
    let route = &app.value().route;
    let typed = [keys::ANSWER, keys::AGAINST].map(|key| route.find(&key).unwrap_or_default());
    let (answer, on_answer) = use_typed(&typed[0], true);
    let (against, on_against) = use_typed(&typed[1], true);
    let of_all = route.read(&keys::OF_ALL);
    let Some(model) = app.value().model.clone() else { return nothing() };
    let (found, layers) = (&props.found, &model.summary.layers);
    let name = |layer: usize, head: usize| app.value().head_name(layer, head);
    let onsubmit = {
        let (app, typed) = (app.clone(), [answer.clone(), against.clone()]);
        Callback::from(move |event: SubmitEvent| {
            event.prevent_default();
            let mut route = app.value().route.clone();
            for (key, word) in [keys::ANSWER, keys::AGAINST].iter().zip(&typed) {
                let word = (**word).clone();
                route = if word.is_empty() { route.clear(key) } else { route.put(key, word) };
            }
            app.go(route);
        })
    };
    let set_of_all = {
        let app = app.clone();
        Callback::from(move |on: bool| app.put(&keys::OF_ALL, on))
    };
    let writers = found.shares.writers();
    let share = |layer: usize, head: usize| {
        writers.iter().find(|(of, _)| *of == Writer::Head(layer, head)).map_or(0.0, |(_, x)| *x)
    };
    let max = writers.iter().map(|(_, share)| share.abs()).fold(0.0, f64::max);
    let scale = Scale::Diverging { max };
    let cell = |layer: usize, head: usize| {
        let value = share(layer, head);
        let label = format!("adds {} to {}", three(value), contest(found));
        HeadCell::coloured(three(value), label, value, scale, dark)
    };
    let all: Vec<usize> = (0..model.summary.n_layers).collect();
    html! {
        <section class="column answer" aria-label={words::WHO_WRITES_ANSWER} data-testid="answer">
            <h2><Gloss term={words::WHO_WRITES_ANSWER} meaning={words::DIRECT_LOGIT_ATTRIBUTION_LAST} /></h2>
            <form class="controls" {onsubmit}>
                <label class="field"><span>{ "answer" }</span>
                    <input type="text" size="8" value={(*answer).clone()} oninput={on_answer} placeholder={found.answer_text.clone()} data-testid="answer-word" /></label>
                if !of_all {
                    <label class="field"><span>{ "against" }</span>
                        <input type="text" size="8" value={(*against).clone()} oninput={on_against} placeholder={found.wrong_text.clone()} data-testid="against-word" /></label>
                }
                <button type="submit">{ "split" }</button>
                <Switch label={words::AGAINST_MEAN_ALL_TOKENS} on={of_all} on_change={set_of_all} />
            </form>
            <p class="sentence" aria-live="polite">{ sentence(found, &props.ran.tokens, name) }</p>
            { head_grid(&app, Label(words::SHARE_EVERY_HEAD_ANSWER, None), Rows { layers, shown: &all }, props.head, &[keys::SRC], cell) }
            { table(&app, props, &writers, max) }
            { files(&app, props) }
            <p class="hint">{ words::HEADS_ROW_LEADS_TOKEN }</p>
        </section>
    }
}

/// The largest shares with what is left, and by the token that the heads read.
fn table(app: &App, props: &AnswerViewProps, writers: &[(Writer, f64)], max: f64) -> Html {
    let (shares, tokens) = (&props.found.shares, &props.ran.tokens);
    let dest = props.found.at;
    let ordered = ranked(writers, |(_, share)| share.abs());
    let (first, rest) = ordered.split_at(ordered.len().min(ROWS));
    let row = |name: Html, from: String, share: f64| html! { <tr><th scope="row">{ name }</th><td>{ from }</td>{ bar(share, max) }<td>{ three(share) }</td></tr> };
    let one = |(of, share): &(Writer, f64)| {
        let said = writer(*of, |layer, head| app.value().head_name(layer, head));
        let Writer::Head(layer, head) = *of else {
            return row(html! { said }, String::new(), *share);
        };
        let by = shares.layers.get(layer).and_then(|layer| layer.heads.get(head));
        let by: Vec<(usize, f64)> = by.into_iter().flatten().copied().enumerate().collect();
        let src = by.iter().max_by(|a, b| a.1.abs().total_cmp(&b.1.abs())).map_or(0, |by| by.0);
        let route = app.value().route.clone().put(&keys::LAYER, layer).put(&keys::HEAD, head);
        let href = route.put(&keys::DEST, dest).put(&keys::SRC, src).clear(&keys::K).to_hash();
        row(html! { <a {href}>{ said }</a> }, word(tokens, src), *share)
    };
    let left: f64 = rest.iter().map(|(_, share)| share).sum();
    let sources: Vec<(usize, f64)> = shares.by_source().into_iter().enumerate().collect();
    let sources = ranked(&sources, |(_, share)| share.abs());
    let most = sources.first().map_or(0.0, |(_, share)| share.abs());
    html! {
        <>
        <table class="compare parts shares">
            <thead><tr><th scope="col">{ "written by" }</th><th scope="col">{ "mostly from" }</th><td></td><th scope="col">{ "logits" }</th></tr></thead>
            <tbody>
                { for first.iter().map(one) }
                if !rest.is_empty() { { row(html! { format!("{} more", rest.len()) }, String::new(), left) } }
                { row(html! { words::BIAS_UNEMBEDDING }, String::new(), shares.bias) }
                { row(html! { contest(&props.found) }, String::new(), shares.logit_difference) }
            </tbody>
        </table>
        <details>
            <summary>{ words::TOKEN_HEADS_READ }</summary>
            <table class="compare parts shares">
                <thead><tr><th scope="col">{ "token" }</th><td></td><th scope="col">{ words::LOGITS_ALL_HEADS }</th></tr></thead>
                <tbody>{ for sources.iter().take(ROWS).map(|(src, share)| html! { <tr><th scope="row">{ word(tokens, *src) }</th>{ bar(*share, most) }<td>{ three(*share) }</td></tr> }) }</tbody>
            </table>
        </details>
        </>
    }
}

/// A bar from the middle of its cell, to the right for what is added.
pub(super) fn bar(share: f64, max: f64) -> Html {
    let width = if max > 0.0 { 50.0 * (share.abs() / max).min(1.0) } else { 0.0 };
    let (left, class) = if share < 0.0 { (50.0 - width, "less") } else { (50.0, "more") };
    html! { <td class="bar-cell" aria-hidden="true"><span {class} style={format!("left: {left:.1}%; width: {width:.1}%")}></span></td> }
}

/// CSV of every head by the token that it read and of all else; JSON as the command line prints it.
fn files(app: &App, props: &AnswerViewProps) -> Html {
    let csv = {
        let (app, found, ran) = (app.clone(), props.found.clone(), props.ran.clone());
        Callback::from(move |_: MouseEvent| {
            let shares = &found.shares;
            let mut table = Table::new(["component", "position read", "token read", "logits"]);
            for (of, share) in shares.writers() {
                let said = writer(of, |layer, head| app.value().head_name(layer, head));
                let Writer::Head(layer, head) = of else {
                    table = table.row([said.into(), "".into(), "".into(), share.into()]);
                    continue;
                };
                let by = shares.layers.get(layer).and_then(|layer| layer.heads.get(head));
                for (src, share) in by.into_iter().flatten().enumerate() {
                    let read = ran.tokens.get(src).cloned().unwrap_or_default();
                    table =
                        table.row([said.clone().into(), src.into(), read.into(), (*share).into()]);
                }
            }
            for (said, x) in [
                (words::BIAS_UNEMBEDDING, shares.bias),
                ("remainder", shares.remainder),
                ("logit difference", shares.logit_difference),
            ] {
                table = table.row([said.into(), "".into(), "".into(), x.into()]);
            }
            // A refused download leaves the table on the page.
            let _ = save("answer.csv", "text/csv", table.csv(&stamp(&app, &found)).as_bytes());
        })
    };
    let json = {
        let (app, found) = (app.clone(), props.found.clone());
        let (ran, writes) = (props.ran.clone(), props.writes.clone());
        Callback::from(move |_: MouseEvent| {
            let Some(model) = &app.value().model else { return };
            let convention = model.summary.convention(Weights::Folded).clone();
            let words = model.summary.has_tokenizer;
            let report = Report::new(convention, &ran, words, &found, writes.as_deref());
            // Plain values always have a JSON form.
            let bytes = serde_json::to_vec(&report).unwrap_or_default();
            let _ = save("answer.json", "application/json", &bytes);
        })
    };
    html! { <span class="exports"><button type="button" onclick={csv}>{ "answer CSV" }</button><button type="button" onclick={json}>{ "answer JSON" }</button></span> }
}

//! Another prompt beside this one: which edges both circuits have, which only one.

use std::rc::Rc;

use yew::prelude::*;

use crate::circuits::trace::Side;
use crate::model::Weights;
use crate::protocol::trace::{Answer, ChanceOptions, Prompt, Question, Trace};
use crate::study::trace::compare::{ComparedCircuits, ComparedEdge, compare};
use crate::study::trace::report::stamped;
use crate::ui::address::key::Words;
use crate::ui::address::keys;
use crate::ui::address::route::Page;
use crate::ui::app::use_app;
use crate::ui::asking::{use_asking, use_said};
use crate::ui::browser::export::save;
use crate::ui::widgets::glossary::Gloss;
use crate::ui::widgets::notices::failed;
use crate::ui::widgets::select::typing;
use crate::ui::words::format::{three, token};
use crate::ui::words::table::Table;
use crate::ui::words::trace as words;
use crate::worker::request::Request;

/// How the circuits with other names are drawn.
const CHANCE: ChanceOptions = ChanceOptions { draws: 999, seed: 0 };

/// What the address says of the other prompt: its text, its answer, what that is held against.
const BESIDE: [Words; 3] = [keys::BESIDE, keys::BESIDE_ANSWER, keys::BESIDE_AGAINST];

/// Properties of [`ComparedView`].
#[derive(Properties, PartialEq)]
pub(super) struct ComparedViewProps {
    /// The prompt in view.
    pub prompt: Prompt,
    /// The rules in view.
    pub question: Question,
    /// The circuit in view.
    pub answer: Rc<Answer>,
}

/// The name of the side through which an edge enters.
pub(super) fn side_name(side: Option<Side>) -> &'static str {
    match side {
        Some(Side::Dest) => "query",
        Some(Side::Src) => "keys",
        None => "answer",
    }
}

/// Fields for the other prompt, then the edges of both.
#[component]
pub(super) fn ComparedView(props: &ComparedViewProps) -> Html {
    let app = use_app();
    let route = &app.value().route;
    let said = BESIDE.map(|key| route.read(&key));
    let typed = [use_state(String::new), use_state(String::new), use_state(String::new)];
    let generation = app.value().model.as_ref().map(|model| model.generation);
    let rules = (generation, props.question.options, props.question.seeding);
    // Another prompt is another question; the address of another page says nothing of it.
    let about = (route.page == Page::Trace).then(|| (said.clone(), rules));
    let other = use_asking::<Answer, _>("trace/other", about).quiet();
    let there = other.found();
    let press = {
        let (other, prompt, question) =
            (other.clone(), props.prompt.clone(), props.question.clone());
        let (said, typed) = (said.clone(), typed.clone());
        let asked = (!said[0].is_empty()).then_some((said, rules));
        use_said(Page::Trace, asked, move |(said, _)| {
            typed.iter().zip(said).for_each(|(typed, said)| typed.set(said.clone()));
            let [text, answer, wrong] = said;
            let word = |word: &String| (!word.is_empty()).then(|| word.clone());
            let (answer, wrong) = (word(answer), word(wrong));
            let mut asked = Question { answer, wrong, reading: None, ..question.clone() };
            // A position belongs to its own prompt.
            asked.options.at = None;
            let prompt = Prompt { text: text.clone(), ..prompt.clone() };
            let request = Request::new(Trace { prompt, question: asked });
            other.ask(request.urgent().listed(words::ANOTHER_PROMPT_TRACED));
        })
    };
    let wanted = BESIDE.iter().zip(&typed).fold(route.clone(), |route, (key, word)| {
        if word.is_empty() { route.clear(key) } else { route.choose(key, word) }
    });
    let onsubmit = press.reform(move |event: SubmitEvent| {
        event.prevent_default();
        wanted.clone()
    });
    let laid = use_memo((props.answer.clone(), there.clone(), generation), |(here, there, _)| {
        let model = app.value().model.as_ref()?;
        let n_heads = |layer| model.summary.layers.n_heads(layer);
        let there = there.as_ref()?;
        Some(compare(&here.traced.circuit, &there.traced.circuit, n_heads, CHANCE))
    });
    let by_contrast = props.question.seeding != Some(crate::study::trace::SeedRule::Probability);
    html! {
        <section class="prompt-set" aria-label={words::BESIDE_ANOTHER_PROMPT}>
            <h2>{ words::SAME_ANOTHER_PROMPT }</h2>
            <form class="controls" {onsubmit}>
                <label class="field wide"><span>{ "another prompt" }</span>
                    <input type="text" required=true value={(*typed[0]).clone()} oninput={typing(&typed[0])} data-testid="other-prompt" /></label>
                <label class="field"><span>{ "answer" }</span>
                    <input type="text" size="10" value={(*typed[1]).clone()} oninput={typing(&typed[1])} placeholder="the likeliest" data-testid="other-answer" /></label>
                if by_contrast {
                    <label class="field"><span>{ "against" }</span>
                        <input type="text" size="10" value={(*typed[2]).clone()} oninput={typing(&typed[2])} placeholder="the next" data-testid="other-against" /></label>
                }
                <button type="submit">{ "trace beside" }</button>
            </form>
            { failed(other.failed()) }
            if let (Some(there), Some(laid)) = (&there, &*laid) { { outcome(&app, &props.answer, there, laid) } }
        </section>
    }
}

fn outcome(
    app: &crate::ui::app::App,
    here: &Rc<Answer>,
    there: &Rc<Answer>,
    laid: &ComparedCircuits,
) -> Html {
    let of = &there.traced.objective;
    let said = words::after_edges_both_circuits(
        &token(&of.answer_text),
        &there.ran.tokens.iter().map(|text| token(text)).collect::<Vec<_>>().join(" "),
        &laid.shared,
        &laid.only_here,
        &laid.only_there,
        &laid.shared_by_heads,
        &laid.p.map_or_else(|| "–".to_owned(), three),
    );
    let place = |edge: &ComparedEdge| match (edge.here, edge.there) {
        (Some(_), Some(_)) => "shared",
        (Some(_), None) => "only here",
        _ => "only there",
    };
    let export = {
        let (app, here, edges) = (app.clone(), here.clone(), laid.edges.clone());
        let (other, seed) = (
            there.ran.ids.iter().map(u32::to_string).collect::<Vec<_>>().join(" "),
            laid.options.seed,
        );
        Callback::from(move |_: MouseEvent| {
            let table = Table::new(["from", "to", "side", "found", "weight here", "weight there"]);
            let table = edges.iter().fold(table, |table, edge| {
                let words = [
                    edge.from.clone(),
                    edge.to.clone(),
                    side_name(edge.side).to_owned(),
                    place(edge).to_owned(),
                ];
                let [from, to, side, found] = words.map(Into::into);
                table.row([from, to, side, found, edge.here.into(), edge.there.into()])
            });
            let stamp = stamped(app.value().stamp(Weights::Folded), &here.ran, &here.traced);
            let stamp = stamp.how(words::beside_token_ids(&other)).seeded(seed);
            // A refused download leaves the table on the page.
            let _ = save("circuits-compared.csv", "text/csv", table.csv(&stamp).as_bytes());
        })
    };
    html! {
        <>
            <p class="sentence" aria-live="polite" data-testid="compared">{ said }</p>
            <Gloss term="shared edges" meaning={words::EDGES_WITHOUT_THEIR_POSITIONS} />
            <div class="numbers" tabindex="0" role="region" aria-label={words::EDGES_BOTH_CIRCUITS}>
                <table>
                    <thead><tr>{ for ["found", "from", "to", "side", "here", "there"].into_iter().map(|h| html! { <th scope="col">{ h }</th> }) }</tr></thead>
                    <tbody data-testid="compared-edges">{ for laid.edges.iter().map(|edge| {
                        let weight = |w: Option<f64>| w.map_or_else(|| "–".to_owned(), three);
                        html! { <tr><th scope="row">{ place(edge) }</th><td>{ edge.from.clone() }</td><td>{ edge.to.clone() }</td><td>{ side_name(edge.side) }</td><td>{ weight(edge.here) }</td><td>{ weight(edge.there) }</td></tr> }
                    }) }</tbody>
                </table>
            </div>
            <p class="exports"><button type="button" onclick={export}>{ words::BOTH_CIRCUITS_CSV }</button></p>
        </>
    }
}

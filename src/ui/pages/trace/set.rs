//! Over a set of prompts: how often each edge is found, whatever its position, beside sets in which heads have no names.

use std::rc::Rc;

use web_sys::HtmlTextAreaElement;
use yew::prelude::*;

use super::compared::side_name;
use crate::circuits::sad::sparsity::EventRule;
use crate::protocol::trace::{ChanceOptions, Question, TraceSet, TracedSet};
use crate::study::stamp::Stamp;
use crate::ui::address::key::Key;
use crate::ui::address::keys::SET;
use crate::ui::address::route::Page;
use crate::ui::address::trace::{Set, set, with_set};
use crate::ui::app::use_app;
use crate::ui::asking::{use_asking, use_said};
use crate::ui::browser::export::save;
use crate::ui::pages::attention::set::{TASKS, spec};
use crate::ui::widgets::glossary::Method;
use crate::ui::widgets::notices::failed;
use crate::ui::widgets::select::Select;
use crate::ui::words::format::{percent, three};
use crate::ui::words::table::Table;
use crate::ui::words::trace as words;
use crate::worker::request::Request;

/// Prompts of a set.
const PROMPTS: usize = 32;

/// Edges of the table; the file has all.
const ROWS: usize = 24;

/// Properties of [`SetView`].
#[derive(Properties, PartialEq)]
pub(super) struct SetViewProps {
    /// The rules in view; every prompt brings its own answer.
    pub rules: Question,
    /// The open model's number.
    pub generation: Option<u32>,
    /// Where the numbers come from.
    pub stamp: Stamp,
}

/// A task, a button, then the edges by how often they are found.
#[component]
pub(super) fn SetView(props: &SetViewProps) -> Html {
    let app = use_app();
    let route = &app.value().route;
    let said = set(route);
    let (task, own) = (use_state(|| SET.default()), use_state(String::new));
    // Other prompts are another question; the address of another page says nothing of them.
    let about = (said.clone(), (props.generation, props.rules.clone()));
    let here = (route.page == Page::Trace).then(|| about.clone());
    let traced = use_asking::<TracedSet, _>("trace/set", here).quiet();
    let ask = {
        let (traced, rules) = (traced.clone(), props.rules.clone());
        move |(task, own): &Set| {
            let question = TraceSet {
                spec: spec(task, own, PROMPTS, EventRule::Every),
                rules: rules.clone(),
                chance: ChanceOptions { draws: 199, seed: 0 },
            };
            traced.ask(Request::new(question).listed("prompts traced"));
        }
    };
    let press = {
        let (task, own) = (task.clone(), own.clone());
        let asked = about.0.filter(|_| props.generation.is_some()).map(|set| (set, about.1));
        use_said(Page::Trace, asked, move |(set, _)| {
            task.set(set.0);
            if set.0 == "own" {
                own.set(set.1.clone());
            }
            ask(set);
        })
    };
    let run = {
        let chosen = (*task, if *task == "own" { (*own).clone() } else { String::new() });
        let wanted = with_set(route.clone(), Some(chosen));
        Callback::from(move |_: MouseEvent| press.emit(wanted.clone()))
    };
    // What is chosen anew is not asked for yet, and what was asked for is no longer chosen.
    let unsay = {
        let app = app.clone();
        move || {
            if said.is_some() {
                app.go(with_set(app.value().route.clone(), None));
            }
        }
    };
    let choose = {
        let (task, unsay) = (task.clone(), unsay.clone());
        Callback::from(move |slug: String| {
            task.set(SET.parse(&slug).unwrap_or(SET.default()));
            unsay();
        })
    };
    let oninput = {
        let own = own.clone();
        Callback::from(move |event: InputEvent| {
            if let Some(area) = event.target_dyn_into::<HtmlTextAreaElement>() {
                own.set(area.value());
                unsay();
            }
        })
    };
    let options: Vec<(AttrValue, AttrValue)> =
        TASKS.iter().map(|&(slug, name)| (slug.into(), name.into())).collect();
    html! {
        <section class="prompt-set" aria-label={words::OVER_SET_PROMPTS}>
            <h2>{ words::DOES_COME_BACK }</h2>
            <p class="hint">{ words::prompts_task_traced_own(&PROMPTS) }{ " " }<Method of={words::FREQUENCY_EDGE} /></p>
            <div class="controls">
                <Select label="prompts" {options} value={*task} on_change={choose} />
                <button type="button" onclick={run} disabled={traced.under_way() || props.generation.is_none()} data-testid="trace-set">{ words::TRACE_SET }</button>
            </div>
            if *task == "own" { <label class="field wide"><span>{ words::ONE_PROMPT_LINE }</span><textarea rows="4" {oninput} value={(*own).clone()} /></label> }
            { failed(traced.failed()) }
            if traced.stopped() { <p class="ask" role="status">{ words::SET_CANCELLED }</p> }
            if let Some(found) = traced.found() { { outcome(&props.stamp, &found) } }
        </section>
    }
}

fn outcome(stamp: &Stamp, found: &Rc<TracedSet>) -> Html {
    let edges = &found.consensus.edges;
    let (n, rare) = (found.consensus.n_circuits, edges.len().saturating_sub(ROWS));
    let chance = found.consensus.chance.iter().max().copied().unwrap_or(0);
    let right = words::answered(found);
    let said = words::prompts_such_have_circuit(
        &found.n_prompts,
        &right,
        &found.example,
        &n,
        &edges.len(),
        &chance,
    );
    let export = {
        let (stamp, found) = (stamp.clone(), found.clone());
        Callback::from(move |_: MouseEvent| {
            let table = Table::new(["from", "to", "side", "prompts", "share", "mean weight", "p"]);
            let table = found.consensus.edges.iter().fold(table, |table, edge| {
                let [from, to, side] =
                    [edge.from.clone(), edge.to.clone(), side_name(edge.side).to_owned()];
                let [from, to, side] = [from, to, side].map(Into::into);
                table.row([
                    from,
                    to,
                    side,
                    edge.n_prompts.into(),
                    edge.share.into(),
                    edge.mean_weight.into(),
                    edge.p.into(),
                ])
            });
            let stamp = stamp.clone().how(format!("{} prompts traced", found.n_prompts));
            let stamp = stamp.seeded(found.consensus.options.seed);
            // A refused download leaves the table on the page.
            let _ = save("edges-over-a-set.csv", "text/csv", table.csv(&stamp).as_bytes());
        })
    };
    html! {
        <>
            <p class="sentence" aria-live="polite" data-testid="set-said">{ said }</p>
            if !edges.is_empty() {
                <div class="numbers" tabindex="0" role="region" aria-label={words::EDGES_HOW_OFTEN_THEY}>
                    <table>
                        <thead><tr>{ for ["from", "to", "side", "prompts", "mean weight", "p"].into_iter().map(|h| html! { <th scope="col">{ h }</th> }) }</tr></thead>
                        <tbody data-testid="set-edges">{ for edges.iter().take(ROWS).map(|edge| html! {
                            <tr><th scope="row">{ edge.from.clone() }</th><td>{ edge.to.clone() }</td><td>{ side_name(edge.side) }</td>
                                <td>{ format!("{} of {n}, {}", edge.n_prompts, percent(edge.share)) }</td><td>{ three(edge.mean_weight) }</td>
                                <td>{ edge.p.map_or_else(|| "–".to_owned(), three) }</td></tr>
                        }) }</tbody>
                    </table>
                </div>
                <p class="exports">if rare > 0 { { words::rarer_edges_file(&rare) } }<button type="button" onclick={export}>{ "edges CSV" }</button></p>
            }
        </>
    }
}

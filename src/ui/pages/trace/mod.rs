//! Trace: from an answer back to its circuit, and why the heads in it looked where they did.

use std::rc::Rc;

use yew::prelude::*;

use crate::model::Weights;
use crate::protocol::trace::{Answer, Question, Trace as Ask};
use crate::study::trace::report::stamped;
use crate::study::trace::{SeedRule, Traced};
use crate::ui::address::keys;
use crate::ui::address::route::{Page, Route};
use crate::ui::address::trace::question;
use crate::ui::app::{App, use_app};
use crate::ui::asking::{use_asking, use_said};
use crate::ui::layered::Picture;
use crate::ui::layered::groups::Groups;
use crate::ui::pages::attention::prompt::in_view;
use crate::ui::pages::pairs::PairsView;
use crate::ui::widgets::notices::failed;
use crate::ui::words::trace as words;
use crate::worker::request::Request;

mod alone;
mod asked;
mod compared;
mod edges;
mod effect;
mod files;
mod graph;
mod naming;
mod pinned;
mod said;
mod set;
mod vectors;

/// Bytes of a model from which a trace shows its progress.
const LARGE: u64 = 50_000_000;

/// The page: question, what was found, the graph, what is pinned, its edges.
#[component]
pub fn Trace() -> Html {
    let app = use_app();
    let state = app.value();
    let generation = state.model.as_ref().map(|m| m.generation);
    let built_in = state.model.as_ref().is_some_and(|m| m.built_in.is_some());
    let prompt = in_view(state);
    let mut question = question(&state.route);
    let words = [keys::PROMPT, keys::ANSWER, keys::AGAINST, keys::READING];
    let asked_for = words.iter().any(|key| state.route.find(key).is_some());
    if built_in && !asked_for && question.options.at.is_none() {
        // The page opens with an example whose circuit is worth a look.
        let by_contrast = question.seeding == Some(SeedRule::Contrast);
        question.answer = Some("Mary".to_owned());
        question.wrong = by_contrast.then(|| "John".to_owned());
    }
    // Another prompt's circuit has other tokens. A page that is hidden stays mounted, and asks nothing.
    let about = generation.filter(|_| state.route.page == Page::Trace).zip(Some(prompt.clone()));
    let traced = use_asking::<Answer, _>("trace/circuit", about).quiet();
    {
        let traced = traced.clone();
        let large = state.model.as_ref().is_some_and(|model| model.summary.size > LARGE);
        let asked = generation.map(|generation| (generation, prompt.clone(), question.clone()));
        use_said(Page::Trace, asked, move |(_, prompt, question)| {
            let ask = Ask { prompt: prompt.clone(), question: question.clone() };
            let request = Request::new(ask).urgent();
            traced.ask(if large {
                request.listed(words::RUNNING_TRACING_LAYER_LAYER)
            } else {
                request
            });
        });
    }
    let (failure, answer) = (traced.failed(), traced.found());
    // What failed has no circuit, not the last one's; asked again, it has not failed yet.
    let answer = answer.filter(|_| failure.is_none());
    let failure = failure.filter(|_| !traced.under_way() && !traced.stopped());
    let (grouping, least) = (state.route.read(&keys::NODES), state.route.read(&keys::LEAST));
    let groups = Groups::parse(&state.route.read(&keys::GROUPS));
    let drawn = (answer.clone(), grouping, least.to_bits(), groups);
    let picture = use_memo(drawn, |(answer, grouping, _, groups)| {
        let laid_out = |answer: &Rc<Answer>| {
            let Traced { circuit, objective, .. } = &answer.traced;
            Picture::of(circuit, objective.at, *grouping, least, groups)
        };
        answer.as_ref().map(laid_out).unwrap_or_default()
    });
    let convention = state.model.as_ref().map(|m| m.summary.convention(Weights::Folded).clone());
    let stamp = |of: &Answer| stamped(state.stamp(Weights::Folded), &of.ran, &of.traced);
    let pinned = state.route.find(&keys::PIN);
    let on_pin = {
        let app = app.clone();
        Callback::from(move |name: String| pin(&app, &name))
    };
    html! {
        <>
            <asked::Asked prompt={prompt.clone()} question={question.clone()} answer={answer.clone()} {least} {grouping} />
            { failed(failure) }
            if traced.stopped() { <p class="ask" role="status">{ words::TRACE_CANCELLED_CHANGE_QUESTION }</p> }
            if traced.under_way() && answer.is_none() { <p class="empty" role="status">{ words::PROMPT_BEING_RUN_ANSWER }</p> }
            if let Some(answer) = &answer {
                <said::Said answer={answer.clone()} />
                if !answer.traced.circuit.seeds.is_empty() {
                    <div class="columns traced">
                        <div class="column">
                            <graph::Graph answer={answer.clone()} picture={picture.clone()} pinned={pinned.clone()} on_pin={on_pin.clone()} stamp={stamp(answer)} />
                            <files::Files answer={answer.clone()} convention={convention.unwrap_or_default()} stamp={stamp(answer)} />
                            <alone::AloneView prompt={prompt.clone()} answer={answer.clone()} stamp={stamp(answer)} />
                            <vectors::VectorsView prompt={prompt.clone()} answer={answer.clone()} stamp={stamp(answer)} />
                        </div>
                        <div class="column">
                            <pinned::Pinned prompt={prompt.clone()} answer={answer.clone()} picture={picture.clone()} name={pinned.clone().unwrap_or_default()} on_pin={on_pin.clone()} />
                            <edges::Edges answer={answer.clone()} picture={picture.clone()} pinned={pinned.clone()} {on_pin} />
                        </div>
                    </div>
                    if let Some(at) = pinned::score(&picture, &pinned.unwrap_or_default()) {
                        <PairsView prompt={prompt.clone()} tokens={answer.ran.tokens.clone()} ids={answer.ran.ids.clone()} {at} />
                    }
                    <compared::ComparedView prompt={prompt.clone()} question={question.clone()} answer={answer.clone()} />
                }
            }
            // What was found over a set stays while another prompt is traced.
            if answer.is_some() || state.route.find(&keys::SET).is_some() {
                <set::SetView {generation} rules={rules(&question)} stamp={state.stamp(Weights::Folded)} />
            }
        </>
    }
}

/// The rules of a question, whatever its answer.
fn rules(question: &Question) -> Question {
    let mut rules = Question { answer: None, wrong: None, reading: None, ..question.clone() };
    rules.options.at = None;
    rules
}

/// The address without what was asked of the part that is pinned: it is no question about another one.
fn unasked(app: &App) -> Route {
    app.value().route.clone().clear(&keys::TIMES).clear(&keys::CHANGED)
}

/// Pins a node or an edge, or lets it go if it is pinned; not a step in the history.
fn pin(app: &App, name: &str) {
    let route = unasked(app);
    let pinned = route.find(&keys::PIN).as_deref() == Some(name);
    app.replace(if pinned {
        route.clear(&keys::PIN)
    } else {
        route.put(&keys::PIN, name.to_owned())
    });
}

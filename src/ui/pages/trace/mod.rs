//! Trace: from an answer back to its circuit, and why the heads in it looked where they did.

use std::rc::Rc;

use yew::prelude::*;

use crate::model::Weights;
use crate::protocol::trace::{Answer, Prompt, Question, Trace as Ask};
use crate::study::trace::report::stamped;
use crate::study::trace::{SeedRule, Traced};
use crate::ui::address::keys;
use crate::ui::address::route::{Page, Route};
use crate::ui::address::trace::question;
use crate::ui::app::{App, use_app};
use crate::ui::layered::Picture;
use crate::ui::layered::groups::Groups;
use crate::ui::memory::trace::{News, TracedAnswer};
use crate::ui::pages::attention::prompt::in_view;
use crate::ui::pages::pairs::PairsView;
use crate::ui::remembered::{Remembered, use_memory};
use crate::ui::widgets::notices::failed;
use crate::ui::words::trace as words;
use crate::worker::request::{JobEvent, Request};

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
    let traced = use_memory::<TracedAnswer>();
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
    // A page that is hidden stays mounted, and asks nothing; what was asked last is not asked again.
    let asked = use_mut_ref(|| None::<(u32, Prompt, Question)>);
    {
        let (app, traced) = (app.clone(), traced.clone());
        let now = generation.filter(|_| state.route.page == Page::Trace);
        use_effect_with((now, prompt.clone(), question.clone()), move |(now, prompt, question)| {
            let Some(generation) = *now else { return };
            let now = Some((generation, prompt.clone(), question.clone()));
            if *asked.borrow() == now {
                return;
            }
            let same = |last: &(u32, Prompt, Question)| (last.0, &last.1) == (generation, prompt);
            let keep = asked.borrow().as_ref().is_some_and(same);
            *asked.borrow_mut() = now;
            ask(&app, &traced, prompt.clone(), question.clone(), keep);
        });
    }
    let (grouping, least) = (state.route.read(&keys::NODES), state.route.read(&keys::LEAST));
    let groups = Groups::parse(&state.route.read(&keys::GROUPS));
    let drawn = (traced.answer.clone(), grouping, least.to_bits(), groups);
    let picture = use_memo(drawn, |(answer, grouping, _, groups)| {
        let laid_out = |answer: &Rc<Answer>| {
            let Traced { circuit, objective, .. } = &answer.traced;
            Picture::of(circuit, objective.at, *grouping, least, groups)
        };
        answer.as_ref().map(laid_out).unwrap_or_default()
    });
    html! {
        <>
            <asked::Asked prompt={prompt.clone()} question={question.clone()} answer={traced.answer.clone()} {least} {grouping} />
            { failed(traced.failed.as_ref()) }
            if traced.stopped { <p class="ask" role="status">{ words::TRACE_CANCELLED_CHANGE_QUESTION }</p> }
            if traced.asked && traced.answer.is_none() { <p class="empty" role="status">{ words::PROMPT_BEING_RUN_ANSWER }</p> }
            if let Some(answer) = &traced.answer {
                <said::Said answer={answer.clone()} />
                if !answer.traced.circuit.seeds.is_empty() {
                    <div class="columns traced">
                        <div class="column">
                            <graph::Graph answer={answer.clone()} picture={picture.clone()} stamp={stamped(state.stamp(Weights::Folded), &answer.ran, &answer.traced)} />
                            <files::Files answer={answer.clone()} />
                            <alone::AloneView prompt={prompt.clone()} answer={answer.clone()} />
                            <vectors::VectorsView prompt={prompt.clone()} answer={answer.clone()} />
                        </div>
                        <div class="column">
                            <pinned::Pinned prompt={prompt.clone()} answer={answer.clone()} picture={picture.clone()} />
                            <edges::Edges answer={answer.clone()} picture={picture.clone()} />
                        </div>
                    </div>
                    if let Some(at) = pinned::score(&picture, &state.route.read(&keys::PIN)) {
                        <PairsView prompt={prompt.clone()} tokens={answer.ran.tokens.clone()} ids={answer.ran.ids.clone()} {at} />
                    }
                    <compared::ComparedView prompt={prompt.clone()} question={question.clone()} answer={answer.clone()} />
                }
                <set::SetView rules={rules(&question)} />
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

/// Asks for a circuit, in place of the last question.
fn ask(
    app: &App,
    traced: &UseReducerHandle<Remembered<TracedAnswer>>,
    prompt: Prompt,
    question: Question,
    keep: bool,
) {
    let mut request = Request::new(Ask { prompt, question }).owner("trace/circuit").urgent();
    if app.value().model.as_ref().is_some_and(|model| model.summary.size > LARGE) {
        request = request.listed(words::RUNNING_TRACING_LAYER_LAYER);
    }
    let hears = traced.dispatcher();
    app.session.jobs.ask(request, move |event| match event {
        // Not before: the job whose place it takes is stopped first.
        JobEvent::Begun => hears.dispatch(News::Asked { keep }),
        JobEvent::Part { answer, .. } => hears.dispatch(News::Traced(answer)),
        JobEvent::Failed { failure, .. } => hears.dispatch(News::Failed(failure)),
        JobEvent::Stopped => hears.dispatch(News::Stopped),
        _ => {}
    });
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

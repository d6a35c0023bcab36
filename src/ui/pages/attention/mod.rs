//! Attention: a prompt, which head looks where, and how few singular vectors explain it.

use std::cell::RefCell;
use std::sync::Arc;

use yew::prelude::*;

use crate::circuits::sad::run::Look;
use crate::model::architecture::StackKind;
use crate::protocol::Failure;
use crate::protocol::attention::{
    Attribute, CellAt, Explain, Given, Looks, Prompt, Run, RunPart, WritesOf,
};
use crate::ui::address::keys;
use crate::ui::address::route::Page;
use crate::ui::app::{App, use_app};
use crate::ui::browser::time::now;
use crate::ui::drawing::DRAWING_MS;
use crate::ui::lessons::place::Place;
use crate::ui::lessons::stage::{Picture, Staged};
use crate::ui::memory::attention::{CELL, LOOKS, News, PromptAnswers};
use crate::ui::memory::roles::PromptRoles;
use crate::ui::memory::state::Action;
use crate::ui::pages::pairs::PairsView;
use crate::ui::remembered::{Remembered, use_memory};
use crate::ui::session::compute;
use crate::ui::widgets::notices::failed;
use crate::ui::words::attention as words;
use crate::worker::request::{JobEvent, Request};

mod answer;
mod arcs;
mod cell;
mod change;
mod components;
mod events;
mod file_field;
mod grid;
mod growth;
mod pattern;
pub(super) mod prompt;
mod roles;
pub(super) mod series;
pub(super) mod set;
mod set_run;
mod writes;

/// Bytes of a model from which the run of a prompt shows its progress.
const LARGE: u64 = 50_000_000;

/// The page: prompt, grid, pattern, cell; below them prompt sets and training.
#[component]
pub fn Attention() -> Html {
    let app = use_app();
    let state = app.value();
    let answers = use_memory::<PromptAnswers>();
    let generation = state.model.as_ref().map(|m| m.generation);
    // A file is no part of the address: it is kept as long as its model is open.
    let given = use_state(|| None::<(u32, Arc<Given>)>);
    let on_given = {
        let given = given.clone();
        Callback::from(move |file: Option<Given>| {
            given.set(generation.zip(file.map(Arc::new)));
        })
    };
    let of_this = (*given).clone().filter(|(of, _)| Some(*of) == generation);
    let wanted = Prompt { given: of_this.map(|(_, file)| file), ..prompt::in_view(state) };
    // Run the prompt whenever it, or the model, is another one.
    {
        let (app, answers) = (app.clone(), answers.clone());
        use_effect_with((generation, wanted.clone()), move |(generation, wanted)| {
            app.session.jobs.stop("attention/");
            answers.dispatch(News::Fresh);
            if generation.is_some() {
                run(&app, &answers, wanted.clone());
            }
        });
    }
    // Of two prompts the longer one says how far positions go; each stack ends at its own.
    let longest =
        answers.ran.as_ref().map_or(0, |r| r.tokens.len().max(r.decoder.len()).max(r.places.len()));
    let last = longest.saturating_sub(1);
    let wanted_dest = state.route.find(&keys::DEST).unwrap_or(last).min(last);
    // The guesses come last of all.
    let ready = answers.next.is_some();
    // The grid of Heads can be coloured by what was seen. The tokens and the end of the run are what says that it is this model's.
    {
        let (app, answers) = (app.clone(), answers.clone());
        use_effect_with((answers.ran.clone(), ready), move |(ran, ready)| {
            if let (Some(ran), true, Some(model)) = (ran, *ready, &app.value().model) {
                let roles = PromptRoles::of(&answers.patterns, ran, &model.summary.layers);
                app.session.act(Action::Roles(Box::new(roles)));
            }
        });
    }
    // Who writes the answer there.
    let asking = prompt::asking(state, &wanted, wanted_dest);
    {
        let (app, answers) = (app.clone(), answers.clone());
        use_effect_with(
            (generation, wanted.clone(), asking, ready),
            move |(_, wanted, asking, ready)| {
                if *ready {
                    ask_answer(
                        &app,
                        &answers,
                        Attribute { prompt: wanted.clone(), asking: asking.clone() },
                    );
                }
            },
        );
    }
    // Every head's look from the chosen destination.
    {
        let (app, answers) = (app.clone(), answers.clone());
        use_effect_with(
            (generation, wanted.clone(), wanted_dest, ready),
            move |(_, wanted, dest, ready)| {
                if *ready {
                    let look = Look { dest: Some(*dest), ..Look::default() };
                    let request = Request::new(Looks { prompt: wanted.clone(), look });
                    let hears = answers.dispatcher();
                    let request = request.owner(LOOKS).urgent();
                    app.session.jobs.ask(request, move |event| match event {
                        JobEvent::Begun => hears.dispatch(News::FreshLooks),
                        JobEvent::Part { answer, .. } => hears.dispatch(News::Looks(answer)),
                        JobEvent::Failed { failure, .. } => {
                            hears.dispatch(News::Failed(LOOKS, failure));
                        }
                        _ => {}
                    });
                }
            },
        );
    }
    // The head in view: the reader's choice; or the one that writes most of the answer, and where no answer can be split the one that
    // looks hardest at one place.
    let chosen = state.route.find(&keys::LAYER).and(state.at()).map(|at| (at.layer, at.head));
    let found = answers.answer.clone();
    let hardest = answers
        .looks
        .iter()
        .filter(|_| answers.unsplit.is_some())
        .filter(|l| l.src != 0 || answers.looks.iter().all(|l| l.src == 0))
        .max_by(|a, b| a.attention.total_cmp(&b.attention));
    let writer = found.as_ref().and_then(|found| found.shares.strongest_head());
    let head = chosen.or(writer).or_else(|| hardest.map(|l| (l.layer, l.head)));
    let look = head.and_then(|(layer, head)| {
        answers.looks.iter().find(|l| (l.layer, l.head) == (layer, head))
    });
    let stack = head.map_or(StackKind::Only, |(layer, _)| state.stack(layer));
    let [n, n_src] = answers.ran.as_ref().map_or([0, 0], |ran| ran.sides(stack).map(<[_]>::len));
    let dest = wanted_dest.min(n.saturating_sub(1));
    let src = state.route.find(&keys::SRC).filter(|s| *s < n_src).or(look.map(|l| l.src));
    let at = head.zip(src).map(|((layer, head), src)| CellAt { layer, head, dest, src });
    // A page that is hidden stays mounted, and asks for no cell.
    let wanted_cell = at.filter(|_| state.route.page == Page::Attention);
    {
        let (app, answers) = (app.clone(), answers.clone());
        use_effect_with(
            (generation, wanted.clone(), wanted_cell, ready),
            move |(_, wanted, at, ready)| {
                if let (Some(at), true) = (*at, *ready) {
                    let request = Request::new(Explain { prompt: wanted.clone(), at });
                    let hears = answers.dispatcher();
                    let request = request.owner(CELL).urgent();
                    app.session.jobs.ask(request, move |event| match event {
                        JobEvent::Part { answer, .. } => hears.dispatch(News::Cell(answer)),
                        JobEvent::Failed { failure, .. } => {
                            hears.dispatch(News::Failed(CELL, failure));
                        }
                        _ => {}
                    });
                }
            },
        );
    }
    let cell = answers.cell.clone().filter(|c| Some(c.at) == at);
    // What that head writes by reading that token.
    let held = found.as_ref().map(|found| (found.answer, found.wrong));
    {
        let (app, answers) = (app.clone(), answers.clone());
        use_effect_with(
            (generation, wanted.clone(), wanted_cell.zip(held)),
            move |(_, wanted, asked)| {
                if let Some((at, (answer, wrong))) = *asked {
                    let question = WritesOf { prompt: wanted.clone(), at, answer, wrong };
                    let hears = answers.dispatcher();
                    let request = Request::new(question).owner("attention/writes").urgent();
                    app.session.jobs.ask(request, move |event| {
                        // What cannot be said leaves its place empty.
                        if let JobEvent::Part { answer, .. } = event {
                            hears.dispatch(News::Writes(answer));
                        }
                    });
                }
            },
        );
    }
    let writes = answers.writes.clone().filter(|writes| Some(writes.at) == at);
    let again = (!ready && (answers.failed.is_some() || answers.stopped)).then(|| {
        let (app, answers, wanted) = (app.clone(), answers.clone(), wanted.clone());
        Callback::from(move |()| {
            answers.dispatch(News::Fresh);
            run(&app, &answers, wanted.clone());
        })
    });
    let on_dest = {
        let app = app.clone();
        Callback::from(move |dest: usize| {
            app.go(app.value().route.clone().put(&keys::DEST, dest).clear(&keys::SRC));
        })
    };
    html! {
        <>
            <prompt::PromptBar prompt={wanted.clone()} ran={answers.ran.clone()} next={answers.next.clone()} {dest} {src} {stack} cell={cell.clone()} {again} {on_given} />
            { failed(answers.failed.as_ref()) }
            if answers.stopped { <p class="ask" role="status">{ words::RUN_PROMPT_CANCELLED }</p> }
            if let Some(ran) = &answers.ran {
                if Place::of(&state.route).is_some() {
                    <Staged picture={Picture::Arcs}><arcs::Arcs pattern={head.and_then(|(l, _)| answers.patterns.get(&l).cloned())} {head} name={head.map(|(l, h)| state.head_name(l, h)).unwrap_or_default()} {dest} {stack} ran={ran.clone()} {on_dest} /></Staged>
                }
                <div class="columns look">
                    <div class="column">
                    <Staged picture={Picture::LookGrid}><grid::LookGrid looks={answers.looks.clone()} patterns={answers.patterns.clone()} {head} dest={wanted_dest} {src} tokens={ran.clone()} /></Staged>
                    <pattern::PatternView pattern={head.and_then(|(l, _)| answers.patterns.get(&l).cloned())} {head} {at} {stack} ran={ran.clone()} />
                    </div>
                    <cell::CellView cell={cell.clone()} ran={ran.clone()} {at} />
                </div>
                if let Some(found) = &found {
                    <div class="columns answered">
                        <answer::AnswerView found={found.clone()} writes={writes.clone()} {head} ran={ran.clone()} />
                        if let Some(writes) = writes { <writes::WritesView head={state.head_name(writes.at.layer, writes.at.head)} slug={state.head_slug(writes.at.layer, writes.at.head)} {writes} found={found.clone()} ran={ran.clone()} convention={answer::stamp(&app, found)} /> }
                    </div>
                }
                if let Some(Failure { what, .. }) = &answers.unsplit {
                    <p class="hint" role="status" data-testid="no-answer">{ words::answer_not_split(what) }
                        if state.route.find(&keys::ANSWER).or(state.route.find(&keys::AGAINST)).is_some() {
                            <a href={state.route.clone().clear(&keys::ANSWER).clear(&keys::AGAINST).to_hash()}>{ words::SPLIT_LIKELIEST_ANSWER }</a>
                        }</p>
                }
                if let Some(at) = at.filter(|_| wanted.given.is_none()) { <Staged picture={Picture::Meetings}><PairsView prompt={wanted.clone()} tokens={ran.tokens.clone()} ids={ran.ids.clone()} {at} /></Staged> }
                <roles::RoleMap {head} ran={ran.clone()} />
                <Staged picture={Picture::WhatIf}><change::ChangeView prompt={wanted} {at} ran={ran.clone()} {cell} /></Staged>
            } else if answers.failed.is_none() && !answers.stopped {
                <p class="empty" role="status">{ words::PROMPT_BEING_RUN_THROUGH }</p>
            }
            <set::SetView />
            <series::SeriesView />
        </>
    }
}

/// Asks who writes the answer.
fn ask_answer(
    app: &App,
    answers: &UseReducerHandle<Remembered<PromptAnswers>>,
    question: Attribute,
) {
    let hears = answers.dispatcher();
    let request = Request::new(question).owner("attention/answer").urgent();
    app.session.jobs.ask(request, move |event| match event {
        JobEvent::Begun => hears.dispatch(News::FreshAnswer),
        JobEvent::Part { answer, .. } => hears.dispatch(News::Answer(Ok(answer))),
        JobEvent::Failed { failure, .. } => hears.dispatch(News::Answer(Err(failure))),
        _ => {}
    });
}

/// Asks for a run; long ones show their progress.
fn run(app: &App, answers: &UseReducerHandle<Remembered<PromptAnswers>>, prompt: Prompt) {
    let (hears, session) = (answers.dispatcher(), app.session.clone());
    let Some(model) = &app.value().model else { return };
    let question = Run { prompt };
    let cpu_ms = question.cpu_ms(&model.summary);
    let mut request = Request::new(question).owner("attention/run").urgent();
    request = request.offered(compute(app.value()), cpu_ms);
    if model.summary.size > LARGE {
        request = request.listed(words::RUNNING_PROMPT_LAYER_LAYER);
    }
    // Layers that wait for the next drawing, and when the last one was: drawing takes a core from the workers.
    let waiting = RefCell::new((Vec::new(), 0.0));
    app.session.jobs.ask(request, move |event| match event {
        JobEvent::Part { answer: RunPart::Ran(ran), .. } => {
            waiting.take();
            hears.dispatch(News::Ran(ran));
        }
        JobEvent::Part { answer: RunPart::Pattern { layer, .. }, arrays, .. } => {
            let (patterns, drawn) = &mut *waiting.borrow_mut();
            patterns.extend(arrays.into_iter().take(1).map(|pattern| (layer, pattern)));
            if now() - *drawn > DRAWING_MS {
                *drawn = now();
                hears.dispatch(News::Patterns(std::mem::take(patterns)));
            }
        }
        JobEvent::Part { answer: RunPart::Next(next), .. } => {
            hears.dispatch(News::Patterns(waiting.take().0));
            hears.dispatch(News::Next(next));
        }
        JobEvent::Gpu(report) => session.note_gpu(&report),
        JobEvent::Failed { failure, .. } => hears.dispatch(News::Failed("", failure)),
        JobEvent::Stopped => hears.dispatch(News::Stopped),
        JobEvent::Begun | JobEvent::Done => {}
    });
}

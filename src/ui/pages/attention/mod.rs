//! Attention: a prompt, which head looks where, and how few singular vectors explain it.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;

use yew::prelude::*;

use crate::circuits::sad::run::{HeadSad, Look};
use crate::model::architecture::StackKind;
use crate::protocol::Failure;
use crate::protocol::attention::{
    Attribute, Attributed, Cell, CellAt, Explain, Given, Guess, Looks, Prompt, Ran, Run, RunPart,
    Writes, WritesOf,
};
use crate::ui::address::keys;
use crate::ui::address::route::Page;
use crate::ui::app::{App, use_app};
use crate::ui::browser::time::now;
use crate::ui::drawing::DRAWING_MS;
use crate::ui::lessons::place::Place;
use crate::ui::lessons::stage::{Picture, Staged};
use crate::ui::memory::roles::PromptRoles;
use crate::ui::memory::state::Action;
use crate::ui::pages::pairs::PairsView;
use crate::ui::session::compute;
use crate::worker::request::{self, Request};

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

/// What is known about the prompt in view.
#[derive(Debug, Clone, PartialEq, Default)]
struct Seen {
    ran: Option<Rc<Ran>>,
    /// By layer: `[n_heads, n, n_src]`.
    patterns: BTreeMap<usize, Rc<Vec<f32>>>,
    /// What the model expects after the last token, once it is known.
    next: Option<Rc<Vec<Guess>>>,
    looks: Vec<HeadSad>,
    cell: Option<Rc<Cell>>,
    /// The answer split over who writes it, the last that could be; and why the one that is asked for cannot.
    answer: Option<Rc<Attributed>>,
    unsplit: Option<Failure>,
    writes: Option<Rc<Writes>>,
    failed: Option<Failure>,
    /// Whether the run was cancelled before its end.
    stopped: bool,
}

enum Heard {
    Fresh,
    Ran(Ran),
    Patterns(Vec<(usize, Vec<f32>)>),
    Next(Vec<Guess>),
    FreshLooks,
    Looks(Vec<HeadSad>),
    Cell(Box<Cell>),
    FreshAnswer,
    Answer(Result<Box<Attributed>, Failure>),
    Writes(Box<Writes>),
    Failed(Failure),
    Stopped,
}

impl Reducible for Seen {
    type Action = Heard;

    fn reduce(self: Rc<Self>, heard: Heard) -> Rc<Self> {
        let mut next = (*self).clone();
        match heard {
            Heard::Fresh => next = Self::default(),
            Heard::Ran(ran) => next = Self { ran: Some(Rc::new(ran)), ..Self::default() },
            Heard::Patterns(layers) => {
                next.patterns.extend(layers.into_iter().map(|(l, p)| (l, Rc::new(p))));
            }
            Heard::Next(guesses) => next.next = Some(Rc::new(guesses)),
            Heard::FreshLooks => next.looks.clear(),
            Heard::Looks(looks) => next.looks.extend(looks),
            Heard::Cell(cell) => next.cell = Some(Rc::from(cell)),
            Heard::FreshAnswer => next.unsplit = None,
            Heard::Answer(Ok(answer)) => next.answer = Some(Rc::from(answer)),
            Heard::Answer(Err(failure)) => next.unsplit = Some(failure),
            Heard::Writes(writes) => next.writes = Some(Rc::from(writes)),
            Heard::Failed(failure) => next.failed = Some(failure),
            Heard::Stopped => next.stopped = true,
        }
        Rc::new(next)
    }
}

/// The page: prompt, grid, pattern, cell; below them prompt sets and training.
#[component]
pub fn Attention() -> Html {
    let app = use_app();
    let state = app.value();
    let seen = use_reducer(Seen::default);
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
        let (app, seen) = (app.clone(), seen.clone());
        use_effect_with((generation, wanted.clone()), move |(generation, wanted)| {
            app.session.jobs.stop("attention/");
            seen.dispatch(Heard::Fresh);
            if generation.is_some() {
                run(&app, &seen, wanted.clone());
            }
        });
    }
    // Of two prompts the longer one says how far positions go; each stack ends at its own.
    let longest =
        seen.ran.as_ref().map_or(0, |r| r.tokens.len().max(r.decoder.len()).max(r.places.len()));
    let last = longest.saturating_sub(1);
    let wanted_dest = state.route.find(&keys::DEST).unwrap_or(last).min(last);
    // The guesses come last of all.
    let ready = seen.next.is_some();
    // The grid of Heads can be coloured by what was seen. The tokens and the end of the run are what says that it is this model's.
    {
        let (app, seen) = (app.clone(), seen.clone());
        use_effect_with((seen.ran.clone(), ready), move |(ran, ready)| {
            if let (Some(ran), true, Some(model)) = (ran, *ready, &app.value().model) {
                let roles = PromptRoles::of(&seen.patterns, ran, &model.summary.layers);
                app.session.act(Action::Roles(Box::new(roles)));
            }
        });
    }
    // Who writes the answer there.
    let asking = prompt::asking(state, &wanted, wanted_dest);
    {
        let (app, seen) = (app.clone(), seen.clone());
        use_effect_with(
            (generation, wanted.clone(), asking, ready),
            move |(_, wanted, asking, ready)| {
                if *ready {
                    ask_answer(
                        &app,
                        &seen,
                        Attribute { prompt: wanted.clone(), asking: asking.clone() },
                    );
                }
            },
        );
    }
    // Every head's look from the chosen destination.
    {
        let (app, seen) = (app.clone(), seen.clone());
        use_effect_with(
            (generation, wanted.clone(), wanted_dest, ready),
            move |(_, wanted, dest, ready)| {
                if *ready {
                    let look = Look { dest: Some(*dest), ..Look::default() };
                    let request = Request::new(Looks { prompt: wanted.clone(), look });
                    let hears = seen.dispatcher();
                    let request = request.owner("attention/looks").urgent();
                    app.session.jobs.ask(request, move |heard| match heard {
                        request::Heard::Begun => hears.dispatch(Heard::FreshLooks),
                        request::Heard::Part { answer, .. } => hears.dispatch(Heard::Looks(answer)),
                        request::Heard::Failed { failure, .. } => {
                            hears.dispatch(Heard::Failed(failure));
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
    let found = seen.answer.clone();
    let hardest = seen
        .looks
        .iter()
        .filter(|_| seen.unsplit.is_some())
        .filter(|l| l.src != 0 || seen.looks.iter().all(|l| l.src == 0))
        .max_by(|a, b| a.attention.total_cmp(&b.attention));
    let writer = found.as_ref().and_then(|found| found.shares.strongest_head());
    let head = chosen.or(writer).or_else(|| hardest.map(|l| (l.layer, l.head)));
    let look = head
        .and_then(|(layer, head)| seen.looks.iter().find(|l| (l.layer, l.head) == (layer, head)));
    let stack = head.map_or(StackKind::Only, |(layer, _)| state.stack(layer));
    let [n, n_src] = seen.ran.as_ref().map_or([0, 0], |ran| ran.sides(stack).map(<[_]>::len));
    let dest = wanted_dest.min(n.saturating_sub(1));
    let src = state.route.find(&keys::SRC).filter(|s| *s < n_src).or(look.map(|l| l.src));
    let at = head.zip(src).map(|((layer, head), src)| CellAt { layer, head, dest, src });
    // A page that is hidden stays mounted, and asks for no cell.
    let wanted_cell = at.filter(|_| state.route.page == Page::Attention);
    {
        let (app, seen) = (app.clone(), seen.clone());
        use_effect_with(
            (generation, wanted.clone(), wanted_cell, ready),
            move |(_, wanted, at, ready)| {
                if let (Some(at), true) = (*at, *ready) {
                    let request = Request::new(Explain { prompt: wanted.clone(), at });
                    let hears = seen.dispatcher();
                    let request = request.owner("attention/cell").urgent();
                    app.session.jobs.ask(request, move |heard| match heard {
                        request::Heard::Part { answer, .. } => hears.dispatch(Heard::Cell(answer)),
                        request::Heard::Failed { failure, .. } => {
                            hears.dispatch(Heard::Failed(failure));
                        }
                        _ => {}
                    });
                }
            },
        );
    }
    let cell = seen.cell.clone().filter(|c| Some(c.at) == at);
    // What that head writes by reading that token.
    let held = found.as_ref().map(|found| (found.answer, found.wrong));
    {
        let (app, seen) = (app.clone(), seen.clone());
        use_effect_with(
            (generation, wanted.clone(), wanted_cell.zip(held)),
            move |(_, wanted, asked)| {
                if let Some((at, (answer, wrong))) = *asked {
                    let question = WritesOf { prompt: wanted.clone(), at, answer, wrong };
                    let hears = seen.dispatcher();
                    let request = Request::new(question).owner("attention/writes").urgent();
                    app.session.jobs.ask(request, move |heard| {
                        // What cannot be said leaves its place empty.
                        if let request::Heard::Part { answer, .. } = heard {
                            hears.dispatch(Heard::Writes(answer));
                        }
                    });
                }
            },
        );
    }
    let writes = seen.writes.clone().filter(|writes| Some(writes.at) == at);
    html! {
        <>
            <prompt::PromptBar prompt={wanted.clone()} ran={seen.ran.clone()} next={seen.next.clone()} {dest} {src} {stack} cell={cell.clone()} {on_given} />
            if let Some(Failure { what, hint, .. }) = &seen.failed {
                <p class="ask" role="status"><strong>{ what.clone() }</strong>{ format!(" {hint}") }</p>
            }
            if seen.stopped { <p class="ask" role="status">{ "The run of the prompt was cancelled. Change the prompt to run it again." }</p> }
            if let Some(ran) = &seen.ran {
                if Place::of(&state.route).is_some() {
                    <Staged picture={Picture::Arcs}><arcs::Arcs pattern={head.and_then(|(l, _)| seen.patterns.get(&l).cloned())} {head} {dest} {stack} ran={ran.clone()} /></Staged>
                }
                <div class="columns look">
                    <div class="column">
                    <Staged picture={Picture::LookGrid}><grid::LookGrid looks={seen.looks.clone()} patterns={seen.patterns.clone()} {head} dest={wanted_dest} {src} tokens={ran.clone()} /></Staged>
                    <pattern::PatternView pattern={head.and_then(|(l, _)| seen.patterns.get(&l).cloned())} {head} {at} {stack} ran={ran.clone()} />
                    </div>
                    <cell::CellView cell={cell.clone()} ran={ran.clone()} {at} />
                </div>
                if let Some(found) = &found {
                    <div class="columns answered">
                        <answer::AnswerView found={found.clone()} writes={writes.clone()} {head} ran={ran.clone()} />
                        if let Some(writes) = writes { <writes::WritesView {writes} found={found.clone()} ran={ran.clone()} /> }
                    </div>
                }
                if let Some(Failure { what, .. }) = &seen.unsplit {
                    <p class="hint" role="status" data-testid="no-answer">{ format!("Who writes the answer is not split here: {what}. ") }
                        if state.route.find(&keys::ANSWER).or(state.route.find(&keys::AGAINST)).is_some() {
                            <a href={state.route.clone().clear(&keys::ANSWER).clear(&keys::AGAINST).to_hash()}>{ "Split the likeliest answer" }</a>
                        }</p>
                }
                if let Some(at) = at.filter(|_| wanted.given.is_none()) { <Staged picture={Picture::Meetings}><PairsView prompt={wanted.clone()} tokens={ran.tokens.clone()} ids={ran.ids.clone()} {at} /></Staged> }
                <roles::RoleMap {head} ran={ran.clone()} />
                <Staged picture={Picture::WhatIf}><change::ChangeView prompt={wanted} {at} ran={ran.clone()} {cell} /></Staged>
            } else if seen.failed.is_none() && !seen.stopped {
                <p class="empty" role="status">{ "The prompt is being run through the model." }</p>
            }
            <set::SetView />
            <series::SeriesView />
        </>
    }
}

/// Asks who writes the answer.
fn ask_answer(app: &App, seen: &UseReducerHandle<Seen>, question: Attribute) {
    let hears = seen.dispatcher();
    let request = Request::new(question).owner("attention/answer").urgent();
    app.session.jobs.ask(request, move |heard| match heard {
        request::Heard::Begun => hears.dispatch(Heard::FreshAnswer),
        request::Heard::Part { answer, .. } => hears.dispatch(Heard::Answer(Ok(answer))),
        request::Heard::Failed { failure, .. } => hears.dispatch(Heard::Answer(Err(failure))),
        _ => {}
    });
}

/// Asks for a run; long ones show their progress.
fn run(app: &App, seen: &UseReducerHandle<Seen>, prompt: Prompt) {
    let (hears, session) = (seen.dispatcher(), app.session.clone());
    let Some(model) = &app.value().model else { return };
    let question = Run { prompt };
    let cpu_ms = question.cpu_ms(&model.summary);
    let mut request = Request::new(question).owner("attention/run").urgent();
    request = request.offered(compute(app.value()), cpu_ms);
    if model.summary.size > LARGE {
        request = request.listed("running the prompt, layer by layer");
    }
    // Layers that wait for the next drawing, and when the last one was: drawing takes a core from the workers.
    let waiting = RefCell::new((Vec::new(), 0.0));
    app.session.jobs.ask(request, move |heard| match heard {
        request::Heard::Part { answer: RunPart::Ran(ran), .. } => {
            waiting.take();
            hears.dispatch(Heard::Ran(ran));
        }
        request::Heard::Part { answer: RunPart::Pattern { layer, .. }, arrays, .. } => {
            let (patterns, drawn) = &mut *waiting.borrow_mut();
            patterns.extend(arrays.into_iter().take(1).map(|pattern| (layer, pattern)));
            if now() - *drawn > DRAWING_MS {
                *drawn = now();
                hears.dispatch(Heard::Patterns(std::mem::take(patterns)));
            }
        }
        request::Heard::Part { answer: RunPart::Next(next), .. } => {
            hears.dispatch(Heard::Patterns(waiting.take().0));
            hears.dispatch(Heard::Next(next));
        }
        request::Heard::Gpu(report) => session.note_gpu(&report),
        request::Heard::Failed { failure, .. } => hears.dispatch(Heard::Failed(failure)),
        request::Heard::Stopped => hears.dispatch(Heard::Stopped),
        request::Heard::Begun | request::Heard::Done => {}
    });
}

//! When a head became what it is: every step of a training, the built-in model's or the reader's, against the open model and against
//! the step before.

use std::rc::Rc;

use wasm_bindgen_futures::spawn_local;
use web_sys::HtmlInputElement;
use yew::prelude::*;

use super::way::{pace, spaces, way};
use crate::protocol::Failure;
use crate::protocol::compare::{Between, Compare as Heads, ComparePart};
use crate::study::stamp::Stamp;
use crate::ui::address::keys;
use crate::ui::address::route::Page;
use crate::ui::app::{App, use_app};
use crate::ui::asking::use_said;
use crate::ui::browser::drop::listed;
use crate::ui::memory::training::{ChangedNews, ChangedSteps, With};
use crate::ui::nothing::nothing;
use crate::ui::pages::attention::series::{Checkpoint, fetched, in_order, step_field};
use crate::ui::remembered::{Remembered, use_memory};
use crate::ui::words::became::{became, still_to_go};
use crate::ui::words::compare as words;
use crate::worker::pool::Files;
use crate::worker::request::{JobEvent, Request};

/// Whose the comparisons of all steps are: with the open model, and with the step before.
const OWNERS: [&str; 2] = ["compare/series", "compare/between"];

/// The steps, once the reader asks for them.
#[component]
pub(super) fn Training() -> Html {
    let app = use_app();
    let steps = use_memory::<ChangedSteps>();
    let own = use_state(Vec::<Checkpoint>::new);
    let state = app.value();
    let weights = state.weights();
    let open = state.model.as_ref().map(|model| model.generation);
    {
        let (steps, session) = (steps.clone(), app.session.clone());
        use_effect_with((open, weights), move |_| {
            OWNERS.iter().for_each(|owner| session.jobs.stop(owner));
            steps.dispatch(ChangedNews::Fresh(String::new()));
        });
    }
    let press = {
        let built_in = state.model.as_ref().is_some_and(|model| model.built_in.is_some());
        let named = built_in && state.route.read(&keys::SAVED_STEPS);
        let asked = open.filter(|_| named).map(|open| (open, weights));
        let (app, steps) = (app.clone(), steps.dispatcher());
        use_said(Page::Compare, asked, move |_| saved_steps(app.clone(), steps.clone()))
    };
    let route = state.route.clone().put(&keys::SAVED_STEPS, true);
    let compare = press.reform(move |_: MouseEvent| route.clone());
    let chosen = {
        let own = own.clone();
        Callback::from(move |event: Event| {
            let Some(input) = event.target_dyn_into::<HtmlInputElement>() else { return };
            let files = input.files().map(|list| listed(&list)).unwrap_or_default();
            own.set(in_order(&files));
        })
    };
    let compare_own = {
        let (app, steps, own) = (app.clone(), steps.dispatcher(), own.clone());
        Callback::from(move |_: MouseEvent| {
            // Files have no address: a link to this page would show the saved steps in their place.
            app.replace(app.value().route.clone().clear(&keys::SAVED_STEPS));
            every_step(&app, steps.clone(), &own);
        })
    };
    let (Some(model), Some(at)) = (state.model.as_ref(), state.at()) else {
        return nothing();
    };
    let place = (at.layer, at.head);
    let since = steps.since.of_head(place, at.circuit);
    let between = steps.between.of_head(place, at.circuit);
    let now = model.built_in.or_else(|| steps.now());
    let name = state.head_name(at.layer, at.head);
    let slug = format!("{}-{}", state.head_slug(at.layer, at.head), at.circuit.slug());
    let stamp = |how: &str| {
        let convention = model.summary.convention(weights).clone();
        let of = format!("{}: {}, {how}", model.name, steps.of);
        Stamp::of_model(&convention.named(of)).circuit(at.circuit)
    };
    html! {
        <section class="series-view" aria-label="Through training">
            <h2>{ words::WHEN_DID_HEAD_BECOME }</h2>
            <p class="hint">{ words::EVERY_SAVED_STEP_TRAINING }</p>
            if model.built_in.is_some() {
                <button type="button" onclick={compare} data-testid="compare-steps">{ words::COMPARE_EVERY_STEP }</button>
            }
            <div class="controls">
                <label class="field"><span>{ words::CHECKPOINTS_MY_OWN_MODEL }</span>
                    <input type="file" multiple=true onchange={chosen.clone()} data-testid="compare-series-files" /></label>
                <label class="field"><span>{ words::FOLDER_THEM }</span>
                    <input type="file" webkitdirectory=true onchange={chosen} /></label>
            </div>
            if !own.is_empty() {
                <p class="hint">{ words::TRAINING_ORDER_NUMBERS_THEIR }</p>
                <ul class="checkpoints">{ for own.iter().enumerate().map(|(i, checkpoint)| step_field(&own, i, checkpoint)) }</ul>
                <button type="button" class="primary" onclick={compare_own} data-testid="compare-own-steps">{ words::compare_checkpoints(&own.len()) }</button>
            }
            if !since.is_empty() {
                <p class="sentence" data-testid="became">{ became(&name, at.circuit, now, &since) }</p>
                <div class="measured">
                    { way(&slug, now, &since, steps.since.medians(at.circuit, still_to_go), stamp(words::AGAINST_OPEN_MODEL)) }
                    { pace(&slug, &between, steps.between.medians(at.circuit, |change| change.change), stamp(words::AGAINST_ONE_BEFORE)) }
                    { spaces(&slug, now, &since, stamp(words::AGAINST_OPEN_MODEL)) }
                </div>
            }
        </section>
    }
}

/// Compares the saved steps of the built-in model, once they are here.
fn saved_steps(app: App, steps: UseReducerDispatcher<Remembered<ChangedSteps>>) {
    spawn_local(async move {
        match fetched(&app.session).await {
            Ok(series) => every_step(&app, steps, &series),
            Err(why) => app.session.note(Failure::new(words::series_could_not_loaded(&why))),
        }
    });
}

/// Compares every checkpoint with the open model, and with the one before it.
fn every_step(
    app: &App,
    steps: UseReducerDispatcher<Remembered<ChangedSteps>>,
    series: &[Checkpoint],
) {
    let session = app.session.clone();
    let Some(model) = &app.value().model else { return };
    let (layers, weights) = (model.summary.own_layers(), app.value().weights());
    let ends = [series.first(), series.last()].map(|end| end.map_or("", |c| c.name.as_str()));
    let of = format!("{} checkpoints, {} to {}", series.len(), ends[0], ends[1]);
    steps.dispatch(ChangedNews::Fresh(of));

    let question = Heads { layers, weights, match_heads: false };
    let asks = series.iter().map(|step| (question.clone(), Some(step.files.clone())));
    let names: Vec<u32> = series.iter().map(|step| step.step).collect();
    let hears = hear(app, steps.clone(), names.clone(), With::Open);
    let request = Request::many(asks).one_step_each().owner(OWNERS[0]);
    session.jobs.ask(request.listed("steps compared"), hears);

    let asks = series.windows(2).filter_map(|pair| {
        let [before, after] = pair else { return None };
        let (before, after) = (before.files.list(), after.files.list());
        let question = Between {
            n_before: before.len(),
            hints: Default::default(),
            weights,
            match_heads: false,
        };
        Some((question, Some(Files::new([before, after].concat()))))
    });
    let hears = hear(app, steps, names.into_iter().skip(1).collect(), With::Before);
    let request = Request::many(asks).one_step_each().owner(OWNERS[1]);
    session.jobs.ask(request.listed(words::STEPS_COMPARED_ONE_BEFORE), hears);
}

/// Puts what is heard of a step at its place.
fn hear(
    app: &App,
    steps: UseReducerDispatcher<Remembered<ChangedSteps>>,
    names: Vec<u32>,
    with: With,
) -> impl Fn(JobEvent<ComparePart>) + 'static {
    let (session, owner) = (app.session.clone(), OWNERS[usize::from(with == With::Before)]);
    move |event| match event {
        JobEvent::Begun => {
            session.answered(owner);
            steps.dispatch(ChangedNews::Begun(with));
        }
        JobEvent::Part { part, answer: ComparePart::Head(head), .. } => {
            if let Some(&step) = names.get(part) {
                steps.dispatch(ChangedNews::Head(with, step, Rc::new(*head)));
            }
        }
        JobEvent::Part { answer: ComparePart::Broken(broken), .. } => {
            session.failed(owner, Failure::new(broken.why));
        }
        JobEvent::Failed { part, failure } => {
            let step = names.get(part).map_or_else(String::new, |step| format!("Step {step}: "));
            session.failed(owner, Failure { what: format!("{step}{}", failure.what), ..failure });
        }
        _ => {}
    }
}

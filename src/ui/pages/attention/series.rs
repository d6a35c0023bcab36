//! Through training: the same prompts on every checkpoint of a model; who becomes sparse, and when.

use wasm_bindgen_futures::spawn_local;
use web_sys::HtmlInputElement;
use yew::prelude::*;

use super::growth::Growth;
use super::set::spec;
use crate::circuits::sad::sparsity::EventRule;
use crate::circuits::series::{checkpoints, training_order};
use crate::model::Head;
use crate::protocol::Failure;
use crate::protocol::attention::{SetPart, SetSpec};
use crate::study::stamp::Stamp;
use crate::ui::address::keys::{self, STEP};
use crate::ui::app::{App, use_app};
use crate::ui::browser::drop::listed;
use crate::ui::memory::measured::{MeasuredHead, MeasuredSteps, StepNews};
use crate::ui::memory::state::Action;
use crate::ui::remembered::{Remembered, use_memory};
use crate::ui::session::{BUILT_IN_STEPS, Session};
use crate::ui::widgets::select::Slider;
use crate::ui::widgets::typed::Typed;
use crate::ui::words::attention as words;
use crate::worker::pool::Files;
use crate::worker::request::{JobEvent, Request};
use crate::worker::sources::Dropped;

/// What the measuring of a series is called while it is under way.
pub(super) const MEASURED: &str = "checkpoints measured";

/// Prompts per checkpoint.
const PROMPTS: usize = 64;

/// One checkpoint of a series: its step, or its place where no name tells one.
#[derive(Clone, PartialEq)]
pub(in crate::ui::pages) struct Checkpoint {
    pub step: u32,
    pub name: String,
    pub files: Files,
}

/// The series: whose checkpoints, curves over training, a slider that opens a step of the built-in model.
#[component]
pub(super) fn SeriesView() -> Html {
    let app = use_app();
    let steps = use_memory::<MeasuredSteps>();
    let own = use_state(Vec::<Checkpoint>::new);
    let measured = use_state(|| None::<Stamp>);
    let built_in = {
        let (app, steps, measured) = (app.clone(), steps.clone(), measured.clone());
        Callback::from(move |_: MouseEvent| {
            let (app, steps, measured) = (app.clone(), steps.clone(), measured.clone());
            spawn_local(async move {
                match fetched(&app.session).await {
                    Ok(series) => {
                        measured.set(Some(stamp(&series)));
                        measure(&app, &steps, &series);
                    }
                    Err(why) => app
                        .session
                        .act(Action::Note(words::series_could_not_loaded(&why), String::new())),
                }
            });
        })
    };
    let measure_own = {
        let (app, steps, own, measured) =
            (app.clone(), steps.clone(), own.clone(), measured.clone());
        Callback::from(move |_: MouseEvent| {
            measured.set(Some(stamp(&own)));
            measure(&app, &steps, &own);
        })
    };
    let chosen = {
        let (own, app) = (own.clone(), app.clone());
        Callback::from(move |event: Event| {
            let Some(input) = event.target_dyn_into::<HtmlInputElement>() else { return };
            let series = input.files().map(|list| in_order(&listed(&list))).unwrap_or_default();
            if series.is_empty() {
                let hint = words::CHOOSE_SEVERAL_SAFETENSORS_FILES;
                app.session.act(Action::Note(words::THERE_NO_CHECKPOINT_AMONG.into(), hint.into()));
            }
            own.set(series);
        })
    };
    let step = app.value().model.as_ref().and_then(|m| m.built_in);
    let index =
        BUILT_IN_STEPS.iter().position(|s| Some(*s) == step).unwrap_or(BUILT_IN_STEPS.len() - 1);
    let open = {
        let app = app.clone();
        Callback::from(move |i: f64| {
            if let Some(&step) = BUILT_IN_STEPS.get(i as usize) {
                app.put(&STEP, step);
            }
        })
    };
    let choose = {
        let app = app.clone();
        Callback::from(move |slug: String| app.choose(&keys::MEASURED, &slug))
    };
    let wanted = app.value().route.find(&keys::MEASURED);
    let measuring = app.value().running.iter().any(|job| job.what == MEASURED);
    html! {
        <section class="series-view" aria-label="Through training">
            <h2>{ "Through training" }</h2>
            <p class="hint">{ words::builtin_model_saved_steps(&BUILT_IN_STEPS.len(), &PROMPTS) }</p>
            <div class="controls">
                <button type="button" class="primary" onclick={built_in} data-testid="run-series">{ words::MEASURE_EVERY_STEP }</button>
                if step.is_some() { <Slider label={words::OPEN_MODEL_STEP} min={0.0} max={(BUILT_IN_STEPS.len() - 1) as f64} step={1.0} value={index as f64} shown={BUILT_IN_STEPS[index].to_string()} on_change={open} /> }
            </div>
            <div class="controls">
                <label class="field"><span>{ words::CHECKPOINTS_MY_OWN_MODEL }</span>
                    <input type="file" multiple=true onchange={chosen.clone()} data-testid="series-files" /></label>
                <label class="field"><span>{ words::FOLDER_THEM }</span>
                    <input type="file" webkitdirectory=true onchange={chosen} /></label>
            </div>
            if !own.is_empty() {
                <p class="hint">{ words::TRAINING_ORDER_NUMBERS_THEIR }</p>
                <ul class="checkpoints">{ for own.iter().enumerate().map(|(i, c)| step_field(&own, i, c)) }</ul>
                <button type="button" class="primary" onclick={measure_own} data-testid="run-own-series">{ words::measure_checkpoints(&own.len()) }</button>
            }
            if let (false, Some(of)) = (steps.0.0.is_empty(), &*measured) { <Growth steps={steps.0.0.clone()} of={of.clone()} spec={prompts()} {wanted} on_head={choose} {measuring} /> }
        </section>
    }
}

/// The step of one of the reader's checkpoints, to correct.
pub(in crate::ui::pages) fn step_field(
    own: &UseStateHandle<Vec<Checkpoint>>,
    i: usize,
    checkpoint: &Checkpoint,
) -> Html {
    let changed = {
        let own = own.clone();
        Callback::from(move |typed: String| {
            let mut series = (*own).clone();
            if let (Ok(step), Some(checkpoint)) = (typed.parse(), series.get_mut(i)) {
                checkpoint.step = step;
                own.set(series);
            }
        })
    };
    html! {
        <li><label class="field"><span>{ checkpoint.name.clone() }</span>
            <Typed min="0" value={checkpoint.step.to_string()} on_take={changed} /></label></li>
    }
}

/// The reader's files as checkpoints in training order.
pub(in crate::ui::pages) fn in_order(files: &[Dropped]) -> Vec<Checkpoint> {
    let paths: Vec<&str> = files.iter().map(|f| f.name.as_str()).collect();
    let found = checkpoints(&paths);
    let names: Vec<&str> = found.iter().map(|(name, _)| name.as_str()).collect();
    let ordered = training_order(&names).into_iter().enumerate();
    let checkpoint =
        |(place, (index, entry)): (usize, (usize, crate::circuits::series::SeriesEntry))| {
            let (name, members) = found.get(index)?;
            let members: Vec<_> = members.iter().filter_map(|&i| files.get(i).cloned()).collect();
            let files = Files::new(members);
            let step = entry.step.and_then(|s| u32::try_from(s).ok()).unwrap_or(place as u32);
            Some(Checkpoint { step, name: name.clone(), files })
        };
    ordered.filter_map(checkpoint).collect()
}

/// The built-in model's checkpoints.
pub(in crate::ui::pages) async fn fetched(session: &Session) -> Result<Vec<Checkpoint>, String> {
    let mut series = Vec::new();
    for step in BUILT_IN_STEPS {
        let files = session.built_in(step).await?;
        series.push(Checkpoint { step, name: words::builtin_model_step(&step), files });
    }
    Ok(series)
}

/// The prompts that every checkpoint is measured on.
fn prompts() -> SetSpec {
    SetSpec { series: true, ..spec("ioi", "", PROMPTS, EventRule::Every) }
}

/// Whose numbers they are.
fn stamp(series: &[Checkpoint]) -> Stamp {
    let names: Vec<&str> = series.iter().map(|checkpoint| checkpoint.name.as_str()).collect();
    let ends = [names.first(), names.last()].map(|name| name.copied().unwrap_or_default());
    let of = words::checkpoints_folded_weights(&names.len(), &(ends[0]), &(ends[1]));
    Stamp::new(of, &names)
}

/// Measures one checkpoint after the other; the open model stays.
fn measure(app: &App, steps: &UseReducerHandle<Remembered<MeasuredSteps>>, series: &[Checkpoint]) {
    let asks = series.iter().map(|checkpoint| (prompts(), Some(checkpoint.files.clone())));
    let request = Request::many(asks).about_other_models().one_step_each();
    let request = request.owner("series").listed(MEASURED);
    let (hears, session) = (steps.dispatcher(), app.session.clone());
    let series: Vec<_> = series.iter().map(|c| (c.step, c.name.clone())).collect();
    app.session.jobs.ask(request, move |event| match event {
        JobEvent::Begun => {
            session.answered("series");
            hears.dispatch(StepNews::Fresh);
        }
        JobEvent::Part { part, answer, .. } => {
            let Some((step, _)) = series.get(part) else { return };
            match answer {
                SetPart::Head { layer, head, seen } => {
                    let measured = MeasuredHead::of((layer, head), &seen).without_events();
                    hears.dispatch(StepNews::Head(*step, measured));
                }
                SetPart::Answered { n, correct, .. } => {
                    let accuracy = correct.map(|c| c as f64 / n.max(1) as f64);
                    hears.dispatch(StepNews::Accuracy(*step, accuracy));
                }
                SetPart::Spectra(found) => match *found {
                    Ok(spectra) => hears.dispatch(StepNews::Spectra(*step, spectra)),
                    Err(broken) => {
                        let what = format!(
                            "{} of step {step}: {}",
                            Head::new(broken.layer, broken.head),
                            broken.why
                        );
                        session.failed("series", Failure::new(what));
                    }
                },
            }
        }
        JobEvent::Failed { part, failure } => {
            let name = series.get(part).map_or("", |(_, name)| name);
            session
                .failed("series", Failure { what: format!("{name}: {}", failure.what), ..failure });
        }
        _ => {}
    });
}

//! When a head became what it is: every step of the built-in model's training against the open one.

use std::collections::BTreeMap;
use std::rc::Rc;

use wasm_bindgen_futures::spawn_local;
use yew::prelude::*;

use crate::circuits::compare::CircuitChange;
use crate::protocol::Failure;
use crate::protocol::compare::{Compare as Heads, ComparePart, HeadChange};
use crate::study::stamp::Stamp;
use crate::ui::app::{App, use_app};
use crate::ui::charts::{Figure, Lines, Series};
use crate::ui::pages::attention::series::fetched;
use crate::ui::words::change::{Measure, became, circuit_of, still_to_go};
use crate::ui::words::table::{Cell, Table};
use crate::worker::request::{Heard, Request};

/// Whose the comparison of all steps is.
const OWNER: &str = "compare/series";

/// What became of every head from each step to the open model.
#[derive(Clone, PartialEq, Default)]
struct Steps(BTreeMap<u32, Vec<Rc<HeadChange>>>);

impl Reducible for Steps {
    /// What became of one head from a step on, or `None` to begin afresh.
    type Action = Option<(u32, Rc<HeadChange>)>;

    fn reduce(self: Rc<Self>, heard: Self::Action) -> Rc<Self> {
        let Some((step, head)) = heard else { return Rc::default() };
        let mut next = (*self).clone();
        next.0.entry(step).or_default().push(head);
        Rc::new(next)
    }
}

/// The steps, once the reader asks for them.
#[component]
pub(super) fn Training() -> Html {
    let app = use_app();
    let steps = use_reducer(Steps::default);
    let state = app.value();
    let weights = state.weights();
    let open = state.model.as_ref().map(|model| model.generation);
    {
        let (steps, session) = (steps.clone(), app.session.clone());
        use_effect_with((open, weights), move |_| {
            session.jobs.stop(OWNER);
            steps.dispatch(None);
        });
    }
    let compare = {
        let (app, steps) = (app.clone(), steps.dispatcher());
        Callback::from(move |_: MouseEvent| {
            let (app, steps) = (app.clone(), steps.clone());
            spawn_local(async move { every_step(&app, steps).await });
        })
    };
    let (Some(model), Some(at)) = (state.model.as_ref(), state.at()) else {
        return Html::default();
    };
    let Some(now) = model.built_in else { return Html::default() };
    let here = |heads: &Vec<Rc<HeadChange>>| {
        let head = heads.iter().find(|head| (head.layer, head.head_b) == (at.layer, at.head))?;
        Some(circuit_of(head, at.circuit).clone())
    };
    let mine: Vec<(u32, CircuitChange)> =
        steps.0.iter().filter_map(|(step, heads)| Some((*step, here(heads)?))).collect();
    let name = state.head_name(at.layer, at.head);
    let slug = format!("{}-{}", state.head_slug(at.layer, at.head), at.circuit.slug());
    let all: Vec<(u32, f64)> = steps
        .0
        .iter()
        .filter_map(|(step, heads)| {
            let mut ways: Vec<f64> =
                heads.iter().filter_map(|head| still_to_go(circuit_of(head, at.circuit))).collect();
            ways.sort_by(f64::total_cmp);
            Some((*step, *ways.get(ways.len() / 2)?))
        })
        .collect();
    html! {
        <section class="series-view" aria-label="Through training">
            <h2>{ "When did this head become what it is?" }</h2>
            <p class="hint">{ format!("Every saved step of the training is compared with step {now}, the one that is open.") }</p>
            <button type="button" onclick={compare} data-testid="compare-steps">{ "compare every step" }</button>
            if !mine.is_empty() {
                <p class="sentence" data-testid="became">{ became(&name, at.circuit, now, &mine) }</p>
                <div class="measured">
                    { way(&slug, now, &mine, all, stamp(&app, now)) }
                    { spaces(&slug, now, &mine, stamp(&app, now)) }
                </div>
            }
        </section>
    }
}

/// Where the numbers of all steps come from.
fn stamp(app: &App, now: u32) -> Stamp {
    let state = app.value();
    let convention = state.model.as_ref().map(|m| m.summary.convention(state.weights()).clone());
    let name = format!("built-in model, every saved step against step {now}");
    let stamp = Stamp::of_model(&convention.unwrap_or_default().named(name));
    state.at().map_or(stamp.clone(), |at| stamp.circuit(at.circuit))
}

fn line(name: &str, points: Vec<(f64, f64)>, dashed: bool) -> Series {
    Series { name: name.into(), points, dashed, ..Series::default() }
}

/// How far the head's matrix was from what it is now.
fn way(
    slug: &str,
    now: u32,
    mine: &[(u32, CircuitChange)],
    all: Vec<(u32, f64)>,
    convention: Stamp,
) -> Html {
    let points: Vec<(f64, f64)> =
        mine.iter().filter_map(|(step, c)| Some((f64::from(*step), still_to_go(c)?))).collect();
    let median: Vec<(f64, f64)> = all.iter().map(|(step, way)| (f64::from(*step), *way)).collect();
    let rows = points.clone();
    let table = Callback::from(move |()| {
        let columns = ["step", "still to go", "median of all heads"];
        rows.iter().fold(Table::new(columns), |table, (step, way)| {
            let median = all.iter().find(|(other, _)| f64::from(*other) == *step);
            let median = median.map_or(Cell::Empty, |(_, way)| Cell::from(*way));
            table.row([Cell::Count(*step as u64), (*way).into(), median])
        })
    });
    let series = vec![line("this head", points, false), line("median", median, true)];
    html! {
        <Figure name={format!("{slug}-way")} {table} {convention}
            caption={html! { { format!("What was still to change until step {now}: the norm of the difference over that of the matrix at step {now}. 1 is as far away as nothing at all; dashed: the median of all heads.") } }}>
            <Lines label="What was still to change, by training step" {series} x="step" y="still to go" log_x=true cursor={Some(f64::from(now))} />
        </Figure>
    }
}

/// How much of the subspaces of now there was, beside random ones.
fn spaces(slug: &str, now: u32, mine: &[(u32, CircuitChange)], convention: Stamp) -> Html {
    let of = |measure: Measure| -> Vec<(f64, f64)> {
        mine.iter().filter_map(|(step, c)| Some((f64::from(*step), measure.of(c)?))).collect()
    };
    let (left, right) = (of(Measure::OverlapLeft), of(Measure::OverlapRight));
    let chance = |(step, c): &(u32, CircuitChange)| {
        Some((f64::from(*step), Measure::OverlapLeft.against(c)?.expected))
    };
    let level: Vec<(f64, f64)> = mine.iter().filter_map(chance).collect();
    let rows: Vec<_> =
        left.iter().zip(&right).zip(&level).map(|((l, r), c)| [l.0, l.1, r.1, c.1]).collect();
    let table = Callback::from(move |()| {
        let columns = ["step", "left in common", "right in common", "chance"];
        rows.iter().fold(Table::new(columns), |table, [step, left, right, chance]| {
            table.row([
                Cell::Count(*step as u64),
                (*left).into(),
                (*right).into(),
                (*chance).into(),
            ])
        })
    });
    let series =
        vec![line("left", left, false), line("right", right, false), line("random", level, true)];
    html! {
        <Figure name={format!("{slug}-spaces")} {table} {convention}
            caption={html! { { format!("How much of the subspaces of step {now} was there already: mean squared cosine of the principal angles. Dashed: random subspaces of the same size.") } }}>
            <Lines label="Subspaces in common with now, by training step" {series} x="step" y="cos²" log_x=true limits={Some((0.0, 1.0))} cursor={Some(f64::from(now))} />
        </Figure>
    }
}

async fn every_step(app: &App, steps: UseReducerDispatcher<Steps>) {
    let session = app.session.clone();
    let series = match fetched(&session).await {
        Ok(series) => series,
        Err(why) => {
            return session.note(Failure::new(format!("The series could not be loaded: {why}.")));
        }
    };
    let Some(model) = &app.value().model else { return };
    let (layers, weights) = (model.summary.own_layers(), app.value().weights());
    let question = Heads { layers, weights, match_heads: false };
    let asks = series.iter().map(|step| (question.clone(), Some(step.files.clone())));
    let request = Request::many(asks).one_step_each().owner(OWNER).listed("steps compared");
    let names: Vec<u32> = series.iter().map(|step| step.step).collect();
    let hears = session.clone();
    session.jobs.ask(request, move |heard| match heard {
        Heard::Begun => steps.dispatch(None),
        Heard::Part { part, answer: ComparePart::Head(head), .. } => {
            if let Some(&step) = names.get(part) {
                steps.dispatch(Some((step, Rc::new(*head))));
            }
        }
        Heard::Part { answer: ComparePart::Broken(broken), .. } => {
            hears.note(Failure::new(broken.why));
        }
        Heard::Failed { failure, .. } => hears.note(failure),
        _ => {}
    });
}

//! The paper's question on a model whose training the reader can replay: when do its heads align beyond chance?

use std::collections::BTreeMap;
use std::rc::Rc;

use wasm_bindgen_futures::spawn_local;
use yew::prelude::*;

use super::asker::Asker;
use super::setting::Setting;
use crate::circuits::alignment::{AlignmentReport, Family, Side, SideAlignment};
use crate::model::Head;
use crate::protocol::Failure;
use crate::protocol::features::{Align, AlignPart};
use crate::study::stamp::Stamp;
use crate::ui::address::keys;
use crate::ui::address::route::Page;
use crate::ui::app::{App, use_app};
use crate::ui::asking::use_said;
use crate::ui::charts::{Figure, Lines, Series};
use crate::ui::memory::training::{AlignedNews, AlignedSteps};
use crate::ui::pages::attention::series::fetched;
use crate::ui::remembered::{Remembered, use_memory};
use crate::ui::session::BUILT_IN_STEPS;
use crate::ui::widgets::glossary::Method;
use crate::ui::words::chance::{FOUND, evidence};
use crate::ui::words::features as words;
use crate::ui::words::format::three;
use crate::ui::words::table::Table;
use crate::worker::request::{JobEvent, Request};

/// Whose the comparison of all checkpoints is.
const OWNER: &str = "training";

/// Properties of [`Training`].
#[derive(Properties)]
pub(super) struct TrainingProps {
    /// The dictionary's name.
    pub dictionary: AttrValue,
    /// Who compares, and with what.
    pub asker: Asker,
    /// Layers that are complete, and heads of each.
    pub shape: [usize; 2],
    /// The head and side in view.
    pub at: (usize, usize, Side),
}

impl PartialEq for TrainingProps {
    fn eq(&self, other: &Self) -> bool {
        self.asker.setting == other.asker.setting
            && (self.shape, self.at) == (other.shape, other.at)
    }
}

/// Compares every checkpoint of the built-in model with the dictionary, and shows what came of it.
#[component]
pub(super) fn Training(props: &TrainingProps) -> Html {
    let app = use_app();
    let steps = use_memory::<AlignedSteps>();
    // The checkpoints are the same whichever of them is open.
    let setting = Setting { generation: None, ..props.asker.setting.clone() };
    {
        let (steps, session) = (steps.clone(), app.session.clone());
        use_effect_with(setting.clone(), move |_| {
            session.jobs.stop(OWNER);
            steps.dispatch(AlignedNews::Fresh);
        });
    }
    let route = app.value().route.clone();
    let press = {
        let (asker, steps, shape) = (props.asker.clone(), steps.dispatcher(), props.shape);
        let asked = route.read(&keys::ALIGNED_STEPS).then_some(setting);
        use_said(Page::Features, asked, move |_| {
            let (asker, steps) = (asker.clone(), steps.clone());
            spawn_local(async move { every_step(&asker, steps, shape).await });
        })
    };
    let route = route.put(&keys::ALIGNED_STEPS, true);
    let compare = press.reform(move |_: MouseEvent| route.clone());
    let here = app.value().model.as_ref().and_then(|m| m.built_in);
    let family = Rc::new(Family::of(steps.steps.values().map(Rc::as_ref)));
    html! {
        <section class="series-view" aria-label={words::ALIGNMENT_THROUGH_TRAINING}>
            <h2>{ "Through training" }</h2>
            <p class="hint">{ words::builtin_model_saved_steps(&BUILT_IN_STEPS.len(), &FOUND) }{ " " }<Method of="rotation null" /></p>
            <button type="button" onclick={compare} data-testid="align-steps">{ words::COMPARE_EVERY_STEP }</button>
            if steps.stopped { <p class="ask" role="status" data-testid="aligned-stopped">{ words::cancelled_steps(&steps.steps.len(), &BUILT_IN_STEPS.len(), &words::COMPARE_EVERY_STEP) }</p> }
            if let Some((step, last)) = steps.steps.last_key_value() {
                <p data-testid="aligned-sides">{ sentence(*step, last, &family) }</p>
                { chart(&steps.steps, &family, props.at, here.map(f64::from), stamp(&app, &steps.steps, &props.dictionary)) }
            }
        </section>
    }
}

/// Where the numbers of all steps come from.
fn stamp(app: &App, steps: &BTreeMap<u32, Rc<AlignmentReport>>, dictionary: &str) -> Stamp {
    let state = app.value();
    let ends = [steps.keys().next(), steps.keys().next_back()].map(|end| end.copied().unwrap_or(0));
    let name = words::builtin_model_steps(&(ends[0]), &(ends[1]));
    let convention = state.model.as_ref().map(|m| m.summary.convention(state.weights()).clone());
    let stamp = Stamp::of_model(&convention.unwrap_or_default().named(name));
    let null = |report: &AlignmentReport| report.sides.iter().find_map(|s| s.rotation_null.clone());
    let Some(last) = steps.values().next_back() else { return stamp };
    let stamp = stamp.compared(dictionary, &last.comparison);
    match null(last) {
        Some(null) => stamp.how(format!("{} rotations", null.rotations)).seeded(null.seed),
        None => stamp,
    }
}

async fn every_step(
    asker: &Asker,
    hears: UseReducerDispatcher<Remembered<AlignedSteps>>,
    [layers, n_heads]: [usize; 2],
) {
    let session = asker.app.session.clone();
    let series = match fetched(&session).await {
        Ok(series) => series,
        Err(why) => {
            return session.failed(OWNER, Failure::new(words::checkpoints_could_not_loaded(&why)));
        }
    };
    let heads: Vec<_> = (0..layers).flat_map(|l| (0..n_heads).map(move |h| (l, h))).collect();
    let align = Align { how: asker.how(), heads };
    let asks = series.iter().map(|checkpoint| (align.clone(), Some(checkpoint.files.clone())));
    let request = Request::many(asks).about_other_models().one_step_each();
    let request = request.owner(OWNER).listed(words::CHECKPOINTS_COMPARED_DICTIONARY);
    asker.app.session.jobs.ask(request, move |event| match event {
        JobEvent::Begun => {
            session.answered(OWNER);
            hears.dispatch(AlignedNews::Fresh);
        }
        JobEvent::Part { part, answer: AlignPart::Report(report), .. } => {
            if let Some(checkpoint) = series.get(part) {
                hears.dispatch(AlignedNews::Step(checkpoint.step, Rc::from(report)));
            }
        }
        JobEvent::Failed { part, failure } => {
            let name = series.get(part).map_or("", |checkpoint| &checkpoint.name);
            session.failed(OWNER, Failure { what: format!("{name}: {}", failure.what), ..failure });
        }
        JobEvent::Stopped => hears.dispatch(AlignedNews::Stopped),
        _ => {}
    });
}

/// `−log₁₀ q` of a side.
fn surprise(side: &SideAlignment, family: &Family) -> Option<f64> {
    family.q(side).map(evidence)
}

fn strongest(report: &AlignmentReport, family: &Family) -> Option<f64> {
    report.sides.iter().filter_map(|side| surprise(side, family)).max_by(f64::total_cmp)
}

fn in_view(report: &AlignmentReport, at: (usize, usize, Side), family: &Family) -> Option<f64> {
    let wanted = |s: &&SideAlignment| (s.layer, s.head, s.side) == at;
    report.sides.iter().find(wanted).and_then(|side| surprise(side, family))
}

fn aligned<'a>(report: &'a AlignmentReport, family: &Family) -> Vec<&'a SideAlignment> {
    report.sides.iter().filter(|side| family.q(side).is_some_and(|q| q < FOUND)).collect()
}

fn named(side: &SideAlignment, family: &Family) -> String {
    let q = family.q(side).map_or_else(|| "–".to_owned(), three);
    format!("{} {} (q {q})", Head::new(side.layer, side.head), side.side.name())
}

/// The answer, as it is.
fn sentence(step: u32, report: &AlignmentReport, family: &Family) -> String {
    let (found, n) = (aligned(report, family), report.sides.len());
    match found[..] {
        [] => words::step_none_sides_lies(&step, &n),
        [one] => words::step_one_sides_lies(&step, &n, &named(one, family)),
        _ => {
            let names: Vec<String> = found.iter().map(|side| named(side, family)).collect();
            let count = found.len();
            words::step_sides_lie_beyond(&step, &count, &n, &names.join(", "))
        }
    }
}

fn chart(
    steps: &BTreeMap<u32, Rc<AlignmentReport>>,
    family: &Rc<Family>,
    at: (usize, usize, Side),
    here: Option<f64>,
    convention: Stamp,
) -> Html {
    let line = |name: String, f: &dyn Fn(&AlignmentReport) -> Option<f64>, dashed: bool| Series {
        name,
        points: steps.iter().filter_map(|(step, r)| Some((f64::from(*step), f(r)?))).collect(),
        dashed,
        ..Series::default()
    };
    let series = vec![
        line("strongest side".into(), &|report| strongest(report, family), true),
        line(
            format!("{} {}", Head::new(at.0, at.1), at.2.name()),
            &|report| in_view(report, at, family),
            false,
        ),
    ];
    let table = {
        let (steps, family) = (steps.clone(), family.clone());
        Callback::from(move |()| {
            let columns =
                ["step", "sides aligned", "of", "which", words::VIEW_LOG, "strongest −log₁₀ q"];
            steps.iter().fold(Table::new(columns), |table, (step, report)| {
                let found = aligned(report, &family);
                let names: Vec<String> = found.iter().map(|side| named(side, &family)).collect();
                table.row([
                    (*step as usize).into(),
                    found.len().into(),
                    report.sides.len().into(),
                    names.join(", ").into(),
                    in_view(report, at, &family).into(),
                    strongest(report, &family).into(),
                ])
            })
        })
    };
    html! {
        <Figure name="alignment-through-training" {table} {convention} caption={html! { words::HOW_SURPRISING_SIDE_GIVEN }}>
            <Lines label={words::EVIDENCE_AGAINST_ROTATIONS_OVER} {series} x={words::TRAINING_STEP_LOG} y="−log₁₀ q" log_x={true} cursor={here} />
        </Figure>
    }
}

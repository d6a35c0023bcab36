//! Through training: the same prompts on every checkpoint of the built-in model; who becomes sparse, and when.

use std::rc::Rc;

use wasm_bindgen_futures::spawn_local;
use yew::prelude::*;

use super::set::spec;
use crate::ui::app::use_app;
use crate::ui::charts::{Figure, Lines, Series, Table};
use crate::ui::format::{percent, three};
use crate::ui::session::{fetch, now};
use crate::ui::state::{Action, Work};
use crate::ui::widgets::select::Slider;
use crate::worker::pool::{Dropped, OnTell};
use crate::worker::protocol::attention::{SetHead, Tell as AttentionTell};
use crate::worker::protocol::{Ask, Tell};

/// The built-in model's saved steps.
const STEPS: [u32; 14] = [0, 32, 64, 125, 180, 250, 350, 500, 700, 1000, 1400, 2000, 2800, 4000];

/// Prompts per checkpoint.
const PROMPTS: usize = 64;

/// One checkpoint's measurements.
#[derive(Debug, Clone, PartialEq, Default)]
struct Step {
    step: u32,
    heads: Vec<SetHead>,
    accuracy: Option<f64>,
}

#[derive(Debug, Clone, PartialEq, Default)]
struct Outcome(Vec<Step>);

enum Heard {
    Fresh,
    Head(u32, SetHead),
    Accuracy(u32, Option<f64>),
}

impl Reducible for Outcome {
    type Action = Heard;

    fn reduce(self: Rc<Self>, heard: Heard) -> Rc<Self> {
        let mut next = (*self).clone();
        let at = |steps: &mut Vec<Step>, step: u32| match steps
            .binary_search_by_key(&step, |s| s.step)
        {
            Ok(i) => i,
            Err(i) => {
                steps.insert(i, Step { step, ..Step::default() });
                i
            }
        };
        match heard {
            Heard::Fresh => next.0.clear(),
            Heard::Head(step, head) => {
                let i = at(&mut next.0, step);
                next.0[i].heads.push(head);
            }
            Heard::Accuracy(step, accuracy) => {
                let i = at(&mut next.0, step);
                next.0[i].accuracy = accuracy;
            }
        }
        Rc::new(next)
    }
}

/// The series: a button, curves over training, a slider that opens a step.
#[component]
pub(super) fn SeriesView() -> Html {
    let app = use_app();
    let outcome = use_reducer(Outcome::default);
    let run = {
        let (app, outcome) = (app.clone(), outcome.clone());
        Callback::from(move |_: MouseEvent| {
            outcome.dispatch(Heard::Fresh);
            let (app, outcome) = (app.clone(), outcome.clone());
            spawn_local(async move { measure(app, outcome).await });
        })
    };
    let step = app.value().model.as_ref().and_then(|m| m.built_in).unwrap_or(0);
    let index = STEPS.iter().position(|s| *s == step).unwrap_or(STEPS.len() - 1);
    let open = {
        let app = app.clone();
        Callback::from(move |i: f64| {
            if let Some(&step) = STEPS.get(i as usize) {
                app.set("step", step);
                app.session.open_built_in(step);
            }
        })
    };
    html! {
        <section class="series-view" aria-label="Through training">
            <h2>{ "Through training" }</h2>
            <p class="hint">{ format!("The built-in model was saved at {} steps of its training. The same {PROMPTS} indirect-object prompts are run on each, and every head is measured.", STEPS.len()) }</p>
            <div class="controls">
                <button type="button" class="primary" onclick={run} data-testid="run-series">{ "measure every step" }</button>
                <Slider label="open the model at step" min={0.0} max={(STEPS.len() - 1) as f64} step={1.0} value={index as f64} shown={step.to_string()} on_change={open} />
            </div>
            if !outcome.0.is_empty() { { view(&outcome.0, f64::from(step)) } }
        </section>
    }
}

/// Fetches and measures one checkpoint after the other; the open model stays.
async fn measure(app: crate::ui::app::App, outcome: UseReducerHandle<Outcome>) {
    let mut shared = Vec::new();
    for name in ["config.json", "tokenizer.json"] {
        match fetch(&format!("models/names/{name}")).await {
            Ok(blob) => shared.push(Dropped { name: name.to_owned(), blob }),
            Err(why) => {
                return app.session.act(Action::Note(
                    format!("The series could not be loaded: {why}."),
                    String::new(),
                ));
            }
        }
    }
    let mut jobs = Vec::new();
    for step in STEPS {
        let name = format!("step-{step:05}.safetensors");
        let blob = match fetch(&format!("models/names/{name}")).await {
            Ok(blob) => blob,
            Err(why) => {
                app.session
                    .act(Action::Note(format!("Step {step} is left out: {why}."), String::new()));
                continue;
            }
        };
        let mut files = shared.clone();
        files.push(Dropped { name, blob });
        let (hears, session) = (outcome.dispatcher(), app.session.clone());
        let on_tell: OnTell = Rc::new(move |tell, _| match tell {
            Tell::Attention(AttentionTell::SetHead(head)) => {
                hears.dispatch(Heard::Head(step, *head))
            }
            Tell::Attention(AttentionTell::SetDone { n, correct, .. }) => {
                hears.dispatch(Heard::Accuracy(step, correct.map(|c| c as f64 / n.max(1) as f64)));
            }
            Tell::Done => session.act(Action::Step),
            Tell::Failed(failure) => {
                session.act(Action::Step);
                session.act(Action::Note(format!("Step {step}: {}", failure.what), failure.hint));
            }
            _ => {}
        });
        jobs.push(app.session.pool.ask_about(
            &files,
            Ask::SetElsewhere(spec("ioi", "", PROMPTS, 0.0)),
            on_tell,
        ));
    }
    let work = Work {
        what: "checkpoints of the built-in model".into(),
        done: 0,
        total: jobs.len(),
        since: now(),
        jobs,
    };
    app.session.act(Action::Begin(work));
}

fn view(steps: &[Step], here: f64) -> Html {
    // The head whose sparseness fell furthest below chance at the last step that was measured.
    let gain =
        |h: &SetHead| h.sparseness[0].zip(h.sparseness[1]).map_or(f64::INFINITY, |(s, b)| s / b);
    let best = steps
        .last()
        .and_then(|s| s.heads.iter().min_by(|a, b| gain(a).total_cmp(&gain(b))))
        .map(|h| (h.layer, h.head));
    let Some((layer, head)) = best else { return Html::default() };
    let of = |f: &dyn Fn(&SetHead) -> Option<f64>| -> Vec<(f64, f64)> {
        let point = |s: &Step| {
            let h = s.heads.iter().find(|h| (h.layer, h.head) == (layer, head))?;
            Some((f64::from(s.step), f(h)?))
        };
        steps.iter().filter_map(point).collect()
    };
    let line = |name: &str, points: Vec<(f64, f64)>, dashed: bool| Series {
        name: name.into(),
        points,
        dashed,
        ..Series::default()
    };
    let accuracy = steps.iter().filter_map(|s| Some((f64::from(s.step), s.accuracy?))).collect();
    let series = vec![
        line("S", of(&|h| h.sparseness[0]), false),
        line("S, basis control", of(&|h| h.sparseness[1]), true),
        line("S, subspace", of(&|h| h.sparseness[2]), true),
        line("attention", of(&|h| Some(h.attention)), false),
        line("task accuracy", accuracy, false),
    ];
    let table = {
        let series = series.clone();
        Callback::from(move |()| {
            series[0].points.iter().fold(
                Table::new(["step", "S", "S basis", "S subspace", "attention", "accuracy"]),
                |table, (x, _)| {
                    let at = |s: &Series| {
                        s.points
                            .iter()
                            .find(|p| p.0 == *x)
                            .map_or_else(|| "–".to_owned(), |p| three(p.1))
                    };
                    table.row(std::iter::once(x.to_string()).chain(series.iter().map(at)).collect())
                },
            )
        })
    };
    let last = steps.last().and_then(|s| s.accuracy).map_or_else(|| "–".into(), percent);
    html! {
        <Figure name="series" {table} caption={html! { { format!("L{layer}H{head}, the head that ends furthest below chance, over training steps. Task accuracy at the end: {last}.") } }}>
            <Lines label="Sparseness, controls, attention and accuracy over training" {series} x="training step, log" y="" log_x={true} limits={Some((0.0, 1.0))} cursor={Some(here)} />
        </Figure>
    }
}

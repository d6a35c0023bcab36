//! Self-test: this machine's GPU in f32 against its CPU in f64, errors beside tolerances.

use std::rc::Rc;

use yew::prelude::*;

use crate::gpu::SelfTest as Report;
use crate::ui::app::use_app;
use crate::ui::format::{bytes, short_exponent, three};
use crate::worker::pool::{OnTell, Pool};
use crate::worker::protocol::{Ask, Tell};

/// What happened.
#[derive(Clone, PartialEq)]
enum Run {
    Idle,
    Running,
    Done(Rc<Report>),
    Failed(String, String),
}

/// The page.
#[component]
pub fn SelfTest() -> Html {
    let app = use_app();
    let run = use_state(|| Run::Idle);
    // A worker of its own: a driver that dies takes nothing else with it.
    let worker = use_mut_ref(|| None::<Pool>);
    let start = {
        let run = run.clone();
        Callback::from(move |_: MouseEvent| {
            run.set(Run::Running);
            let hears = run.clone();
            let on_tell: OnTell = Rc::new(move |tell, _| match tell {
                Tell::SelfTest(report) => hears.set(Run::Done(Rc::from(report))),
                Tell::Failed(failure) => hears.set(Run::Failed(failure.what, failure.hint)),
                _ => {}
            });
            let seed = (js_sys::Math::random() * 1e6) as u32;
            let pool = Pool::new(1);
            pool.ask(Ask::SelfTest(seed), on_tell);
            *worker.borrow_mut() = Some(pool);
        })
    };
    let threads = Pool::default_size();
    let copy = |report: &Report| {
        let (text, session) =
            (serde_json::to_string_pretty(report).unwrap_or_default(), app.session.clone());
        Callback::from(move |_: MouseEvent| {
            let saved = crate::ui::export::save(
                "omega-lens-self-test.json",
                "application/json",
                text.as_bytes(),
            );
            if saved.is_err() {
                session.act(crate::ui::state::Action::Note(
                    "The browser refused the download.".into(),
                    String::new(),
                ));
            }
        })
    };
    html! {
        <>
            <h2>{ "Self-test" }</h2>
            <p class="hint">{ "Heads with a known decomposition are computed on this machine's GPU in f32 and on its CPU in f64. Nothing leaves the machine." }</p>
            <p>{ format!("This page uses {threads} worker(s) and f64 on the CPU for every number that it shows.") }</p>
            <div class="controls"><button type="button" class="primary" onclick={start} disabled={*run == Run::Running} data-testid="run-self-test">{ "run the self-test" }</button></div>
            { match &*run {
                Run::Idle => Html::default(),
                Run::Running => html! { <p role="status">{ "Running; a few seconds on a GPU, longer on a software adapter." }</p> },
                Run::Failed(what, hint) => html! { <p class="ask" role="status" data-testid="self-test"><strong>{ what.clone() }</strong>{ format!(" {hint}") }</p> },
                Run::Done(report) => html! { <>{ view(report) }<button type="button" onclick={copy(report)}>{ "save report" }</button></> },
            } }
        </>
    }
}

fn view(report: &Report) -> Html {
    let gpu = &report.gpu;
    html! {
        <>
            <p class="sentence" role="status" data-testid="self-test">{ if report.passed() { "Every check passed." } else { "Some checks failed: this GPU's results would be recomputed on the CPU." } }</p>
            <p class="hint">{ format!("{} {} {}{}; bindings up to {}, workgroup memory {}; seed {}, {} × {}.", gpu.backend, gpu.name, gpu.driver,
                if gpu.software { " (software: correct, not faster than the CPU)" } else { "" }, bytes(gpu.max_binding), bytes(u64::from(gpu.max_workgroup_memory)),
                report.seed, report.shape[0], report.shape[1]) }</p>
            <div class="numbers" tabindex="0" role="region" aria-label="Checks">
                <table><thead><tr>{ for ["planted head", "check", "error", "tolerance", ""].into_iter().map(|h| html! { <th scope="col">{ h }</th> }) }</tr></thead>
                    <tbody>{ for report.heads.iter().flat_map(|head| head.checks.iter().map(move |c| (head, c))).map(|(head, c)| html! {
                        <tr><th scope="row">{ head.name.clone() }</th><td>{ c.what.clone() }</td><td>{ short_exponent(c.error) }</td><td>{ short_exponent(c.tolerance) }</td>
                            <td>{ if c.passed() { "passed" } else { "FAILED" } }</td></tr>
                    }) }</tbody></table>
            </div>
            <div class="numbers" tabindex="0" role="region" aria-label="Speeds">
                <table><thead><tr>{ for ["kernel", "per second", "unit", "Gflop/s"].into_iter().map(|h| html! { <th scope="col">{ h }</th> }) }</tr></thead>
                    <tbody>{ for report.speeds.iter().map(|s| html! {
                        <tr><th scope="row">{ s.what.clone() }</th><td>{ three(s.per_second) }</td><td>{ s.unit.clone() }</td><td>{ three(s.flops / 1e9) }</td></tr>
                    }) }</tbody></table>
            </div>
        </>
    }
}

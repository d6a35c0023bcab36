//! Self-test: this machine's GPU in f32 against its CPU in f64, errors beside tolerances.

use wasm_bindgen_futures::{JsFuture, spawn_local};
use yew::prelude::*;

use crate::protocol::Failure;
use crate::protocol::self_test::{Report, SelfTest as Question};
use crate::ui::address::keys;
use crate::ui::app::use_app;
use crate::ui::asking::use_asking;
use crate::ui::widgets::select::{Select, Switch};
use crate::ui::words::format::{bytes, percent, short_exponent, three};
use crate::ui::words::self_test as words;
use crate::worker::own::Listed;
use crate::worker::pool::{Jobs, default_size};
use crate::worker::request::Request;

/// Who may compute: the values of the parameter `compute`.
const COMPUTE: [(&str, &str); 4] = [
    ("auto", words::WHOEVER_FASTER),
    ("cpu", "CPU"),
    ("gpu", "GPU"),
    ("drill", words::GPU_LOST_ONCE_DRILL),
];

/// Whose the question is.
const OWNER: &str = "self-test";

/// The page.
#[component]
pub fn SelfTest() -> Html {
    let app = use_app();
    let run = use_asking::<Report, _>(OWNER, Some(())).quiet();
    // Shapes done, of how many.
    let shapes = use_state(|| (0, 1));
    // A worker of its own: a driver that dies takes nothing else with it.
    let worker = use_mut_ref(|| None::<Jobs>);
    let thorough = use_state(|| false);
    let stop = {
        let worker = worker.clone();
        // With its last handle the worker ends.
        Callback::from(move |()| worker.take().iter().for_each(|jobs: &Jobs| jobs.stop(OWNER)))
    };
    let choose = {
        let thorough = thorough.clone();
        Callback::from(move |on: bool| thorough.set(on))
    };
    let start = {
        let (run, shapes) = (run.clone(), shapes.clone());
        let (thorough, session) = (*thorough, app.session.clone());
        let stop = stop.clone();
        Callback::from(move |_: MouseEvent| {
            shapes.set((0, 1));
            let seed = (js_sys::Math::random() * 1e6) as u32;
            let progress = shapes.clone();
            let listed = Listed::new(session.jobs.clone(), words::THE_SELFTEST);
            let stop = stop.clone();
            let jobs = session.own_worker(move |running| match running.first() {
                Some(job) => {
                    progress.set((job.done, job.total));
                    let stop = stop.clone();
                    listed.at(job.done, job.total, move || stop.emit(()));
                }
                None => listed.ended(),
            });
            let request = Request::new(Question { seed, thorough }).listed(words::THE_SELFTEST);
            run.clone().of(&jobs).ask(request);
            *worker.borrow_mut() = Some(jobs);
        })
    };
    let threads = default_size();
    let compute = app.value().route.read(&keys::COMPUTE);
    let choose_compute = {
        let app = app.clone();
        Callback::from(move |slug: String| app.choose(&keys::COMPUTE, &slug))
    };
    let options = COMPUTE.map(|(slug, name)| (slug.into(), name.into())).to_vec();
    let report_text = |report: &Report| serde_json::to_string_pretty(report).unwrap_or_default();
    let keep = |report: &Report| {
        let (text, session) = (report_text(report), app.session.clone());
        Callback::from(move |_: MouseEvent| {
            session.save("omega-lens-self-test.json", "application/json", text.as_bytes());
        })
    };
    let copied = use_state(|| false);
    let copy = |report: &Report| {
        let (text, session, copied) = (report_text(report), app.session.clone(), copied.clone());
        Callback::from(move |_: MouseEvent| {
            let (text, session, copied) = (text.clone(), session.clone(), copied.clone());
            spawn_local(async move {
                let clipboard = web_sys::window().map(|w| w.navigator().clipboard());
                let done = match clipboard {
                    Some(clipboard) => JsFuture::from(clipboard.write_text(&text)).await.is_ok(),
                    None => false,
                };
                copied.set(done);
                if !done {
                    session.note(Failure::new(words::BROWSER_REFUSED_CLIPBOARD_SAVE));
                }
            });
        })
    };
    html! {
        <>
            <h2>{ "Self-test" }</h2>
            <p class="hint">{ words::HEADS_KNOWN_DECOMPOSITION_COMPUTED }</p>
            <p>{ words::page_cpu_spectra_comparisons(&threads, &(if threads == 1 { "worker" } else { "workers" })) }</p>
            <div class="controls"><Select label="compute on" {options} value={compute.slug()} on_change={choose_compute} /></div>
            <div class="controls"><button type="button" class="primary" onclick={start} disabled={run.under_way()} data-testid="run-self-test">{ words::RUN_SELFTEST }</button>
                <Switch label={words::THOROUGH_HEADS_WIDE_UP} on={*thorough} on_change={choose} /></div>
            if run.under_way() {
                <p class="progress" role="status"><progress value={shapes.0.to_string()} max={shapes.1.to_string()} aria-label={words::THE_SELFTEST} />
                    { words::shapes_few_seconds_gpu(&shapes.0, &shapes.1) }
                    <button type="button" onclick={stop.reform(|_: MouseEvent| ())}>{ "cancel" }</button></p>
            } else if let Some(why) = run.failed() {
                <p class="ask" role="status" data-testid="self-test"><strong>{ why.what.clone() }</strong>{ format!(" {}", why.hint) }</p>
            } else if let Some(report) = run.found() {
                { view(&report) }
                <p class="onward"><button type="button" onclick={copy(&report)} data-testid="copy-report">{ if *copied { "copied" } else { "copy report" } }</button>
                <button type="button" onclick={keep(&report)}>{ "save report" }</button></p>
            }
        </>
    }
}

fn view(report: &Report) -> Html {
    let gpu = &report.gpu;
    let peak = &report.peak;
    let mut rows = vec![
        (words::MULTIPLYADDS_MEASURED_PEAK.to_owned(), "–".to_owned(), String::new(), peak.flops),
        ("gemm".to_owned(), "–".to_owned(), String::new(), peak.gemm_flops),
    ];
    rows.extend(
        report
            .speeds
            .iter()
            .map(|s| (s.what.clone(), three(s.per_second), s.unit.clone(), s.flops)),
    );
    html! {
        <>
            <p class="sentence" role="status" data-testid="self-test">{ if report.passed() { words::EVERY_CHECK_PASSED } else { words::SOME_CHECKS_FAILED_GPUS } }</p>
            <p class="hint">{ words::bindings_up_workgroup_memory(&gpu.backend, &gpu.name, &gpu.driver, &(if gpu.software { words::SOFTWARE_CORRECT_NOT_FASTER } else { "" }), &bytes(gpu.max_binding), &bytes(u64::from(gpu.max_workgroup_memory)), &report.seed) }</p>
            <div class="numbers" tabindex="0" role="region" aria-label="Checks">
                <table><thead><tr>{ for ["planted head", "shape", "check", "error", "tolerance", ""].into_iter().map(|h| html! { <th scope="col">{ h }</th> }) }</tr></thead>
                    <tbody>{ for report.heads.iter().flat_map(|head| head.checks.iter().map(move |c| (head, c))).map(|(head, c)| html! {
                        <tr><th scope="row">{ head.name.clone() }</th><td>{ format!("{} × {}", head.shape[0], head.shape[1]) }</td><td>{ c.what.clone() }</td><td>{ short_exponent(c.error) }</td><td>{ short_exponent(c.tolerance) }</td>
                            <td>{ if c.passed() { "passed" } else { "FAILED" } }</td></tr>
                    }) }</tbody></table>
            </div>
            <p class="hint">{ words::memory_second_measured(&bytes(peak.bytes as u64)) }</p>
            <div class="numbers" tabindex="0" role="region" aria-label="Speeds">
                <table><thead><tr>{ for ["kernel", "per second", "unit", "Gflop/s", words::OF_THE_PEAK].into_iter().map(|h| html! { <th scope="col">{ h }</th> }) }</tr></thead>
                    <tbody>{ for rows.into_iter().map(|(what, per_second, unit, flops)| html! {
                        <tr><th scope="row">{ what }</th><td>{ per_second }</td><td>{ unit }</td><td>{ three(flops / 1e9) }</td><td>{ percent(flops / report.peak.flops) }</td></tr>
                    }) }</tbody></table>
            </div>
        </>
    }
}

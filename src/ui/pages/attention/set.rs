//! Many prompts at once: per head how sparse, against every control, and where in the spectrum.

use web_sys::HtmlTextAreaElement;
use yew::prelude::*;

use super::events::Events;
use super::set_run;
use crate::circuits::prompts::Task;
use crate::circuits::sad::controls::ControlOptions;
use crate::circuits::sad::set::SetOptions;
use crate::circuits::sad::sparsity::EventRule;
use crate::math::statistics::{FalseDiscovery, ranked};
use crate::model::Weights;
use crate::protocol::attention::{SetSpec, SetTask, Share};
use crate::study::python::prompt_set;
use crate::ui::address::keys::MEASURED;
use crate::ui::app::{App, use_app};
use crate::ui::browser::export::save;
use crate::ui::memory::measured::{MeasuredHead, looks};
use crate::ui::memory::prompt_set::{MeasuredSet, News, SetOutcome};
use crate::ui::remembered::use_memory;
use crate::ui::widgets::python::Python;
use crate::ui::widgets::select::{Select, Slider};
use crate::ui::words::attention as words;
use crate::ui::words::format::{percent, three};
use crate::ui::words::sparsity::found_heads;
use crate::ui::words::table::Table;

/// Prompts in a set.
const PROMPTS: usize = 128;

/// Tasks by the name in their menu.
pub(in crate::ui::pages) const TASKS: [(&str, &str); 5] = [
    ("ioi", "indirect object"),
    ("pronoun", "gendered pronoun"),
    ("greater", "greater than"),
    ("repeated", words::REPEATED_RANDOM_TOKENS),
    ("own", words::MY_OWN_LIST),
];

/// The set of a task's name.
pub(in crate::ui::pages) fn spec(task: &str, own: &str, n: usize, rule: EventRule) -> SetSpec {
    let task = match task {
        "pronoun" => SetTask::Task(Task::Pronoun),
        "greater" => SetTask::Task(Task::GreaterThan),
        "repeated" => SetTask::Repeated,
        "own" => SetTask::Own(own.to_owned()),
        _ => SetTask::Task(Task::IndirectObject),
    };
    SetSpec {
        task,
        n,
        seed: 0,
        options: SetOptions { rule, controls: ControlOptions::SET },
        series: false,
        share: Share::WHOLE,
    }
}

/// A prompt set, run on the open model.
#[component]
pub(super) fn SetView() -> Html {
    let app = use_app();
    let outcome = use_memory::<MeasuredSet>();
    let task = use_state(|| "ioi".to_owned());
    let own = use_state(String::new);
    let by_score = use_state(|| false);
    let threshold = use_state(|| 0.5);
    let generation = app.value().model.as_ref().map(|m| m.generation);
    {
        let outcome = outcome.clone();
        use_effect_with(generation, move |_| outcome.dispatch(News::Fresh));
    }
    let choose = {
        let task = task.clone();
        Callback::from(move |t: String| task.set(t))
    };
    let choose_rule = {
        let (by_score, threshold) = (by_score.clone(), threshold.clone());
        Callback::from(move |slug: String| {
            by_score.set(slug == "score");
            threshold.set(if slug == "score" { 2.0 } else { 0.5 });
        })
    };
    let rule = match (*by_score, *threshold) {
        (_, 0.0) => EventRule::Every,
        (true, least) => EventRule::Relative(least),
        (false, least) => EventRule::Attention(least),
    };
    let set_threshold = {
        let threshold = threshold.clone();
        Callback::from(move |t: f64| threshold.set(t))
    };
    let oninput = {
        let own = own.clone();
        Callback::from(move |event: InputEvent| {
            if let Some(area) = event.target_dyn_into::<HtmlTextAreaElement>() {
                own.set(area.value());
            }
        })
    };
    let run = {
        let (app, outcome, task, own) = (app.clone(), outcome.clone(), task.clone(), own.clone());
        Callback::from(move |_: MouseEvent| {
            outcome.dispatch(News::Fresh);
            let hears = outcome.dispatcher();
            let spec = spec(&task, &own, PROMPTS, rule);
            let asked = spec.clone();
            let end =
                Callback::from(move |outcome| hears.dispatch(News::Done(outcome, asked.clone())));
            set_run::run(&app, spec, end);
        })
    };
    let options = TASKS
        .iter()
        .map(|(slug, name)| (AttrValue::from(*slug), AttrValue::from(*name)))
        .collect::<Vec<_>>();
    html! {
        <section class="prompt-set" aria-label="Prompt sets">
            <h2>{ words::OVER_MANY_PROMPTS }</h2>
            <p class="hint">{ words::prompts_one_kind_generated(&PROMPTS) }</p>
            <div class="controls">
                <Select label="prompts" {options} value={(*task).clone()} on_change={choose} />
                <Select label="events by" options={vec![("attention".into(), "attention".into()), ("score".into(), "|relative attention|".into())]}
                    value={if *by_score { "score" } else { "attention" }} on_change={choose_rule} />
                <Slider label="over" min={0.0} max={if *by_score { 10.0 } else { 0.95 }} step={if *by_score { 0.5 } else { 0.05 }} value={*threshold} shown={three(*threshold)} on_change={set_threshold} />
                <button type="button" class="primary" onclick={run} disabled={generation.is_none()} data-testid="run-set">{ "run" }</button>
            </div>
            if *task == "own" {
                <label class="field wide"><span>{ words::ONE_PROMPT_LINE }</span><textarea rows="4" {oninput} value={(*own).clone()} /></label>
            }
            if let Some((outcome, spec)) = &outcome.0.0 { { view(&app, outcome, spec) } }
        </section>
    }
}

fn view(app: &App, outcome: &SetOutcome, spec: &SetSpec) -> Html {
    let stamp = app.value().stamp(Weights::Folded).set(spec, outcome.n);
    let heads: Vec<&MeasuredHead> = outcome.heads.iter().filter(|h| h.n_events > 0).collect();
    let heads = ranked(&heads, |h| h.clearness());
    let family = FalseDiscovery::over(heads.iter().filter_map(|h| h.p));
    let q: Vec<f64> = heads.iter().filter_map(|h| Some(family.q(h.p?))).collect();
    let header = [
        "head",
        "events",
        "attention",
        "S",
        "S basis",
        "S subspace",
        "S matched",
        "q",
        "N",
        "N basis",
        "N.9",
        "N.9 basis",
        "recurring k",
    ];
    let cells = |h: &MeasuredHead| {
        let recurring: Vec<String> =
            h.recurring.iter().take(3).map(|(k, p)| format!("{k} ({})", percent(*p))).collect();
        vec![
            app.value().head_name(h.layer, h.head).into(),
            h.n_events.into(),
            h.attention.into(),
            h.sparseness[0].into(),
            h.sparseness[1].into(),
            h.sparseness[2].into(),
            h.sparseness[3].into(),
            h.p.map(|p| family.q(p)).into(),
            h.n_recon[0].into(),
            h.n_recon[1].into(),
            h.n_recon_90[0].into(),
            h.n_recon_90[1].into(),
            recurring.join(", ").into(),
        ]
    };
    let table = heads.iter().fold(Table::new(header), |table, h| table.row(cells(h)));
    let csv = {
        let (table, stamp) = (table.clone(), stamp.clone());
        Callback::from(move |_: MouseEvent| {
            // A refused download leaves the table on the page.
            let _ = save("prompt-set.csv", "text/csv", table.csv(&stamp).as_bytes());
        })
    };
    let every_look = {
        let (app, outcome, stamp) = (app.clone(), outcome.clone(), stamp.clone());
        Callback::from(move |_: MouseEvent| {
            let heads: Vec<&MeasuredHead> = outcome.heads.iter().collect();
            let table = looks(&heads, |h| app.value().head_name(h.layer, h.head));
            // A refused download leaves the table on the page.
            let _ = save("looks.csv", "text/csv", table.csv(&stamp).as_bytes());
        })
    };
    let slug = |h: &MeasuredHead| app.value().head_name(h.layer, h.head);
    let wanted = app.value().route.find(&MEASURED);
    let chosen = heads.iter().copied().find(|h| Some(slug(h)) == wanted);
    let options: Vec<(AttrValue, AttrValue)> =
        heads.iter().map(|h| (slug(h).into(), slug(h).into())).collect();
    let choose = {
        let app = app.clone();
        Callback::from(move |slug: String| app.choose(&MEASURED, &slug))
    };
    let head = chosen.or(heads.first().copied());
    let answered =
        outcome.correct.map_or_else(String::new, |c| words::answered_correctly(&c, &outcome.n));
    html! {
        <>
            <p data-testid="set-outcome">{ words::prompts_such(&spec.task.words(), &outcome.n, &outcome.example.trim(), &answered, &outcome.by) }</p>
            if let Some(head) = head {
                <p class="hint" data-testid="found-heads">{ found_heads(&q) }</p>
                <div class="numbers" tabindex="0" role="region" aria-label={words::HEADS_OVER_PROMPT_SET}>
                    <table>
                        <thead><tr>{ for header.iter().map(|h| html! { <th scope="col">{ *h }</th> }) }</tr></thead>
                        <tbody>{ for table.rows.iter().map(|row| html! { <tr>{ for row.iter().map(|c| html! { <td>{ c.shown() }</td> }) }</tr> }) }</tbody>
                    </table>
                </div>
                <p class="convention">{ stamp.line() }</p>
                <span class="exports">
                    <button type="button" onclick={csv}>{ "CSV" }</button>
                    <button type="button" onclick={every_look}>{ words::CSV_EVERY_LOOK }</button>
                </span>
                <Python name="prompt-set.py" python={prompt_set(&stamp)} />
                <div class="controls"><Select label="head" {options} value={slug(head)} on_change={choose} /></div>
                <Events name={app.value().head_slug(head.layer, head.head)} head={head.clone()} convention={stamp} />
            } else {
                <p class="empty">{ words::NO_LOOK_ANY_HEAD }</p>
            }
        </>
    }
}

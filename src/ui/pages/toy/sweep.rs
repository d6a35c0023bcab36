//! Sweeps: one setting over values and seeds, trained in the background on every worker, drawn as mean and spread.

use std::rc::Rc;

use yew::prelude::*;

use crate::protocol::toy::Whole;
use crate::study::python::samples;
use crate::study::stamp::Stamp;
use crate::toy::{Config, Outcome, Preset, Quantity, Setting, Sweep};
use crate::ui::address::keys;
use crate::ui::address::sweep::{SWEPT, chosen, slug};
use crate::ui::app::{App, use_app};
use crate::ui::charts::{Figure, Lines, Series};
use crate::ui::memory::sweep::{News, SweepOutcomes};
use crate::ui::remembered::{Remembered, use_memory};
use crate::ui::widgets::python::Python;
use crate::ui::widgets::select::{Select, Slider};
use crate::ui::widgets::typed::Typed;
use crate::ui::words::expectation as words;
use crate::ui::words::table::Table;
use crate::ui::words::toy as said;
use crate::worker::request::{JobEvent, Request};

/// Quantities that are drawn together: two cosines, or others one by one.
const QUANTITIES: [Quantity; 8] = [
    Quantity::LeastCos,
    Quantity::MeanCos,
    Quantity::Interference,
    Quantity::Crowding,
    Quantity::SurplusSigma,
    Quantity::PairsLost,
    Quantity::Anisotropy,
    Quantity::Kl,
];

/// Properties of [`Sweeps`].
#[derive(Properties, PartialEq)]
pub(super) struct SweepsProps {
    /// All that is not swept.
    pub(super) config: Rc<Config>,
    /// May have a sweep of its own.
    pub(super) preset: Rc<Preset>,
}

/// The sweep's controls and its picture.
#[component]
pub(super) fn Sweeps(props: &SweepsProps) -> Html {
    let app = use_app();
    let swept = use_memory::<SweepOutcomes>();
    let quantity = use_state(|| 0_usize);
    let sweep = Rc::new(chosen(&app.value().route, &props.config, &props.preset));
    let slug = slug(sweep.setting);
    let start = {
        let (app, swept, sweep) = (app.clone(), swept.clone(), sweep.clone());
        Callback::from(move |_: MouseEvent| begin(&app, &swept, &sweep))
    };
    let choose = {
        let app = app.clone();
        Callback::from(move |slug: String| {
            app.replace(app.value().route.clone().choose(&keys::SWEEP, &slug).clear(&keys::VALUES))
        })
    };
    let set_values = {
        let app = app.clone();
        Callback::from(move |typed: String| {
            app.replace(app.value().route.clone().put(&keys::VALUES, typed));
        })
    };
    let set_seeds = {
        let app = app.clone();
        Callback::from(move |n: f64| {
            app.replace(app.value().route.clone().put(&keys::SEEDS, n as u32))
        })
    };
    let pick = {
        let quantity = quantity.clone();
        Callback::from(move |i: String| quantity.set(i.parse().unwrap_or(0)))
    };
    let values: Vec<String> = sweep.values.iter().map(f64::to_string).collect();
    let settings =
        SWEPT.iter().map(|(setting, slug, _)| ((*slug).into(), words_of(*setting).into()));
    let quantities =
        QUANTITIES.iter().enumerate().map(|(i, q)| (i.to_string().into(), words::name(*q).into()));
    let (total, done) = (swept.total, swept.done());
    html! {
        <section class="prompt-set" aria-label="Sweep">
            <h2>{ said::OVER_VALUES_SEEDS }</h2>
            <p class="hint">{ said::WHOLE_RUNS_THESE_SETTINGS }</p>
            <div class="controls">
                <Select label="vary" options={settings.collect::<Vec<_>>()} value={slug} on_change={choose} />
                <label class="field"><span>{ "over" }</span><Typed kind="text" value={values.join(",")} on_take={set_values} testid="sweep-values" /></label>
                <Slider label="seeds" min={1.0} max={10.0} step={1.0} value={f64::from(sweep.n_seeds)} on_change={set_seeds} />
                <button type="button" class="primary" onclick={start} data-testid="sweep">{ format!("train {} runs", sweep.values.len() * sweep.n_seeds as usize) }</button>
            </div>
            if total > 0 {
                <p role="status" data-testid="sweep-outcome">{ format!("{done} of {total} runs{}", if swept.failed > 0 { said::them_failed(&swept.failed) } else { String::new() }) }</p>
                <div class="controls"><Select label="draw" options={quantities.collect::<Vec<_>>()} value={quantity.to_string()} on_change={pick} /></div>
                if let Some(sweep) = &swept.sweep { { picture(sweep, &swept.outcomes, QUANTITIES[(*quantity).min(QUANTITIES.len() - 1)]) } }
            }
        </section>
    }
}

/// What a setting that can be swept is called on the page.
fn words_of(setting: Setting) -> &'static str {
    match setting {
        Setting::Lambda => "λ",
        Setting::Strength => "strength T",
        Setting::NFeatures => "features N",
        Setting::DModel => "dimensions D",
        Setting::DHead => "rank H",
        Setting::NKeys => "keys m",
        Setting::Batch => "batch B",
        Setting::P => said::CHANCE_FEATURE,
        Setting::Lr => "learning rate",
        Setting::HeadStd => said::SIZE_HEADS_START,
        Setting::Cone => said::CONE_START,
        Setting::PowerLaw => said::POWER_LAW_START,
        Setting::Common => "common direction",
    }
}

/// Hands every run to the workers.
fn begin(app: &App, swept: &UseReducerHandle<Remembered<SweepOutcomes>>, sweep: &Rc<Sweep>) {
    let runs = sweep.runs();
    let values: Vec<usize> = runs.iter().map(|run| run.value).collect();
    let questions = runs.into_iter().map(|run| Whole { config: Box::new(run.config) });
    let request = Request::each(questions).owner("sweep").listed(said::RUNS_SWEEP);
    let (hears, sweep) = (swept.dispatcher(), sweep.clone());
    app.session.jobs.ask(request, move |event| match event {
        JobEvent::Begun => hears.dispatch(News::Fresh(sweep.clone(), values.len())),
        JobEvent::Part { part, answer, .. } => {
            if let Some(&value) = values.get(part) {
                hears.dispatch(News::Outcome(value, answer));
            }
        }
        JobEvent::Failed { .. } => hears.dispatch(News::Failed),
        _ => {}
    });
}

fn picture(sweep: &Sweep, outcomes: &[(usize, Outcome)], quantity: Quantity) -> Html {
    let spreads: Vec<_> =
        sweep.summary(outcomes, quantity).into_iter().filter(|s| s.n > 0).collect();
    let of = |name: &str, value: fn(&crate::toy::Spread) -> f64, dashed: bool| Series {
        name: name.into(),
        points: spreads.iter().map(|s| (s.value, value(s))).collect(),
        dashed,
        ..Series::default()
    };
    let mean =
        Series { spread: spreads.iter().map(|s| s.sd).collect(), ..of("mean", |s| s.mean, false) };
    let series = vec![mean, of("lowest", |s| s.low, true), of("highest", |s| s.high, true)];
    let log_x = sweep.setting == Setting::Lambda;
    let setting = words_of(sweep.setting);
    let seeds =
        if sweep.n_seeds == 1 { "1 seed".into() } else { format!("{} seeds", sweep.n_seeds) };
    let caption = said::against_over_mean(&setting, &seeds, &words::name(quantity));
    let convention = Stamp::of_toy(&sweep.base).how(said::varied_unseen_batches(&setting, &seeds));
    let runs = sweep.by_value(outcomes, quantity).into_iter();
    let runs: Vec<_> = runs.map(|(value, found)| (format!("{setting} = {value}"), found)).collect();
    let python = samples(&runs, &convention);
    let table = Callback::from(move |()| {
        spreads.iter().fold(
            Table::new(["value", "runs", "mean", "sd", "lowest", "highest"]),
            |t, s| {
                t.row([
                    s.value.into(),
                    s.n.into(),
                    s.mean.into(),
                    s.sd.into(),
                    s.low.into(),
                    s.high.into(),
                ])
            },
        )
    });
    html! {
        <>
            <Figure name="toy-sweep" {table} {convention} caption={html! { { caption.clone() } }}>
                <Lines label={caption} {series} x={setting} y="" {log_x} />
            </Figure>
            <Python name="samples.py" {python} />
        </>
    }
}

//! Toy lab: the paper's small model, trained live beside its singular vectors.

use std::rc::Rc;

use yew::prelude::*;

use crate::toy::{Config, Schedule, Snapshot, Template};
use crate::ui::app::use_app;
use crate::ui::charts::{Bar, Bars, Figure, HeatMap, Lines, Point, Scatter, Series, Table};
use crate::ui::format::three;
use crate::ui::palette::Scale;
use crate::ui::state::Action;
use crate::ui::widgets::select::{Select, Slider};
use crate::worker::pool::{OnTell, Pool};
use crate::worker::protocol::toy::{Ask as ToyAsk, Point as Loss};
use crate::worker::protocol::{Ask, Tell};

/// Presets: name in the URL, name on the page, what it shows.
const PRESETS: [(&str, &str, &str); 4] = [
    (
        "one-pair",
        "one pair (figures 1b, 2a)",
        "One query feature wants one key feature. The head's first pair of singular vectors finds exactly these two, and both move away from all others.",
    ),
    (
        "no-head",
        "no head (figure 1a)",
        "Without a head (λ = 0) twenty features share ten dimensions as antipodal pairs: superposition, and nothing for Ω to find.",
    ),
    (
        "weak-head",
        "a head too weak (λT² below the threshold)",
        "λ = 1, T = 1: the vectors align, but the features stay antipodal. Orthogonalisation comes only past λT² ≈ 55.",
    ),
    (
        "eight-pairs",
        "eight pairs (figure 2b, smaller)",
        "Eight pairs with strengths from 10 to 2.5: each pair gets its own singular vectors, in the order of strength.",
    ),
];

fn preset(slug: &str) -> Config {
    match slug {
        "no-head" => Config { lambda: 0.0, steps: 2000, ..Config::default() },
        "weak-head" => Config {
            lambda: 1.0,
            template: Template::OnePair { strength: 1.0 },
            batch: 128,
            steps: 2000,
            ..Config::default()
        },
        "eight-pairs" => Config {
            n_features: 40,
            d_model: 20,
            d_head: 20,
            lambda: 50.0,
            template: Template::Pairs { n_pairs: 8, strongest: 10.0, weakest: 2.5 },
            lr: 5e-3,
            schedule: Schedule::Cosine,
            steps: 3000,
            ..Config::default()
        },
        _ => Config::default(),
    }
}

/// What the lab shows.
#[derive(Clone, PartialEq, Default)]
struct Lab {
    frame: Option<Rc<Snapshot>>,
    losses: Vec<Loss>,
    /// Step, least cosine and interference at every frame.
    course: Vec<(usize, f64, f64)>,
    done: bool,
}

enum Heard {
    Fresh,
    Losses(Vec<Loss>),
    Frame(Box<Snapshot>, bool),
}

impl Reducible for Lab {
    type Action = Heard;

    fn reduce(self: Rc<Self>, heard: Heard) -> Rc<Self> {
        let mut next = (*self).clone();
        match heard {
            Heard::Fresh => next = Self::default(),
            Heard::Losses(points) => next.losses.extend(points),
            Heard::Frame(frame, done) => {
                next.course.push((frame.step, frame.metrics.least_cos, frame.metrics.interference));
                next.frame = Some(Rc::from(frame));
                next.done = done;
            }
        }
        Rc::new(next)
    }
}

/// The page.
#[component]
pub fn Toy() -> Html {
    let app = use_app();
    let lab = use_reducer(Lab::default);
    let pool = use_memo((), |()| Pool::new(1));
    let running = use_state(|| false);
    let route = &app.value().route;
    let slug = route.text("preset").unwrap_or("one-pair").to_owned();
    let mut config = preset(&slug);
    config.seed = route.value("seed").unwrap_or(0);
    config.lambda = route.value("lambda").unwrap_or(config.lambda);
    let speed: usize = route.value("speed").unwrap_or(10);
    // Start over whenever a setting changes.
    {
        let (lab, pool, running, session) =
            (lab.clone(), pool.clone(), running.clone(), app.session.clone());
        use_effect_with(config.clone(), move |config| {
            running.set(false);
            lab.dispatch(Heard::Fresh);
            let on_tell = listener(&lab, &session);
            pool.ask(Ask::Toy(ToyAsk::Start(Box::new(config.clone()))), on_tell);
        });
    }
    // One question a frame: the next is asked when the last frame was drawn.
    {
        let (lab2, pool, session) = (lab.clone(), pool.clone(), app.session.clone());
        let (step, done) = (lab.frame.as_ref().map(|f| f.step), lab.done);
        let stop = running.clone();
        use_effect_with((*running, step), move |(running, step)| {
            if *running && done {
                stop.set(false);
            } else if *running && step.is_some() {
                pool.ask(Ask::Toy(ToyAsk::Run { steps: speed }), listener(&lab2, &session));
            }
        });
    }
    let toggle = {
        let running = running.clone();
        Callback::from(move |_: MouseEvent| running.set(!*running))
    };
    let once = {
        let (lab, pool, session) = (lab.clone(), pool.clone(), app.session.clone());
        Callback::from(move |_: MouseEvent| {
            pool.ask(Ask::Toy(ToyAsk::Run { steps: 1 }), listener(&lab, &session));
        })
    };
    let reset = {
        let (lab, pool, running, config, session) =
            (lab.clone(), pool.clone(), running.clone(), config.clone(), app.session.clone());
        Callback::from(move |_: MouseEvent| {
            running.set(false);
            lab.dispatch(Heard::Fresh);
            pool.ask(Ask::Toy(ToyAsk::Start(Box::new(config.clone()))), listener(&lab, &session));
        })
    };
    let set = |name: &'static str| {
        let app = app.clone();
        Callback::from(move |x: f64| app.set(name, x))
    };
    let choose = {
        let app = app.clone();
        Callback::from(move |slug: String| {
            app.go(app.value().route.clone().with("preset", slug).without("lambda"))
        })
    };
    let options = PRESETS
        .iter()
        .map(|(slug, name, _)| (AttrValue::from(*slug), AttrValue::from(*name)))
        .collect::<Vec<_>>();
    let says = PRESETS.iter().find(|p| p.0 == slug).map_or("", |p| p.2);
    let step = lab.frame.as_ref().map_or(0, |f| f.step);
    html! {
        <>
            <section class="prompt" aria-label="The run">
                <div class="controls">
                    <Select label="preset" {options} value={slug.clone()} on_change={choose} />
                    <button type="button" class="primary" onclick={toggle} disabled={lab.done} data-testid="train">{ if *running { "pause" } else { "train" } }</button>
                    <button type="button" onclick={once} disabled={*running || lab.done}>{ "one step" }</button>
                    <button type="button" onclick={reset}>{ "reset" }</button>
                    <Slider label="steps a frame" min={1.0} max={50.0} step={1.0} value={speed as f64} on_change={set("speed")} />
                    <Slider label="λ" min={0.0} max={200.0} step={1.0} value={config.lambda} on_change={set("lambda")} />
                    <Slider label="seed" min={0.0} max={20.0} step={1.0} value={f64::from(config.seed)} on_change={set("seed")} />
                </div>
                <p>{ says }</p>
                <p class="progress" role="status" data-testid="toy-step"><progress value={step.to_string()} max={config.steps.to_string()} aria-label="training" />
                    { format!("step {step} of {}: N = {} features in D = {} dimensions, rank H = {}", config.steps, config.n_features, config.d_model, config.d_head) }</p>
            </section>
            if let Some(frame) = &lab.frame { { view(&lab, frame, &config) } }
        </>
    }
}

fn listener(lab: &UseReducerHandle<Lab>, session: &crate::ui::session::Session) -> OnTell {
    let (hears, session) = (lab.dispatcher(), session.clone());
    Rc::new(move |tell, _| match tell {
        Tell::ToyPoints(points) => hears.dispatch(Heard::Losses(points)),
        Tell::ToyFrame(frame, done) => hears.dispatch(Heard::Frame(frame, done)),
        Tell::Failed(failure) => session.act(Action::Note(failure.what, failure.hint)),
        _ => {}
    })
}

fn view(lab: &Lab, frame: &Rc<Snapshot>, config: &Config) -> Html {
    let m = &frame.metrics;
    let h = config.d_head;
    let targets: Vec<f64> = config.template.entries().iter().map(|e| e.strength).collect();
    let bars: Vec<Bar> = m
        .sigma
        .iter()
        .enumerate()
        .map(|(k, &value)| Bar {
            value,
            mark: targets.get(k).copied().filter(|_| config.lambda > 0.0),
        })
        .collect();
    let verdict = if config.lambda == 0.0 {
        "There is no head to align; look at the Gram matrix: each feature has one partner at cosine −1.".to_owned()
    } else {
        let aligned = if m.least_cos > 0.95 { "aligned" } else { "not aligned yet" };
        let apart = if m.interference < 0.1 {
            "orthogonal to all others"
        } else if m.interference > 0.9 {
            "still sharing a direction with another feature"
        } else {
            "partly apart"
        };
        format!(
            "Smallest cosine of an attended feature with its singular vector: {} ({aligned}). Interference of attended features: {} ({apart}).",
            three(m.least_cos),
            three(m.interference)
        )
    };
    let heat = |name: &'static str,
                caption: &'static str,
                values: &[f32],
                n_cols: usize,
                x: &'static str| {
        let values = Rc::new(values.to_vec());
        let table = {
            let values = values.clone();
            Callback::from(move |()| {
                values.iter().enumerate().fold(
                    Table::new(["feature", "column", "cosine"]),
                    |t, (i, v)| {
                        t.row(vec![
                            (i / n_cols).to_string(),
                            (i % n_cols).to_string(),
                            v.to_string(),
                        ])
                    },
                )
            })
        };
        html! {
            <Figure {name} {table} caption={html! { { caption } }}>
                <HeatMap label={caption} {values} {n_cols} scale={Scale::Diverging { max: 1.0 }} y="feature" {x} />
            </Figure>
        }
    };
    let line = |name: &str, points: Vec<(f64, f64)>| Series {
        name: name.into(),
        points,
        ..Series::default()
    };
    let course = vec![
        line("alignment", lab.course.iter().map(|c| (c.0 as f64, c.1)).collect()),
        line("interference", lab.course.iter().map(|c| (c.0 as f64, c.2)).collect()),
    ];
    let losses = vec![
        line("reconstruction", lab.losses.iter().map(|l| (l.step as f64, l.recon)).collect()),
        line("attention KL", lab.losses.iter().map(|l| (l.step as f64, l.attn_kl)).collect()),
    ];
    let rows = |series: Vec<Series>| {
        Callback::from(move |()| {
            series
                .iter()
                .flat_map(|s| s.points.iter().map(move |p| (s, p)))
                .fold(Table::new(["series", "step", "value"]), |t, (s, p)| {
                    t.row(vec![s.name.clone(), p.0.to_string(), p.1.to_string()])
                })
        })
    };
    let attended: Vec<usize> =
        config.template.entries().iter().flat_map(|e| [e.query, e.key]).collect();
    let points: Vec<Point> = frame
        .principal
        .chunks_exact(3)
        .enumerate()
        .map(|(i, p)| Point {
            x: f64::from(p[0]),
            y: f64::from(p[1]),
            name: format!("feature {i}"),
            group: usize::from(attended.contains(&i)),
            shown: attended.contains(&i) && attended.len() < 4,
        })
        .collect();
    let sigma = m.sigma.clone();
    let principal = points.clone();
    html! {
        <>
            <p class="sentence" aria-live="off" data-testid="toy-verdict">{ verdict }</p>
            <div class="columns toy">
                <section class="column">
                    { heat("features-u", "Cosine of each feature with each left singular vector (what the query is read for).", &frame.cosines_u, h, "k →") }
                    { heat("features-v", "Cosine of each feature with each right singular vector (what the key is read for).", &frame.cosines_v, h, "k →") }
                </section>
                <section class="column">
                    { heat("gram", "Cosines between features: superposition, and who leaves it.", &frame.cosines, config.n_features, "feature →") }
                    <Figure name="toy-spectrum" caption={html! { { "Singular values of Ω; the lines are the template's strengths." } }}
                        table={Callback::from(move |()| sigma.iter().enumerate().fold(Table::new(["k", "sigma"]), |t, (k, s)| t.row(vec![k.to_string(), s.to_string()])))}>
                        <Bars label="Singular values of the toy's Ω" {bars} />
                    </Figure>
                </section>
                <section class="column">
                    <Figure name="toy-course" table={rows(course.clone())} caption={html! { { "Who moves first? Alignment of the attended features, and their interference with others." } }}>
                        <Lines label="Alignment and interference over steps" series={course} x="step" y="" limits={Some((0.0, 1.5))} />
                    </Figure>
                    <Figure name="toy-losses" table={rows(losses.clone())} caption={html! { { "Losses; the attention loss without its floor." } }}>
                        <Lines label="Losses over steps" series={losses} x="step" y="loss" log_y={true} />
                    </Figure>
                    <Figure name="toy-geometry" caption={html! { { "Features in their first two principal directions; attended ones in orange." } }}
                        table={Callback::from(move |()| principal.iter().fold(Table::new(["feature", "x", "y"]), |t, p| t.row(vec![p.name.clone(), p.x.to_string(), p.y.to_string()])))}>
                        <Scatter label="Features in two dimensions" {points} x="first" y="second" limits={Some([-1.6, 1.6, -1.6, 1.6])} rays={true} />
                    </Figure>
                </section>
            </div>
        </>
    }
}

//! Theorem 2 as a cloud: the angle between feature and singular vector against ‖E_X‖₂, ten thousand times.

use std::rc::Rc;

use yew::prelude::*;

use crate::circuits::alignment::RotationCount;
use crate::circuits::dictionary::Builtin;
use crate::protocol::features::{Align, AlignPart, Comparing, Source};
use crate::protocol::toy::Cloud as Draws;
use crate::study::python;
use crate::study::stamp::Stamp;
use crate::ui::address::bench::KINDS;
use crate::ui::address::keys::CLOUD_SEED;
use crate::ui::app::{App, use_app};
use crate::ui::charts::{Figure, Point, Scatter};
use crate::ui::lessons::stage::{Picture, Staged};
use crate::ui::memory::cloud::{CloudDrawn, News};
use crate::ui::remembered::{Remembered, use_memory};
use crate::ui::widgets::python::Python;
use crate::ui::words::format::three;
use crate::ui::words::table::Table;
use crate::ui::words::theorems as words;
use crate::worker::own::Listed;
use crate::worker::pool::Jobs;
use crate::worker::request::{JobEvent, Request};
use crate::worker::sources::Dropped;

/// Draws in all, and in one question.
const DRAWS: u32 = 10_000;
const PIECE: u32 = 500;

/// Whose the cloud is.
const CLOUD: &str = "cloud";

/// How far ‖E‖₂ is drawn.
const FAR: f64 = 3.0;

/// Properties of [`Cloud`].
#[derive(Properties, PartialEq)]
pub(super) struct CloudProps {
    /// A worker of the bench's own.
    pub(super) worker: Jobs,
    /// ‖E‖₂ of the features of Theorem 1 and the cosine of x₀ with u₀, which are shown among the draws.
    pub(super) mine: Option<(f64, f64)>,
}

/// Theorem 2.
#[component]
pub(super) fn Cloud(props: &CloudProps) -> Html {
    let app = use_app();
    let drawn = use_memory::<CloudDrawn>();
    let running = use_state(|| false);
    let seed = app.value().route.read(&CLOUD_SEED);
    let list = app.session.jobs.clone();
    let generation = app.value().model.as_ref().map(|m| m.generation);
    {
        let drawn = drawn.clone();
        use_effect_with(generation, move |_| drawn.dispatch(News::FreshDictionaries));
    }
    {
        let drawn = drawn.clone();
        use_effect_with(generation, move |_| drawn.dispatch(News::Measured));
    }
    // The cloud is there without being asked for; another button draws another.
    {
        let (jobs, drawn, running) = (props.worker.clone(), drawn.clone(), running.clone());
        use_effect_with(seed, move |&seed| draw(&jobs, list, &drawn, &running, seed));
    }
    let start = {
        let app = app.clone();
        Callback::from(move |_: MouseEvent| {
            app.replace(app.value().route.clone().put(&CLOUD_SEED, seed.wrapping_add(1)));
        })
    };
    let stop = {
        let jobs = props.worker.clone();
        Callback::from(move |_: MouseEvent| jobs.stop(CLOUD))
    };
    let measure = {
        let (app, drawn) = (app.clone(), drawn.clone());
        Callback::from(move |_: MouseEvent| dictionaries(&app, &drawn))
    };
    let rows: Rc<Vec<[f32; 4]>> = Rc::new(drawn.values.as_chunks::<4>().0.to_vec());
    let n = rows.len();
    let bounded = rows.iter().filter(|r| r[0] < 1.0).count();
    // Seven digits came through the message.
    let broken = rows.iter().filter(|r| r[0] < 1.0 && r[1] > r[0] + 1e-5).count();
    let beyond = rows.iter().filter(|r| f64::from(r[0]) > FAR).count();
    let degrees = |sine: f32| f64::from(sine.clamp(0.0, 1.0)).asin().to_degrees();
    let mut points: Vec<Point> = rows
        .iter()
        .filter(|r| f64::from(r[0]) <= FAR)
        .map(|r| Point {
            x: f64::from(r[0]),
            y: degrees(r[1]),
            group: r[3] as usize,
            ..Point::default()
        })
        .collect();
    // A feature that points nowhere has no cosine, and no place in this picture.
    let mine = props.mine.filter(|(norm, cos)| norm.is_finite() && cos.is_finite());
    points.extend(mine.map(|(norm, cos)| Point {
        x: norm.min(FAR),
        y: cos.abs().clamp(0.0, 1.0).acos().to_degrees(),
        name: words::THE_PICTURE.to_owned(),
        group: 5,
        shown: true,
    }));
    points.extend(drawn.dictionaries.iter().map(|(name, a)| Point {
        x: a.norm.min(FAR),
        y: a.alignment.clamp(-1.0, 1.0).acos().to_degrees(),
        name: name.clone(),
        group: 4,
        shown: true,
    }));
    let curve: Vec<(f64, f64)> =
        (0..=100).map(|i| f64::from(i) / 100.0).map(|e| (e, e.asin().to_degrees())).collect();
    let kinds: Vec<&str> = KINDS.iter().map(|kind| kind.2).collect();
    let convention =
        Stamp::new(words::random_sets_features(&n, &kinds.join(", ")), &()).seeded(seed);
    let table = Callback::from(move |()| {
        rows.iter().fold(Table::new(["kind", "‖E‖₂", words::ANGLE_DEGREES, "A"]), |t, r| {
            let kind = KINDS.get(r[3] as usize).map_or("", |k| k.2);
            t.row([kind.into(), r[0].into(), degrees(r[1]).into(), r[2].into()])
        })
    });
    html! {
        <section class="theorem" aria-label="Theorem 2">
            <h2>{ words::THEOREM_2_HOW_FAR }</h2>
            <p>{ words::WRITE_SINE_ANGLE_BETWEEN }</p>
            <Staged picture={Picture::Cloud}>
            <div class="controls">
                if *running { <button type="button" onclick={stop}>{ "stop" }</button> }
                else { <button type="button" class="primary" onclick={start} data-testid="draw-cloud">{ format!("draw {DRAWS} others") }</button> }
                <button type="button" onclick={measure} disabled={generation.is_none() || drawn.measuring} data-testid="measure-dictionaries">{ words::WHERE_OPEN_MODELS_DICTIONARIES }</button>
                if *running || n > 0 { <span class="progress" role="status"><progress value={n.to_string()} max={DRAWS.to_string()} aria-label="draws" />{ format!("{n} of {DRAWS}") }</span> }
            </div>
            if n > 0 || !drawn.dictionaries.is_empty() {
                <p class="sentence" data-testid="theorem-2">{ words::draws_under_1_break(&broken, &bounded, &(n - bounded), &beyond) }</p>
                <div class="planes">
                    <Figure name="theorem-2" {table} convention={convention.clone()} caption={html! { { words::ANGLE_BETWEEN_DEGREES_AGAINST } }}>
                        <Scatter label={words::ANGLE_AGAINST_ANISOTROPY} {points} {curve} x="‖E‖₂" y="degrees" limits={Some([0.0, FAR, 0.0, 90.0])} />
                    </Figure>
                    <div>{ for drawn.dictionaries.iter().map(|(name, a)| html! {
                        <p>{ words::features_dimensions_head_served(name, &a.n_features, &a.dimensions, &three(a.norm), &if a.norm > FAR { words::DRAWN_EDGE } else { "" },
                            &three(a.alignment), &three(a.alignment.clamp(-1.0, 1.0).acos().to_degrees())) }</p>
                    }) }</div>
                </div>
            }
            </Staged>
            <Python name="cloud.py" python={python::cloud(seed, DRAWS, &convention)} />
        </section>
    }
}

/// Asks for the cloud, piece by piece; `list` is where the reader sees how far it is.
fn draw(
    jobs: &Jobs,
    list: Jobs,
    drawn: &UseReducerHandle<Remembered<CloudDrawn>>,
    running: &UseStateHandle<bool>,
    seed: u32,
) {
    jobs.stop(CLOUD);
    let pieces = (0..DRAWS).step_by(PIECE as usize);
    let pieces = pieces.map(|from| Draws { seed, from, to: (from + PIECE).min(DRAWS) });
    let (drawn, running, own) = (drawn.dispatcher(), running.clone(), jobs.clone());
    let listed = Listed::new(list, words::DRAWS_THEOREM_2);
    let at = move |piece: usize, listed: &Listed<Dropped>| {
        let own = own.clone();
        listed.at(piece * PIECE as usize, DRAWS as usize, move || own.stop(CLOUD));
    };
    let hears = move |event| match event {
        JobEvent::Begun => {
            at(0, &listed);
            drawn.dispatch(News::Fresh);
            running.set(true);
        }
        JobEvent::Part { part, arrays, .. } => {
            at(part + 1, &listed);
            drawn.dispatch(News::Piece(arrays.into_iter().next().unwrap_or_default()));
        }
        JobEvent::Done | JobEvent::Stopped => {
            listed.ended();
            running.set(false);
        }
        JobEvent::Failed { .. } | JobEvent::Gpu(_) => {}
    };
    jobs.ask(Request::each(pieces).owner(CLOUD), hears);
}

/// Measures Σ_X of the open model's embeddings and unembeddings; the first head comes along, since that is the question.
fn dictionaries(app: &App, drawn: &UseReducerHandle<Remembered<CloudDrawn>>) {
    let state = app.value();
    let Some(model) = &state.model else { return };
    let Some(&layer) = model.summary.complete_layers.first() else { return };
    let mut which = vec![Builtin::Embed];
    if model.summary.has_unembedding {
        which.push(Builtin::Unembed);
    }
    let weights = state.weights();
    let align = |builtin| {
        let how = Comparing {
            remove_mean: false,
            top: 1,
            rotations: RotationCount::None,
            whiten: true,
            ..Comparing::with(Source::Model(builtin), weights)
        };
        Align { how, heads: vec![(layer, 0)] }
    };
    let (hears, session) = (drawn.dispatcher(), app.session.clone());
    let request = Request::each(which.into_iter().map(align)).owner("dictionaries");
    let request = request.listed(words::ANISOTROPY_DICTIONARIES);
    app.session.jobs.ask(request, move |event| match event {
        JobEvent::Begun => {
            session.answered("dictionaries");
            hears.dispatch(News::FreshDictionaries);
        }
        JobEvent::Part { answer: AlignPart::About(about), .. } => {
            if let Some(anisotropy) = about.anisotropy {
                hears.dispatch(News::Dictionary(about.name, anisotropy));
            }
        }
        JobEvent::Failed { failure, .. } => session.failed("dictionaries", failure),
        JobEvent::Done | JobEvent::Stopped => hears.dispatch(News::Measured),
        _ => {}
    });
}

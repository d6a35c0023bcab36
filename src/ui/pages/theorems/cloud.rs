//! Theorem 2 as a cloud: the angle between feature and singular vector against ‖E_X‖₂, ten thousand times.

use std::cell::Cell;
use std::rc::Rc;

use yew::prelude::*;

use super::{BenchProps, Worker};
use crate::circuits::dictionary::Builtin;
use crate::circuits::whitening::Anisotropy;
use crate::protocol::features::{Ask as FeatureAsk, Comparing, Source, Tell as FeatureTell};
use crate::protocol::toy::{Ask as ToyAsk, Tell as ToyTell};
use crate::protocol::{Ask, Tell};
use crate::study::stamp::Stamp;
use crate::ui::address::bench::KINDS;
use crate::ui::app::{App, use_app};
use crate::ui::charts::{Figure, Point, Scatter};
use crate::ui::memory::state::Action;
use crate::ui::words::format::three;
use crate::ui::words::table::Table;
use crate::worker::pool::OnTell;

/// Draws in all, and in one question.
const DRAWS: u32 = 10_000;
const PIECE: u32 = 500;

/// How far ‖E‖₂ is drawn.
const FAR: f64 = 3.0;

/// The cloud so far: four numbers a draw, and the open model's dictionaries.
#[derive(Clone, PartialEq, Default)]
struct Drawn {
    values: Vec<f32>,
    dictionaries: Vec<(String, Anisotropy)>,
    measuring: bool,
}

enum Heard {
    Fresh,
    Piece(Vec<f32>),
    FreshDictionaries,
    Dictionary(String, Anisotropy),
    Measured,
}

impl Reducible for Drawn {
    type Action = Heard;

    fn reduce(self: Rc<Self>, heard: Heard) -> Rc<Self> {
        let mut next = (*self).clone();
        match heard {
            Heard::Fresh => next.values.clear(),
            Heard::Piece(values) => next.values.extend(values),
            Heard::FreshDictionaries => (next.dictionaries, next.measuring) = (Vec::new(), true),
            Heard::Dictionary(name, anisotropy) => next.dictionaries.push((name, anisotropy)),
            Heard::Measured => next.measuring = false,
        }
        Rc::new(next)
    }
}

/// Theorem 2.
#[component]
pub(super) fn Cloud(props: &BenchProps) -> Html {
    let app = use_app();
    let drawn = use_reducer(Drawn::default);
    // Counts clouds; the pieces of an older one are dropped.
    let run = use_memo((), |()| Cell::new(0_u32));
    let running = use_state(|| false);
    let seed: u32 = app.value().route.value("cloud-seed").unwrap_or(0);
    let generation = app.value().model.as_ref().map(|m| m.generation);
    {
        let drawn = drawn.clone();
        use_effect_with(generation, move |_| drawn.dispatch(Heard::FreshDictionaries));
    }
    {
        let drawn = drawn.clone();
        use_effect_with(generation, move |_| drawn.dispatch(Heard::Measured));
    }
    let start = {
        let (worker, drawn, run, running) =
            (props.worker.clone(), drawn.clone(), run.clone(), running.clone());
        Callback::from(move |_: MouseEvent| {
            run.set(run.get() + 1);
            drawn.dispatch(Heard::Fresh);
            running.set(true);
            draw_on(&worker, &drawn, &run, &running, seed, 0);
        })
    };
    let stop = {
        let (run, running) = (run.clone(), running.clone());
        Callback::from(move |_: MouseEvent| {
            run.set(run.get() + 1);
            running.set(false);
        })
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
        Stamp::new(format!("{n} random sets of features: {}", kinds.join(", ")), &()).seeded(seed);
    let table = Callback::from(move |()| {
        rows.iter().fold(Table::new(["kind", "‖E‖₂", "angle in degrees", "A"]), |t, r| {
            let kind = KINDS.get(r[3] as usize).map_or("", |k| k.2);
            t.row([kind.into(), r[0].into(), degrees(r[1]).into(), r[2].into()])
        })
    });
    html! {
        <section class="theorem" aria-label="Theorem 2">
            <h2>{ "Theorem 2: how far u₁ can be from x₁" }</h2>
            <p>{ "Write Σ_X = c (I + E). If ‖E‖₂ < 1, the sine of the angle between u₁ and x₁ is at most ‖E‖₂. The bound says nothing from 1 on, and ‖E‖₂ alone does not decide the angle: a cone of features and a power law with the same ‖E‖₂ lie far apart. The average over features, A = √(harmonic mean / arithmetic mean) of Σ_X’s eigenvalues, does." }</p>
            <div class="controls">
                if *running { <button type="button" onclick={stop}>{ "stop" }</button> }
                else { <button type="button" class="primary" onclick={start} data-testid="draw-cloud">{ format!("draw {DRAWS} random sets") }</button> }
                <button type="button" onclick={measure} disabled={generation.is_none() || drawn.measuring} data-testid="measure-dictionaries">{ "where the open model’s dictionaries lie" }</button>
                if *running || n > 0 { <span class="progress" role="status"><progress value={n.to_string()} max={DRAWS.to_string()} aria-label="draws" />{ format!("{n} of {DRAWS}") }</span> }
            </div>
            if n > 0 || !drawn.dictionaries.is_empty() {
                <p class="sentence" data-testid="theorem-2">{ format!("{broken} of the {bounded} draws with ‖E‖₂ under 1 break the bound; {} more have a larger ‖E‖₂, where there is no bound ({beyond} beyond the picture).", n - bounded) }</p>
                <div class="planes">
                    <Figure name="theorem-2" {table} {convention} caption={html! { { "Angle between u₁ and x₁ in degrees against ‖E_X‖₂, with the bound. Blue: random directions; orange: cones; green: power laws; violet: disturbed tight frames; red: the average that A predicts for the open model’s dictionaries." } }}>
                        <Scatter label="Angle against anisotropy" {points} {curve} x="‖E‖₂" y="degrees" limits={Some([0.0, FAR, 0.0, 90.0])} />
                    </Figure>
                    <div>{ for drawn.dictionaries.iter().map(|(name, a)| html! {
                        <p>{ format!("{name}: {} features in {} dimensions, ‖E‖₂ = {}{}, A = {}: a head that served one of them alone would align to {}° on average.", a.n_features, a.dimensions,
                            three(a.norm), if a.norm > FAR { " (drawn at the edge)" } else { "" }, three(a.alignment), three(a.alignment.clamp(-1.0, 1.0).acos().to_degrees())) }</p>
                    }) }</div>
                </div>
            }
        </section>
    }
}

/// Asks for the next piece, and when it is there for the one after it.
fn draw_on(
    worker: &Worker,
    drawn: &UseReducerHandle<Drawn>,
    run: &Rc<Cell<u32>>,
    running: &UseStateHandle<bool>,
    seed: u32,
    from: u32,
) {
    if from >= DRAWS {
        return running.set(false);
    }
    let (own, mine) = (worker.clone(), run.get());
    let (drawn, run, running) = (drawn.clone(), run.clone(), running.clone());
    let on_tell: OnTell = Rc::new(move |tell, arrays| {
        if run.get() != mine {
            return;
        }
        match tell {
            Tell::Toy(ToyTell::Cloud) => {
                drawn.dispatch(Heard::Piece(arrays.into_iter().next().unwrap_or_default()));
                draw_on(&own, &drawn, &run, &running, seed, from + PIECE);
            }
            Tell::Failed(_) => running.set(false),
            _ => {}
        }
    });
    let to = (from + PIECE).min(DRAWS);
    worker.0.ask(Ask::Toy(ToyAsk::Cloud { seed, from, to }), on_tell);
}

/// Measures Σ_X of the open model's embeddings and unembeddings; the first head comes along, since that is the question.
fn dictionaries(app: &App, drawn: &UseReducerHandle<Drawn>) {
    let state = app.value();
    let Some(model) = &state.model else { return };
    let Some(&layer) = model.summary.complete_layers.first() else { return };
    let mut which = vec![Builtin::Embed];
    if model.summary.has_unembedding {
        which.push(Builtin::Unembed);
    }
    drawn.dispatch(Heard::FreshDictionaries);
    let left = Rc::new(Cell::new(which.len()));
    for builtin in which {
        let (hears, session, left) = (drawn.dispatcher(), app.session.clone(), left.clone());
        let end = move || {
            left.set(left.get() - 1);
            if left.get() == 0 {
                hears.dispatch(Heard::Measured);
            }
        };
        let hears = drawn.dispatcher();
        let on_tell: OnTell = Rc::new(move |tell, _| match tell {
            Tell::Features(FeatureTell::About(about)) => {
                if let Some(anisotropy) = about.anisotropy {
                    hears.dispatch(Heard::Dictionary(about.name, anisotropy));
                }
            }
            Tell::Failed(failure) => {
                session.act(Action::Note(failure.what, failure.hint));
                end();
            }
            Tell::Done => end(),
            _ => {}
        });
        let how = Comparing {
            remove_mean: false,
            top: 1,
            rotations: 1,
            whiten: true,
            ..Comparing::with(Source::Model(builtin), state.weights())
        };
        let ask = FeatureAsk::Align(how, vec![(layer, 0)]);
        app.session.pool.ask(Ask::Features(ask), on_tell);
    }
}

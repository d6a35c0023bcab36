//! The SVD, to touch: a circle that becomes an ellipse, a score as rectangles, bases that turn, and a real head built pair by pair.

use yew::prelude::*;

use crate::study::python::plane;
use crate::study::stamp::Stamp;
use crate::ui::address::key::Real;
use crate::ui::address::keys;
use crate::ui::address::route::Route;
use crate::ui::app::use_app;
use crate::ui::charts::Figure;
use crate::ui::lessons::stage::{Picture, Staged};
use crate::ui::small_matrix::{SmallMatrix, unit};
use crate::ui::widgets::python::Python;
use crate::ui::widgets::select::Slider;
use crate::ui::words::format::three;
use crate::ui::words::pictures::{self, OnStage};
use crate::ui::words::svd as words;
use crate::ui::words::table::Table;
use dial::{Dial, Line};

mod dial;
mod head;
mod rectangles;

/// Points of a circle and of its ellipse.
const POINTS: usize = 72;

fn read(route: &Route) -> SmallMatrix {
    SmallMatrix {
        sigma: [route.read(&keys::SIGMA_0), route.read(&keys::SIGMA_1)],
        u_at: route.read(&keys::U_AT),
        v_at: route.read(&keys::V_AT),
    }
}

/// The page.
#[component]
pub fn Svd() -> Html {
    let app = use_app();
    let route = app.value().route.clone();
    let omega = read(&route);
    let speech = app.speech();
    let lang = speech.own();
    let (x_at, y_at) = (route.read(&keys::X_AT), route.read(&keys::Y_AT));
    let (x, y) = (unit(x_at), unit(y_at));
    let turn = route.read(&keys::TURN);
    let turned = omega.turned(turn);
    let set = |key: Real| {
        let app = app.clone();
        // A slider that is dragged leaves one place in the history, not a hundred.
        Callback::from(move |value: f64| app.replace(app.value().route.clone().put(&key, value)))
    };
    let equal = {
        let app = app.clone();
        Callback::from(move |_: MouseEvent| {
            let route = app.value().route.clone();
            let sigma = route.read(&keys::SIGMA_0);
            app.replace(route.put(&keys::SIGMA_1, sigma));
        })
    };
    let reset = {
        let app = app.clone();
        Callback::from(move |_: MouseEvent| {
            let all = [
                keys::SIGMA_0,
                keys::SIGMA_1,
                keys::U_AT,
                keys::V_AT,
                keys::X_AT,
                keys::Y_AT,
                keys::TURN,
            ];
            let route = app.value().route.clone();
            app.replace(all.iter().fold(route, |route, key| route.clear(key)));
        })
    };
    let circle: Vec<[f64; 2]> =
        (0..=POINTS).map(|i| unit(360.0 * i as f64 / POINTS as f64)).collect();
    let ellipse = |omega: &SmallMatrix| circle.iter().map(|&y| omega.apply(y)).collect::<Vec<_>>();
    let along = |v: [f64; 2], length: f64| [v[0] * length, v[1] * length];
    let source = vec![
        Line::vector(turned.v(0), "s2", "v0"),
        Line::vector(turned.v(1), "s2 second", "v1"),
        Line::vector(y, "s3", "y"),
    ];
    let destination = vec![
        Line::vector(along(turned.u(0), omega.sigma[0]), "s0", "σ0 u0"),
        Line::vector(along(turned.u(1), omega.sigma[1]), "s0 second", "σ1 u1"),
        Line::vector(omega.apply(y), "s3", "Ωy"),
        Line::dashed(x, "s4", "x"),
    ];
    let mut curves = vec![(ellipse(&omega), "ellipse")];
    if turn != 0.0 {
        curves.push((ellipse(&turned), "ellipse turned"));
    }
    let reach = 1.15 * omega.sigma[0].max(omega.sigma[1]).max(1.25);
    let stamp = Stamp::new(words::EXAMPLE_PLANE, &omega);
    let numbers = {
        let [[a, b], [c, d]] = omega.entries();
        Callback::from(move |()| {
            let table = Table::new(["", "1", "2"]);
            table.row(["Ω, row 1".into(), a.into(), b.into()]).row([
                "Ω, row 2".into(),
                c.into(),
                d.into(),
            ])
        })
    };
    let slider = |label: &'static str,
                  key: Real,
                  step: f64,
                  on_change: Callback<f64>,
                  unit: &str| {
        let value = route.read(&key);
        html! { <Slider {label} min={key.least} max={key.most} {step} {value} shown={format!("{}{unit}", three(value))} {on_change} /> }
    };
    let degrees = |label, key: Real| slider(label, key, 5.0, set(key), "°");
    let sigma = |label, key: Real| slider(label, key, 0.05, set(key), "");
    html! {
        <div class="touch">
            <section class="theorem" aria-label={words::CIRCLE_BECOMES_ELLIPSE}>
                <h2>{ words::WHAT_MATRIX_DOES_CIRCLE }</h2>
                <p>{ words::EVERY_DIRECTION_SOURCE_POINT }</p>
                <Staged picture={Picture::Dials}>
                <div class="planes">
                    <Figure name="svd-source" table={numbers.clone()} convention={stamp.clone()} {lang} caption={html! { { speech.say(OnStage::SourceDial) } }}>
                        <Dial label={speech.fill(OnStage::DirectionOf, &["y"])} at={y_at} curves={vec![(circle.clone(), "ellipse")]} lines={source} reach={1.35} on_turn={set(keys::Y_AT)} />
                    </Figure>
                    <Figure name="svd-destination" table={numbers} convention={stamp.clone()} {lang} caption={html! { { speech.say(OnStage::DestinationDial) } }}>
                        <Dial label={speech.fill(OnStage::DirectionOf, &["x"])} at={x_at} {curves} lines={destination} {reach} on_turn={set(keys::X_AT)} />
                    </Figure>
                </div>
                <p class="sentence" aria-live="polite" data-testid="svd-image" {lang}>{ pictures::image(&speech, &omega, y) }</p>
                </Staged>
                <div class="controls">
                    { sigma("σ0", keys::SIGMA_0) }{ sigma("σ1", keys::SIGMA_1) }
                    { degrees("u0 points at", keys::U_AT) }{ degrees("v0 points at", keys::V_AT) }
                    { degrees("y points at", keys::Y_AT) }{ degrees("x points at", keys::X_AT) }
                    <button type="button" onclick={reset}>{ words::AS_IT_WAS }</button>
                </div>
            </section>
            <section class="theorem" aria-label={words::SCORE_SUM_RECTANGLES}>
                <h2>{ words::SCORE_SUM_RECTANGLES }</h2>
                <p class="sentence" aria-live="polite" data-testid="svd-score">{ words::score(&omega, x, y) }</p>
                <rectangles::Rectangles {omega} {x} {y} convention={stamp.clone()} />
                <Python name="plane.py" python={plane(omega.entries(), x, y, &stamp)} />
            </section>
            <section class="theorem" aria-label={words::ONLY_PLANE_MEANS_SOMETHING}>
                <h2>{ words::ONLY_PLANE_MEANS_SOMETHING }</h2>
                <p class="sentence" aria-live="polite" data-testid="svd-turned">{ words::turned(&omega, turn) }</p>
                <div class="controls">
                    { degrees(words::TURN_BOTH_BASES, keys::TURN) }
                    <button type="button" onclick={equal} data-testid="equal">{ words::MAKE_EQUAL }</button>
                </div>
                <p class="hint">{ words::ARROWS_ABOVE_TURN_DASHED }</p>
            </section>
            <head::Head />
        </div>
    }
}

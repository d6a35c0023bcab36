//! A score as rectangles: one a pair, its area the pair's term.

use yew::prelude::*;

use crate::study::stamp::Stamp;
use crate::ui::charts::{Figure, px};
use crate::ui::small_matrix::{SmallMatrix, dot};
use crate::ui::words::format::three;
use crate::ui::words::table::Table;

/// Properties of [`Rectangles`].
#[derive(Properties, PartialEq)]
pub(super) struct RectanglesProps {
    pub(super) omega: SmallMatrix,
    pub(super) x: [f64; 2],
    pub(super) y: [f64; 2],
    pub(super) convention: Stamp,
}

const WIDTH: f64 = 420.0;
const HEIGHT: f64 = 190.0;
/// Units of the picture for a length of one.
const UNIT: f64 = 50.0;
const FLOOR: f64 = 165.0;

/// The rectangles of both pairs, side by side on one floor.
#[component]
pub(super) fn Rectangles(props: &RectanglesProps) -> Html {
    let RectanglesProps { omega, x, y, .. } = *props;
    let sides = [0, 1].map(|k| [dot(x, omega.u(k)), omega.sigma[k] * dot(y, omega.v(k))]);
    let table = Callback::from(move |()| {
        let table = Table::new(["k", "x · u_k", "σ_k (y · v_k)", "term"]);
        sides.iter().enumerate().fold(table, |table, (k, [across, up])| {
            table.row([k.into(), (*across).into(), (*up).into(), (across * up).into()])
        })
    });
    let rectangle = |k: usize| {
        let [across, up] = sides[k];
        let (width, height) = (UNIT * across.abs(), UNIT * up.abs());
        let (left, top) = (20.0 + 210.0 * k as f64, FLOOR - height);
        let negative = (across * up < 0.0).then_some("negative");
        html! { <g class={classes!("term", if k == 0 { "s0" } else { "s1" }, negative)}>
            <rect x={px(left)} y={px(top)} width={px(width)} height={px(height)} />
            <text class="tick" x={px(left)} y={px(FLOOR + 16.0)}>{ format!("x·u{k} = {}", three(across)) }</text>
            <text class="tick" x={px(left + width + 6.0)} y={px((FLOOR - height / 2.0).min(FLOOR - 18.0))}>{ format!("σ{k} y·v{k} = {}", three(up)) }</text>
            <text class="line-name" x={px(left + width + 6.0)} y={px((FLOOR - height / 2.0).min(FLOOR - 18.0) + 16.0)}>{ format!("area {}", three(across * up)) }</text>
        </g> }
    };
    html! {
        <Figure name="svd-rectangles" {table} convention={props.convention.clone()}
            caption={html! { { "Filled: the term raises the score. Dashed and empty: it lowers it." } }}>
            <svg class="chart rectangles" viewBox={format!("0 0 {WIDTH} {HEIGHT}")} role="img" aria-label="A rectangle for each singular pair; its area is the pair's term of the score">
                <line class="axis" x1="10" x2={px(WIDTH - 10.0)} y1={px(FLOOR)} y2={px(FLOOR)} />
                { rectangle(0) }{ rectangle(1) }
            </svg>
        </Figure>
    }
}

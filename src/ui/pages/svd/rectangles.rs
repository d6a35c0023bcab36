//! A score as rectangles: one a pair, its area the pair's term.

use yew::prelude::*;

use crate::study::stamp::Stamp;
use crate::ui::charts::{Figure, Sheet, px, use_room};
use crate::ui::small_matrix::{SmallMatrix, dot};
use crate::ui::words::format::three;
use crate::ui::words::svd as words;
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
/// Widest rectangle for a length of one.
const UNIT: f64 = 110.0;
/// What stands under the floor.
const BELOW: f64 = 25.0;

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
    let (frame, room) = use_room();
    let sheet = Sheet::new(room, WIDTH, |width| (0.45 * width).clamp(170.0, 220.0));
    let (half, floor) = (sheet.width / 2.0, sheet.height - BELOW);
    // Words stand beside each rectangle, and over none.
    let longest = sides.iter().map(|s| s[0].abs()).fold(1e-9, f64::max);
    let highest = sides.iter().map(|s| s[1].abs()).fold(1e-9, f64::max);
    let unit = UNIT.min((half - 20.0 - 132.0).max(8.0) / longest).min((floor - 12.0) / highest);
    let rectangle = |k: usize| {
        let [across, up] = sides[k];
        let (width, height) = (unit * across.abs(), unit * up.abs());
        let (left, top) = (14.0 + half * k as f64, floor - height);
        let negative = (across * up < 0.0).then_some("negative");
        html! { <g class={classes!("term", if k == 0 { "s0" } else { "s1" }, negative)}>
            <rect x={px(left)} y={px(top)} width={px(width)} height={px(height)} />
            <text class="tick" x={px(left)} y={px(floor + 16.0)}>{ format!("x·u{k} = {}", three(across)) }</text>
            <text class="tick" x={px(left + width + 6.0)} y={px((floor - height / 2.0).min(floor - 18.0))}>{ format!("σ{k} y·v{k} = {}", three(up)) }</text>
            <text class="line-name" x={px(left + width + 6.0)} y={px((floor - height / 2.0).min(floor - 18.0) + 16.0)}>{ format!("area {}", three(across * up)) }</text>
        </g> }
    };
    html! {
        <Figure name="svd-rectangles" {table} convention={props.convention.clone()}
            caption={html! { { words::FILLED_TERM_RAISES_SCORE } }}>
            <svg ref={frame} class="chart rectangles" viewBox={sheet.view_box()} style={sheet.style()} role="img" aria-label={words::RECTANGLE_EACH_SINGULAR_PAIR}>
                <line class="axis" x1="10" x2={px(sheet.width - 10.0)} y1={px(floor)} y2={px(floor)} />
                { rectangle(0) }{ rectangle(1) }
            </svg>
        </Figure>
    }
}

//! Points in the plane: clouds of draws, feature geometry.

use yew::prelude::*;

use super::{Sheet, apart, px, ticks, use_room, wide};
use crate::ui::words::format::three;

/// One point.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Point {
    /// Where, horizontally.
    pub x: f64,
    /// Where, vertically.
    pub y: f64,
    /// What it is; shown on hover, and beside it where `shown`.
    pub name: String,
    /// Which of six colours.
    pub group: usize,
    /// Whether the name is written beside it.
    pub shown: bool,
}

/// Properties of [`Scatter`].
#[derive(Properties, PartialEq)]
pub struct ScatterProps {
    /// What a screen reader says of the picture.
    pub label: AttrValue,
    /// The points.
    pub points: Vec<Point>,
    /// A curve drawn over them: a bound, a prediction.
    #[prop_or_default]
    pub curve: Vec<(f64, f64)>,
    /// Name of the horizontal axis.
    pub x: AttrValue,
    /// Name of the vertical axis.
    pub y: AttrValue,
    /// Limits of both axes: x0, x1, y0, y1.
    #[prop_or_default]
    pub limits: Option<[f64; 4]>,
}

/// Beyond this many points a group is one path: a cloud to see as a whole, not point by point.
const MANY: usize = 500;

const WIDTH: f64 = 380.0;
const TOP: f64 = 18.0;
const BOTTOM: f64 = 34.0;
/// Room to the right, for half a number.
const RIGHT: f64 = 16.0;

/// A scatter plot.
#[component]
pub fn Scatter(props: &ScatterProps) -> Html {
    let (frame, room) = use_room();
    let sheet = Sheet::new(room, WIDTH, |width| (0.79 * width).clamp(220.0, 380.0));
    let Sheet { width, height, .. } = sheet;
    let all = || props.points.iter().map(|p| (p.x, p.y)).chain(props.curve.iter().copied());
    let [x0, x1, y0, y1] = props.limits.unwrap_or_else(|| {
        let fold = |f: fn((f64, f64)) -> f64| {
            all().map(f).fold((f64::MAX, f64::MIN), |(a, b), v| (a.min(v), b.max(v)))
        };
        let ((a, b), (c, d)) = (fold(|p| p.0), fold(|p| p.1));
        if b > a && d > c { [a, b, c, d] } else { [-1.0, 1.0, -1.0, 1.0] }
    });
    let numbers = |a: f64, b: f64| ticks(a, b, 5).into_iter().map(|t| (t, three(t)));
    let beside: Vec<(f64, String)> = numbers(y0, y1).collect();
    let left = beside.iter().map(|(_, text)| wide(text) + 8.0).fold(26.0, f64::max);
    let sx = move |x: f64| left + (width - left - RIGHT) * (x - x0) / (x1 - x0);
    let sy = move |y: f64| TOP + (height - TOP - BOTTOM) * (1.0 - (y - y0) / (y1 - y0));
    let below = apart(numbers(x0, x1).map(|(t, text)| (sx(t), text)));
    let many = props.points.len() > MANY;
    let curve: Vec<String> =
        props.curve.iter().map(|(x, y)| format!("{:.1} {:.1}", sx(*x), sy(*y))).collect();
    html! {
        <svg ref={frame} class="chart scatter" viewBox={sheet.view_box()} style={sheet.style()} role="img" aria-label={props.label.clone()}>
            { for beside.into_iter().map(|(t, text)| html! {
                <g>
                    <line class="grid" x1={px(left)} x2={px(width - RIGHT)} y1={px(sy(t))} y2={px(sy(t))} />
                    <text class="tick" x={px(left - 5.0)} y={px(sy(t) + 3.5)} text-anchor="end">{ text }</text>
                </g>
            }) }
            { for below.into_iter().map(|(x, text)| html! {
                <g>
                    <line class="grid" x1={px(x)} x2={px(x)} y1={px(TOP)} y2={px(height - BOTTOM)} />
                    <text class="tick" x={px(sheet.within(x, &text))} y={px(height - BOTTOM + 15.0)} text-anchor="middle">{ text }</text>
                </g>
            }) }
            if many {
                { for (0..6).map(|group| html! { <path class={format!("dots s{group}")} d={dots(&props.points, group, sx, sy)} /> }) }
            }
            { for props.points.iter().filter(|p| !many || p.shown).map(|p| html! {
                <g class={format!("point s{}", p.group % 6)}>
                    <circle cx={px(sx(p.x))} cy={px(sy(p.y))} r="3.4">
                        <title>{ p.name.clone() }</title>
                    </circle>
                    if p.shown {
                        if sx(p.x) + 5.0 + wide(&p.name) > width {
                            <text class="tick" x={px(sx(p.x) - 5.0)} y={px(sy(p.y) - 4.0)} text-anchor="end">{ p.name.clone() }</text>
                        } else {
                            <text class="tick" x={px(sx(p.x) + 5.0)} y={px(sy(p.y) - 4.0)}>{ p.name.clone() }</text>
                        }
                    }
                </g>
            }) }
            if !curve.is_empty() { <path class="bound" d={format!("M{}", curve.join("L"))} /> }
            <text class="name" x={px(width - RIGHT)} y={px(height - 3.0)} text-anchor="end">{ format!("{} →", props.x) }</text>
            <text class="name" x="2" y={px(TOP - 4.0)}>{ props.y.clone() }</text>
        </svg>
    }
}

/// The points of a group that are not named, as dots of one path.
fn dots(
    points: &[Point],
    group: usize,
    sx: impl Fn(f64) -> f64,
    sy: impl Fn(f64) -> f64,
) -> String {
    let here = points.iter().filter(|p| p.group % 6 == group && !p.shown);
    here.map(|p| format!("M{:.1} {:.1}h0", sx(p.x), sy(p.y))).collect()
}

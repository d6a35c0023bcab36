//! Lines over a common horizontal axis: losses, sweeps, measures against training step. Labelled directly at their ends.

use yew::prelude::*;

use super::{px, ticks};
use crate::ui::words::format::three;

/// One line.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Series {
    /// Its name, written at its end.
    pub name: String,
    /// Points, by increasing x.
    pub points: Vec<(f64, f64)>,
    /// Half the height of a band around it, point by point; empty for none.
    pub spread: Vec<f64>,
    /// A dashed line: a control or a reference.
    pub dashed: bool,
}

/// Properties of [`Lines`].
#[derive(Properties, PartialEq)]
pub struct LinesProps {
    /// What a screen reader says of the picture.
    pub label: AttrValue,
    /// The lines.
    pub series: Vec<Series>,
    /// Name of the horizontal axis.
    pub x: AttrValue,
    /// Name of the vertical axis.
    pub y: AttrValue,
    /// A logarithmic vertical axis.
    #[prop_or_default]
    pub log_y: bool,
    /// A horizontal axis in log(1 + x), for training steps from 0.
    #[prop_or_default]
    pub log_x: bool,
    /// Where the reader is: a vertical line.
    #[prop_or_default]
    pub cursor: Option<f64>,
    /// Fixed limits of the vertical axis.
    #[prop_or_default]
    pub limits: Option<(f64, f64)>,
    /// Called with the x nearest to where the reader clicks.
    #[prop_or_default]
    pub on_pick: Option<Callback<f64>>,
}

const WIDTH: f64 = 460.0;
const HEIGHT: f64 = 210.0;
const LEFT: f64 = 46.0;
const RIGHT: f64 = 96.0;
const TOP: f64 = 16.0;
const BOTTOM: f64 = 30.0;

/// A line chart.
#[component]
pub fn Lines(props: &LinesProps) -> Html {
    let frame = use_node_ref();
    let fx = |x: f64| if props.log_x { (1.0 + x.max(0.0)).ln() } else { x };
    let floor = 1e-12;
    let fy = |y: f64| if props.log_y { y.max(floor).log10() } else { y };
    let points = || props.series.iter().flat_map(|s| s.points.iter()).filter(|p| p.1.is_finite());
    let (mut x0, mut x1) =
        points().fold((f64::MAX, f64::MIN), |(a, b), p| (a.min(fx(p.0)), b.max(fx(p.0))));
    let (mut y0, mut y1) = props.limits.map_or_else(
        || points().fold((f64::MAX, f64::MIN), |(a, b), p| (a.min(fy(p.1)), b.max(fy(p.1)))),
        |(a, b)| (fy(a), fy(b)),
    );
    if x1 <= x0 {
        (x0, x1) = (x0.min(0.0), x0.min(0.0) + 1.0);
    }
    if y1 <= y0 {
        (y0, y1) = if y0 == f64::MAX { (0.0, 1.0) } else { (y0 - 0.5, y0 + 0.5) };
    }
    let sx = move |x: f64| LEFT + (WIDTH - LEFT - RIGHT) * (x - x0) / (x1 - x0);
    let sy =
        move |y: f64| TOP + (HEIGHT - TOP - BOTTOM) * (1.0 - (y - y0) / (y1 - y0)).clamp(0.0, 1.0);
    let path = |s: &Series| {
        let mut d = String::new();
        for (x, y) in s.points.iter().filter(|p| p.1.is_finite()) {
            d.push_str(if d.is_empty() { "M" } else { "L" });
            d.push_str(&format!("{:.1} {:.1}", sx(fx(*x)), sy(fy(*y))));
        }
        d
    };
    let band = |s: &Series| {
        let edge =
            |sign: f64| s.points.iter().zip(&s.spread).map(move |(p, w)| (p.0, p.1 + sign * w));
        let all: Vec<(f64, f64)> =
            edge(1.0).chain(edge(-1.0).collect::<Vec<_>>().into_iter().rev()).collect();
        let text: Vec<String> =
            all.iter().map(|(x, y)| format!("{:.1},{:.1}", sx(fx(*x)), sy(fy(*y)))).collect();
        text.join(" ")
    };
    let x_ticks: Vec<f64> = if props.log_x {
        let top = x1.exp_m1();
        [0.0, 1.0, 10.0, 100.0, 1000.0, 10_000.0, 100_000.0]
            .into_iter()
            .filter(|t| *t <= top * 1.01)
            .collect()
    } else {
        ticks(x0, x1, 5)
    };
    // Names at the ends of the lines, pushed apart where they would overlap.
    let mut names: Vec<(usize, f64)> = props
        .series
        .iter()
        .enumerate()
        .filter_map(|(i, s)| {
            s.points.iter().rev().find(|p| p.1.is_finite()).map(|p| (i, sy(fy(p.1)) + 3.5))
        })
        .collect();
    names.sort_by(|a, b| a.1.total_cmp(&b.1));
    for i in 1..names.len() {
        if names[i].1 < names[i - 1].1 + 12.0 {
            names[i].1 = names[i - 1].1 + 12.0;
        }
    }
    let on_click = {
        let (on_pick, frame, log_x) = (props.on_pick.clone(), frame.clone(), props.log_x);
        Callback::from(move |event: MouseEvent| {
            let Some(rect) = frame.cast::<web_sys::Element>().map(|f| f.get_bounding_client_rect())
            else {
                return;
            };
            let t = ((f64::from(event.client_x()) - rect.left()) / rect.width()).clamp(0.0, 1.0);
            let x = x0 + (x1 - x0) * t;
            if let Some(on_pick) = &on_pick {
                on_pick.emit(if log_x { x.exp_m1() } else { x });
            }
        })
    };
    html! {
        <svg class="chart lines" viewBox={format!("0 0 {WIDTH} {HEIGHT}")} role="img" aria-label={props.label.clone()} onclick={on_click}>
            { for ticks(y0, y1, 4).into_iter().map(|t| html! {
                <g>
                    <line class="grid" x1={px(LEFT)} x2={px(WIDTH - RIGHT)} y1={px(sy(t))} y2={px(sy(t))} />
                    <text class="tick" x={px(LEFT - 5.0)} y={px(sy(t) + 3.5)} text-anchor="end">
                        { if props.log_y { three(10f64.powf(t)) } else { three(t) } }
                    </text>
                </g>
            }) }
            { for x_ticks.into_iter().map(|t| html! {
                <text class="tick" x={px(sx(fx(t)))} y={px(HEIGHT - BOTTOM + 14.0)} text-anchor="middle">{ t }</text>
            }) }
            <rect ref={frame} class="hit" x={px(LEFT)} y={px(TOP)} width={px(WIDTH - LEFT - RIGHT)} height={px(HEIGHT - TOP - BOTTOM)} />
            { for props.series.iter().enumerate().map(|(i, s)| html! {
                <g class={format!("series s{}", i % 6)}>
                    if !s.spread.is_empty() { <polygon class="band" points={band(s)} /> }
                    <path class={classes!("line", s.dashed.then_some("dashed"))} d={path(s)}><title>{ s.name.clone() }</title></path>
                </g>
            }) }
            { for names.into_iter().map(|(i, y)| html! {
                <text class={format!("line-name s{}", i % 6)} x={px(WIDTH - RIGHT + 5.0)} y={px(y)}>{ props.series[i].name.clone() }</text>
            }) }
            if let Some(cursor) = props.cursor {
                <line class="cursor" x1={px(sx(fx(cursor)))} x2={px(sx(fx(cursor)))} y1={px(TOP)} y2={px(HEIGHT - BOTTOM)} />
            }
            <line class="axis" x1={px(LEFT)} x2={px(WIDTH - RIGHT)} y1={px(HEIGHT - BOTTOM)} y2={px(HEIGHT - BOTTOM)} />
            <text class="name" x={px(WIDTH - RIGHT)} y={px(HEIGHT - 3.0)} text-anchor="end">{ format!("{} →", props.x) }</text>
            <text class="name" x="2" y={px(TOP - 4.0)}>{ props.y.clone() }</text>
        </svg>
    }
}

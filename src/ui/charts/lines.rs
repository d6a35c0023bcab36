//! Lines over a common horizontal axis: losses, sweeps, measures against training step. Labelled directly at their ends.

use yew::prelude::*;

use super::{Sheet, apart, px, ticks, use_room, wide};
use crate::math::order::sort_by;
use crate::ui::words::format::{short, three};

/// One line.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Series {
    /// Its name, written at its end.
    pub name: String,
    /// Points, by increasing x.
    pub points: Vec<(f64, f64)>,
    /// Half the height of a band around it, point by point; empty for none.
    pub spread: Vec<f64>,
    /// A dashed line in the colour of chance: a control or a reference.
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

/// The colours of what is measured, in turn: of two lines the first has that of u, the second that of v.
const MEASURED: [usize; 5] = [0, 2, 1, 3, 4];
/// The colour of chance.
const CHANCE: usize = 5;

const WIDTH: f64 = 460.0;
const TOP: f64 = 18.0;
const BOTTOM: f64 = 34.0;

/// A line chart.
#[component]
pub fn Lines(props: &LinesProps) -> Html {
    let plot = use_node_ref();
    let (frame, room) = use_room();
    let sheet = Sheet::new(room, WIDTH, |width| (0.46 * width).clamp(170.0, 300.0));
    let Sheet { width, height, .. } = sheet;
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
    let of_y = |t: f64| if props.log_y { three(10f64.powf(t)) } else { three(t) };
    let beside: Vec<(f64, String)> = ticks(y0, y1, 4).into_iter().map(|t| (t, of_y(t))).collect();
    let left = beside.iter().map(|(_, text)| wide(text) + 8.0).fold(26.0, f64::max);
    // Names at the ends of the lines take what they need, and at most two fifths.
    let longest = props.series.iter().map(|s| wide(&s.name) + 8.0).fold(14.0, f64::max);
    let right = longest.min(0.4 * width);
    let letters = (right / wide("m")) as usize;
    let (across, down) = ((width - left - right).max(1.0), (height - TOP - BOTTOM).max(1.0));
    let sx = move |x: f64| left + across * (x - x0) / (x1 - x0);
    let sy = move |y: f64| TOP + down * (1.0 - (y - y0) / (y1 - y0)).clamp(0.0, 1.0);
    let mut measured = MEASURED.iter().copied().cycle();
    let colour = |s: &Series| if s.dashed { CHANCE } else { measured.next().unwrap_or(CHANCE) };
    let colours: Vec<usize> = props.series.iter().map(colour).collect();
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
    let below = apart(x_ticks.into_iter().map(|t| (sx(fx(t)), t.to_string())));
    // Names at the ends of the lines, pushed apart where they would overlap.
    let mut names: Vec<(usize, f64)> = props
        .series
        .iter()
        .enumerate()
        .filter_map(|(i, s)| {
            s.points.iter().rev().find(|p| p.1.is_finite()).map(|p| (i, sy(fy(p.1)) + 3.5))
        })
        .collect();
    sort_by(&mut names, |a, b| a.1.total_cmp(&b.1));
    for i in 1..names.len() {
        if names[i].1 < names[i - 1].1 + 13.0 {
            names[i].1 = names[i - 1].1 + 13.0;
        }
    }
    // Those pushed over the edge move all above them up.
    let mut floor = height - 4.0;
    for name in names.iter_mut().rev() {
        name.1 = name.1.min(floor);
        floor = name.1 - 13.0;
    }
    let on_click = {
        let (on_pick, plot, log_x) = (props.on_pick.clone(), plot.clone(), props.log_x);
        Callback::from(move |event: MouseEvent| {
            let Some(rect) = plot.cast::<web_sys::Element>().map(|f| f.get_bounding_client_rect())
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
        <svg ref={frame} class="chart lines" viewBox={sheet.view_box()} style={sheet.style()} role="img" aria-label={props.label.clone()} onclick={on_click}>
            { for beside.into_iter().map(|(t, text)| html! {
                <g>
                    <line class="grid" x1={px(left)} x2={px(width - right)} y1={px(sy(t))} y2={px(sy(t))} />
                    <text class="tick" x={px(left - 5.0)} y={px(sy(t) + 3.5)} text-anchor="end">{ text }</text>
                </g>
            }) }
            { for below.into_iter().map(|(x, text)| html! {
                <text class="tick" x={px(sheet.within(x, &text))} y={px(height - BOTTOM + 15.0)} text-anchor="middle">{ text }</text>
            }) }
            <rect ref={plot} class="hit" x={px(left)} y={px(TOP)} width={px(across)} height={px(down)} />
            { for props.series.iter().zip(&colours).map(|(s, colour)| html! {
                <g class={format!("series s{colour}")}>
                    if !s.spread.is_empty() { <polygon class="band" points={band(s)} /> }
                    <path class={classes!("line", s.dashed.then_some("dashed"))} d={path(s)}><title>{ s.name.clone() }</title></path>
                </g>
            }) }
            { for names.into_iter().map(|(i, y)| html! {
                <text class={format!("line-name s{}", colours[i])} x={px(width - right + 5.0)} y={px(y)}>{ short(&props.series[i].name, letters) }</text>
            }) }
            if let Some(cursor) = props.cursor {
                <line class="cursor" x1={px(sx(fx(cursor)))} x2={px(sx(fx(cursor)))} y1={px(TOP)} y2={px(height - BOTTOM)} />
            }
            <line class="axis" x1={px(left)} x2={px(width - right)} y1={px(height - BOTTOM)} y2={px(height - BOTTOM)} />
            <text class="name" x={px((width - right).max(wide(&props.x) + 16.0))} y={px(height - 3.0)} text-anchor="end">{ format!("{} →", props.x) }</text>
            <text class="name" x="2" y={px(TOP - 4.0)}>{ props.y.clone() }</text>
        </svg>
    }
}

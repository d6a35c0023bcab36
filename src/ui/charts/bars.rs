//! Bars over an index: spectra, terms of a score. One bar is selected; blocks are bracketed, a tail can be shaded.

use std::ops::Range;

use yew::prelude::*;

use super::{Sheet, apart, px, ticks, use_room, wide};
use crate::ui::app::use_speech;
use crate::ui::words::format::three;
use crate::ui::words::pictures::OnStage;

/// One bar.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Bar {
    /// Its height.
    pub value: f64,
    /// A second value drawn as a line across the bar: a control, a target.
    pub mark: Option<f64>,
}

/// Properties of [`Bars`].
#[derive(Properties, PartialEq)]
pub struct BarsProps {
    /// What a screen reader says of the picture.
    pub label: AttrValue,
    /// The bars, from left to right.
    pub bars: Vec<Bar>,
    /// A logarithmic axis; only for values that are all positive.
    #[prop_or_default]
    pub log: bool,
    /// The selected bar.
    #[prop_or_default]
    pub selected: Option<usize>,
    /// Ranges of bars that belong together.
    #[prop_or_default]
    pub blocks: Vec<Range<usize>>,
    /// Bars from here on are null.
    #[prop_or_default]
    pub null_from: Option<usize>,
    /// Values that the axis reaches at least, so that charts beside each other share it.
    #[prop_or_default]
    pub reach: Vec<f64>,
    /// Values of another picture out of which the bars grow; without them they grow out of nothing.
    #[prop_or_default]
    pub from: Vec<f64>,
    /// Name of the horizontal axis.
    #[prop_or(AttrValue::Static("k"))]
    pub x: AttrValue,
    /// Name of the vertical axis.
    #[prop_or(AttrValue::Static("σ"))]
    pub y: AttrValue,
    /// Called with the bar the reader picks.
    #[prop_or_default]
    pub on_select: Option<Callback<usize>>,
}

const WIDTH: f64 = 440.0;
const TOP: f64 = 20.0;
const BOTTOM: f64 = 38.0;

/// A bar chart.
#[component]
pub fn Bars(props: &BarsProps) -> Html {
    let speech = use_speech();
    let (frame, room) = use_room();
    let sheet = Sheet::new(room, WIDTH, |width| (0.43 * width).clamp(150.0, 260.0));
    let Sheet { width, height, .. } = sheet;
    let n = props.bars.len().max(1) as f64;
    let all = || {
        let bars = props.bars.iter().flat_map(|b| [Some(b.value), b.mark]).flatten();
        bars.chain(props.reach.iter().copied()).filter(|v| v.is_finite())
    };
    let max = all().fold(0.0, f64::max);
    let smallest = all().filter(|v| *v > 0.0).fold(f64::INFINITY, f64::min);
    let log = props.log && smallest.is_finite();
    let min =
        if log { smallest.max(max * 1e-9).log10().floor() } else { all().fold(0.0, f64::min) };
    let top = if log {
        max.log10().ceil().max(min + 1.0)
    } else if max > min {
        max
    } else {
        min + 1.0
    };
    let scaled = move |v: f64| if log { v.max(10f64.powf(min)).log10() } else { v };
    let plot = height - TOP - BOTTOM;
    let y_of = move |v: f64| TOP + plot * (1.0 - (scaled(v) - min) / (top - min)).clamp(0.0, 1.0);
    let zero = if log { height - BOTTOM } else { y_of(0.0) };
    let marks: Vec<(f64, String)> = if log {
        ticks(min, top, 4)
            .into_iter()
            .filter(|t| t.fract() == 0.0)
            .map(|t| (10f64.powf(t), format!("1e{t}")))
            .collect()
    } else {
        ticks(min, top, 4).into_iter().map(|t| (t, three(t))).collect()
    };
    let left = marks.iter().map(|(_, text)| wide(text) + 8.0).fold(26.0, f64::max);
    let step = (width - left - 6.0) / n;
    let middle = |t: f64| left + step * (t + 0.5);
    let below = ticks(0.0, n - 1.0, 6).into_iter().filter(|t| t.fract() == 0.0);
    let below = apart(below.map(|t| (middle(t), t.to_string())));
    let select = |i: usize| {
        props
            .on_select
            .clone()
            .map(|on_select| Callback::from(move |_: MouseEvent| on_select.emit(i)))
    };
    let gap = if step > 4.0 { 1.5 } else { 0.3 };
    html! {
        <svg ref={frame} class="chart bars" viewBox={sheet.view_box()} style={sheet.style()} role="img" aria-label={props.label.clone()}>
            if let Some(from) = props.null_from {
                <rect class="null-region" x={px(left + step * from as f64)} y={px(TOP)}
                    width={px(step * (n - from as f64))} height={px(plot)} />
                <text class="note" x={px(sheet.within(left + step * (from as f64 + n) / 2.0, "null"))} y={px(TOP + 12.0)} text-anchor="middle">{ "null" }</text>
            }
            { for marks.iter().map(|(value, text)| html! {
                <g>
                    <line class="grid" x1={px(left)} x2={px(width)} y1={px(y_of(*value))} y2={px(y_of(*value))} />
                    <text class="tick" x={px(left - 5.0)} y={px(y_of(*value) + 3.5)} text-anchor="end">{ text }</text>
                </g>
            }) }
            { for props.bars.iter().enumerate().map(|(i, bar)| {
                let x = left + step * i as f64;
                let y = y_of(bar.value);
                let drawn = (y - zero).abs().max(0.6);
                let from = props.from.get(i).map(|value| (zero - y_of(*value)) / drawn.copysign(bar.value));
                let class = classes!("bar", (props.selected == Some(i)).then_some("selected"), (bar.value < 0.0).then_some("negative"));
                html! {
                    <g onclick={select(i)} key={i}>
                        <title>{ format!("{} = {i}: {} {}", props.x, props.y, three(bar.value)) }</title>
                        <rect class="hit" x={px(x)} y={px(TOP)} width={px(step)} height={px(plot)} />
                        <rect {class} x={px(x + gap / 2.0)} y={px(y.min(zero))} width={px((step - gap).max(0.5))}
                            height={px(drawn)} style={from.map(|from| format!("--from: {from:.3}"))} />
                        if let Some(mark) = bar.mark {
                            <line class="mark" x1={px(x)} x2={px(x + step)} y1={px(y_of(mark))} y2={px(y_of(mark))} />
                        }
                    </g>
                }
            }) }
            { for props.blocks.iter().filter(|b| b.len() > 1).map(|block| {
                let (a, b) = (left + step * block.start as f64 + 1.0, left + step * block.end as f64 - 1.0);
                let y = height - BOTTOM + 3.0;
                html! {
                    <path class="bracket" d={format!("M{a:.1} {y:.1}v4H{b:.1}v-4")}>
                        <title lang={speech.own()}>{ speech.fill(OnStage::BlockOf, &[&block.start.to_string(), &(block.end - 1).to_string()]) }</title>
                    </path>
                }
            }) }
            <line class="axis" x1={px(left)} x2={px(width)} y1={px(zero)} y2={px(zero)} />
            { for below.into_iter().map(|(x, text)| html! {
                <text class="tick" x={px(x)} y={px(height - BOTTOM + 19.0)} text-anchor="middle">{ text }</text>
            }) }
            <text class="name" x={px(width - 4.0)} y={px(height - 3.0)} text-anchor="end">{ format!("{} →", props.x) }</text>
            <text class="name" x="2" y={px(TOP - 10.0)}>{ props.y.clone() }</text>
        </svg>
    }
}

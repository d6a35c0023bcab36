//! What chance gives, drawn as a curve, and where the observed value lies on it.

use yew::prelude::*;

use super::{Sheet, apart, px, ticks, use_room, wide};
use crate::ui::words::format::three;

/// Properties of [`Density`].
#[derive(Properties, PartialEq)]
pub struct DensityProps {
    /// What a screen reader says of the picture.
    pub label: AttrValue,
    /// Mean of the null.
    pub mean: f64,
    /// Standard deviation of the null.
    pub sd: f64,
    /// The draws themselves, where there are some: ticks under the curve.
    #[prop_or_default]
    pub draws: Vec<f64>,
    /// The observed value.
    pub observed: f64,
    /// What the observed value is called.
    pub name: AttrValue,
}

const WIDTH: f64 = 360.0;
const HEIGHT: f64 = 92.0;
/// Room under the axis for its numbers.
const BELOW: f64 = 30.0;
/// Room over the curve for its name.
const ABOVE: f64 = 18.0;

/// A null distribution with the observed value on it.
#[component]
pub fn Density(props: &DensityProps) -> Html {
    let (frame, room) = use_room();
    let sheet = Sheet::new(room, WIDTH, |_| HEIGHT).at_most(560.0);
    // Where there is more room the curve is as high as it.
    let (width, base) = (sheet.width, (sheet.height - BELOW).max(2.0 * ABOVE));
    let sd = props.sd.max(1e-12);
    let low = (props.mean - 4.0 * sd).min(props.observed - sd);
    let high = (props.mean + 4.0 * sd).max(props.observed + sd);
    let sx = move |x: f64| 8.0 + (width - 16.0) * (x - low) / (high - low);
    let curve: Vec<String> = (0..=80)
        .map(|i| {
            let z = -4.0 + 0.1 * f64::from(i);
            format!(
                "{:.1} {:.1}",
                sx(props.mean + z * sd),
                base - (base - ABOVE) * (-0.5 * z * z).exp()
            )
        })
        .collect();
    let z = (props.observed - props.mean) / sd;
    let said = format!("{} {} ({} σ)", props.name, three(props.observed), three(z));
    let at = (sx(props.observed) + 7.0).min(width - wide(&said)).max(2.0);
    let below = apart(ticks(low, high, 5).into_iter().map(|t| (sx(t), three(t))));
    html! {
        <svg ref={frame} class="chart density" viewBox={sheet.view_box()} style={sheet.style()} role="img" aria-label={props.label.clone()}>
            <path class="null-curve" d={format!("M{}Z", curve.join("L"))} />
            { for props.draws.iter().map(|d| html! { <line class="draw" x1={px(sx(*d))} x2={px(sx(*d))} y1={px(base)} y2={px(base + 5.0)} /> }) }
            <line class="axis" x1="8" x2={px(width - 8.0)} y1={px(base)} y2={px(base)} />
            { for below.into_iter().map(|(x, text)| html! {
                <text class="tick" x={px(sheet.within(x, &text))} y={px(base + 18.0)} text-anchor="middle">{ text }</text>
            }) }
            <text class="note" x={px(sheet.within(sx(props.mean), "chance"))} y="12" text-anchor="middle">{ "chance" }</text>
            <line class="observed" x1={px(sx(props.observed))} x2={px(sx(props.observed))} y1="36" y2={px(base)} />
            <circle class="observed" cx={px(sx(props.observed))} cy={px(base)} r="4" />
            <text class="name" x={px(at)} y="30">{ said }</text>
        </svg>
    }
}

//! Arrows from the origin of a space of three dimensions, turned by dragging, arrow keys or sliders.

use web_sys::{Element, PointerEvent};
use yew::prelude::*;

use super::{Sheet, px, use_room};
use crate::math::order::sort_by;
use crate::ui::app::use_speech;
use crate::ui::labels::beside;
use crate::ui::widgets::select::Slider;
use crate::ui::words::pictures::OnStage;

/// One arrow.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Arrow {
    /// Its end.
    pub at: [f64; 3],
    /// What it is; shown on hover, and beside it where `shown`.
    pub name: String,
    /// Which of six colours.
    pub group: usize,
    /// Whether the name is written beside it.
    pub shown: bool,
}

/// Properties of [`Space`].
#[derive(Properties, PartialEq)]
pub struct SpaceProps {
    /// What a screen reader says of the picture.
    pub label: AttrValue,
    /// The same of the picture as something to turn.
    pub turns: AttrValue,
    /// The arrows.
    pub arrows: Vec<Arrow>,
    /// Degrees of turn and tilt.
    pub turned: (f64, f64),
    /// Called with others, once a drag has ended: not for every pixel.
    pub on_turn: Callback<(f64, f64)>,
}

const SIDE: f64 = 320.0;
/// Size of the names.
const LETTERS: f64 = 12.0;
/// Degrees that an arrow key turns.
const KEY: f64 = 10.0;
/// Degrees that a pixel of dragging turns.
const DRAG: f64 = 0.6;

/// Arrows in space; turn and tilt of 0 show the first two directions alone.
#[component]
pub fn Space(props: &SpaceProps) -> Html {
    let speech = use_speech();
    let (frame, room) = use_room();
    let sheet = Sheet::new(room, SIDE, |width| width.min(390.0));
    let side = sheet.width.min(sheet.height);
    let dragged = use_state(|| None::<(f64, f64)>);
    let grabbed = use_mut_ref(|| None::<(f64, f64)>);
    let (turn, tilt) = dragged.unwrap_or(props.turned);
    let within =
        |turn: f64, tilt: f64| ((turn + 180.0).rem_euclid(360.0) - 180.0, tilt.clamp(-90.0, 90.0));
    let turned = {
        let on_turn = props.on_turn.clone();
        move |turn: f64, tilt: f64| on_turn.emit(within(turn.round(), tilt.round()))
    };
    let longest = props
        .arrows
        .iter()
        .map(|a| a.at.map(|x| x * x).iter().sum::<f64>().sqrt())
        .fold(1e-9, f64::max);
    // The frame of reference changes in steps, so that a growing arrow is seen to grow.
    let reach = (0.5 * (2.0 * longest.log2()).ceil()).exp2();
    let scale = 0.44 * side / reach;
    let (across, down) = (sheet.width / 2.0, sheet.height / 2.0);
    let project = |[x, y, z]: [f64; 3]| {
        let ((st, ct), (sp, cp)) = (turn.to_radians().sin_cos(), tilt.to_radians().sin_cos());
        let (x, z) = (ct * x + st * z, ct * z - st * x);
        let (y, depth) = (cp * y - sp * z, sp * y + cp * z);
        (across + scale * x, down - scale * y, depth)
    };
    let mut drawn: Vec<(&Arrow, (f64, f64, f64))> =
        props.arrows.iter().map(|a| (a, project(a.at))).collect();
    sort_by(&mut drawn, |a, b| a.1.2.total_cmp(&b.1.2));
    let on_down = {
        let grabbed = grabbed.clone();
        Callback::from(move |event: PointerEvent| {
            if let Some(target) = event.target_dyn_into::<Element>() {
                // Without capture the drag ends at the edge.
                let _ = target.set_pointer_capture(event.pointer_id());
            }
            *grabbed.borrow_mut() =
                Some((f64::from(event.client_x()), f64::from(event.client_y())));
        })
    };
    let on_move = {
        let (grabbed, dragged) = (grabbed.clone(), dragged.clone());
        Callback::from(move |event: PointerEvent| {
            let at = (f64::from(event.client_x()), f64::from(event.client_y()));
            let mut grabbed = grabbed.borrow_mut();
            if let Some(from) = *grabbed {
                *grabbed = Some(at);
                let by = (DRAG * (at.0 - from.0), DRAG * (at.1 - from.1));
                dragged.set(Some(within(turn + by.0, tilt + by.1)));
            }
        })
    };
    let on_up = {
        let turned = turned.clone();
        Callback::from(move |_: PointerEvent| {
            *grabbed.borrow_mut() = None;
            if dragged.is_some() {
                dragged.set(None);
                turned(turn, tilt);
            }
        })
    };
    let on_key = {
        let turned = turned.clone();
        Callback::from(move |event: KeyboardEvent| {
            let (dx, dy) = match event.key().as_str() {
                "ArrowLeft" => (-KEY, 0.0),
                "ArrowRight" => (KEY, 0.0),
                "ArrowUp" => (0.0, -KEY),
                "ArrowDown" => (0.0, KEY),
                _ => return,
            };
            event.prevent_default();
            turned(turn + dx, tilt + dy);
        })
    };
    let on_turn = {
        let turned = turned.clone();
        Callback::from(move |t: f64| turned(t, tilt))
    };
    let on_tilt = {
        let turned = turned.clone();
        Callback::from(move |t: f64| turned(turn, t))
    };
    let flat = Callback::from(move |_: MouseEvent| turned(0.0, 0.0));
    // An angle of nothing has no sign.
    let whole = |angle: f64| format!("{:.0}°", angle.round() + 0.0);
    let axes = [[reach, 0.0, 0.0], [0.0, reach, 0.0], [0.0, 0.0, reach]];
    let ends = axes.iter().zip(["1", "2", "3"]).map(|(axis, name)| {
        let (x, y, _) = project(*axis);
        (x, y, name)
    });
    let shown = drawn.iter().filter(|(arrow, _)| arrow.shown);
    let tips = shown.map(|(arrow, (x, y, _))| (*x, *y, arrow.name.as_str()));
    let places =
        beside(&tips.chain(ends).collect::<Vec<_>>(), LETTERS, [sheet.width, sheet.height]);
    let of_axes = places[places.len() - axes.len()..].to_vec();
    let mut places = places.into_iter();
    html! {
        <div class="space">
            <div class="space-view" tabindex="0" role="application" aria-label={props.turns.clone()} onkeydown={on_key}>
                <svg ref={frame} class="chart" viewBox={sheet.view_box()} style={sheet.style()} role="img" aria-label={props.label.clone()}
                    onpointerdown={on_down} onpointermove={on_move} onpointerup={on_up.clone()} onpointercancel={on_up}>
                    <rect class="hit" width={px(sheet.width)} height={px(sheet.height)} />
                    { for axes.into_iter().enumerate().map(|(i, axis)| {
                        let ((x0, y0, _), (x1, y1, _)) = (project(axis.map(|a| -a)), project(axis));
                        html! { <g><line class="grid" x1={px(x0)} y1={px(y0)} x2={px(x1)} y2={px(y1)} />
                            <text class="tick" x={px(of_axes[i].0)} y={px(of_axes[i].1)}>{ i + 1 }</text></g> }
                    }) }
                    { for drawn.iter().map(|(arrow, (x, y, depth))| html! {
                        <g class={format!("point s{}", arrow.group % 6)}>
                            <line class="ray" x1={px(across)} y1={px(down)} x2={px(*x)} y2={px(*y)} />
                            <circle cx={px(*x)} cy={px(*y)} r={px((3.4 + 1.4 * depth / reach).max(1.0))}><title>{ arrow.name.clone() }</title></circle>
                            if let Some((x, y)) = arrow.shown.then(|| places.next()).flatten() { <text class="tick" x={px(x)} y={px(y)}>{ arrow.name.clone() }</text> }
                        </g>
                    }) }
                </svg>
            </div>
            <div class="controls" lang={speech.own()}>
                <Slider label={speech.say(OnStage::SpaceTurn)} min={-180.0} max={180.0} step={5.0} value={turn} shown={whole(turn)} on_change={on_turn} />
                <Slider label={speech.say(OnStage::SpaceTilt)} min={-90.0} max={90.0} step={5.0} value={tilt} shown={whole(tilt)} on_change={on_tilt} />
                <button type="button" onclick={flat}>{ speech.say(OnStage::TwoDimensions) }</button>
            </div>
        </div>
    }
}

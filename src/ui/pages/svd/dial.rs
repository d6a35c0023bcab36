//! A plane with curves and arrows, and one direction that the reader turns: by dragging, or with the arrow keys.

use web_sys::{Element, PointerEvent};
use yew::prelude::*;

use crate::ui::app::use_speech;
use crate::ui::charts::{Sheet, px, use_room, wide};
use crate::ui::words::pictures::OnStage;

/// An arrow from the middle.
#[derive(Clone, PartialEq)]
pub(super) struct Line {
    to: [f64; 2],
    class: &'static str,
    name: &'static str,
    dashed: bool,
}

impl Line {
    pub(super) fn vector(to: [f64; 2], class: &'static str, name: &'static str) -> Self {
        Self { to, class, name, dashed: false }
    }

    pub(super) fn dashed(to: [f64; 2], class: &'static str, name: &'static str) -> Self {
        Self { dashed: true, ..Self::vector(to, class, name) }
    }
}

/// Properties of [`Dial`].
#[derive(Properties, PartialEq)]
pub(super) struct DialProps {
    /// What is turned.
    pub(super) label: AttrValue,
    /// Where it points, degrees.
    pub(super) at: f64,
    /// Closed curves, each with its class.
    pub(super) curves: Vec<(Vec<[f64; 2]>, &'static str)>,
    /// Arrows.
    pub(super) lines: Vec<Line>,
    /// What half the side stands for.
    pub(super) reach: f64,
    /// Called with where it points now.
    pub(super) on_turn: Callback<f64>,
}

const SIDE: f64 = 320.0;
/// Degrees that an arrow key turns.
const KEY: f64 = 5.0;

/// The picture.
#[component]
pub(super) fn Dial(props: &DialProps) -> Html {
    let speech = use_speech();
    let (frame, room) = use_room();
    let sheet = Sheet::new(room, SIDE, |width| width);
    let (across, down) = (sheet.width / 2.0, sheet.height / 2.0);
    let held = use_mut_ref(|| false);
    let scale = across.min(down) / props.reach;
    let place = move |[x, y]: [f64; 2]| (across + scale * x, down - scale * y);
    let turn = {
        let (frame, on_turn) = (frame.clone(), props.on_turn.clone());
        move |event: &PointerEvent| {
            let Some(frame) = frame.cast::<Element>() else { return };
            let rect = frame.get_bounding_client_rect();
            let x = f64::from(event.client_x()) - rect.left() - rect.width() / 2.0;
            let y = rect.top() + rect.height() / 2.0 - f64::from(event.client_y());
            if x.hypot(y) > 4.0 {
                on_turn.emit(y.atan2(x).to_degrees().rem_euclid(360.0).round());
            }
        }
    };
    let on_down = {
        let (held, frame, turn) = (held.clone(), frame.clone(), turn.clone());
        Callback::from(move |event: PointerEvent| {
            if let Some(frame) = frame.cast::<Element>() {
                // Without capture the drag ends at the edge.
                let _ = frame.set_pointer_capture(event.pointer_id());
            }
            *held.borrow_mut() = true;
            turn(&event);
        })
    };
    let on_move = {
        let held = held.clone();
        Callback::from(move |event: PointerEvent| {
            if *held.borrow() {
                turn(&event);
            }
        })
    };
    let on_up = Callback::from(move |_: PointerEvent| *held.borrow_mut() = false);
    let on_key = {
        let (at, on_turn) = (props.at, props.on_turn.clone());
        Callback::from(move |event: KeyboardEvent| {
            let by = match event.key().as_str() {
                "ArrowLeft" | "ArrowUp" => KEY,
                "ArrowRight" | "ArrowDown" => -KEY,
                _ => return,
            };
            event.prevent_default();
            on_turn.emit((at + by).rem_euclid(360.0));
        })
    };
    let curve = |(points, class): &(Vec<[f64; 2]>, &'static str)| {
        let point = |(i, p): (usize, &[f64; 2])| {
            let (x, y) = place(*p);
            format!("{}{} {}", if i == 0 { "M" } else { "L" }, px(x), px(y))
        };
        let path: String = points.iter().enumerate().map(point).collect();
        html! { <path class={*class} d={path} /> }
    };
    let line = |line: &Line| {
        let ((x0, y0), (x1, y1)) = (place([0.0, 0.0]), place(line.to));
        let dashed = line.dashed.then_some("dashed");
        html! { <g>
            <line class={classes!("vector", line.class, dashed)} x1={px(x0)} y1={px(y0)} x2={px(x1)} y2={px(y1)} />
            <circle class={classes!("tip", line.class)} cx={px(x1)} cy={px(y1)} r="4" />
            <text class={classes!("line-name", line.class)} x={px((x1 + 6.0).min(sheet.width - wide(line.name) - 6.0))} y={px((y1 - 5.0).max(12.0))}>{ line.name }</text>
        </g> }
    };
    html! {
        <div class="plane" tabindex="0" role="slider" aria-label={props.label.clone()} aria-valuemin="0" aria-valuemax="360"
            aria-valuenow={props.at.to_string()} aria-valuetext={speech.fill(OnStage::Degrees, &[&props.at.to_string()])} onkeydown={on_key}>
            <svg class="chart" ref={frame} viewBox={sheet.view_box()} style={sheet.style()} aria-hidden="true"
                onpointerdown={on_down} onpointermove={on_move} onpointerup={on_up.clone()} onpointercancel={on_up}>
                <line class="grid" x1="0" x2={px(sheet.width)} y1={px(down)} y2={px(down)} />
                <line class="grid" y1="0" y2={px(sheet.height)} x1={px(across)} x2={px(across)} />
                { for props.curves.iter().map(curve) }
                { for props.lines.iter().map(line) }
            </svg>
        </div>
    }
}

//! Two dimensions of Theorem 1: features as arrows, their ellipse, and u₀, which stands on it at a right angle.

use std::rc::Rc;

use web_sys::{Element, PointerEvent};
use yew::prelude::*;

use super::first::stamp;
use crate::protocol::toy::Worked;
use crate::ui::charts::{Figure, Sheet, px, use_room};
use crate::ui::labels::beside;
use crate::ui::widgets::select::{Select, Slider};
use crate::ui::words::format::three;
use crate::ui::words::table::Table;
use crate::ui::words::theorems as words;

/// Properties of [`Plane`].
#[derive(Properties, PartialEq)]
pub(super) struct PlaneProps {
    /// What was worked out, in two dimensions.
    pub(super) worked: Rc<Worked>,
    /// 0 for queries, 1 for keys.
    pub(super) side: usize,
    /// Called when a feature is moved; none for features that stay.
    #[prop_or_default]
    pub(super) on_move: Option<Callback<Moved>>,
}

/// A feature that was moved.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Moved {
    /// Which.
    pub(super) row: usize,
    /// Where to.
    pub(super) to: [f64; 2],
    /// Whether it stays there: false while it is dragged.
    pub(super) settled: bool,
}

const SIDE: f64 = 340.0;
/// What half the side stands for.
const REACH: f64 = 1.7;
/// Size of the names.
const LETTERS: f64 = 13.0;
/// How far an arrow key moves a feature.
const KEY: f64 = 0.05;

/// The picture.
#[component]
pub(super) fn Plane(props: &PlaneProps) -> Html {
    let PlaneProps { worked, side, on_move } = props;
    let side = *side;
    let grabbed = use_mut_ref(|| None::<(usize, [f64; 2])>);
    let chosen = use_state(|| 0_usize);
    let (frame, room) = use_room();
    let sheet = Sheet::new(room, SIDE, |width| width);
    let (across, down) = (sheet.width / 2.0, sheet.height / 2.0);
    let features: Vec<[f64; 2]> = worked.features[side].as_chunks::<2>().0.to_vec();
    let scale = across.min(down) / REACH;
    let to = move |[x, y]: [f64; 2]| (across + scale * x, down - scale * y);
    let at = {
        let frame = frame.clone();
        move |event: &PointerEvent| {
            let rect = frame.cast::<Element>()?.get_bounding_client_rect();
            // The picture is a square in the middle of its frame.
            let half = rect.width().min(rect.height()) / 2.0;
            let part = |at: i32, from: f64, length: f64| {
                REACH * (f64::from(at) - from - length / 2.0) / half
            };
            let rounded = |x: f64| (100.0 * x.clamp(-REACH, REACH)).round() / 100.0;
            Some([
                rounded(part(event.client_x(), rect.left(), rect.width())),
                rounded(-part(event.client_y(), rect.top(), rect.height())),
            ])
        }
    };
    let movable = on_move.is_some();
    let on_pointer = {
        let (grabbed, on_move) = (grabbed.clone(), on_move.clone());
        Callback::from(move |event: PointerEvent| {
            let mut grabbed = grabbed.borrow_mut();
            if let (Some((row, last)), Some(on_move), Some(to)) =
                (&mut *grabbed, &on_move, at(&event))
            {
                *last = to;
                on_move.emit(Moved { row: *row, to, settled: false });
            }
        })
    };
    let on_up = {
        let (grabbed, on_move) = (grabbed.clone(), on_move.clone());
        Callback::from(move |_: PointerEvent| {
            if let (Some((row, to)), Some(on_move)) = (grabbed.borrow_mut().take(), &on_move) {
                on_move.emit(Moved { row, to, settled: true });
            }
        })
    };
    let handle = |row: usize, at: [f64; 2]| {
        let (cx, cy) = to(at);
        let grab = {
            let (grabbed, chosen, frame) = (grabbed.clone(), chosen.clone(), frame.clone());
            Callback::from(move |event: PointerEvent| {
                if let Some(frame) = frame.cast::<Element>() {
                    // Without capture the drag ends at the edge.
                    let _ = frame.set_pointer_capture(event.pointer_id());
                }
                *grabbed.borrow_mut() = Some((row, at));
                chosen.set(row);
            })
        };
        html! { <circle class="handle" cx={px(cx)} cy={px(cy)} r="14" onpointerdown={grab} /> }
    };
    let row = (*chosen).min(features.len().saturating_sub(1));
    let shift = {
        let on_move = on_move.clone();
        move |to: [f64; 2]| {
            if let Some(on_move) = &on_move {
                on_move.emit(Moved { row, to, settled: true });
            }
        }
    };
    let now = features.get(row).copied().unwrap_or_default();
    let on_key = {
        let shift = shift.clone();
        Callback::from(move |event: KeyboardEvent| {
            let (dx, dy) = match event.key().as_str() {
                "ArrowLeft" => (-KEY, 0.0),
                "ArrowRight" => (KEY, 0.0),
                "ArrowUp" => (0.0, KEY),
                "ArrowDown" => (0.0, -KEY),
                _ => return,
            };
            event.prevent_default();
            shift([now[0] + dx, now[1] + dy]);
        })
    };
    let (letter, vector) = [("x", "u₀"), ("y", "v₀")][side];
    let caption = if side == 0 { words::QUERY_SIDE_STANDS_RIGHT } else { words::KEY_SIDE_SAME };
    let name = |i: usize| format!("{letter}{i}");
    // A feature that points nowhere has no singular vector: its arrows are drawn without length.
    let along = |v: &[f64], i: usize| v.get(i).copied().filter(|x| x.is_finite()).unwrap_or(0.0);
    let tip = |v: &[f64]| [0, 1].map(|i| 1.35 * along(v, i));
    let (own, unwhitened) = (tip(&worked.vectors[side]), tip(&worked.unwhitened[side]));
    // The vectors' names first: they are what the picture is about.
    let named: Vec<([f64; 2], String)> =
        [(own, vector.to_owned()), (unwhitened, format!("Σ{vector}"))]
            .into_iter()
            .chain(features.iter().enumerate().map(|(i, at)| (*at, name(i))))
            .collect();
    let tips: Vec<(f64, f64, &str)> =
        named.iter().map(|(at, name)| (to(*at).0, to(*at).1, name.as_str())).collect();
    let places = beside(&tips, LETTERS, [sheet.width, sheet.height]);
    let text = |i: usize, class: &'static str| {
        let (x, y) = places[i];
        html! { <text {class} x={px(x)} y={px(y)}>{ named[i].1.clone() }</text> }
    };
    let line = |end: [f64; 2], class: String| {
        let ((x0, y0), (x1, y1)) = (to([0.0, 0.0]), to(end));
        html! { <line class={format!("vector {class}")} x1={px(x0)} y1={px(y0)} x2={px(x1)} y2={px(y1)} /> }
    };
    let colour = ["s0", "s2"][side];
    let table = {
        let features = features.clone();
        Callback::from(move |()| {
            features.iter().enumerate().fold(Table::new(["feature", "1", "2"]), |t, (i, f)| {
                t.row([format!("{letter}{i}").into(), f[0].into(), f[1].into()])
            })
        })
    };
    let slide = |axis: usize| {
        let shift = shift.clone();
        Callback::from(move |x: f64| {
            let mut to = now;
            to[axis] = x;
            shift(to);
        })
    };
    let choose = {
        let chosen = chosen.clone();
        Callback::from(move |i: String| chosen.set(i.parse().unwrap_or(0)))
    };
    let options =
        (0..features.len()).map(|i| (i.to_string().into(), format!("{letter}{i}").into()));
    let focusable = movable.then_some("0");
    html! {
        <div>
            <Figure name={format!("theorem-1-{letter}")} {table} convention={stamp(&worked.bench)} caption={html! { { caption } }}>
                <div class="plane" tabindex={focusable} role={focusable.map(|_| "application")} onkeydown={on_key}
                    aria-label={focusable.map(|_| words::query_features_arrow_keys(&letter, &row))}>
                    <svg class="chart" ref={frame.clone()} viewBox={sheet.view_box()} style={sheet.style()} role="img" aria-label={caption}
                        onpointermove={on_pointer} onpointerup={on_up.clone()} onpointercancel={on_up}>
                        <line class="grid" x1="0" x2={px(sheet.width)} y1={px(down)} y2={px(down)} />
                        <line class="grid" y1="0" y2={px(sheet.height)} x1={px(across)} x2={px(across)} />
                        if let Some(path) = ellipse(&features, to) { <path class="ellipse" d={path} /> }
                        { for features.iter().enumerate().map(|(i, at)| {
                            let ((x0, y0), (x, y)) = (to([0.0, 0.0]), to(*at));
                            html! { <g class={if i == 0 { "point s1" } else { "point s5" }}>
                                <line class="ray" x1={px(x0)} y1={px(y0)} x2={px(x)} y2={px(y)} />
                                <circle cx={px(x)} cy={px(y)} r="4.5"><title>{ name(i) }</title></circle>
                                { text(i + 2, "tick") }
                            </g> }
                        }) }
                        { line(own, colour.to_owned()) }
                        { line(unwhitened, format!("{colour} dashed")) }
                        { text(0, ["line-name s0", "line-name s2"][side]) }
                        { text(1, ["line-name s0", "line-name s2"][side]) }
                        if movable { { for features.iter().enumerate().map(|(i, at)| handle(i, *at)) } }
                    </svg>
                </div>
            </Figure>
            if movable {
                <div class="controls">
                    <Select label="move" options={options.collect::<Vec<_>>()} value={row.to_string()} on_change={choose} />
                    <Slider label="1" min={-REACH} max={REACH} step={0.05} value={now[0]} shown={three(now[0])} on_change={slide(0)} />
                    <Slider label="2" min={-REACH} max={REACH} step={0.05} value={now[1]} shown={three(now[1])} on_change={slide(1)} />
                </div>
            }
        </div>
    }
}

/// The ellipse `zᵀ Σ⁻¹ z = x₀ᵀ Σ⁻¹ x₀`, whose normal at x₀ is `Σ⁻¹ x₀`; none when Σ is singular.
fn ellipse(features: &[[f64; 2]], to: impl Fn([f64; 2]) -> (f64, f64)) -> Option<String> {
    let sum = |f: fn(&[f64; 2]) -> f64| features.iter().map(f).sum::<f64>();
    let (a, b, c) = (sum(|v| v[0] * v[0]), sum(|v| v[0] * v[1]), sum(|v| v[1] * v[1]));
    let det = a * c - b * b;
    let [x, y] = *features.first()?;
    if det <= 1e-9 * (a + c) * (a + c) {
        return None;
    }
    let radius = ((c * x * x - 2.0 * b * x * y + a * y * y) / det).sqrt();
    // The square root of a symmetric 2 × 2 matrix: (Σ + √det I) / √(tr + 2 √det).
    let (root, over) = (det.sqrt(), (a + c + 2.0 * det.sqrt()).sqrt());
    let points: Vec<String> = (0..=72)
        .map(|i| {
            let (s, c0) = (f64::from(i) * 5.0).to_radians().sin_cos();
            let (x, y) = to([
                radius * ((a + root) * c0 + b * s) / over,
                radius * (b * c0 + (c + root) * s) / over,
            ]);
            format!("{x:.1} {y:.1}")
        })
        .collect();
    Some(format!("M{}", points.join("L")))
}

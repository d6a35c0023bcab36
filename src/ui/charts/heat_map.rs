//! A heat map: one picture element for the cells, SVG for axes, selection and hits, so that every export has it whole.

use std::rc::Rc;

use wasm_bindgen::{Clamped, JsCast};
use web_sys::{CanvasRenderingContext2d, Element, HtmlCanvasElement, ImageData};
use yew::prelude::*;

use crate::ui::app::use_dark;
use crate::ui::palette::Scale;
use crate::ui::words::format::three;

/// Properties of [`HeatMap`].
#[derive(Properties, PartialEq)]
pub struct HeatMapProps {
    /// What a screen reader says of the picture.
    pub label: AttrValue,
    /// The values, row-major; NaN cells are drawn as missing.
    pub values: Rc<Vec<f32>>,
    /// Columns; rows follow.
    pub n_cols: usize,
    /// What the colours mean.
    pub scale: Scale,
    /// Names of the rows; empty for plain numbers.
    #[prop_or_default]
    pub rows: Rc<Vec<String>>,
    /// Names of the columns; empty for plain numbers.
    #[prop_or_default]
    pub cols: Rc<Vec<String>>,
    /// Name of the vertical axis.
    #[prop_or_default]
    pub y: AttrValue,
    /// Name of the horizontal axis.
    #[prop_or_default]
    pub x: AttrValue,
    /// The selected cell, row and column.
    #[prop_or_default]
    pub selected: Option<(usize, usize)>,
    /// Called with the cell the reader picks.
    #[prop_or_default]
    pub on_select: Option<Callback<(usize, usize)>>,
    /// Called with a cell that is clicked, or selected when Enter or Space is pressed.
    #[prop_or_default]
    pub on_press: Option<Callback<(usize, usize)>>,
}

const SIDE: f64 = 400.0;
const LEFT: f64 = 64.0;
const TOP: f64 = 58.0;

/// A matrix as coloured cells; arrow keys move the selection.
#[component]
pub fn HeatMap(props: &HeatMapProps) -> Html {
    let dark = use_dark();
    let n_cols = props.n_cols.max(1);
    let n_rows = (props.values.len() / n_cols).max(1);
    let hover = use_state(|| None::<(usize, usize)>);
    let frame = use_node_ref();
    let image = use_memo(
        (props.values.clone(), n_cols, props.scale, dark),
        |(values, n_cols, scale, dark)| picture(values, *n_cols, *scale, *dark).unwrap_or_default(),
    );
    let cell = (SIDE / n_cols as f64).min(SIDE / n_rows as f64).min(26.0);
    let (width, height) = (cell * n_cols as f64, cell * n_rows as f64);
    let at = {
        let frame = frame.clone();
        move |event: &MouseEvent| {
            let rect = frame.cast::<Element>()?.get_bounding_client_rect();
            let column = (f64::from(event.client_x()) - rect.left()) / rect.width() * n_cols as f64;
            let row = (f64::from(event.client_y()) - rect.top()) / rect.height() * n_rows as f64;
            let inside =
                column >= 0.0 && row >= 0.0 && column < n_cols as f64 && row < n_rows as f64;
            inside.then_some((row as usize, column as usize))
        }
    };
    let on_move = {
        let (hover, at) = (hover.clone(), at.clone());
        Callback::from(move |event: MouseEvent| hover.set(at(&event)))
    };
    let on_leave = {
        let hover = hover.clone();
        Callback::from(move |_: MouseEvent| hover.set(None))
    };
    let on_click = {
        let (on_select, on_press) = (props.on_select.clone(), props.on_press.clone());
        Callback::from(move |event: MouseEvent| {
            let Some(cell) = at(&event) else { return };
            for callback in [&on_select, &on_press].into_iter().flatten() {
                callback.emit(cell);
            }
        })
    };
    let on_key = {
        let (on_select, selected) = (props.on_select.clone(), props.selected.unwrap_or((0, 0)));
        let on_press = props.on_press.clone();
        Callback::from(move |event: KeyboardEvent| {
            let (row, col) = selected;
            let next = match event.key().as_str() {
                "ArrowUp" => (row.saturating_sub(1), col),
                "ArrowDown" => ((row + 1).min(n_rows - 1), col),
                "ArrowLeft" => (row, col.saturating_sub(1)),
                "ArrowRight" => (row, (col + 1).min(n_cols - 1)),
                "Enter" | " " if on_press.is_some() => {
                    event.prevent_default();
                    on_press.iter().for_each(|on_press| on_press.emit(selected));
                    return;
                }
                _ => return,
            };
            event.prevent_default();
            if let Some(on_select) = &on_select {
                on_select.emit(next);
            }
        })
    };
    let name = |names: &[String], i: usize| names.get(i).cloned().unwrap_or_else(|| i.to_string());
    let spoken = (*hover).or(props.selected).map(|(r, c)| {
        let value = props.values.get(r * n_cols + c).copied().unwrap_or(f32::NAN);
        format!("{} × {}: {}", name(&props.rows, r), name(&props.cols, c), three(f64::from(value)))
    });
    let focusable = props.on_select.is_some().then_some("0");
    let outline = |(r, c): (usize, usize), class: &'static str| {
        html! { <rect {class} x={px(LEFT + cell * c as f64)} y={px(TOP + cell * r as f64)} width={px(cell)} height={px(cell)} /> }
    };
    let labels = cell >= 9.0;
    html! {
        <div class="heat-map" tabindex={focusable} onkeydown={on_key}
            role={focusable.map(|_| "application")} aria-label={focusable.map(|_| format!("{}; arrow keys move the selection", props.label))}>
            <svg class="chart" viewBox={format!("0 0 {:.0} {:.0}", LEFT + width + 4.0, TOP + height + 16.0)} role="img" aria-label={props.label.clone()}
                style={format!("max-width: {:.0}px", 1.6 * (LEFT + width))}
                onmousemove={on_move} onmouseleave={on_leave} onclick={on_click}>
                <image href={(*image).clone()} x={px(LEFT)} y={px(TOP)} width={px(width)} height={px(height)}
                    preserveAspectRatio="none" style="image-rendering: pixelated" />
                <rect ref={frame} class="frame" x={px(LEFT)} y={px(TOP)} width={px(width)} height={px(height)} />
                if labels {
                    { for (0..n_rows).map(|r| html! {
                        <text class="tick" x={px(LEFT - 4.0)} y={px(TOP + cell * (r as f64 + 0.5) + 3.5)} text-anchor="end">{ short(&name(&props.rows, r)) }</text>
                    }) }
                    { for (0..n_cols).map(|c| {
                        let (x, y) = (LEFT + cell * (c as f64 + 0.5), TOP - 4.0);
                        html! { <text class="tick" transform={format!("translate({:.1} {y:.1}) rotate(-60)", x + 3.0)}>{ short(&name(&props.cols, c)) }</text> }
                    }) }
                }
                if let Some(at) = props.selected { { outline(at, "chosen") } }
                if let Some(at) = *hover { { outline(at, "hover") } }
                <text class="name" x="2" y="11">{ props.y.clone() }</text>
                <text class="name" x={px(LEFT + width)} y={px(TOP + height + 12.0)} text-anchor="end">{ props.x.clone() }</text>
            </svg>
            <p class="reading" aria-live="polite">{ spoken.unwrap_or_else(|| "\u{a0}".into()) }</p>
        </div>
    }
}

/// The cells as a PNG of one pixel each.
fn picture(values: &[f32], n_cols: usize, scale: Scale, dark: bool) -> Option<String> {
    let n_rows = values.len() / n_cols;
    if n_rows == 0 {
        return None;
    }
    let mut pixels: Vec<u8> = Vec::with_capacity(4 * n_rows * n_cols);
    let shades = scale.shades(dark);
    for &value in &values[..n_rows * n_cols] {
        pixels.extend(shades(f64::from(value)));
        pixels.push(if value.is_nan() { 0 } else { 255 });
    }
    let document = web_sys::window()?.document()?;
    let canvas: HtmlCanvasElement = document.create_element("canvas").ok()?.dyn_into().ok()?;
    canvas.set_width(n_cols as u32);
    canvas.set_height(n_rows as u32);
    let context: CanvasRenderingContext2d = canvas.get_context("2d").ok()??.dyn_into().ok()?;
    let data = ImageData::new_with_u8_clamped_array(Clamped(&pixels), n_cols as u32).ok()?;
    context.put_image_data(&data, 0.0, 0.0).ok()?;
    canvas.to_data_url().ok()
}

fn short(name: &str) -> String {
    if name.chars().count() > 9 {
        name.chars().take(8).chain(['…']).collect()
    } else {
        name.to_owned()
    }
}

fn px(x: f64) -> String {
    format!("{x:.1}")
}

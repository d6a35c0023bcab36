//! A heat map: one picture element for the cells, SVG for axes, selection and hits, so that every export has it whole.

use std::rc::Rc;

use wasm_bindgen::{Clamped, JsCast};
use web_sys::{CanvasRenderingContext2d, Element, HtmlCanvasElement, ImageData};
use yew::prelude::*;

use super::{Sheet, px, use_room, wide};
use crate::ui::app::use_dark;
use crate::ui::palette::Scale;
use crate::ui::words::format::{short, three};

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

const WIDTH: f64 = 420.0;
/// The widest cell, and the highest map, where the page decides.
const CELL: f64 = 40.0;
const HIGHEST: f64 = 600.0;
/// Letters of a row's or column's name that are shown.
const LETTERS: usize = 9;
/// What a line of text needs.
const LINE: f64 = 14.0;

/// A matrix as coloured cells; arrow keys move the selection.
#[component]
pub fn HeatMap(props: &HeatMapProps) -> Html {
    let dark = use_dark();
    let n_cols = props.n_cols.max(1);
    let n_rows = (props.values.len() / n_cols).max(1);
    let hover = use_state(|| None::<(usize, usize)>);
    let frame = use_node_ref();
    let (picture_ref, room) = use_room();
    let image = use_memo(
        (props.values.clone(), n_cols, props.scale, dark),
        |(values, n_cols, scale, dark)| picture(values, *n_cols, *scale, *dark).unwrap_or_default(),
    );
    // Two pictures take turns, so that one fades while the other comes.
    let turns = use_mut_ref(|| ([image.clone(), Rc::default()], 0));
    let (pictures, now) = {
        let (pictures, now) = &mut *turns.borrow_mut();
        if pictures[*now] != image {
            *now = 1 - *now;
            pictures[*now] = image;
        }
        (pictures.clone(), *now)
    };
    let name = |names: &[String], i: usize| names.get(i).cloned().unwrap_or_else(|| i.to_string());
    let longest = |names: &[String], n: usize| {
        let widths = (0..n).map(|i| wide(&short(&name(names, i), LETTERS)));
        widths.fold(LINE, f64::max)
    };
    let (row_name, col_name) = (longest(&props.rows, n_rows), longest(&props.cols, n_cols));
    // Names of columns lean: they need height, and stick out on the right.
    let (lean, rise) = (0.5 * col_name, 0.87 * col_name);
    let (row_room, top, below) = (row_name + 6.0, LINE + rise + 10.0, LINE + 4.0);
    let words = wide(&props.y).max(wide(&props.x)) + 6.0;
    let around = row_room + lean + 2.0;
    let size = |width: f64| ((width - around) / n_cols as f64).max(0.5);
    let free = |width: f64| size(width).min(HIGHEST / n_rows as f64).min(CELL);
    let natural = |width: f64| top + free(width) * n_rows as f64 + below;
    let sheet = Sheet::new(room, WIDTH, natural);
    let sheet = sheet.at_most((around + free(f64::INFINITY) * n_cols as f64).max(words));
    let cell = size(sheet.width).min(((sheet.height - top - below) / n_rows as f64).max(0.5));
    let (width, height) = (cell * n_cols as f64, cell * n_rows as f64);
    let left = row_room + ((sheet.width - around - width) / 2.0).max(0.0);
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
    let spoken = (*hover).or(props.selected).map(|(r, c)| {
        let value = props.values.get(r * n_cols + c).copied().unwrap_or(f32::NAN);
        format!("{} × {}: {}", name(&props.rows, r), name(&props.cols, c), three(f64::from(value)))
    });
    let focusable = props.on_select.is_some().then_some("0");
    let outline = |(r, c): (usize, usize), class: &'static str| {
        html! { <rect {class} x={px(left + cell * c as f64)} y={px(top + cell * r as f64)} width={px(cell)} height={px(cell)} /> }
    };
    // Where cells are smaller than a line of text, every so many are named.
    let every = (LINE / cell).ceil().max(1.0) as usize;
    html! {
        <div class="heat-map" tabindex={focusable} onkeydown={on_key}
            role={focusable.map(|_| "application")} aria-label={focusable.map(|_| format!("{}; arrow keys move the selection", props.label))}>
            <svg ref={picture_ref} class="chart" viewBox={sheet.view_box()} style={sheet.style()} role="img" aria-label={props.label.clone()}
                onmousemove={on_move} onmouseleave={on_leave} onclick={on_click}>
                { for pictures.iter().enumerate().map(|(i, picture)| html! {
                    <image key={i} class={(i != now).then_some("gone")} href={Some((**picture).clone()).filter(|href| !href.is_empty())} x={px(left)} y={px(top)} width={px(width)} height={px(height)}
                        preserveAspectRatio="none" style="image-rendering: pixelated" />
                }) }
                <rect ref={frame} class="frame" x={px(left)} y={px(top)} width={px(width)} height={px(height)} />
                { for (0..n_rows).step_by(every).map(|r| html! {
                    <text class="tick" x={px(left - 4.0)} y={px(top + cell * (r as f64 + 0.5) + 3.5)} text-anchor="end">{ short(&name(&props.rows, r), LETTERS) }</text>
                }) }
                { for (0..n_cols).step_by(every).map(|c| {
                    let (x, y) = (left + cell * (c as f64 + 0.5), top - 4.0);
                    html! { <text class="tick" transform={format!("translate({:.1} {y:.1}) rotate(-60)", x + 3.0)}>{ short(&name(&props.cols, c), LETTERS) }</text> }
                }) }
                if let Some(at) = props.selected { { outline(at, "chosen") } }
                if let Some(at) = *hover { { outline(at, "hover") } }
                <text class="name" x={px((left - row_room + 2.0).min(sheet.width - wide(&props.y)).max(2.0))} y="12">{ props.y.clone() }</text>
                <text class="name" x={px((left + width).max(wide(&props.x) + 2.0))} y={px(top + height + LINE)} text-anchor="end">{ props.x.clone() }</text>
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
